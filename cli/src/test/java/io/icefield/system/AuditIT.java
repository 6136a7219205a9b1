package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.jdbc.TrinoResultSet;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What happened is in the log, can be explained by its ids, and is a table.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuditIT {
    private static final String DOMAIN = "audited";
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private Mesh mesh;

    @BeforeAll
    void table() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.execute(DOMAIN + "-job", "CREATE SCHEMA audited.crm");
        mesh.execute(
                DOMAIN + "-job",
                "CREATE TABLE audited.crm.orders AS SELECT * FROM (VALUES (BIGINT '1', 'one')) AS t (id, label)");
    }

    /// The engine's id of a query that succeeds.
    private String query(String principal, String sql) throws Exception {
        try (Connection connection = mesh.sql(principal);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            assertThat(result.next()).isTrue();
            return result.unwrap(TrinoResultSet.class).getQueryId();
        }
    }

    private List<JsonNode> decisions(String principal, String query, String action) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            Mesh.Answer answer = mesh.call(principal, "GET", "/api/v1/decisions?" + query, "");
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            List<JsonNode> found =
                    JSON.readTree(answer.body()).path("decisions").valueStream().toList();
            if (found.stream().anyMatch(each -> each.path("action").asText().equals(action))
                    || System.nanoTime() - deadline > 0) {
                return found;
            }
        }
    }

    @Test
    void aQueryIsExplainedByItsId() throws Exception {
        String id = query("analyst", "SELECT id, label FROM audited.crm.orders");
        assertThat(decisions("admin", "query-id=" + id, "SelectFromColumns")).anySatisfy(each -> {
            assertThat(each.path("who").asText()).isEqualTo("analyst");
            assertThat(each.path("engine").asText()).isEqualTo("trino");
            assertThat(each.path("action").asText()).isEqualTo("SelectFromColumns");
            assertThat(each.path("thing").asText()).isEqualTo("audited.crm.orders");
            assertThat(each.path("outcome").asText()).isEqualTo("allowed");
            assertThat(each.path("grounds").asText()).isEqualTo("reader");
        });
        Ran explained = mesh.icefield("explain", id);
        assertThat(explained.out()).contains("SelectFromColumns, audited.crm.orders", "`analyst` has: reader");
    }

    @Test
    void aRefusedQueryIsFoundByWhoAskedForIt() throws Exception {
        assertThatThrownBy(() -> mesh.execute("analyst", "DROP TABLE audited.crm.orders"))
                .isInstanceOf(SQLException.class);
        assertThat(decisions("analyst", "outcome=denied&thing=audited.crm.orders", "DropTable"))
                .anySatisfy(each -> {
                    assertThat(each.path("action").asText()).isEqualTo("DropTable");
                    assertThat(each.path("because").asText())
                            .contains("ask an owner of its domain for the role writer");
                    assertThat(each.path("query-id").asText()).isNotEmpty();
                });
    }

    @Test
    void theLogIsWholeAndATableForThosePlatformLetsIn() throws Exception {
        JsonNode verified = JSON.readTree(
                mesh.icefield("audit", "verify", "--output", "json").out());
        assertThat(verified.path("intact").asBoolean()).isTrue();
        assertThat(verified.path("verified").asLong()).isPositive();

        JsonNode exported = JSON.readTree(
                mesh.icefield("audit", "export", "--output", "json").out());
        long through = exported.path("through").asLong();
        assertThat(exported.path("added").asLong()).isEqualTo(through);
        JsonNode again = JSON.readTree(
                mesh.icefield("audit", "export", "--output", "json").out());
        through = again.path("through").asLong();
        String count = Long.toString(through);
        assertThat(mesh.rows("admin", "SELECT count(*), count(DISTINCT id), max(id) FROM governance.audit.decisions"))
                .isEqualTo(List.of(List.of(count, count, count)));
        assertThat(mesh.rows(
                        "admin",
                        "SELECT DISTINCT who, outcome FROM governance.audit.decisions WHERE thing = 'audited.crm.orders'"
                                + " AND action = 'CreateTable' AND at > current_timestamp - INTERVAL '1' DAY"))
                .contains(List.of(DOMAIN + "-job", "allowed"));
        assertThat(mesh.rows(
                        "admin",
                        "SELECT count(*) FROM governance.audit.decisions WHERE length(hash) = 64"
                                + " AND cardinality(rules) >= 0"))
                .isEqualTo(List.of(List.of(count)));
        assertThatThrownBy(() -> mesh.rows("analyst", "SELECT count(*) FROM governance.audit.decisions"))
                .isInstanceOf(SQLException.class);
        assertThat(mesh.rows("analyst", "SHOW CATALOGS")).doesNotContain(List.of("governance"));
    }
}
