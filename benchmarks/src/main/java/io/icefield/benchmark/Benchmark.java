package io.icefield.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/// What the server costs, beside what the machine can do at best, in the same run. Arguments: the file with the mesh's
/// status, the mesh's home, the seconds that each row is measured for, and which groups of rows (all, without a word).
public final class Benchmark {
    private static final int CALLERS = 8;
    private static final int RIVALS = 16;
    private static final int[] TRANSACTION_TABLES = {4, 5};
    private static final int TABLES = CALLERS * 5;
    private static final int LISTED = 10_000;
    private static final int PAGE = 1_000;

    private final Target target;
    private final Rows rows;
    private final Path folder;

    private Benchmark(Target target, Rows rows, Path folder) {
        this.target = target;
        this.rows = rows;
        this.folder = folder;
    }

    /// They fill the database.
    private static final Set<String> ONLY_WHEN_NAMED = Set.of("scale", "grants");

    private interface Group {
        void measure() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Target target = new Target(Path.of(arguments[0]), Path.of(arguments[1]));
        Duration measured = Duration.ofSeconds(Integer.parseInt(arguments[2]));
        Set<String> wanted = new LinkedHashSet<>(Arrays.asList(arguments).subList(3, arguments.length));
        Path folder = Files.createTempDirectory("icefield-benchmark");
        try {
            new Benchmark(target, new Rows(target, measured), folder).run(wanted);
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private void run(Set<String> wanted) throws Exception {
        Map<String, Group> groups = new LinkedHashMap<>();
        groups.put("load", this::loads);
        groups.put("gzip", this::compressedLoads);
        groups.put("304", this::knownLoads);
        groups.put("head", this::heads);
        groups.put("list", this::lists);
        groups.put("mixed", this::mixed);
        groups.put("create", this::creations);
        groups.put("commit", this::commits);
        groups.put("transaction", this::transactions);
        groups.put("contended", this::contended);
        groups.put("scale", new Scale(target, rows)::measure);
        groups.put("grants", new Grants(target, rows, TABLES)::measure);
        groups.put("memory", new Memory(target, rows)::measure);
        if (!groups.keySet().containsAll(wanted)) {
            System.err.println("groups of rows: " + String.join(", ", groups.keySet()));
            System.exit(2);
        }
        groups.keySet().removeIf(name -> wanted.isEmpty() ? ONLY_WHEN_NAMED.contains(name) : !wanted.contains(name));

        target.createNamespace("core");
        for (int table = 0; table < TABLES; table++) {
            target.create(table);
        }
        byte[] body = target.load(0, "").body();
        Files.write(folder.resolve("load"), body);
        Files.write(folder.resolve("load.gz"), gzipped(body));
        if (groups.containsKey("list")) {
            target.createNamespace("wide");
            Scale.insert(target, "wide", LISTED);
            Files.write(folder.resolve("list"), target.list("wide").body());
        }
        Process bare = bareServer();
        try {
            rows.bare(bare.pid(), URI.create("http://127.0.0.1:%d".formatted(port(bare))));
            System.out.printf(
                    "%d processors; metadata of %d columns and %d snapshots: %,d bytes; %d s for each row after %d s of"
                            + " warm-up%n",
                    Runtime.getRuntime().availableProcessors(),
                    Target.COLUMNS,
                    Target.SNAPSHOTS,
                    body.length,
                    rows.measured().toSeconds(),
                    rows.warmUp().toSeconds());
            rows.printHead();
            for (Group group : groups.values()) {
                group.measure();
            }
        } finally {
            bare.destroy();
        }
    }

    private void loads() throws Exception {
        for (int callers : new int[] {1, CALLERS, 4 * CALLERS}) {
            rows.bound("bare web server, the same bytes", callers, wire -> bare(wire, "/load", ""));
            rows.row("loadTable", callers, (wire, number) -> target.loading(wire, number % CALLERS, ""));
        }
        rows.row("loadTable with a vended key", CALLERS, (wire, number) -> target.loading(wire, number, Target.VENDED));
    }

    private void compressedLoads() throws Exception {
        String gzip = "Accept-Encoding: gzip\r\n";
        rows.bound("bare web server, the same bytes gzip'd", CALLERS, wire -> bare(wire, "/load", gzip));
        rows.row("loadTable, gzip'd", CALLERS, (wire, number) -> target.loading(wire, number, gzip));
    }

    private void knownLoads() throws Exception {
        rows.bound(
                "bare web server, 304",
                CALLERS,
                wire -> target.asking(wire, "GET", "/load", "If-None-Match: W/\"x\"\r\n", 304));
        rows.row("loadTable with If-None-Match: 304", CALLERS, target::loadingKnown);
    }

    private void heads() throws Exception {
        rows.row(
                "HEAD /health/live: a request that asks for nothing",
                CALLERS,
                (wire, _) -> target.asking(wire, "HEAD", "/health/live", "", 200));
        rows.bound("bare web server, HEAD", CALLERS, wire -> target.asking(wire, "HEAD", "/load", "", 204));
        rows.row("HEAD table", CALLERS, target::existing);
    }

    private void lists() throws Exception {
        rows.bound("bare web server, the list's bytes", CALLERS, wire -> bare(wire, "/list", ""));
        rows.row("list 10,000 tables", CALLERS, (wire, _) -> target.listing(wire, "wide"));
        rows.row(
                "list 10,000 tables, a page of 1,000",
                CALLERS,
                (wire, _) -> target.paging(wire, "wide", PAGE, 0, LISTED / PAGE));
    }

    private void mixed() throws Exception {
        rows.row("9 loadTable, 1 commit, and so on", CALLERS, (wire, number) -> {
            Load.Operation load = target.loading(wire, number, "");
            Load.Operation commit = target.committing(wire, number);
            int[] count = {0};
            return () -> (count[0]++ % 10 == 9 ? commit : load).run();
        });
    }

    private void creations() throws Exception {
        rows.row(
                "create a table of 30 columns",
                CALLERS,
                (wire, number) -> target.creating(wire, "new_%d_%d_".formatted(System.nanoTime(), number)));
    }

    private void commits() throws Exception {
        byte[] metadata = target.load(0, "").body();
        for (int callers : new int[] {1, CALLERS}) {
            rows.storeRow("object store: one PUT of that size", callers, _ -> target.putting(metadata));
            try (Updates updates = new Updates(target, callers)) {
                rows.postgresBound("PostgreSQL: durable UPDATE of a row", callers, updates::ownRow);
                rows.row("commit (set a property), separate tables", callers, target::committing);
            }
        }
    }

    private void transactions() throws Exception {
        for (int tables : TRANSACTION_TABLES) {
            rows.row(
                    "transaction over %d tables".formatted(tables),
                    CALLERS,
                    (wire, number) -> target.changingAll(wire, number * tables, tables));
        }
    }

    private void contended() throws Exception {
        try (Updates updates = new Updates(target, RIVALS)) {
            rows.postgresBound("PostgreSQL: durable UPDATE of one row", RIVALS, updates::sameRow);
        }
        target.createEmpty("rivals");
        rows.counting(
                "16 writers set properties of one table",
                RIVALS,
                (wire, number) -> target.setting(wire, "rivals", "counter-" + number, () -> {}));
        try (Appends appends = new Appends(target, "appended")) {
            rows.counting("16 writers append to one table (Iceberg's Java client)", RIVALS, (_, _) -> appends.next());
            appends.check();
        }
    }

    private Load.Operation bare(Wire wire, String path, String head) {
        return target.asking(wire, "GET", path, head, 200);
    }

    private static byte[] gzipped(byte[] plain) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream zip = new GZIPOutputStream(out)) {
            zip.write(plain);
        }
        return out.toByteArray();
    }

    /// Its own process, with the options of the mesh's own server, so that CPU time and heap are its own.
    private Process bareServer() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                BareServer.class.getName(),
                folder.toString());
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
}
