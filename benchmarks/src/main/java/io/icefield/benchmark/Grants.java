package io.icefield.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/// What a million grants cost a load: those of others on other things, of others on the very tables, and the caller's
/// own on other things; a part of them ends, a part has ended.
final class Grants {
    private static final int CALLERS = 8;
    private static final int OF_OTHERS = 950_000;
    private static final int ON_EACH_TABLE = 1_000;
    private static final int OF_THE_CALLER = 10_000;

    /// Of what a grant is, by its number: its end.
    private static final String END = """
            CASE WHEN i % 10 = 0 THEN now() - interval '1 day' WHEN i % 3 = 0 THEN now() + interval '90 days'
                ELSE 'infinity' END
            """;

    private static final String INSERT = """
            INSERT INTO grants (grantee, scope, role, domain, expires_at, granted_by, granted_at)
            SELECT grantee, ? || chr(31) || path, 'reader', ?, %s, 'benchmark', now()
            FROM (
                SELECT i, 'group:bm' || i %% 1000 AS grantee, 'beside' || chr(31) || chr(31) || 'listed_' || i AS path
                FROM generate_series(1, ?) i
                UNION ALL
                SELECT i, 'group:bm' || i, 'core' || chr(31) || chr(31) || 'sensor_' || t
                FROM generate_series(1, ?) i, generate_series(0, ?) t
                UNION ALL
                SELECT i, ?, 'beside' || chr(31) || chr(31) || 'listed_' || i
                FROM generate_series(1, ?) i) x
            ON CONFLICT DO NOTHING
            """.formatted(END);

    private static final String DELETE = """
            DELETE FROM grants WHERE granted_by = 'benchmark'
            """;

    private static final String COUNT = """
            SELECT count(*), count(*) FILTER (WHERE expires_at < 'infinity') FROM grants
            """;

    private final Target target;
    private final Rows rows;
    private final int tables;

    Grants(Target target, Rows rows, int tables) {
        this.target = target;
        this.rows = rows;
        this.tables = tables;
    }

    private record Costs(double load, double vended) {}

    /// Few grants are measured before and after, and the cheaper of the two counts: the first rows are the coldest.
    void measure() throws Exception {
        Costs before = loads("few grants");
        fill();
        Costs many = loads("1,000,000 grants");
        clear();
        Costs after = loads("few grants again");
        System.out.printf(
                "%nA load costs %+.0f %% with a million grants, one with a vended key %+.0f %%.%n%n",
                100 * (many.load() / Math.min(before.load(), after.load()) - 1),
                100 * (many.vended() / Math.min(before.vended(), after.vended()) - 1));
    }

    private Costs loads(String with) throws Exception {
        return new Costs(
                rows.row("loadTable, " + with, CALLERS, (wire, number) -> target.loading(wire, number, "")),
                rows.row(
                        "loadTable with a vended key, " + with,
                        CALLERS,
                        (wire, number) -> target.loading(wire, number, Target.VENDED)));
    }

    private void fill() throws SQLException {
        try (Connection database = target.database();
                PreparedStatement insert = database.prepareStatement(INSERT)) {
            insert.setString(1, Target.DOMAIN);
            insert.setString(2, Target.DOMAIN);
            insert.setInt(3, OF_OTHERS);
            insert.setInt(4, ON_EACH_TABLE);
            insert.setInt(5, tables - 1);
            insert.setString(6, "principal:%s-job".formatted(Target.DOMAIN));
            insert.setInt(7, OF_THE_CALLER);
            insert.executeUpdate();
            settle(database);
        }
    }

    private void clear() throws SQLException {
        try (Connection database = target.database();
                Statement statement = database.createStatement()) {
            statement.execute(DELETE);
            settle(database);
        }
    }

    private static void settle(Connection database) throws SQLException {
        try (Statement statement = database.createStatement()) {
            statement.execute("VACUUM ANALYZE grants");
            statement.execute("CHECKPOINT"); // what PostgreSQL does later for these rows is not what a load costs
            try (var row = statement.executeQuery(COUNT)) {
                row.next();
                System.err.printf("%,d grants, %,d of them with an end%n", row.getLong(1), row.getLong(2));
            }
        }
    }
}
