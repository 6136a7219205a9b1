package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A job that may write one domain and read one table of another does its work with whatever engine, and nothing else.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeastPrivilegeIT {
    private static final String OWN = "leastown";
    private static final String OTHER = "leastother";
    private static final String HIDDEN = "leasthidden";
    private static final String JOB = OWN + "-job";
    private static final Namespace CORE = Namespace.of("core");

    private Mesh mesh;
    private NavigableSet<String> other;
    private NavigableSet<String> hidden;

    @BeforeAll
    void domains() throws Exception {
        mesh = Mesh.shared();
        for (String domain : List.of(OWN, OTHER, HIDDEN)) {
            mesh.domain(domain);
            String job = domain + "-job";
            mesh.execute(job, "CREATE SCHEMA " + domain + ".core");
            if (!domain.equals(OWN)) {
                mesh.execute(job, "CREATE SCHEMA " + domain + ".vault");
                for (String table : List.of("core.offered", "core.kept", "vault.gold")) {
                    mesh.execute(
                            job,
                            "CREATE TABLE %s.%s AS SELECT * FROM (VALUES (BIGINT '1', 'one'), (BIGINT '2', 'two')) AS t (id, label)"
                                    .formatted(domain, table));
                }
            }
        }
        Mesh.Answer granted = mesh.call("admin", "POST", "/api/v1/domains/" + OTHER + "/grants", """
                {"grantee":"principal:%s","role":"reader","namespace":"core","table":"offered"}""".formatted(JOB));
        assertThat(granted.status()).as(granted.body()).isBetween(200, 299);
    }

    @BeforeEach
    void before() throws Exception {
        other = mesh.objects(OTHER);
        hidden = mesh.objects(HIDDEN);
    }

    @AfterEach
    void nothingElseWasWritten() throws Exception {
        assertThat(mesh.objects(OTHER)).isEqualTo(other);
        assertThat(mesh.objects(HIDDEN)).isEqualTo(hidden);
        for (String domain : List.of(OTHER, HIDDEN)) {
            for (String table : List.of("core.offered", "core.kept", "vault.gold")) {
                assertThat(mesh.rows(domain + "-job", "SELECT count(*) FROM " + domain + "." + table))
                        .isEqualTo(List.of(List.of("2")));
            }
        }
    }

    @Test
    void theJavaClient() throws Exception {
        try (RESTCatalog own = mesh.iceberg(OWN, JOB);
                RESTCatalog theirs = mesh.iceberg(OTHER, JOB)) {
            Table offered = theirs.loadTable(TableIdentifier.of(CORE, "offered"));
            List<Record> rows = Rows.read(offered);
            assertThat(rows).hasSize(2);
            Table copy = own.createTable(TableIdentifier.of(CORE, "java_copy"), offered.schema());
            Rows.append(
                    copy,
                    rows.stream()
                            .map(row -> Rows.row(copy, row.get(0), row.get(1)))
                            .toList());
            assertThat(Rows.read(copy)).hasSize(2);

            assertThat(theirs.listTables(CORE)).containsExactly(TableIdentifier.of(CORE, "offered"));
            assertThat(theirs.listNamespaces()).containsExactly(CORE);
            assertThatThrownBy(() -> theirs.loadTable(TableIdentifier.of(CORE, "kept")))
                    .isInstanceOf(NoSuchTableException.class);
            assertThatThrownBy(() -> theirs.loadTable(TableIdentifier.of("vault", "gold")))
                    .isInstanceOf(NoSuchTableException.class);
            assertThatThrownBy(() -> theirs.listTables(Namespace.of("vault")))
                    .isInstanceOf(NoSuchNamespaceException.class);
            assertThatThrownBy(() -> Rows.append(offered, rows)).hasMessageContaining("403");
            assertThatThrownBy(
                            () -> offered.updateProperties().set("mine", "yes").commit())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() -> theirs.createTable(TableIdentifier.of(CORE, "mine"), offered.schema()))
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() -> theirs.dropTable(TableIdentifier.of(CORE, "offered"), true))
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() ->
                            theirs.renameTable(TableIdentifier.of(CORE, "offered"), TableIdentifier.of(CORE, "mine")))
                    .isInstanceOf(ForbiddenException.class);
        }
        assertThatThrownBy(() -> mesh.iceberg(HIDDEN, JOB)).hasMessageContaining(HIDDEN);
        assertThat(mesh.call(JOB, "GET", "/api/v1/domains/" + HIDDEN, "").status())
                .isEqualTo(404);
        assertThat(mesh.call(JOB, "GET", "/api/v1/domains", "")
                        .json()
                        .path("domains")
                        .findValuesAsText("name"))
                .containsExactlyInAnyOrder(OWN, OTHER);
    }

    @Test
    void trino() throws Exception {
        mesh.execute(JOB, "CREATE TABLE %s.core.trino_copy AS SELECT * FROM %s.core.offered".formatted(OWN, OTHER));
        assertThat(mesh.rows(JOB, "SELECT * FROM %s.core.trino_copy ORDER BY id".formatted(OWN)))
                .isEqualTo(List.of(List.of("1", "one"), List.of("2", "two")));
        assertThat(mesh.rows(JOB, "SHOW CATALOGS"))
                .contains(List.of(OWN), List.of(OTHER))
                .doesNotContain(List.of(HIDDEN));
        assertThat(mesh.rows(JOB, "SHOW TABLES FROM %s.core".formatted(OTHER))).isEqualTo(List.of(List.of("offered")));
        assertThat(mesh.rows(JOB, "SHOW SCHEMAS FROM " + OTHER)).doesNotContain(List.of("vault"));
        for (String statement : List.of(
                "SELECT * FROM OTHER.core.kept",
                "SELECT * FROM OTHER.vault.gold",
                "SELECT * FROM OTHER.core.offered o JOIN OTHER.core.kept k ON o.id = k.id",
                "SELECT * FROM HIDDEN.core.offered",
                "SELECT table_name FROM HIDDEN.information_schema.tables",
                "INSERT INTO OTHER.core.offered VALUES (3, 'three')",
                "DELETE FROM OTHER.core.offered WHERE id = 1",
                "UPDATE OTHER.core.offered SET label = 'mine'",
                "DROP TABLE OTHER.core.offered",
                "ALTER TABLE OTHER.core.offered ADD COLUMN mine bigint",
                "ALTER TABLE OTHER.core.offered RENAME TO OTHER.core.mine",
                "ALTER TABLE OTHER.core.offered EXECUTE optimize",
                "CREATE TABLE OTHER.core.mine AS SELECT 1 AS id",
                "CREATE SCHEMA OTHER.mine",
                "INSERT INTO HIDDEN.core.offered SELECT * FROM OTHER.core.offered",
                "CALL OTHER.system.unregister_table('core', 'offered')",
                "CALL OWN.system.register_table('core', 'mine', 's3://%s/core/x')".formatted(mesh.bucket(OTHER)))) {
            String sql =
                    statement.replace("OTHER", OTHER).replace("HIDDEN", HIDDEN).replace("OWN", OWN);
            assertThatThrownBy(() -> mesh.rows(JOB, sql)).as(sql).isInstanceOf(java.sql.SQLException.class);
        }
    }

    @Test
    void spark() throws Exception {
        String version = "3.5.9";
        Path _ = ClientRound.installed("spark", version, "lib");
        JsonNode iceberg = mesh.status().path("iceberg");
        Map<String, String> properties = Map.of(
                "uri", iceberg.path("uri").asText(),
                "warehouse", "mesh",
                "credential", mesh.identity(JOB).credential(),
                "oauth2-server-uri", iceberg.path("oauth2-server-uri").asText(),
                "header.X-Iceberg-Access-Delegation", "vended-credentials");
        List<JsonNode> answers = SparkIT.run(
                version,
                SparkIT.conf("mesh", properties)
                        + Stream.of(
                                        "CREATE TABLE mesh.OWN.core.spark_copy USING iceberg AS SELECT * FROM mesh.OTHER.core.offered",
                                        "SELECT * FROM mesh.OWN.core.spark_copy ORDER BY id",
                                        "SHOW TABLES IN mesh.OTHER.core",
                                        "SELECT * FROM mesh.OTHER.core.kept",
                                        "SELECT * FROM mesh.OTHER.vault.gold",
                                        "SELECT * FROM mesh.HIDDEN.core.offered",
                                        "INSERT INTO mesh.OTHER.core.offered VALUES (3, 'three')",
                                        "DELETE FROM mesh.OTHER.core.offered WHERE id = 1",
                                        "CREATE TABLE mesh.OTHER.core.mine (id BIGINT) USING iceberg",
                                        "DROP TABLE mesh.OTHER.core.offered",
                                        "ALTER TABLE mesh.OTHER.core.offered ADD COLUMN mine BIGINT")
                                .map(sql -> "sql "
                                        + sql.replace("OWN", OWN)
                                                .replace("OTHER", OTHER)
                                                .replace("HIDDEN", HIDDEN) + "\n")
                                .collect(Collectors.joining()));
        assertThat(answers.subList(0, 3)).allMatch(answer -> answer.has("rows"));
        assertThat(answers.get(1)).isEqualTo(Mesh.JSON.readTree("{\"rows\":[[\"1\",\"one\"],[\"2\",\"two\"]]}"));
        assertThat(answers.get(2).path("rows").toString()).contains("offered").doesNotContain("kept");
        assertThat(answers.subList(3, answers.size()))
                .hasSize(8)
                .allSatisfy(answer ->
                        assertThat(answer.has("error")).as(answer.toString()).isTrue());
    }
}
