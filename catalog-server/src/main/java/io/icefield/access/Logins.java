package io.icefield.access;

import io.icefield.access.Attempts.Pair;
import io.icefield.access.PrincipalStore.Secret;
import io.icefield.access.PrincipalStore.Stored;
import io.icefield.access.Tokens.Proof;
import io.icefield.access.Tokens.Session;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// How a secret or a token becomes a principal. A token of ours says who somebody was; who it is now, and whether it
/// still is, the store says: a principal that was removed, or whose secret was taken away, is refused within
/// [PrincipalStore#RECALL_MAX], and has its new groups by then.
public final class Logins {
    /// A session may be set to last so long.
    public static final Duration SESSION_MAX = Duration.ofDays(7);

    private final PrincipalStore store;
    private final Tokens tokens;
    private final IdentityProviders providers;
    private final Lifetimes lifetimes;
    private final Clock clock;
    private final Attempts attempts = new Attempts();

    /// @param token of one access token
    /// @param session how long a token can be exchanged for the next before a secret must be shown again
    public record Lifetimes(Duration token, Duration session) {
        public static final Lifetimes USUAL = new Lifetimes(Duration.ofHours(1), Duration.ofHours(12));

        public Lifetimes {
            if (!token.isPositive() || token.compareTo(Tokens.LIFETIME_MAX) > 0) {
                throw new IllegalArgumentException("a token lives at most " + Tokens.LIFETIME_MAX);
            }
            if (!session.isPositive() || session.compareTo(SESSION_MAX) > 0) {
                throw new IllegalArgumentException("a session lasts at most " + SESSION_MAX);
            }
        }
    }

    /// What a principal signs in with.
    ///
    /// @param address where from
    public record Credentials(String id, String secret, String address) {
        @Override
        public String toString() {
            return "Credentials[%s from %s]".formatted(id, address);
        }
    }

    /// A token, and how long it will live.
    public record Issued(String token, Duration lifetime) {
        @Override
        public String toString() {
            return "Issued[***, %s]".formatted(lifetime);
        }
    }

    public Logins(PrincipalStore store, Tokens tokens, IdentityProviders providers, Lifetimes lifetimes, Clock clock) {
        this.store = store;
        this.tokens = tokens;
        this.providers = providers;
        this.lifetimes = lifetimes;
        this.clock = clock;
    }

    /// Whom a token proves, ours or an identity provider's; empty: nobody (any more).
    public Optional<Principal> bearer(String token) {
        Optional<Proof> ours = tokens.verify(token);
        if (ours.isPresent()) {
            return standing(ours.get()).map(Stored::principal);
        }
        return providers.verify(token).map(IdentityProviders.External::principal);
    }

    public String publicKeys() {
        return tokens.publicKeys();
    }

    /// A token for whoever knows the secret. One refusal, `NotAuthenticated`, for a wrong name and a wrong secret;
    /// `TooManyAttempts` after several of them.
    public Issued signIn(Credentials credentials) {
        Shown shown = authenticated(credentials);
        Stored known = shown.by();
        return issued(
                known.principal(),
                new Session(known.id(), Optional.of(shown.secret().id()), clock.instant()));
    }

    /// A token for a token (RFC 8693): ours for one of an identity provider, or a fresh one for one of ours, until the
    /// session ends. Throws `Invalid` for any other.
    public Issued exchange(String subject) {
        Optional<Proof> ours = tokens.verify(subject);
        if (ours.isPresent()) {
            Optional<Stored> standing = standing(ours.get());
            standing.ifPresent(known -> Trail.current().by(known.principal()));
            return standing.map(known -> issued(known.principal(), ours.get().session()))
                    .orElseThrow(Logins::worthless);
        }
        return providers.verify(subject).map(this::welcome).orElseThrow(Logins::worthless);
    }

    /// The same for a client that also signs in: it may show its own token after it has expired.
    public Issued exchange(String subject, Credentials credentials) {
        boolean own = tokens.lapsed(subject)
                .filter(proof -> proof.name().equals(credentials.id()))
                .isPresent();
        if (own) {
            return signIn(credentials);
        }
        Shown _ = authenticated(credentials);
        return exchange(subject);
    }

    /// A token of a principal that shows no secret: ourselves.
    public String tokenOf(Principal ourselves) {
        Stored known = store.recall(ourselves.name())
                .orElseThrow(() -> new IllegalStateException("there is no principal " + ourselves));
        return issued(known.principal(), new Session(known.id(), Optional.empty(), clock.instant()))
                .token();
    }

    private Optional<Stored> standing(Proof proof) {
        return store.recall(proof.name())
                .filter(known -> known.stands(proof.session(), clock.instant()))
                // Another replica may have issued it a moment ago, upon a secret that is newer than what we remember.
                .or(() -> isYoung(proof.session())
                        ? store.find(proof.name()).filter(known -> known.stands(proof.session(), clock.instant()))
                        : Optional.empty());
    }

    /// What we remember may be older than this session.
    private boolean isYoung(Session session) {
        return clock.instant()
                .isBefore(session.since().plus(PrincipalStore.RECALL_MAX).plus(Tokens.SKEW));
    }

    /// The store remembers the groups until the session ends, because engines ask about users by their names.
    private Issued welcome(IdentityProviders.External external) {
        Instant now = clock.instant();
        Stored known = store.remember(external.principal(), external.issuer(), now.plus(lifetimes.session()))
                .orElseThrow(() -> new Refusal.Invalid(
                        "`%s` is the name of another principal: ask the platform team to give that one another name"
                                .formatted(external.principal().name())));
        Trail.current().by(known.principal());
        return issued(known.principal(), new Session(known.id(), Optional.empty(), now));
    }

    private Issued issued(Principal who, Session session) {
        Instant now = clock.instant();
        Instant end = session.since().plus(lifetimes.session());
        Instant usual = now.plus(lifetimes.token());
        Instant expires = end.isBefore(usual) ? end : usual;
        if (!expires.isAfter(now)) {
            throw new Refusal.Invalid("the session has ended after %s: sign in again".formatted(lifetimes.session()));
        }
        return new Issued(tokens.issue(who, session, expires), Duration.between(now, expires));
    }

    /// A right secret.
    private record Shown(Stored by, Secret secret) {}

    private Shown authenticated(Credentials credentials) {
        Trail.current().how("from " + credentials.address());
        Pair who = new Pair(credentials.id(), credentials.address());
        Instant now = clock.instant();
        attempts.wait(who, now).ifPresent(wait -> {
            throw new Refusal.TooManyAttempts(wait);
        });
        byte[] hash = Principals.hash(credentials.secret());
        Optional<Stored> named = store.find(credentials.id());
        named.ifPresent(known -> Trail.current().by(known.principal()));
        Optional<Shown> shown = named.flatMap(known -> known.secrets().stream()
                .filter(secret -> secret.expiresAt().map(now::isBefore).orElse(true))
                .filter(secret -> MessageDigest.isEqual(secret.hash(), hash))
                .findFirst()
                .map(secret -> new Shown(known, secret)));
        if (shown.isEmpty()) {
            attempts.failed(who, now);
            throw new Refusal.NotAuthenticated("client id and secret do not belong together");
        }
        attempts.succeeded(who);
        return shown.get();
    }

    private static Refusal worthless() {
        return new Refusal.Invalid(
                "the subject token is not valid here: it is expired, altered, not for this audience, or of an unknown issuer");
    }
}
