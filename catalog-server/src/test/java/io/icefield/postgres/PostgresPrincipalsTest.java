package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Grantee;
import io.icefield.access.Logins;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.PrincipalStore;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.SigningKeyStore.SigningKey;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Principals, the keys that sign their tokens, and the seal of what is secret.
final class PostgresPrincipalsTest {
    private static final Principal BOB = new Principal("bob", Principal.Kind.USER, Set.of("analysts", "eu"));

    private final Mesh mesh = Mesh.open();
    private final PostgresSigningKeys keys = new PostgresSigningKeys(mesh.database);

    @AfterEach
    void close() {
        mesh.database.close();
    }

    @Test
    void whoWasAddedIsFound() {
        assertThat(mesh.principals.add(BOB, bytes(1))).isTrue();
        assertThat(mesh.principals.add(new Principal("bob", Principal.Kind.JOB, Set.of()), bytes(2)))
                .isFalse();

        var stored = mesh.principals.find("bob").orElseThrow();
        assertThat(stored.principal()).isEqualTo(BOB);
        assertThat(hashes("bob")).containsExactly(bytes(1));
        assertThat(mesh.principals.find("Bob")).isEmpty();
    }

    private List<byte[]> hashes(String name) {
        return mesh.principals.find(name).orElseThrow().secrets().stream()
                .map(PrincipalStore.Secret::hash)
                .toList();
    }

    @Test
    void theLastOwnerOfADomainIsNotRemoved() throws Exception {
        Grantee bob = Grantee.parse("principal:bob");
        Grantee eve = Grantee.parse("principal:eve");
        mesh.principals.add(BOB, bytes(1));
        mesh.principals.add(new Principal("eve", Principal.Kind.USER, Set.of()), bytes(1));
        mesh.domain("sales");
        mesh.domain("hr");
        mesh.grant(Mesh.grant(bob, Role.OWNER, "sales"));
        mesh.grant(Mesh.grant(bob, Role.OWNER, "hr"));
        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales"));
        assertThatThrownBy(() -> mesh.principals.remove("bob"))
                .isInstanceOf(Refusal.NotAllowed.class)
                .hasMessageContainingAll("`bob`", "domain `hr`, domain `sales`", "grant `owner`");
        assertThat(mesh.principals.find("bob")).isPresent();
        assertThat(hashes("bob")).hasSize(1);

        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.OWNER, "hr"));
        mesh.grant(Mesh.grant(eve, Role.OWNER, "sales"));
        List<Callable<Boolean>> race =
                List.of(() -> mesh.principals.remove("bob"), () -> mesh.principals.remove("eve"));
        try (var threads = Executors.newCachedThreadPool()) {
            List<Future<Boolean>> both = threads.invokeAll(race);
            assertThat(both.stream().filter(each -> each.state() == Future.State.SUCCESS))
                    .as("one of them stays")
                    .hasSize(1);
        }
        assertThat(mesh.grants(Optional.of(new DomainName("sales")), Page.Request.ALL)
                        .items())
                .extracting(Grant::role)
                .contains(Role.OWNER);
    }

    @Test
    void secretsAndGroupsAreReplaced() {
        mesh.principals.add(BOB, bytes(1));
        assertThat(mesh.principals.addSecret("bob", bytes(9), Optional.empty(), Optional.empty()))
                .isPresent();
        assertThat(mesh.principals.replaceGroups("bob", List.of())).isTrue();

        assertThat(hashes("bob")).containsExactly(bytes(9));
        assertThat(mesh.principals.find("bob").orElseThrow().principal().groups())
                .isEmpty();
        assertThat(mesh.principals.addSecret("eve", bytes(9), Optional.empty(), Optional.empty()))
                .isEmpty();
        assertThat(mesh.principals.replaceGroups("eve", List.of())).isFalse();
        assertThat(mesh.principals.remove("eve")).isFalse();
        assertThat(mesh.principals.remove("bob")).isTrue();
        assertThat(mesh.principals.find("bob")).isEmpty();
    }

    @Test
    void secretsOverlapUntilTheyEndAndAreTakenAwayOneByOne() {
        Instant soon = Instant.now().plusSeconds(60).truncatedTo(ChronoUnit.MICROS);
        mesh.principals.add(BOB, bytes(1));
        PrincipalStore.Secret second = mesh.principals
                .addSecret("bob", bytes(2), Optional.of(soon.plusSeconds(60)), Optional.of(soon))
                .orElseThrow();
        assertThat(secrets())
                .map(PrincipalStore.Secret::expiresAt)
                .containsExactly(Optional.of(soon), Optional.of(soon.plusSeconds(60)));

        mesh.principals.addSecret("bob", bytes(3), Optional.empty(), Optional.of(soon.plusSeconds(30)));
        assertThat(secrets())
                .as("an end does not move away")
                .map(PrincipalStore.Secret::expiresAt)
                .containsExactly(Optional.of(soon), Optional.of(soon.plusSeconds(30)), Optional.empty());
        assertThat(mesh.principals.removeSecret("eve", second.id())).isFalse();
        assertThat(mesh.principals.removeSecret("bob", "x' OR true --")).isFalse();
        assertThat(mesh.principals.removeSecret("bob", second.id())).isTrue();
        assertThat(mesh.principals.removeSecret("bob", second.id())).isFalse();
        assertThat(hashes("bob")).containsExactly(bytes(1), bytes(3));

        for (int i = 2; i < PrincipalStore.SECRETS_MAX; i++) {
            mesh.principals.addSecret("bob", bytes(i + 10), Optional.empty(), Optional.of(soon));
        }
        assertThatThrownBy(() -> mesh.principals.addSecret("bob", bytes(99), Optional.empty(), Optional.of(soon)))
                .isInstanceOf(Refusal.Invalid.class);
        assertThat(hashes("bob")).hasSize(PrincipalStore.SECRETS_MAX);
        Instant justNow = Instant.now().minusSeconds(1);
        for (int i = 0; i < 40; i++) {
            mesh.principals.addSecret("bob", bytes(i), Optional.empty(), Optional.of(justNow));
        }
        assertThat(secrets()).as("what expired does not pile up").hasSizeLessThan(30);
        Instant past = Instant.now().minus(Logins.SESSION_MAX).minusSeconds(60);
        mesh.principals.addSecret("bob", bytes(99), Optional.empty(), Optional.of(past));
        assertThat(hashes("bob"))
                .as("expired so long ago that no session is left")
                .containsExactly(bytes(99));
    }

    private List<PrincipalStore.Secret> secrets() {
        return mesh.principals.find("bob").orElseThrow().secrets();
    }

    @Test
    void whoIsRecalledCostsNoQueryUntilSomebodyChangesAPrincipal() {
        Hand clock = new Hand();
        PostgresPrincipals here = new PostgresPrincipals(mesh.database, clock);
        PostgresPrincipals there = new PostgresPrincipals(mesh.database, clock);
        here.add(BOB, bytes(1));
        assertThat(there.recall("bob").orElseThrow().principal()).isEqualTo(BOB);
        assertThat(there.recall("eve")).isEmpty();

        mesh.database.read(handle -> handle.execute("UPDATE principals SET groups = '{behind}'"));
        clock.pass(Duration.ofHours(1));
        assertThat(there.recall("bob").orElseThrow().principal())
                .as("from memory")
                .isEqualTo(BOB);

        here.replaceGroups("bob", List.of("x"));
        assertThat(here.recall("bob").orElseThrow().principal().groups())
                .as("at once")
                .containsExactly("x");
        assertThat(there.recall("bob").orElseThrow().principal()).as("not yet").isEqualTo(BOB);
        clock.pass(Duration.ofSeconds(1));
        assertThat(there.recall("bob").orElseThrow().principal().groups()).containsExactly("x");

        assertThat(here.remove("bob")).isTrue();
        assertThat(here.recall("bob")).isEmpty();
        clock.pass(Duration.ofSeconds(1));
        assertThat(there.recall("bob")).isEmpty();
        here.add(new Principal("eve", Principal.Kind.JOB, Set.of()), bytes(1));
        clock.pass(Duration.ofSeconds(1));
        assertThat(there.recall("eve"))
                .as("who was absent is not absent for ever")
                .isPresent();
    }

    @Test
    void whoeverComesAgainUnderTheSameNameIsAnother() {
        mesh.principals.add(BOB, bytes(1));
        long first = mesh.principals.find("bob").orElseThrow().id();
        mesh.principals.remove("bob");
        mesh.principals.add(BOB, bytes(1));
        assertThat(mesh.principals.find("bob").orElseThrow().id()).isNotEqualTo(first);
    }

    @Test
    void thoseOfOutsideAreRememberedForAWhileAndNeverAreOurs() {
        Hand clock = new Hand();
        PostgresPrincipals here = new PostgresPrincipals(mesh.database, clock);
        PostgresPrincipals there = new PostgresPrincipals(mesh.database, clock);
        Principal alice = new Principal("acme.alice", Principal.Kind.USER, Set.of("acme.a"));
        Principal moved = new Principal("acme.alice", Principal.Kind.USER, Set.of("acme.b"));
        Instant until = clock.instant().plusSeconds(3600);
        long id = here.remember(alice, "https://acme", until).orElseThrow().id();
        assertThat(there.recall("acme.alice").orElseThrow().principal()).isEqualTo(alice);

        assertThat(here.remember(moved, "https://acme", until.minusSeconds(60)).orElseThrow())
                .as("the same one, with its new groups, for no shorter time")
                .isEqualTo(new PrincipalStore.Stored(id, moved, List.of(), Optional.of(until)));
        clock.pass(Duration.ofSeconds(1));
        assertThat(there.recall("acme.alice").orElseThrow().principal()).isEqualTo(moved);
        clock.pass(Duration.ofHours(1));
        here.remember(moved, "https://acme", until.plusSeconds(3600));
        assertThat(there.recall("acme.alice").orElseThrow().until())
                .as("who came back is not taken for gone")
                .contains(until.plusSeconds(3600));

        assertThat(here.remember(alice, "https://other", until)).isEmpty();
        mesh.principals.add(BOB, bytes(1));
        assertThat(here.remember(new Principal("bob", Principal.Kind.USER, Set.of()), "https://acme", until))
                .isEmpty();
        assertThat(mesh.principals.find("bob").orElseThrow().principal()).isEqualTo(BOB);
        assertThat(here.addSecret("acme.alice", bytes(1), Optional.empty(), Optional.empty()))
                .isEmpty();
        assertThat(here.replaceGroups("acme.alice", List.of("platform"))).isFalse();
        assertThat(here.list("", 10)).containsExactly(BOB);
        assertThat(here.anyNamed("acme.")).isFalse();
        assertThat(here.anyNamed("bo")).isTrue();
        assertThat(here.anyNamed("b_")).isFalse();

        clock.pass(Duration.ofDays(2));
        here.remember(new Principal("acme.eve", Principal.Kind.USER, Set.of()), "https://acme", clock.instant());
        assertThat(here.find("acme.alice")).as("forgotten").isEmpty();
    }

    @Test
    void listsGoOnAfterAName() {
        List.of("b", "B", "a-job", "a", "a.b")
                .forEach(name -> mesh.principals.add(new Principal(name, Principal.Kind.JOB, Set.of()), bytes(1)));

        assertThat(mesh.principals.list("", 3).stream().map(Principal::name)).containsExactly("B", "a", "a-job");
        assertThat(mesh.principals.list("a-job", 3).stream().map(Principal::name))
                .containsExactly("a.b", "b");
    }

    @Test
    void ofRacingKeysExactlyOneIsAddedAndTheNewestComesFirst() throws Exception {
        List<Callable<Boolean>> race =
                List.of(() -> add("k1", ""), () -> add("k2", ""), () -> add("k3", ""), () -> add("k4", ""));
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow)).containsOnlyOnce(true);
        }
        String first = keys.keys().getFirst().id();
        assertThat(add("next", "other")).isFalse();
        assertThat(add("next", first)).isTrue();

        assertThat(keys.keys().stream().map(SigningKey::id)).containsExactly("next", first);
        assertThat(keys.keys().getFirst().privateKey().orElseThrow()).isEqualTo(bytes(4));
        assertThat(keys.keys().getFirst().publicKey()).isEqualTo(bytes(5));
        assertThat(keys.keys().getFirst().createdAt()).isEqualTo(Instant.EPOCH);
        assertThat(keys.keys().getFirst().signsFrom()).isEqualTo(Instant.EPOCH.plusSeconds(9));
        assertThat(keys.remove("next")).isTrue();
        assertThat(keys.remove("next")).isFalse();
        assertThat(keys.keys().stream().map(SigningKey::id)).containsExactly(first);
    }

    private boolean add(String id, String newest) {
        return keys.add(
                new SigningKey(id, Optional.of(bytes(4)), bytes(5), Instant.EPOCH, Instant.EPOCH.plusSeconds(9)),
                newest.isEmpty() ? Optional.empty() : Optional.of(newest));
    }

    private static byte[] bytes(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /// A clock moved by hand.
    private static final class Hand extends Clock {
        private Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);

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
