package io.icefield.access;

import io.icefield.access.Refusal.Thing;
import io.icefield.access.SigningKeyStore.SigningKey;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/// The life of a signing key: published, signing, verifying, gone. A new key is published long before it signs, so that
/// whoever caches our keys knows it by then; the one before it verifies until its last token has died. Every replica
/// does this when it reads the keys, and the store lets only one of them succeed.
public final class SigningKeys {
    /// How long a new key is published before it signs: Trino asks for keys every 15 minutes.
    public static final Duration PUBLISHED_BEFORE = Duration.ofMinutes(20);

    /// Other replicas know of a change by then.
    public static final Duration NOTICED_MAX = Duration.ofMinutes(1);

    private static final Duration AGE = Duration.ofSeconds(10);

    /// Tokens that name unknown keys make us ask the store no oftener than this.
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /// From the beginning of its successor until a key is gone.
    private static final Duration VERIFIES =
            Tokens.LIFETIME_MAX.plus(NOTICED_MAX).plus(Tokens.SKEW).plus(Tokens.SKEW);

    private final SigningKeyStore store;
    private final Duration rotation;
    private final Clock clock;
    private final Kept<List<SigningKey>> keys;

    /// @param rotation after so long a key gets a successor
    public SigningKeys(SigningKeyStore store, Duration rotation, Clock clock) {
        this.store = store;
        this.rotation = rotation;
        this.clock = clock;
        this.keys = new Kept<>(this::read, AGE, NOTICED_MAX, clock);
    }

    /// A key as the platform team sees it.
    public record Shown(String id, State state, Instant createdAt, Instant signsFrom) {}

    /// Where in its life a key is.
    public enum State {
        PUBLISHED,
        SIGNING,
        VERIFYING
    }

    public List<Shown> list(Principal who) {
        Access.checkPlatform(who, "look at signing keys");
        return shown(read());
    }

    /// Gives the newest key a successor; one that is waiting already is that.
    public Shown rotate(Principal who) {
        Access.checkPlatform(who, "rotate signing keys");
        List<SigningKey> known = read();
        SigningKey newest = known.getFirst();
        if (!newest.signsFrom().isAfter(clock.instant())) {
            boolean _ = store.add(generate(clock.instant().plus(PUBLISHED_BEFORE)), Optional.of(newest.id()));
        }
        keys.forget();
        return shown(read()).getFirst();
    }

    /// A key that others may know verifies nothing any more; the tokens that it signed are void.
    public void revoke(Principal who, String id) {
        Access.checkPlatform(who, "revoke signing keys");
        if (!store.remove(id)) {
            throw new Refusal.NotFound(Thing.SIGNING_KEY, id);
        }
        keys.forget();
    }

    /// Makes the first key where there is none. Throws `SealingKeys.Unfit` where there are some and none of them opens:
    /// a new one would be believed here, and hide that the wrong sealing key is there.
    public void begin() {
        List<SigningKey> known = read();
        if (known.stream().noneMatch(key -> key.privateKey().isPresent())) {
            throw new SealingKeys.Unfit(
                    "the keys that sign tokens (%s) do not open under this server's sealing keys: the server needs the one that they were sealed under, %s; the log names it"
                            .formatted(
                                    known.stream().map(SigningKey::id).collect(Collectors.joining(", ")),
                                    SealingKeys.HOW));
        }
    }

    /// All keys that verify, newest first; never none.
    public List<SigningKey> verifying() {
        return keys.get();
    }

    /// The same for one who misses a key.
    public List<SigningKey> verifyingNow() {
        return keys.youngerThan(PAUSE);
    }

    /// The key to sign with.
    public SigningKey signing() {
        return signing(keys.get());
    }

    private SigningKey signing(List<SigningKey> known) {
        Instant now = clock.instant();
        List<SigningKey> ours =
                known.stream().filter(key -> key.privateKey().isPresent()).toList();
        return ours.stream()
                .filter(key -> !key.signsFrom().isAfter(now))
                .findFirst()
                // The one that signed was revoked: the next one's turn comes early.
                .or(() -> ours.stream().min(Comparator.comparing(SigningKey::signsFrom)))
                .orElseThrow(
                        () -> new Refusal.Unavailable(
                                "no token can be issued: none of this server's sealing keys opens a signing key, which the platform team mends"));
    }

    private List<Shown> shown(List<SigningKey> known) {
        SigningKey signing = signing(known);
        return known.stream()
                .map(key -> new Shown(
                        key.id(),
                        key.id().equals(signing.id())
                                ? State.SIGNING
                                : key.signsFrom().isAfter(signing.signsFrom()) ? State.PUBLISHED : State.VERIFYING,
                        key.createdAt(),
                        key.signsFrom()))
                .toList();
    }

    private List<SigningKey> read() {
        Instant now = clock.instant();
        List<SigningKey> stored = store.keys();
        if (stored.isEmpty()) {
            boolean _ = store.add(generate(now), Optional.empty());
            stored = store.keys();
        }
        SigningKey newest = stored.getFirst();
        if (newest.privateKey().isPresent() && newest.signsFrom().plus(rotation).isBefore(now)) {
            boolean _ = store.add(generate(now.plus(PUBLISHED_BEFORE)), Optional.of(newest.id()));
            stored = store.keys();
        }
        for (int i = 1; i < stored.size(); i++) {
            if (stored.get(i - 1).signsFrom().plus(VERIFIES).isBefore(now)) {
                boolean _ = store.remove(stored.get(i).id());
            }
        }
        return List.copyOf(stored);
    }

    private SigningKey generate(Instant signsFrom) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair pair = generator.generateKeyPair();
            return new SigningKey(
                    UUID.randomUUID().toString(),
                    Optional.of(pair.getPrivate().getEncoded()),
                    pair.getPublic().getEncoded(),
                    clock.instant().truncatedTo(ChronoUnit.MICROS),
                    signsFrom.truncatedTo(ChronoUnit.MICROS));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
