package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What a user drops in Trino, brings back, protects and purges on the command line.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeepIT {
    private static final String DOMAIN = "keeping";
    private static final String JOB = DOMAIN + "-job";
    private static final String CORE = DOMAIN + ".core.";
    private static final Duration PURGE_PATIENCE = Duration.ofSeconds(90);

    private Mesh mesh;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.execute(JOB, "CREATE SCHEMA " + DOMAIN + ".core");
    }

    @Test
    void aTableThatWasDroppedInTrinoComesBackWithItsRowsAndIsPurgedOnDemand() throws Exception {
        mesh.execute(JOB, """
                CREATE TABLE %sorders WITH (partitioning = ARRAY['day']) AS
                SELECT * FROM (VALUES (1, 'a:b'), (2, 'c/d'), (3, 'plain')) AS t (id, day)""".formatted(CORE));
        mesh.execute(JOB, "DELETE FROM %sorders WHERE id = 2".formatted(CORE));
        mesh.execute(JOB, "DROP TABLE %sorders".formatted(CORE));
        assertThat(mesh.rows(JOB, "SHOW TABLES FROM %s.core".formatted(DOMAIN))).doesNotContain(List.of("orders"));
        assertThat(mesh.icefield("table", "dropped", DOMAIN).ok().out()).contains("orders", JOB, "purge");

        mesh.icefield("table", "undrop", CORE + "orders", "--name", "back").ok();
        assertThat(mesh.rows(JOB, "SELECT id FROM %sback ORDER BY id".formatted(CORE)))
                .isEqualTo(List.of(List.of("1"), List.of("3")));

        mesh.execute(JOB, "DROP TABLE %sback".formatted(CORE));
        assertThat(mesh.objects(DOMAIN)).isNotEmpty();
        mesh.icefield("table", "purge", CORE + "back").ok();
        Instant deadline = Instant.now().plus(PURGE_PATIENCE);
        Set<String> left = mesh.objects(DOMAIN);
        while (!ofOrders(left).isEmpty() && Instant.now().isBefore(deadline)) {
            Thread.onSpinWait();
            left = mesh.objects(DOMAIN);
        }
        assertThat(ofOrders(left)).isEmpty();
        Ran gone = mesh.icefield("table", "undrop", CORE + "back");
        assertThat(gone.code()).isEqualTo(1);
        assertThat(gone.err()).contains("no dropped table or view");
    }

    /// All that this test wrote, whatever Trino calls the folder.
    private static List<String> ofOrders(Set<String> keys) {
        return keys.stream().filter(key -> key.contains("orders")).toList();
    }

    @Test
    void aProtectedTableStays() throws Exception {
        mesh.execute(JOB, "CREATE TABLE %skept (id integer)".formatted(CORE));
        mesh.icefield("table", "protect", CORE + "kept").ok();
        assertThatThrownBy(() -> mesh.execute(JOB, "DROP TABLE %skept".formatted(CORE)))
                .isInstanceOf(SQLException.class);
        mesh.execute(JOB, "INSERT INTO %skept VALUES 1".formatted(CORE));
        assertThat(mesh.rows(JOB, "SELECT id FROM %skept".formatted(CORE))).isEqualTo(List.of(List.of("1")));

        mesh.icefield("table", "unprotect", CORE + "kept").ok();
        mesh.icefield("namespace", "protect", DOMAIN + ".core").ok();
        assertThatThrownBy(() -> mesh.execute(JOB, "DROP TABLE %skept".formatted(CORE)))
                .isInstanceOf(SQLException.class);
        mesh.icefield("namespace", "unprotect", DOMAIN + ".core").ok();
        mesh.execute(JOB, "DROP TABLE %skept".formatted(CORE));
    }

    @Test
    void addressesThatAreNoneAreWrongUsage() throws Exception {
        for (List<String> words : List.of(
                List.of("table", "undrop", "orders"),
                List.of("table", "protect", "a.b"),
                List.of("namespace", "protect", "a"),
                List.of("table"))) {
            assertThat(mesh.icefield(words.toArray(String[]::new)).code())
                    .as("%s", words)
                    .isEqualTo(2);
        }
    }
}
