package io.icefield.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.PrincipalStore.Secret;
import io.icefield.access.PrincipalStore.Stored;
import io.icefield.access.Refusal.Thing;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Who there is: the platform team adds users, jobs and engines; each proves itself with a secret that is shown once.
public final class Principals {
    private static final int SECRET_BYTES = 32;
    private static final Duration LIFETIME_MAX = Duration.ofDays(3650);

    /// So long may secrets go on that were replaced.
    public static final Duration OVERLAP_MAX = Duration.ofDays(30);

    private final PrincipalStore store;
    private final List<Issuer> issuers;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    /// @param issuers whose names are not ours to give
    public Principals(PrincipalStore store, List<Issuer> issuers, Clock clock) {
        this.store = store;
        this.issuers = List.copyOf(issuers);
        this.clock = clock;
    }

    /// A principal and, this once, its secret.
    public record Created(Principal principal, String secret, Optional<Instant> expiresAt) {
        @Override
        public String toString() {
            return "Created[%s]".formatted(principal);
        }
    }

    /// How a secret is replaced.
    ///
    /// @param overlap how long the ones before stay good; zero: they and their tokens are refused at once
    /// @param lifetime of the new one; empty: without end
    public record Rotation(Duration overlap, Optional<Duration> lifetime) {
        public static final Rotation AT_ONCE = new Rotation(Duration.ZERO, Optional.empty());

        public Rotation {
            if (overlap.isNegative() || overlap.compareTo(OVERLAP_MAX) > 0) {
                throw new IllegalArgumentException("`overlap` is a time of at most " + OVERLAP_MAX);
            }
            if (lifetime.filter(time -> !time.isPositive() || time.compareTo(LIFETIME_MAX) > 0)
                    .isPresent()) {
                throw new IllegalArgumentException("`lifetime` is a time of at most " + LIFETIME_MAX);
            }
        }
    }

    /// Throws `IllegalStateException`, for the operator, if a principal of ours has a name that an issuer gives.
    public void checkIssuers() {
        issuers.stream()
                .filter(each -> store.anyNamed(each.prefix()))
                .findFirst()
                .ifPresent(each -> {
                    throw new IllegalStateException(
                            "a principal has a name that begins with `%s`, the prefix of the issuer %s: give the issuer another one"
                                    .formatted(each.prefix(), each.name()));
                });
    }

    public Created create(Principal who, Principal wanted) {
        Trail.current().about("", wanted.name());
        Access.checkPlatform(who, "create principals");
        issuers.stream()
                .filter(each -> wanted.name().startsWith(each.prefix()))
                .findFirst()
                .ifPresent(each -> {
                    throw new Refusal.Invalid("names that begin with `%s` are those of users of %s: take another"
                            .formatted(each.prefix(), each.name()));
                });
        String secret = newSecret();
        if (!store.add(wanted, hash(secret))) {
            throw new Refusal.AlreadyExists(Thing.PRINCIPAL, wanted.name());
        }
        return new Created(wanted, secret, Optional.empty());
    }

    /// Added with this secret if nobody of that name is there: the first start's admin.
    public void bootstrap(Principal principal, String secret) {
        boolean _ = store.add(principal, hash(secret));
    }

    /// The same with a secret that nobody knows.
    public void bootstrap(Principal principal) {
        bootstrap(principal, newSecret());
    }

    public Principal get(Principal who, String name) {
        return mine(who, name, "look at other principals").principal();
    }

    public List<Principal> list(Principal who, String after, int limit) {
        Access.checkPlatform(who, "list principals");
        return store.list(after, limit);
    }

    public Created rotate(Principal who, String name, Rotation how) {
        Principal principal = mine(who, name, "rotate the secrets of others").principal();
        String secret = newSecret();
        Instant now = clock.instant();
        Optional<Instant> othersUntil =
                Optional.of(how.overlap()).filter(Duration::isPositive).map(now::plus);
        return store.addSecret(name, hash(secret), how.lifetime().map(now::plus), othersUntil)
                .map(added -> new Created(principal, secret, added.expiresAt()))
                .orElseThrow(() -> absent(name));
    }

    /// Those that are good, without their values.
    public List<Secret> secrets(Principal who, String name) {
        Instant now = clock.instant();
        return mine(who, name, "look at the secrets of others").secrets().stream()
                .filter(each -> each.expiresAt().map(now::isBefore).orElse(true))
                .toList();
    }

    /// From now on neither it nor a token that was issued upon it is good for anything.
    public void revoke(Principal who, String name, String secret) {
        Stored _ = mine(who, name, "revoke the secrets of others");
        if (!store.removeSecret(name, secret)) {
            throw new Refusal.NotFound(Thing.SECRET, secret);
        }
    }

    private Stored mine(Principal who, String name, String what) {
        if (!who.name().equals(name)) {
            Access.checkPlatform(who, what);
        }
        return store.find(name).orElseThrow(() -> absent(name));
    }

    public Principal regroup(Principal who, String name, List<String> groups) {
        Access.checkPlatform(who, "change groups");
        Principal before = get(who, name);
        Principal after = new Principal(name, before.kind(), Set.copyOf(groups));
        if (!store.replaceGroups(name, List.copyOf(groups))) {
            throw absent(name);
        }
        return after;
    }

    public void remove(Principal who, String name) {
        Access.checkPlatform(who, "remove principals");
        if (who.name().equals(name)) {
            throw new Refusal.Invalid(
                    "nobody removes themselves: let another member of `%s` do it".formatted(Principal.PLATFORM_GROUP));
        }
        if (!store.remove(name)) {
            throw absent(name);
        }
    }

    /// For decisions about somebody whom a trusted engine has authenticated: the groups that we know of, if we know the
    /// name.
    public Principal known(String name, Set<String> groups) {
        Instant now = clock.instant();
        return store.recall(name)
                .filter(each -> each.until().map(now::isBefore).orElse(true))
                .map(Stored::principal)
                .orElseGet(() -> new Principal(name, Principal.Kind.USER, groups));
    }

    /// A principal that cannot be removed yet.
    public static Refusal lastOwner(String name, List<String> domains) {
        return new Refusal.NotAllowed(
                "`%s` is the last owner of %s whose grant does not expire: grant `owner` there to somebody else first"
                        .formatted(
                                name,
                                domains.stream().map("domain `%s`"::formatted).collect(Collectors.joining(", "))));
    }

    private static Refusal absent(String name) {
        return new Refusal.NotFound(Thing.PRINCIPAL, name);
    }

    private String newSecret() {
        byte[] bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /// One round is enough: secrets are 256 random bits, not words.
    static byte[] hash(String secret) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
