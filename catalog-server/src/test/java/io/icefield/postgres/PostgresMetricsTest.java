package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.table.MetricsStore.Kept;
import io.icefield.table.MetricsStore.Report;
import io.icefield.table.Table;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresMetricsTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private Mesh mesh;
    private PostgresMetrics metrics;
    private Table orders;
    private Table other;

    @BeforeAll
    void open() {
        mesh = Mesh.open();
        metrics = new PostgresMetrics(mesh.database);
        var crm = mesh.namespace(mesh.domain("sales"), "crm");
        orders = mesh.table(crm, "orders");
        other = mesh.table(crm, "other");
    }

    @AfterAll
    void close() {
        mesh.database.close();
    }

    private static Report report(Table table, String kind, Instant at) {
        return new Report(table, kind, Optional.of(Long.MAX_VALUE), "seller", at, "{\"a\": [1, {\"b\": null}]}");
    }

    private List<String> kinds(Table table) {
        return metrics.list(table, Long.MAX_VALUE, 100).stream()
                .map(kept -> kept.report().kind())
                .toList();
    }

    @Test
    void whatIsKeptIsWhatWasToldNewestFirstAndNoMoreThanSoMany() {
        metrics.add(List.of(report(other, "o", NOW)), 3);
        metrics.add(
                IntStream.range(0, 5)
                        .mapToObj(i -> report(orders, "r" + i, NOW.plusSeconds(i)))
                        .toList(),
                3);
        List<Kept> kept = metrics.list(orders, Long.MAX_VALUE, 2);
        assertThat(kept.getFirst().report()).isEqualTo(report(orders, "r4", NOW.plusSeconds(4)));
        assertThat(kept.getFirst().id()).isGreaterThan(kept.getLast().id());
        assertThat(metrics.list(orders, kept.getLast().id(), 2)
                        .getFirst()
                        .report()
                        .kind())
                .isEqualTo("r2");
        assertThat(kinds(orders)).containsExactly("r4", "r3", "r2");
        assertThat(kinds(other)).containsExactly("o");

        metrics.forget(NOW.plusSeconds(4));
        assertThat(kinds(orders)).containsExactly("r4");
        assertThat(kinds(other)).isEmpty();
    }

    @Test
    void oneThatCannotBeKeptTakesTheOthersWithItAndSaysSo() {
        Report poison = new Report(other, "p", Optional.empty(), "seller", NOW, "{\"a\":\"\\u0000\"}");
        assertThatThrownBy(() -> metrics.add(List.of(report(other, "with", NOW), poison), 3))
                .isInstanceOf(Refusal.Invalid.class);
        Report huge = new Report(other, "p", Optional.empty(), "seller", NOW, "{\"a\":1e999999}");
        assertThatThrownBy(() -> metrics.add(List.of(huge), 3)).isInstanceOf(Refusal.Invalid.class);
        assertThat(kinds(other)).doesNotContain("with", "p");
    }

    @Test
    void aTableThatIsGoneStopsNoReportOfAnother() {
        Table gone = mesh.table(mesh.namespace(mesh.domain("hr"), "crm"), "gone");
        mesh.tables.drop(gone);
        metrics.add(List.of(report(gone, "late", NOW)), 3);
        assertThat(kinds(gone)).containsExactly("late");
    }
}
