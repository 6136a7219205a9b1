package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedPostgresTest {
    private static final Supervisor.Listener QUIET = new SupervisorTest.Quiet();

    @TempDir
    Path home;

    @Test
    void whatWasCommittedSurvivesTheDeathOfEveryProcess() throws Exception {
        EmbeddedPostgres postgres = postgres("a password with ' and \"");
        Process first = startAlone(postgres);
        try (Connection connection = connect(postgres, "a password with ' and \"");
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE kept (word text)");
            statement.execute("INSERT INTO kept VALUES ('naïve ❄')");
            killAll(first);
        }
        // A process id that belongs to somebody else by now must not keep the server from starting.
        Path lock = home.resolve("postgres/postmaster.pid");
        assertThat(lock).exists();
        String stale = Files.readString(lock);
        Files.writeString(
                lock, stale.replaceFirst("^[0-9]+", "" + ProcessHandle.current().pid()));

        Supervisor second = new Supervisor(logs(), QUIET);
        second.start(postgres);
        try (Connection connection = connect(postgres, "a password with ' and \"");
                Statement statement = connection.createStatement()) {
            assertThat(text(statement, "SELECT word FROM kept")).isEqualTo("naïve ❄");
            for (String durable : List.of("fsync", "synchronous_commit", "full_page_writes")) {
                assertThat(text(statement, "SHOW " + durable)).as(durable).isEqualTo("on");
            }
            assertThat(text(statement, "SHOW listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(text(statement, "SHOW unix_socket_directories")).isEmpty();
        } finally {
            second.stop();
        }
        assertThat(lock).as("an orderly end leaves no lock").doesNotExist();
    }

    @Test
    void nobodyEntersWithoutThePassword() throws Exception {
        EmbeddedPostgres postgres = postgres("right");
        Supervisor supervisor = new Supervisor(logs(), QUIET);
        supervisor.start(postgres);
        try {
            assertThatThrownBy(() -> connect(postgres, "wrong").close())
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("password authentication failed");
            assertThat(home.toFile().list()).noneMatch(name -> name.contains("password"));
        } finally {
            supervisor.stop();
        }
    }

    private EmbeddedPostgres postgres(String password) throws Exception {
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "icefield-test-cache");
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new EmbeddedPostgres(
                    new EmbeddedPostgres.Settings(home.resolve("postgres"), free.getLocalPort(), password, cache));
        }
    }

    private Path logs() throws Exception {
        return Files.createDirectories(home.resolve("logs"));
    }

    private static Connection connect(EmbeddedPostgres postgres, String password) throws SQLException {
        return DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgres.USER, password);
    }

    private static String text(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }

    private Process startAlone(EmbeddedPostgres postgres) throws Exception {
        Part.Launch launch = postgres.launch();
        Process process = new ProcessBuilder(launch.command())
                .directory(launch.folder().toFile())
                .redirectErrorStream(true)
                .redirectOutput(logs().resolve("alone.log").toFile())
                .start();
        Instant deadline = Instant.now().plusSeconds(60);
        while (!postgres.ready()) {
            assertThat(process.isAlive() && Instant.now().isBefore(deadline))
                    .as(Files.readString(logs().resolve("alone.log")))
                    .isTrue();
        }
        return process;
    }

    private static void killAll(Process postmaster) {
        List<ProcessHandle> all = Stream.concat(Stream.of(postmaster.toHandle()), postmaster.descendants())
                .toList();
        assertThat(all).as("the server and its workers").hasSizeGreaterThan(3);
        all.forEach(ProcessHandle::destroyForcibly);
        CompletableFuture.allOf(all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new))
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }
}
