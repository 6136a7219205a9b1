package io.icefield.postgres;

import io.icefield.table.MetricsStore;
import io.icefield.table.Table;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.PreparedBatch;

/// Clients' reports in PostgreSQL.
public final class PostgresMetrics implements MetricsStore {
    private static final String ADD = """
            INSERT INTO metrics_reports (relation_id, kind, snapshot_id, principal, received_at, body)
            VALUES (:relation, :kind, :snapshot, :principal, :received, CAST(:body AS jsonb))
            """;

    private static final String TRIM = """
            DELETE FROM metrics_reports m USING unnest(:relations) AS r (id)
            WHERE m.relation_id = r.id
            AND m.id <= (SELECT k.id FROM metrics_reports k WHERE k.relation_id = r.id
                ORDER BY k.id DESC OFFSET :max LIMIT 1)
            """;

    private static final String FORGET = """
            DELETE FROM metrics_reports WHERE received_at < :before
            """;

    private static final String LIST = """
            SELECT id, kind, snapshot_id, principal, received_at, body FROM metrics_reports
            WHERE relation_id = :relation AND id < :before
            ORDER BY id DESC
            LIMIT :limit
            """;

    private final Database database;

    public PostgresMetrics(Database database) {
        this.database = database;
    }

    @Override
    public void add(List<Report> reports, int perTableMax) {
        Set<Long> relations =
                reports.stream().map(report -> report.table().id()).collect(Collectors.toSet());
        database.write(handle -> {
            PreparedBatch batch = handle.prepareBatch(ADD);
            for (Report report : reports) {
                batch.bind("relation", report.table().id())
                        .bind("kind", report.kind())
                        .bind("snapshot", report.snapshot())
                        .bind("principal", report.principal())
                        .bind("received", report.receivedAt().atOffset(ZoneOffset.UTC))
                        .bind("body", report.body())
                        .add();
            }
            int[] _ = batch.execute();
            return handle.createUpdate(TRIM)
                    .bindArray("relations", Long.class, relations)
                    .bind("max", perTableMax)
                    .execute();
        });
    }

    @Override
    public void forget(Instant before) {
        database.write(handle -> handle.createUpdate(FORGET)
                .bind("before", before.atOffset(ZoneOffset.UTC))
                .execute());
    }

    @Override
    public List<Kept> list(Table table, long before, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bind("relation", table.id())
                .bind("before", before)
                .bind("limit", limit)
                .map((row, _) -> new Kept(row.getLong("id"), report(row, table)))
                .list());
    }

    private static Report report(ResultSet row, Table table) throws SQLException {
        long snapshot = row.getLong("snapshot_id");
        return new Report(
                table,
                row.getString("kind"),
                row.wasNull() ? Optional.empty() : Optional.of(snapshot),
                row.getString("principal"),
                row.getObject("received_at", OffsetDateTime.class).toInstant(),
                row.getString("body"));
    }
}
