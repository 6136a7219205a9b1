package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Queries in a real Trino: who sees what, and who does not get in.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrinoIT {
    private static final String CRM = "sqlcrm";
    private static final String SALES = "sqlsales";
    private static final String CRM_JOB = CRM + "-job";
    private static final String SALES_JOB = SALES + "-job";

    /// Clear, and as the starter pack's masks have it: name and e-mail `mask-alphanum`, phone `show-last-4`, date of
    /// birth `truncate-to-year`, salary `replace-with-null`, national id `sha-256-global`.
    private static final List<String> ANN_CLEAR =
            List.of("1", "Ann Lee", "ann.lee+1@example.com", "+49 30 1234567", "1984-05-17", "98765.43", "AB-123456");

    private static final List<String> ANN_MASKED = List.of(
            "1", "xxxxxxx", "xxx.xxxxn@xxxxxxx.xxx", "xnnxnnxnnn4567", "1984-01-01", "∅", Masked.sha256("AB-123456"));

    private Mesh mesh;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(CRM);
        mesh.domain(SALES);
        mesh.execute(CRM_JOB, "CREATE SCHEMA " + CRM + ".core");
        mesh.execute(CRM_JOB, """
                CREATE TABLE %s.core.customers
                WITH (extra_properties = MAP(
                    ARRAY['icefield.tags.name', 'icefield.tags.email', 'icefield.tags.phone',
                        'icefield.tags.birth_date', 'icefield.tags.salary', 'icefield.tags.national_id'],
                    ARRAY['pii.name', 'pii.email', 'pii.phone', 'pii.date_of_birth', 'pii.salary', 'pii.national_id']))
                AS SELECT * FROM (VALUES
                    (BIGINT '1', 'Ann Lee', 'ann.lee+1@example.com', '+49 30 1234567', DATE '1984-05-17',
                        DECIMAL '98765.43', 'AB-123456'),
                    (BIGINT '2', 'Bo', 'b@x.org', '12', DATE '2001-12-31', DECIMAL '1.00', 'CD'),
                    (BIGINT '3', NULL, NULL, NULL, NULL, NULL, NULL))
                AS t (id, name, email, phone, birth_date, salary, national_id)""".formatted(CRM));
        mesh.execute(SALES_JOB, "CREATE SCHEMA " + SALES + ".core");
        mesh.execute(SALES_JOB, """
                CREATE TABLE %s.core.orders (id bigint, customer_id bigint, amount decimal(10, 2))""".formatted(SALES));
        mesh.execute(SALES_JOB, """
                INSERT INTO %s.core.orders VALUES (10, 1, 5.00), (11, 1, 7.50), (12, 2, 1.25)""".formatted(SALES));
        mesh.execute(SALES_JOB, """
                CREATE TABLE %s.core.%s AS SELECT * FROM (VALUES
                    (1, 'EU'), (2, 'US'), (3, NULL), (4, 'EU')) AS t (id, region)""".formatted(SALES, Mesh.FILTERED_TABLE));
    }

    @Test
    void aNewDomainIsACatalogAtOnceAndGoneWhenDeleted() throws Exception {
        mesh.domain("sqlfresh");
        assertThat(mesh.rows("admin", "SHOW CATALOGS")).contains(List.of("sqlfresh"));
        mesh.execute("sqlfresh-job", "CREATE SCHEMA sqlfresh.core");
        mesh.execute("sqlfresh-job", "DROP SCHEMA sqlfresh.core");
        mesh.icefield("domain", "delete", "sqlfresh").ok();
        assertThat(mesh.rows("admin", "SHOW CATALOGS")).doesNotContain(List.of("sqlfresh"));
    }

    @Test
    void domainsJoinWithoutACopy() throws Exception {
        Set<String> crm = mesh.objects(CRM);
        Set<String> sales = mesh.objects(SALES);
        assertThat(mesh.rows("analyst", """
                SELECT c.id, count(*), sum(o.amount) FROM %s.core.orders o JOIN %s.core.customers c
                ON c.id = o.customer_id GROUP BY c.id""".formatted(SALES, CRM)))
                .containsExactlyInAnyOrder(List.of("1", "2", "12.50"), List.of("2", "1", "1.25"));
        assertThat(mesh.objects(CRM)).isEqualTo(crm);
        assertThat(mesh.objects(SALES)).isEqualTo(sales);
    }

    @Test
    void personalDataIsMaskedForTheAnalystAndClearForTheSteward() throws Exception {
        String query = "SELECT id, name, email, phone, birth_date, salary, national_id FROM " + CRM
                + ".core.customers ORDER BY id";
        assertThat(mesh.rows("steward", query).getFirst()).isEqualTo(ANN_CLEAR);
        List<List<String>> seen = mesh.rows("analyst", query);
        assertThat(seen.getFirst()).isEqualTo(ANN_MASKED);
        assertThat(seen.get(1)).isEqualTo(List.of("2", "xx", "x@x.xxx", "12", "2001-01-01", "∅", Masked.sha256("CD")));
        assertThat(seen.get(2)).isEqualTo(List.of("3", "∅", "∅", "∅", "∅", "∅", "∅"));
        assertThat(mesh.rows("admin", query))
                .as("the platform team is no steward")
                .isEqualTo(seen);
        assertThat(mesh.rows(CRM_JOB, query).getFirst()).isEqualTo(ANN_CLEAR);
    }

    @Test
    void predicatesOnMaskedColumnsSeeMaskedValues() throws Exception {
        String count = "SELECT count(*) FROM " + CRM + ".core.customers WHERE ";
        assertThat(mesh.rows("analyst", count + "email = 'ann.lee+1@example.com'"))
                .isEqualTo(List.of(List.of("0")));
        assertThat(mesh.rows("analyst", count + "email LIKE 'ann%'")).isEqualTo(List.of(List.of("0")));
        assertThat(mesh.rows("analyst", count + "salary > 90000")).isEqualTo(List.of(List.of("0")));
        assertThat(mesh.rows("steward", count + "salary > 90000")).isEqualTo(List.of(List.of("1")));
    }

    @Test
    void noSideDoorShowsTheValues() throws Exception {
        for (String metadata : List.of("files", "all_files", "partitions", "entries", "all_entries", "manifests")) {
            String query = "SELECT * FROM %s.core.\"customers$%s\"".formatted(CRM, metadata);
            assertThatThrownBy(() -> mesh.rows("analyst", query))
                    .as(query)
                    .isInstanceOf(SQLException.class)
                    .hasMessageMatching("(?s).*(Access Denied|does not exist).*");
        }
        assertThat(mesh.rows("steward", "SELECT * FROM %s.core.\"customers$files\"".formatted(CRM)))
                .isNotEmpty();
        assertThat(mesh.rows("analyst", "SELECT * FROM %s.core.\"customers$snapshots\"".formatted(CRM)))
                .isNotEmpty();
        // Other tables have no secrets.
        assertThat(mesh.rows("analyst", "SELECT * FROM %s.core.\"orders$files\"".formatted(SALES)))
                .isNotEmpty();

        String snapshot = mesh.rows(
                        "steward", "SELECT min(snapshot_id) FROM %s.core.\"customers$snapshots\"".formatted(CRM))
                .getFirst()
                .getFirst();
        assertThatThrownBy(() -> mesh.rows("analyst", """
                        SELECT * FROM TABLE(%s.system.table_changes('core', 'customers', %s, %s))""".formatted(CRM, snapshot, snapshot)))
                .hasMessageContaining("Access Denied");

        for (String statement : List.of(
                "SHOW STATS FOR %s.core.customers",
                "EXPLAIN (TYPE IO) SELECT * FROM %s.core.customers",
                "SELECT * FROM %s.core.customers FOR VERSION AS OF " + snapshot,
                "SELECT \"$path\", email FROM %s.core.customers",
                "SHOW CREATE TABLE %s.core.customers")) {
            assertThat(mesh.rows("analyst", statement.formatted(CRM)).toString())
                    .as(statement)
                    .doesNotContain("98765", "ann.lee", "Ann Lee", "1984-05-17", "AB-123456", "123456");
        }
    }

    @Test
    void rowsAreFilteredByThePolicyOfTheFolder() throws Exception {
        String query = "SELECT id FROM %s.core.%s".formatted(SALES, Mesh.FILTERED_TABLE);
        assertThat(mesh.rows("analyst", query)).containsExactlyInAnyOrder(List.of("1"), List.of("4"));
        assertThat(mesh.rows("steward", query)).hasSize(4);
        assertThatThrownBy(() -> mesh.rows(
                        "analyst", "SELECT * FROM %s.core.\"%s$files\"".formatted(SALES, Mesh.FILTERED_TABLE)))
                .hasMessageContaining("Access Denied");
    }

    /// Trino puts some of the catalog's answers below a sentence of its own, "Failed to create transaction": then the
    /// text is in the cause, where JDBC and `icefield sql` have it.
    @Test
    void aRefusalByPolicyReachesWhoeverTypedTheSql() {
        assertThatThrownBy(() -> mesh.execute(SALES_JOB, "CREATE TABLE %s.core.leads (email varchar)".formatted(SALES)))
                .hasStackTraceContaining("pii/unclassified")
                .hasStackTraceContaining("icefield.tags.email");
        assertThatThrownBy(() ->
                        mesh.execute(SALES_JOB, "CREATE TABLE %s.core.mailing AS SELECT 'x' AS email".formatted(SALES)))
                .hasStackTraceContaining("pii/unclassified");
        assertThatThrownBy(() -> mesh.execute(
                        SALES_JOB, "ALTER TABLE %s.core.orders ADD COLUMN phone_number varchar".formatted(SALES)))
                .hasMessageContainingAll("pii/unclassified", "pii.phone");
        assertThatThrownBy(() -> mesh.execute(
                        SALES_JOB, "ALTER TABLE %s.core.orders RENAME TO %1$s.core.\"select\"".formatted(SALES)))
                .hasStackTraceContaining("naming/table");
    }

    @Test
    void readersDoNotWriteAndWritersStayAtHome() {
        for (String statement : List.of(
                "INSERT INTO %s.core.orders VALUES (1, 1, 1.00)",
                "DELETE FROM %s.core.orders",
                "DROP TABLE %s.core.orders",
                "TRUNCATE TABLE %s.core.orders",
                "CREATE SCHEMA %s.mine",
                "CREATE TABLE %s.core.mine (id bigint)",
                "ALTER TABLE %s.core.orders ADD COLUMN note varchar",
                "ALTER TABLE %s.core.orders EXECUTE optimize",
                "CALL %s.system.unregister_table('core', 'orders')",
                "DROP CATALOG %s")) {
            for (String principal : List.of("analyst", "steward", CRM_JOB)) {
                assertThatThrownBy(() -> mesh.execute(principal, statement.formatted(SALES)))
                        .as("%s: %s", principal, statement)
                        .isInstanceOf(SQLException.class)
                        .hasMessageMatching("(?s).*(Access Denied|does not exist|not allowed|may not).*");
            }
        }
    }

    @Test
    void aStrangerSeesNothing() throws Exception {
        String token = mesh.token(mesh.stranger("sqlstranger"));
        try (Connection connection = mesh.sqlWithToken(token);
                Statement statement = connection.createStatement()) {
            try (ResultSet catalogs = statement.executeQuery("SHOW CATALOGS")) {
                assertThat(Mesh.texts(catalogs)).doesNotContain(List.of(CRM), List.of(SALES));
            }
            for (String query : List.of(
                    "SELECT * FROM %s.core.customers",
                    "SHOW TABLES FROM %s.core",
                    "SHOW SCHEMAS FROM %s",
                    "SELECT * FROM %s.information_schema.tables",
                    "SELECT * FROM %s.core.\"customers$snapshots\"")) {
                List<List<String>> rows = new ArrayList<>();
                try (ResultSet result = statement.executeQuery(query.formatted(CRM))) {
                    rows.addAll(Mesh.texts(result));
                } catch (SQLException e) {
                    continue; // refused: as good as empty
                }
                assertThat(rows).as(query).isEmpty();
            }
            try (ResultSet queries = statement.executeQuery("SELECT query FROM system.runtime.queries")) {
                assertThat(Mesh.texts(queries).toString()).doesNotContain("customers WHERE email");
            } catch (SQLException e) {
                assertThat(e.getMessage()).contains("Access Denied");
            }
        }
    }

    @Test
    void onlyAGoodTokenGetsIn() throws Exception {
        URI statements = mesh.trino().resolve("/v1/statement");
        String token = mesh.token("analyst");
        String[] parts = token.split("\\.");
        String steward = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8)
                        .replace("\"analyst\"", "\"steward\"")
                        .getBytes(UTF_8));
        try (HttpClient client = mesh.trinoHttp()) {
            HttpRequest.Builder select = HttpRequest.newBuilder(statements)
                    .header("X-Trino-User", "steward")
                    .POST(HttpRequest.BodyPublishers.ofString("SELECT 1"));
            assertThat(status(client, select.copy())).isEqualTo(401);
            for (String bad : List.of(
                    "Bearer x",
                    "Bearer " + parts[0] + "." + steward + "." + parts[2],
                    "Bearer " + parts[0] + "." + parts[1] + ".",
                    "Basic " + Base64.getEncoder().encodeToString("steward:x".getBytes(UTF_8)))) {
                assertThat(status(client, select.copy().header("Authorization", bad)))
                        .as(bad)
                        .isEqualTo(401);
            }
            JsonNode impersonation = json(client, select.copy().header("Authorization", "Bearer " + token));
            while (impersonation.has("nextUri")) {
                assertThat(impersonation.has("data")).isFalse();
                impersonation = json(
                        client,
                        HttpRequest.newBuilder(
                                        URI.create(impersonation.path("nextUri").asText()))
                                .header("Authorization", "Bearer " + token));
            }
            assertThat(impersonation.path("error").path("message").asText())
                    .contains("Access Denied", "analyst", "steward");
        }
    }

    private static final int ATTEMPTS_MAX = 5;

    private static JsonNode json(HttpClient client, HttpRequest.Builder request) throws Exception {
        return Mesh.JSON.readTree(client.send(request.build(), HttpResponse.BodyHandlers.ofString())
                .body());
    }

    /// Trino refuses without reading the body and closes the connection, which the client may use once more before it
    /// sees that.
    private static int status(HttpClient client, HttpRequest.Builder request) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try {
                return client.send(request.build(), HttpResponse.BodyHandlers.ofString())
                        .statusCode();
            } catch (IOException e) {
                if (attempt == ATTEMPTS_MAX) {
                    throw e;
                }
            }
        }
    }
}
