package io.icefield.http;

import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.storage.DomainName;
import io.icefield.table.NamespaceId;
import io.icefield.table.TableId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What clients report is kept, and told to those who see the table as it is.
class MetricsReportsTest {
    private static final String REPORTS = "/api/v1/domains/sales/namespaces/crm/tables/orders/metrics";

    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
        caller.create("orders");
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    private JsonNode reports(int count) {
        long deadline = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        while (true) {
            JsonNode reports = ok(caller.get(REPORTS)).json();
            if (reports.path("reports").size() >= count || System.nanoTime() - deadline > 0) {
                return reports;
            }
            Thread.onSpinWait();
        }
    }

    private void report(String token, String body) {
        assertThat(caller.mesh
                        .send("POST", TABLES + "/orders/metrics", token, body)
                        .status())
                .isEqualTo(204);
    }

    private double dropped() {
        return caller.mesh
                .send("GET", "/metrics", caller.mesh.admin, "")
                .text()
                .lines()
                .filter(line -> line.startsWith("icefield_metrics_reports_dropped_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElseThrow();
    }

    private void awaitDropped(double count) {
        long deadline = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        while (dropped() < count && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait();
        }
        assertThat(dropped()).isEqualTo(count);
    }

    @Test
    void reportsAreKeptWithWhoAndWhatAndListedNewestFirst() {
        report(caller.mesh.seller, "{\"report-type\":\"scan-report\",\"snapshot-id\":7,\"odd\":{\"a\":[1]}}");
        report(caller.mesh.analyst, "{\"report-type\":\"what-comes-next\"}");
        JsonNode reports = reports(2).path("reports");
        assertThat(reports).hasSize(2);
        JsonNode scan = reports.get(1);
        assertThat(scan.path("kind").asText()).isEqualTo("scan-report");
        assertThat(scan.path("principal").asText()).isEqualTo("seller");
        assertThat(scan.path("snapshot-id").asLong()).isEqualTo(7);
        assertThat(scan.path("report").path("odd").toString()).isEqualTo("{\"a\":[1]}");
        assertThat(scan.path("received-at").asText()).isNotEmpty();
        assertThat(reports.get(0).path("principal").asText()).isEqualTo("analyst");
        assertThat(reports.get(0).has("snapshot-id")).isFalse();
    }

    @Test
    void filtersHoldValuesSoWhoSeesLessReadsNone() {
        report(caller.mesh.seller, "{}");
        reports(1);
        refused(caller.mesh.send("GET", REPORTS, caller.mesh.analyst, ""), 403, "ForbiddenException");
        refused(caller.mesh.send("GET", REPORTS, caller.mesh.admin, ""), 403, "ForbiddenException");
        refused(caller.mesh.send("GET", REPORTS, caller.mesh.stranger, ""), 404, "NoSuchTableException");
        refused(caller.get(REPORTS.replace("orders", "none")), 404, "NoSuchTableException");
    }

    @Test
    void whatCannotBeKeptIsCountedAndNobodyFails() {
        report(caller.mesh.stranger, "{\"report-type\":\"forged\"}"); // who does not see the table has no report on it
        report(caller.mesh.seller, "{\"report-type\":\"x\",\"long\":\"" + "y".repeat(70_000) + "\"}");
        awaitDropped(2);
        report(caller.mesh.seller, "{\"report-type\":\"poison\",\"x\":\"\\u0000\"}");
        report(caller.mesh.seller, "{\"report-type\":\"good\"}");
        assertThat(reports(1).path("reports").get(0).path("kind").asText()).isEqualTo("good");
        awaitDropped(3);
    }

    /// The database writes a number out: a few bytes of a reader's would be gigabytes for whoever lists the reports.
    @Test
    void aNumberIsKeptNoLongerThanItCame() {
        report(
                caller.mesh.analyst,
                "{\"report-type\":\"long\",\"x\":[1e131071,1e-16000,0.5],\"snapshot-id\":9223372036854775807}");
        reports(1);
        InMemoryMesh mesh = caller.mesh.mesh;
        TableId orders = new TableId(new NamespaceId(new DomainName("sales"), List.of("crm")), "orders");
        String kept = mesh.metricsStore
                .list(mesh.tableStore.find(Set.of(), orders).orElseThrow().table(), Long.MAX_VALUE, 1)
                .getFirst()
                .report()
                .body();
        assertThat(kept).doesNotContain("e131071", "e-16000").contains("0.5").contains("9223372036854775807");
    }

    @Test
    void pagesFollowEachOther() {
        for (int i = 0; i < 5; i++) {
            report(caller.mesh.seller, "{\"report-type\":\"r%d\"}".formatted(i));
        }
        reports(5);
        List<String> kinds = new ArrayList<>();
        String token = "";
        do {
            JsonNode page =
                    ok(caller.get(REPORTS + "?pageSize=2&pageToken=" + token)).json();
            assertThat(page.path("reports").size()).isLessThanOrEqualTo(2);
            page.path("reports").forEach(each -> kinds.add(each.path("kind").asText()));
            token = page.path("next-page-token").asText("");
        } while (!token.isEmpty() && !token.equals("null"));
        assertThat(kinds).containsExactly("r4", "r3", "r2", "r1", "r0");
        refused(caller.get(REPORTS + "?pageToken=nonsense"), 400, "BadRequestException");
    }
}
