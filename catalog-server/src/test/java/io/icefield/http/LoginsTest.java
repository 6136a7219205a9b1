package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.IdentityProviders.External;
import io.icefield.access.Issuer;
import io.icefield.access.Logins;
import io.icefield.access.Logins.Credentials;
import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import io.icefield.access.SigningKeys;
import io.icefield.access.Tokens;
import io.icefield.jwt.JwtTokens;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/// Who is who, and for how long.
final class LoginsTest {
    private static final Principal ADMIN = new Principal("admin", Principal.Kind.USER, Set.of("platform"));
    private static final Principal BOB = new Principal("bob", Principal.Kind.JOB, Set.of("writers"));
    private static final Principal ALICE = new Principal("acme.alice", Principal.Kind.USER, Set.of("acme.a"));
    private static final Issuer ACME = new Issuer(
            "https://acme.example", Set.of("mesh"), Optional.empty(), Set.of("RS256"), "sub", "groups", "acme.");
    private static final Logins.Lifetimes LIFETIMES = new Logins.Lifetimes(Duration.ofMinutes(30), Duration.ofHours(2));

    private final Hand clock = new Hand();
    private final InMemoryMesh mesh = new InMemoryMesh();
    private final Principals principals = new Principals(mesh.principalStore, List.of(ACME), clock);
    private final Map<String, External> external = new ConcurrentHashMap<>();
    private final Logins logins = new Logins(
            mesh.principalStore,
            new JwtTokens(new SigningKeys(mesh.signingKeyStore, Duration.ofDays(30), clock), clock),
            token -> Optional.ofNullable(external.get(token)),
            LIFETIMES,
            clock);
    private final String secret = principals.create(ADMIN, BOB).secret();

    private Credentials bob(String shown) {
        return new Credentials("bob", shown, "10.0.0.1");
    }

    private String signedIn() {
        return logins.signIn(bob(secret)).token();
    }

    @Test
    void aSecretBuysATokenForItsTime() {
        Logins.Issued issued = logins.signIn(bob(secret));
        assertThat(issued.lifetime()).isEqualTo(Duration.ofMinutes(30));
        assertThat(logins.bearer(issued.token())).contains(BOB);
        clock.pass(Duration.ofMinutes(30).plus(Tokens.SKEW));
        assertThat(logins.bearer(issued.token())).isEmpty();
        assertThat(issued.toString()).doesNotContain(issued.token());
        assertThat(bob(secret).toString()).doesNotContain(secret);
    }

    @Test
    void aTokenIsVoidWhenItsPrincipalIsGoneAndStaysSoWhenTheNameIsTakenAgain() {
        String token = signedIn();
        principals.remove(ADMIN, "bob");
        assertThat(logins.bearer(token)).isEmpty();
        principals.create(ADMIN, BOB);
        assertThat(logins.bearer(token)).isEmpty();
        assertThatThrownBy(() -> logins.exchange(token)).isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void aTokenHasTheGroupsThatItsPrincipalHasNow() {
        String token = signedIn();
        principals.regroup(ADMIN, "bob", List.of("readers"));
        assertThat(logins.bearer(token).orElseThrow().groups()).containsExactly("readers");
    }

    @Test
    void secretsOverlapAndTokensOutliveTheEndOfOneButNotItsRevocation() {
        String before = signedIn();
        Principals.Created next = principals.rotate(
                BOB, "bob", new Principals.Rotation(Duration.ofMinutes(10), Optional.of(Duration.ofDays(1))));
        assertThat(next.expiresAt()).contains(clock.instant().plus(Duration.ofDays(1)));
        assertThat(logins.bearer(logins.signIn(bob(next.secret())).token())).contains(BOB);
        assertThat(logins.bearer(signedIn())).contains(BOB);
        assertThat(principals.secrets(ADMIN, "bob")).hasSize(2);

        clock.pass(Duration.ofMinutes(10));
        assertThatThrownBy(this::signedIn).isInstanceOf(Refusal.NotAuthenticated.class);
        assertThat(logins.bearer(before)).as("a job that holds one goes on").contains(BOB);
        assertThat(principals.secrets(BOB, "bob")).hasSize(1);
        String fresh = logins.signIn(bob(next.secret())).token();
        principals.revoke(BOB, "bob", principals.secrets(BOB, "bob").getFirst().id());
        assertThat(logins.bearer(fresh)).isEmpty();
        assertThatThrownBy(() -> logins.signIn(bob(next.secret()))).isInstanceOf(Refusal.NotAuthenticated.class);

        String last =
                principals.rotate(ADMIN, "bob", Principals.Rotation.AT_ONCE).secret();
        assertThat(logins.bearer(before)).as("all before are gone").isEmpty();
        assertThat(logins.bearer(logins.signIn(bob(last)).token())).contains(BOB);
        clock.pass(Duration.ofDays(365));
        assertThat(logins.signIn(bob(last)).token()).isNotEmpty();
    }

    @Test
    void whoeverMayNotLookDoesNot() {
        Principal eve = new Principal("eve", Principal.Kind.USER, Set.of());
        assertThatThrownBy(() -> principals.secrets(eve, "bob")).isInstanceOf(Refusal.NotAllowed.class);
        assertThatThrownBy(() -> principals.revoke(eve, "bob", "1")).isInstanceOf(Refusal.NotAllowed.class);
        assertThatThrownBy(() -> principals.rotate(eve, "bob", Principals.Rotation.AT_ONCE))
                .isInstanceOf(Refusal.NotAllowed.class);
        assertThatThrownBy(() -> principals.revoke(ADMIN, "bob", "none")).isInstanceOf(Refusal.NotFound.class);
        assertThatThrownBy(() -> principals.secrets(ADMIN, "none")).isInstanceOf(Refusal.NotFound.class);
    }

    @Test
    void aTokenIsExchangedForTheNextUntilTheSessionEnds() {
        String token = signedIn();
        for (int i = 0; i < 3; i++) {
            clock.pass(Duration.ofMinutes(29));
            Logins.Issued next = logins.exchange(token);
            assertThat(next.lifetime()).isEqualTo(Duration.ofMinutes(30));
            token = next.token();
        }
        clock.pass(Duration.ofMinutes(29));
        Logins.Issued last = logins.exchange(token);
        assertThat(last.lifetime()).as("to the end, no longer").isEqualTo(Duration.ofMinutes(4));
        clock.pass(Duration.ofMinutes(4));
        String ended = last.token();
        assertThatThrownBy(() -> logins.exchange(ended)).hasMessageContaining("session has ended");
        assertThatThrownBy(() -> logins.exchange("x")).isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void aClientWithItsSecretRenewsItsOwnExpiredTokenAndNobodyElses() {
        String own = signedIn();
        String other = logins.signIn(new Credentials(
                        "eve",
                        principals
                                .create(ADMIN, new Principal("eve", Principal.Kind.USER, Set.of()))
                                .secret(),
                        "x"))
                .token();
        clock.pass(Duration.ofHours(5));
        assertThat(logins.bearer(logins.exchange(own, bob(secret)).token())).contains(BOB);
        assertThatThrownBy(() -> logins.exchange(own)).isInstanceOf(Refusal.Invalid.class);
        assertThatThrownBy(() -> logins.exchange(own, bob("wrong"))).isInstanceOf(Refusal.NotAuthenticated.class);
        assertThatThrownBy(() -> logins.exchange(other, bob(secret)))
                .as("a user's expired token must not become its gateway's")
                .isInstanceOf(Refusal.Invalid.class);
        assertThatThrownBy(() -> logins.exchange("expired-of-alice", bob(secret)))
                .isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void somebodyOfOutsideIsRememberedUntilTheSessionEnds() {
        external.put("t", new External(ALICE, ACME.name(), clock.instant().plusSeconds(60)));
        assertThat(logins.bearer("t")).contains(ALICE);
        assertThat(principals.known("acme.alice", Set.of()).groups())
                .as("a token alone is not remembered")
                .isEmpty();

        String token = logins.exchange("t").token();
        assertThat(logins.bearer(token)).contains(ALICE);
        assertThat(principals.known("acme.alice", Set.of("x"))).isEqualTo(ALICE);
        clock.pass(Duration.ofMinutes(29));
        String next = logins.exchange(token).token();
        clock.pass(Duration.ofMinutes(29));
        assertThat(logins.bearer(token)).isEmpty();
        assertThat(logins.bearer(next)).as("the session goes on").contains(ALICE);
        for (int i = 0; i < 2; i++) {
            next = logins.exchange(next).token();
            clock.pass(Duration.ofMinutes(29));
        }
        assertThat(logins.bearer(logins.exchange(next).token())).contains(ALICE);
        next = logins.exchange(next).token();
        clock.pass(Duration.ofMinutes(4));
        assertThat(logins.bearer(next)).as("not even by skew").isEmpty();
        assertThat(principals.known("acme.alice", Set.of()).groups()).isEmpty();
    }

    @Test
    void somebodyOfOutsideIsSentAwayByRemoval() {
        external.put("t", new External(ALICE, ACME.name(), clock.instant().plusSeconds(60)));
        String token = logins.exchange("t").token();
        principals.remove(ADMIN, "acme.alice");
        assertThat(logins.bearer(token)).isEmpty();
        assertThatThrownBy(() -> principals.rotate(ADMIN, "acme.alice", Principals.Rotation.AT_ONCE))
                .isInstanceOf(Refusal.NotFound.class);
    }

    @Test
    void aNameOfOutsideIsNeverOneOfOurs() {
        assertThatThrownBy(() -> principals.create(ADMIN, new Principal("acme.alice", Principal.Kind.USER, Set.of())))
                .hasMessageContaining("https://acme.example");
        principals.checkIssuers();
        mesh.principalStore.add(ALICE, new byte[32]); // before the issuer was believed
        assertThatThrownBy(principals::checkIssuers).hasMessageContaining("`acme.`");
        external.put("t", new External(ALICE, ACME.name(), clock.instant().plusSeconds(60)));
        assertThatThrownBy(() -> logins.exchange("t")).isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void wrongSecretsAreSlowedDownTheSameWayForWhoIsThereAndWhoIsNot() {
        for (String name : List.of("bob", "nobody")) {
            Credentials wrong = new Credentials(name, "wrong", "10.9.9." + name);
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> logins.signIn(wrong))
                        .isInstanceOf(Refusal.NotAuthenticated.class)
                        .hasMessage("client id and secret do not belong together");
            }
            assertThatThrownBy(() -> logins.signIn(wrong))
                    .isInstanceOfSatisfying(
                            Refusal.TooManyAttempts.class,
                            e -> assertThat(e.waiting()).isEqualTo(Duration.ofSeconds(1)));
        }
        assertThatThrownBy(this::signedIn)
                .as("from a new place, for a moment")
                .isInstanceOf(Refusal.TooManyAttempts.class);
        clock.pass(Duration.ofSeconds(1));
        assertThat(signedIn()).isNotEmpty();
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> logins.signIn(new Credentials("bob", "wrong", "10.9.9.8")))
                    .isInstanceOf(Refusal.class);
        }
        assertThat(signedIn()).as("whoever was here before").isNotEmpty();
    }

    /// A clock moved by hand.
    private static final class Hand extends Clock {
        private Instant now = Instant.parse("2026-05-01T10:00:00Z");

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }
}
