package io.icefield.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// PostgreSQL as a child process: on 127.0.0.1 only, with passwords, and as durable as an installed one: what
/// it has
/// acknowledged survives the death of every process.
public final class EmbeddedPostgres implements Part {
    public static final String USER = "icefield";
    public static final String DATABASE = "icefield";

    private static final Duration LEFTOVERS_WAIT = Duration.ofSeconds(10);
    private static final Duration INITDB_WAIT = Duration.ofMinutes(2);

    private final Settings settings;

    /// Where the data is, the port, the password that the cluster was or will be created with, and the cache of
    /// programs.
    public record Settings(Path data, int port, String password, Path cache) {
        @Override
        public String toString() {
            return "Settings[%s, port %d]".formatted(data, port);
        }
    }

    public EmbeddedPostgres(Settings settings) {
        this.settings = settings;
    }

    public String jdbcUrl() {
        return jdbcUrl(DATABASE);
    }

    private String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:%d/%s".formatted(settings.port(), database);
    }

    @Override
    public String name() {
        return "postgres";
    }

    @Override
    public Launch launch() throws IOException, InterruptedException {
        Path programs = PostgresBinaries.unpackedIn(settings.cache());
        Path data = settings.data();
        RootShim shim = RootShim.forServer(programs, data);
        if (!Files.exists(data.resolve("PG_VERSION"))) {
            initialise(programs, shim);
        }
        endLeftovers();
        List<String> command = new ArrayList<>(shim.prefix());
        command.addAll(List.of(
                programs.resolve("bin/postgres").toString(), "-D", data.toString(), "-p", "" + settings.port()));
        Map<String, String> durableAndPrivate = Map.of(
                "listen_addresses", "127.0.0.1",
                "unix_socket_directories", "",
                "fsync", "on",
                "synchronous_commit", "on",
                "full_page_writes", "on",
                "password_encryption", "scram-sha-256",
                "log_line_prefix", "%m [%p] ");
        durableAndPrivate.forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
        return new Launch(command, Map.of("LC_ALL", "C", "TZ", "UTC"), data, StopSignal.INT);
    }

    /// A real connection; the first one creates the database.
    @Override
    public boolean ready() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", USER);
        properties.setProperty("password", settings.password());
        properties.setProperty("loginTimeout", "5");
        try (Connection connection = DriverManager.getConnection(jdbcUrl("postgres"), properties);
                Statement statement = connection.createStatement()) {
            boolean there;
            try (ResultSet rows =
                    statement.executeQuery("SELECT 1 FROM pg_database WHERE datname = '" + DATABASE + "'")) {
                there = rows.next();
            }
            if (!there) {
                statement.execute("CREATE DATABASE " + DATABASE);
            }
            return true;
        } catch (SQLException e) {
            if (Objects.requireNonNullElse(e.getSQLState(), "").startsWith("28")) {
                throw new SQLException(
                        "the password kept in the home is not the one of the data in `%s`; restore it, or remove "
                                        .formatted(settings.data())
                                + "that folder to begin anew");
            }
            return false;
        }
    }

    /// A cluster is created beside its place and moved there whole: one that was interrupted is never taken for
    /// ready.
    private void initialise(Path programs, RootShim shim) throws IOException, InterruptedException {
        Path data = settings.data();
        Path next = data.resolveSibling(data.getFileName() + ".new");
        Path password = data.resolveSibling(data.getFileName() + ".password");
        Path log = data.resolveSibling(data.getFileName() + ".initdb.log");
        delete(next);
        Files.createDirectories(data.getParent());
        Files.deleteIfExists(password);
        Files.createFile(password, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            Files.writeString(password, settings.password());
            Files.createDirectory(
                    next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            shim.give(next);
            shim.give(password);
            List<String> command = new ArrayList<>(shim.prefix());
            command.addAll(List.of(
                    programs.resolve("bin/initdb").toString(),
                    "-D",
                    next.toString(),
                    "-U",
                    USER,
                    "-A",
                    "scram-sha-256",
                    "--pwfile=" + password,
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--no-instructions"));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .directory(next.toFile());
            builder.environment().putAll(Map.of("LC_ALL", "C", "TZ", "UTC"));
            Process process = builder.start();
            if (!process.waitFor(INITDB_WAIT) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new MeshException(
                        "PostgreSQL cannot create its data in `%s`%s".formatted(data, LogTail.of(log, 15)));
            }
            delete(data);
            Files.move(next, data, StandardCopyOption.ATOMIC_MOVE);
            Files.delete(log);
        } finally {
            Files.deleteIfExists(password);
        }
    }

    /// After a crash: processes of an earlier server on this data are ended, and a `postmaster.pid` that names
    /// a
    /// process
    /// which is gone, or somebody else's by now, is removed. The caller is the only one to start a server here.
    private void endLeftovers() throws IOException, InterruptedException {
        Path lock = settings.data().resolve("postmaster.pid");
        Instant deadline = Instant.now().plus(LEFTOVERS_WAIT);
        List<ProcessHandle> leftovers = leftovers(lock);
        leftovers.forEach(ProcessHandle::destroy);
        while (leftovers.stream().anyMatch(ProcessHandle::isAlive)) {
            if (Instant.now().isAfter(deadline)) {
                leftovers.forEach(ProcessHandle::destroyForcibly);
            }
            TimeUnit.MILLISECONDS.sleep(20);
            leftovers = leftovers(lock);
        }
        Files.deleteIfExists(lock);
    }

    private List<ProcessHandle> leftovers(Path lock) throws IOException {
        if (!Files.exists(lock)) {
            return List.of();
        }
        Path data = settings.data().toRealPath();
        if (Files.isDirectory(Path.of("/proc/self"))) {
            // Server processes, backends included, have the data folder as their working folder.
            return ProcessHandle.allProcesses()
                    .filter(process -> data.equals(workingFolder(process.pid())))
                    .filter(EmbeddedPostgres::isPostgres)
                    .toList();
        }
        return Files.readString(lock)
                .lines()
                .limit(1)
                .map(String::strip)
                .filter(line -> line.matches("[0-9]{1,9}"))
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
                .filter(EmbeddedPostgres::isPostgres)
                .toList();
    }

    private static boolean isPostgres(ProcessHandle process) {
        return process.isAlive()
                && process.info()
                        .command()
                        .filter(path -> path.endsWith("/postgres"))
                        .isPresent();
    }

    private static Path workingFolder(long pid) {
        try {
            return Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "cwd"));
        } catch (IOException _) {
            return Path.of("/");
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
