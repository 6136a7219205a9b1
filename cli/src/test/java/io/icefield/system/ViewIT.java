package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Views in a real Trino: whoever queries one sees what they would see without it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ViewIT {
    private static final String DOMAIN = "sqlviews";
    private static final String JOB = DOMAIN + "-job";
    private static final String CORE = DOMAIN + ".core.";

    private Mesh mesh;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.execute(JOB, "CREATE SCHEMA " + DOMAIN + ".core");
        mesh.execute(JOB, """
                CREATE TABLE %speople
                WITH (extra_properties = MAP(ARRAY['icefield.tags.email'], ARRAY['pii.email']))
                AS SELECT * FROM (VALUES (BIGINT '1', 'ann@example.com'), (BIGINT '2', 'bo@x.org')) AS t (id, email)""".formatted(CORE));
    }

    @Test
    void aViewIsCreatedQueriedReplacedRenamedAndDropped() throws Exception {
        mesh.execute(JOB, "CREATE VIEW %sfirst AS SELECT id FROM %1$speople".formatted(CORE));
        assertThat(mesh.rows("analyst", "SELECT id FROM %sfirst ORDER BY id".formatted(CORE)))
                .isEqualTo(List.of(List.of("1"), List.of("2")));
        assertThat(mesh.rows("analyst", "SHOW TABLES FROM %s.core".formatted(DOMAIN)))
                .contains(List.of("first"));
        assertThatThrownBy(() -> mesh.execute(JOB, "CREATE VIEW %sfirst AS SELECT 1 AS one".formatted(CORE)))
                .hasMessageContaining("already exists");
        assertThatThrownBy(() -> mesh.execute(JOB, "CREATE TABLE %sfirst (id bigint)".formatted(CORE)))
                .hasMessageContaining("already exists");

        mesh.execute(
                JOB, "CREATE OR REPLACE VIEW %sfirst AS SELECT id, id * 2 AS twice FROM %1$speople".formatted(CORE));
        mesh.execute(JOB, "COMMENT ON VIEW %sfirst IS 'twice as much'".formatted(CORE));
        assertThat(mesh.rows("analyst", "SELECT max(twice) FROM %sfirst".formatted(CORE)))
                .isEqualTo(List.of(List.of("4")));

        mesh.execute(JOB, "ALTER VIEW %sfirst RENAME TO %1$ssecond".formatted(CORE));
        assertThat(mesh.rows("analyst", "SELECT count(*) FROM %ssecond".formatted(CORE)))
                .isEqualTo(List.of(List.of("2")));
        mesh.execute(JOB, "DROP VIEW %ssecond".formatted(CORE));
        assertThatThrownBy(() -> mesh.rows("analyst", "SELECT * FROM %ssecond".formatted(CORE)))
                .isInstanceOf(SQLException.class);
    }

    @Test
    void aViewShowsEachUserTheirOwnMasks() throws Exception {
        // Trino's default is SECURITY DEFINER: the job that sees everything would lend its eyes.
        mesh.execute(JOB, "CREATE VIEW %scontacts AS SELECT id, email FROM %1$speople".formatted(CORE));
        String query = "SELECT email FROM %scontacts WHERE id = 1".formatted(CORE);
        String masked = mesh.rows("analyst", "SELECT email FROM %speople WHERE id = 1".formatted(CORE))
                .getFirst()
                .getFirst();

        assertThat(masked).doesNotContain("ann");
        assertThat(mesh.rows("analyst", query)).isEqualTo(List.of(List.of(masked)));
        assertThat(mesh.rows("steward", query)).isEqualTo(List.of(List.of("ann@example.com")));
        assertThat(mesh.rows("analyst", "SHOW CREATE VIEW %scontacts".formatted(CORE))
                        .toString())
                .contains("SECURITY INVOKER");
        assertThat(mesh.rows("analyst", "SELECT count(*) FROM %scontacts WHERE email LIKE 'ann%%'".formatted(CORE)))
                .isEqualTo(List.of(List.of("0")));

        Mesh.Answer answer = mesh.call(
                JOB,
                "POST",
                "/iceberg/v1/%s/namespaces/core/views/contacts".formatted(DOMAIN),
                "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"trino.run-as-owner\":\"steward\"}}]}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).doesNotContain("run-as-owner");
        assertThat(mesh.rows("analyst", query)).isEqualTo(List.of(List.of(masked)));
    }

    @Test
    void whoMayReadAViewOnlyDoesNotReadItsTable() throws Exception {
        mesh.execute(JOB, "CREATE VIEW %sids AS SELECT id FROM %1$speople".formatted(CORE));
        Mesh.Identity viewer = mesh.stranger("sqlviewer");
        Mesh.Answer granted = mesh.call(
                "admin",
                "POST",
                "/api/v1/domains/%s/grants".formatted(DOMAIN),
                "{\"grantee\":\"principal:sqlviewer\",\"role\":\"reader\",\"namespace\":\"core\",\"table\":\"ids\"}");
        assertThat(granted.status()).as(granted.body()).isLessThan(300);
        try (Connection connection = mesh.sqlWithToken(mesh.token(viewer));
                Statement statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.executeQuery("SELECT * FROM %sids".formatted(CORE)))
                    .hasMessageContaining("Access Denied");
        }
    }

    @Test
    void readersMakeAndChangeNoViews() throws Exception {
        mesh.execute(JOB, "CREATE VIEW %sfixed AS SELECT id FROM %1$speople".formatted(CORE));
        for (String statement : List.of(
                "CREATE VIEW %smine AS SELECT 1 AS one",
                "CREATE OR REPLACE VIEW %sfixed AS SELECT 1 AS one",
                "COMMENT ON VIEW %sfixed IS 'mine'",
                "ALTER VIEW %sfixed RENAME TO %1$smine",
                "ALTER VIEW %sfixed SET AUTHORIZATION analyst",
                "DROP VIEW %sfixed")) {
            assertThatThrownBy(() -> mesh.execute("analyst", statement.formatted(CORE)))
                    .as(statement)
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("Access Denied");
        }
    }

    @Test
    void aNameThatThePoliciesRefuseReachesWhoeverTypedTheSql() {
        assertThatThrownBy(() -> mesh.execute(JOB, "CREATE VIEW %s\"select\" AS SELECT 1 AS one".formatted(CORE)))
                .hasMessageContaining("naming/view");
    }
}
