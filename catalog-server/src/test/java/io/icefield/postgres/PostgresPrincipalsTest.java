package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Principal;
import io.icefield.access.SigningKeyStore.SigningKey;
import java.time.Instant;
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
        assertThat(stored.secretHash()).isEqualTo(bytes(1));
        assertThat(mesh.principals.find("Bob")).isEmpty();
    }

    @Test
    void secretsAndGroupsAreReplaced() {
        mesh.principals.add(BOB, bytes(1));
        assertThat(mesh.principals.replaceSecret("bob", bytes(9))).isTrue();
        assertThat(mesh.principals.replaceGroups("bob", List.of())).isTrue();

        var stored = mesh.principals.find("bob").orElseThrow();
        assertThat(stored.secretHash()).isEqualTo(bytes(9));
        assertThat(stored.principal().groups()).isEmpty();
        assertThat(mesh.principals.replaceSecret("eve", bytes(9))).isFalse();
        assertThat(mesh.principals.replaceGroups("eve", List.of())).isFalse();
        assertThat(mesh.principals.remove("eve")).isFalse();
        assertThat(mesh.principals.remove("bob")).isTrue();
        assertThat(mesh.principals.find("bob")).isEmpty();
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
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow)).containsOnlyOnce(true);
        }
        String first = keys.keys().getFirst().id();
        assertThat(add("next", "other")).isFalse();
        assertThat(add("next", first)).isTrue();

        assertThat(keys.keys().stream().map(SigningKey::id)).containsExactly("next", first);
        assertThat(keys.keys().getFirst().privateKey()).isEqualTo(bytes(4));
        assertThat(keys.keys().getFirst().publicKey()).isEqualTo(bytes(5));
        assertThat(keys.keys().getFirst().createdAt()).isEqualTo(Instant.EPOCH);
    }

    private boolean add(String id, String newest) {
        return keys.add(
                new SigningKey(id, bytes(4), bytes(5), Instant.EPOCH),
                newest.isEmpty() ? Optional.empty() : Optional.of(newest));
    }

    @Test
    void aSealOpensForItsOwnerWithItsKeyAndUnaltered() {
        Sealer sealer = new Sealer(bytes(1));
        byte[] sealed = sealer.seal("domain a", bytes(3));

        assertThat(sealer.open("domain a", sealed)).isEqualTo(bytes(3));
        assertThat(sealer.seal("domain a", bytes(3))).isNotEqualTo(sealed);
        assertThatThrownBy(() -> sealer.open("domain b", sealed)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> new Sealer(bytes(2)).open("domain a", sealed))
                .isInstanceOf(IllegalStateException.class);
        for (int i = 0; i < sealed.length; i++) {
            byte[] altered = sealed.clone();
            altered[i] ^= 1;
            assertThatThrownBy(() -> sealer.open("domain a", altered)).isInstanceOf(IllegalStateException.class);
            byte[] cut = Arrays.copyOf(sealed, i);
            assertThatThrownBy(() -> sealer.open("domain a", cut)).isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> new Sealer(new byte[16])).isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] bytes(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
