package io.icefield.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/// What does not depend on how much there is: a page of a long list, and a load beside a million tables and grants.
final class Scale {
    private static final int LISTED = 100_000;
    private static final int PAGE = 1_000;
    private static final int BESIDE = 1_000_000;
    private static final int CALLERS = 8;

    /// Names only: their metadata is never read.
    private static final String INSERT = """
            INSERT INTO relations (domain_id, namespace_id, kind, name, uuid, location, metadata_location, version)
            SELECT n.domain_id, n.id, 'table', 'listed_' || lpad(i::text, 7, '0'), gen_random_uuid(),
                's3://elsewhere/' || n.path || '/listed_' || i,
                's3://elsewhere/' || n.path || '/listed_' || i || '/metadata/00000.metadata.json', 1
            FROM namespaces n JOIN domains d ON d.id = n.domain_id, generate_series(1, ?) i
            WHERE d.name = ? AND n.path = ?
            ON CONFLICT DO NOTHING
            """;

    private static final String GRANT = """
            INSERT INTO grants (grantee, scope, role, domain)
            SELECT 'group:g' || i % 1000, ? || chr(31) || 'beside' || chr(31) || chr(31) || 'listed_' || i, 'reader', ?
            FROM generate_series(1, ?) i
            ON CONFLICT DO NOTHING
            """;

    private final Target target;
    private final Rows rows;

    Scale(Target target, Rows rows) {
        this.target = target;
        this.rows = rows;
    }

    static void insert(Target target, String namespace, int tables) throws SQLException {
        try (Connection database = target.database();
                PreparedStatement insert = database.prepareStatement(INSERT)) {
            insert.setInt(1, tables);
            insert.setString(2, Target.DOMAIN);
            insert.setString(3, namespace);
            insert.executeUpdate();
            analyze(database);
        }
    }

    private static void analyze(Connection database) throws SQLException {
        try (Statement statement = database.createStatement()) {
            statement.execute("VACUUM ANALYZE relations, grants");
        }
    }

    void measure() throws Exception {
        double few = loads("loadTable, 40 tables in the database");
        pages();
        target.createNamespace("beside");
        insert(target, "beside", BESIDE);
        double many = loads("loadTable, 1,100,000 tables in the database");
        try (Connection database = target.database();
                PreparedStatement grant = database.prepareStatement(GRANT)) {
            grant.setString(1, Target.DOMAIN);
            grant.setString(2, Target.DOMAIN);
            grant.setInt(3, BESIDE);
            grant.executeUpdate();
            analyze(database);
        }
        double granted = loads("loadTable, and 1,000,000 grants");
        System.out.printf(
                "%nA load costs %+.0f %% with a million tables more, %+.0f %% with a million grants too.%n%n",
                100 * (many / few - 1), 100 * (granted / few - 1));
    }

    private double loads(String what) throws Exception {
        return rows.row(what, CALLERS, (wire, number) -> target.loading(wire, number, ""));
    }

    private void pages() throws Exception {
        target.createNamespace("long");
        insert(target, "long", LISTED);
        double begin = rows.row(
                "100,000 tables in pages of 1,000: the first ten pages",
                1,
                (wire, _) -> target.paging(wire, "long", PAGE, 0, 10));
        double end = rows.row(
                "100,000 tables in pages of 1,000: the last ten pages",
                1,
                (wire, _) -> target.paging(wire, "long", PAGE, LISTED / PAGE - 10, LISTED / PAGE));
        System.out.printf("%nThe last pages cost %+.0f %% more than the first.%n%n", 100 * (end / begin - 1));
    }
}
