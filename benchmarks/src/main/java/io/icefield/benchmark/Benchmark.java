package io.icefield.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicReference;

/// loadTable and commit of this server, beside what the machine can do at best, in the same run. Arguments: the file
/// with the mesh's status, the mesh's home, and optionally the seconds that each row is measured for.
public final class Benchmark {
    private static final int[] CALLERS = {1, 8};
    private static final int CALLERS_MAX = 8;
    private static final int SECONDS_DEFAULT = 10;

    private final Target target;
    private final Duration warmUp;
    private final Duration measured;

    private Benchmark(Target target, Duration measured) {
        this.target = target;
        this.warmUp = measured.dividedBy(2);
        this.measured = measured;
    }

    public static void main(String[] arguments) throws Exception {
        Duration measured = Duration.ofSeconds(arguments.length > 2 ? Integer.parseInt(arguments[2]) : SECONDS_DEFAULT);
        new Benchmark(new Target(Path.of(arguments[0]), Path.of(arguments[1])), measured).run();
    }

    private interface Caller {
        Load.Operation operation(int number) throws Exception;
    }

    private void run() throws Exception {
        target.createNamespace();
        for (int table = 0; table < CALLERS_MAX; table++) {
            target.create(table);
        }
        byte[] bytes = target.bytes(0);
        System.out.printf(
                "%d processors; metadata of %d columns and %d snapshots: %,d bytes; %d s for each row after %d s of"
                        + " warm-up%n%n",
                Runtime.getRuntime().availableProcessors(),
                Target.COLUMNS,
                Target.SNAPSHOTS,
                bytes.length,
                measured.toSeconds(),
                warmUp.toSeconds());
        System.out.println("| what | callers | per second | p50 ms | p99 ms | CPU s per 1,000 | of the bound |");
        System.out.println("|---|---:|---:|---:|---:|---:|---:|");

        long server = target.pid("catalog");
        long postgres = target.pid("postgres");
        Path file = Files.write(Files.createTempFile("icefield-benchmark", ".json"), bytes);
        Process bare = bareServer(file);
        try {
            URI uri = URI.create("http://127.0.0.1:%d/table".formatted(port(bare)));
            for (int callers : CALLERS) {
                Load.Result bound =
                        row("bare HTTP handler, the same bytes", callers, _ -> target.fetching(uri), bare.pid());
                beside(bound, row("loadTable", callers, target::loading, server));
                beside(bound, row("loadTable with a vended key", callers, target::loadingWithKey, server));
            }
        } finally {
            bare.destroy();
            Files.delete(file);
        }
        try (Connection setUp = target.database();
                Statement statement = setUp.createStatement()) {
            statement.execute("CREATE TABLE IF NOT EXISTS benchmark_bound (id int PRIMARY KEY, value bigint NOT NULL)");
            statement.execute("TRUNCATE benchmark_bound");
            statement.execute("INSERT INTO benchmark_bound SELECT n, 0 FROM generate_series(0, 99) n");
        }
        List<Updating> connections = new ArrayList<>();
        try {
            for (int number = 0; number < CALLERS_MAX; number++) {
                connections.add(new Updating(target.database(), number));
            }
            for (int callers : CALLERS) {
                Load.Result bound = row("PostgreSQL: durable UPDATE of one row", callers, connections::get, postgres);
                beside(bound, row("commit (set a property), separate tables", callers, target::committing, server));
            }
        } finally {
            for (Updating connection : connections) {
                connection.close();
            }
            try (Connection cleanUp = target.database();
                    Statement statement = cleanUp.createStatement()) {
                statement.execute("DROP TABLE benchmark_bound");
            }
        }
    }

    /// Measures, and prints the row but for its last cell.
    private Load.Result row(String what, int callers, Caller caller, long pid) throws Exception {
        List<Load.Operation> operations = new ArrayList<>();
        for (int number = 0; number < callers; number++) {
            operations.add(caller.operation(number));
        }
        AtomicReference<OptionalDouble> before = new AtomicReference<>(OptionalDouble.empty());
        Load.Result result = Load.run(operations, warmUp, measured, () -> before.set(ProcessTime.seconds(pid)));
        OptionalDouble after = ProcessTime.seconds(pid);
        System.out.printf(
                "| %s | %d | %,.0f | %.2f | %.2f | %s |",
                what,
                result.callers(),
                result.perSecond(),
                millis(result.p50()),
                millis(result.p99()),
                after.isEmpty() || before.get().isEmpty()
                        ? "?"
                        : "%.3f"
                                .formatted((after.getAsDouble() - before.get().getAsDouble())
                                        * 1000
                                        / result.operations()));
        if (what.contains(":") || what.startsWith("bare")) {
            System.out.println(" 1 |");
        }
        return result;
    }

    private static void beside(Load.Result bound, Load.Result result) {
        System.out.printf(" 1/%.1f |%n", bound.perSecond() / result.perSecond());
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }

    /// Its own process, with the options of the mesh's own server, so that CPU time and heap are its own.
    private Process bareServer(Path file) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                BareServer.class.getName(),
                file.toString());
        builder.environment().put("TOKEN", target.token());
        return builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static int port(Process process) throws IOException {
        BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.matches("\\d+")) {
                return Integer.parseInt(line);
            }
        }
        throw new IllegalStateException("the bare server did not start");
    }

    /// Each caller changes a row of its own, and every change is on the disk when it is answered.
    private static final class Updating implements Load.Operation, AutoCloseable {
        private final Connection connection;
        private final PreparedStatement update;

        Updating(Connection connection, int row) throws SQLException {
            this.connection = connection;
            this.update = connection.prepareStatement("UPDATE benchmark_bound SET value = value + 1 WHERE id = ?");
            update.setInt(1, row);
        }

        @Override
        public void run() throws SQLException {
            if (update.executeUpdate() != 1) {
                throw new SQLException("the row is missing");
            }
        }

        @Override
        public void close() throws SQLException {
            update.close();
            connection.close();
        }
    }
}
