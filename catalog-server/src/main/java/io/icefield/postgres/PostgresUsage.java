package io.icefield.postgres;

import io.icefield.domain.Domain;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageName;
import io.icefield.table.NamespaceId;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.Usage;
import io.icefield.table.UsageStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.SqlStatement;

/// What tables weigh, in PostgreSQL.
public final class PostgresUsage implements UsageStore {
    /// Rows that are looked at in one query.
    private static final int BATCH = 500;

    /// The tables below a storage's folder are one range of the index on locations.
    private static final String SUM = """
            SELECT s.id, s.name, t.tables, t.live_bytes, t.live_files, t.kept_bytes, t.kept_files
            FROM storages s
            CROSS JOIN LATERAL (
                SELECT 's3://' || s.bucket || CASE s.prefix WHEN '' THEN '' ELSE '/' || s.prefix END AS folder) f
            CROSS JOIN LATERAL (
                SELECT count(*) AS tables,
                    coalesce(sum(r.live_bytes), 0) AS live_bytes, coalesce(sum(r.live_files), 0) AS live_files,
                    coalesce(sum(r.kept_bytes), 0) AS kept_bytes, coalesce(sum(r.kept_files), 0) AS kept_files
                FROM relations r
                WHERE r.domain_id = s.domain_id AND r.kind = 'table'
                AND r.location > f.folder || '/' AND r.location < f.folder || '0') t
            """;

    private static final String SUMS = SUM + """
            WHERE s.domain_id = :domain
            """;

    private static final String NOTE = """
            INSERT INTO usage_days (storage_id, day, tables, live_bytes, live_files, kept_bytes, kept_files)
            SELECT x.id, :today, x.tables, x.live_bytes, x.live_files, x.kept_bytes, x.kept_files
            FROM (%s) x
            ON CONFLICT (storage_id, day) DO UPDATE SET
                tables = excluded.tables, live_bytes = excluded.live_bytes, live_files = excluded.live_files,
                kept_bytes = excluded.kept_bytes, kept_files = excluded.kept_files
            """.formatted(SUM);

    private static final String FORGET = """
            DELETE FROM usage_days WHERE day < :oldest
            """;

    private static final String DAYS = """
            SELECT u.day, s.name, u.tables, u.live_bytes, u.live_files, u.kept_bytes, u.kept_files
            FROM storages s
            JOIN usage_days u ON u.storage_id = s.id
            WHERE s.domain_id = :domain
            ORDER BY u.day DESC, s.name
            LIMIT :limit
            """;

    private static final String OF = """
            SELECT live_bytes, live_files, kept_bytes, kept_files FROM relations
            WHERE id = :id AND live_bytes IS NOT NULL
            """;

    private static final String UNMEASURED = """
            SELECT r.id, d.name AS domain, n.path, r.name, r.live_bytes IS NULL AND r.kind = 'table' AS wanted
            FROM relations r
            JOIN domains d ON d.id = r.domain_id
            JOIN namespaces n ON n.id = r.namespace_id
            WHERE r.id > :after
            ORDER BY r.id
            LIMIT :limit
            """;

    private static final String MEASURED = """
            UPDATE relations SET
                live_bytes = :live_bytes::bigint, live_files = :live_files::bigint,
                kept_bytes = :kept_bytes::bigint, kept_files = :kept_files::bigint
            WHERE id = :id AND version = :version
            """;

    private final Database database;

    public PostgresUsage(Database database) {
        this.database = database;
    }

    static <S extends SqlStatement<S>> S bound(S statement, Optional<Usage> usage) {
        return statement
                .bind("live_bytes", usage.map(Usage::liveBytes))
                .bind("live_files", usage.map(Usage::liveFiles))
                .bind("kept_bytes", usage.map(Usage::keptBytes))
                .bind("kept_files", usage.map(Usage::keptFiles));
    }

    @Override
    public Map<StorageName, Sum> sums(Domain domain) {
        record Row(StorageName storage, Sum sum) {}
        List<Row> rows = database.read(handle -> handle.createQuery(SUMS)
                .bind("domain", domain.id())
                .map((row, _) -> new Row(new StorageName(row.getString("name")), sum(row)))
                .list());
        return rows.stream().collect(Collectors.toMap(Row::storage, Row::sum));
    }

    private static Sum sum(ResultSet row) throws SQLException {
        return new Sum(row.getLong("tables"), usage(row));
    }

    private static Usage usage(ResultSet row) throws SQLException {
        return new Usage(
                row.getLong("live_bytes"),
                row.getLong("live_files"),
                row.getLong("kept_bytes"),
                row.getLong("kept_files"));
    }

    @Override
    public Optional<Usage> of(Table table) {
        return database.read(handle -> handle.createQuery(OF)
                .bind("id", table.id())
                .map((row, _) -> usage(row))
                .findOne());
    }

    private record Looked(long id, boolean wanted, TableId name) {}

    @Override
    public Batch unmeasured(long after) {
        List<Looked> rows = database.read(handle -> handle.createQuery(UNMEASURED)
                .bind("after", after)
                .bind("limit", BATCH)
                .map((row, _) -> new Looked(
                        row.getLong("id"),
                        row.getBoolean("wanted"),
                        new TableId(
                                new NamespaceId(
                                        new DomainName(row.getString("domain")),
                                        List.of(row.getString("path").split(NamespaceId.SEPARATOR, -1))),
                                row.getString("name"))))
                .list());
        return new Batch(
                rows.stream().filter(Looked::wanted).map(Looked::name).toList(),
                rows.size() < BATCH
                        ? Optional.empty()
                        : Optional.of(rows.getLast().id()));
    }

    @Override
    public void measured(Table table, Usage usage) {
        int _ = database.write(handle -> bound(handle.createUpdate(MEASURED), Optional.of(usage))
                .bind("id", table.id())
                .bind("version", table.version())
                .execute());
    }

    @Override
    public void note(LocalDate today, LocalDate oldest) {
        int _ = database.write(handle -> {
            handle.createUpdate(FORGET).bind("oldest", oldest).execute();
            return handle.createUpdate(NOTE).bind("today", today).execute();
        });
    }

    @Override
    public List<Day> days(Domain domain, int limit) {
        return database.read(handle -> handle.createQuery(DAYS)
                .bind("domain", domain.id())
                .bind("limit", limit)
                .map((row, _) -> new Day(
                        Objects.requireNonNull(row.getObject("day", LocalDate.class)),
                        new StorageName(row.getString("name")),
                        sum(row)))
                .list());
    }
}
