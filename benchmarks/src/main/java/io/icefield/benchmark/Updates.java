package io.icefield.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/// The bound of commits: rows of the server's own PostgreSQL, changed one transaction each, and every change is on the
/// disk when it is answered.
final class Updates implements AutoCloseable {
    private static final int ROWS = 100;
    private static final String UPDATE = "UPDATE benchmark_bound SET value = value + 1 WHERE id = ?";

    private final Target target;
    private final List<Connection> connections = new ArrayList<>();

    Updates(Target target, int callers) throws SQLException {
        this.target = target;
        run("DROP TABLE IF EXISTS benchmark_bound");
        run("CREATE TABLE benchmark_bound (id int PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50)");
        run("INSERT INTO benchmark_bound SELECT n, 0 FROM generate_series(0, %d) n".formatted(ROWS - 1));
        for (int number = 0; number < callers; number++) {
            Connection connection = target.database();
            connections.add(connection);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET synchronous_commit = on");
            }
        }
    }

    private void run(String statement) throws SQLException {
        try (Connection connection = target.database();
                Statement each = connection.createStatement()) {
            each.execute(statement);
        }
    }

    /// Each caller changes a row of its own.
    Load.Operation ownRow(int caller) throws SQLException {
        return updating(caller, caller);
    }

    /// All callers change the same row.
    Load.Operation sameRow(int caller) throws SQLException {
        return updating(caller, 0);
    }

    private Load.Operation updating(int caller, int row) throws SQLException {
        PreparedStatement update = connections.get(caller).prepareStatement(UPDATE);
        update.setInt(1, row);
        return () -> {
            if (update.executeUpdate() != 1) {
                throw new SQLException("the row is missing");
            }
        };
    }

    @Override
    public void close() throws SQLException {
        for (Connection connection : connections) {
            connection.close();
        }
        run("DROP TABLE benchmark_bound");
    }
}
