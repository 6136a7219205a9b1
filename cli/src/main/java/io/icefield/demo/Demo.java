package io.icefield.demo;

import static java.util.stream.Collectors.toMap;

import io.icefield.job.TableWriter;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.RESTCatalog;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/// The story that `icefield demo` tells, with a check behind every claim.
public final class Demo {
    private static final int FORBIDDEN = 403;

    /// A property of the tables that a demo made, and that the next one may replace.
    private static final String OURS = "icefield.demo";

    private final Mesh mesh;
    private final double scale;
    private final Consumer<String> out;
    private final Consumer<String> progress;
    private int checks;
    private final List<String> failures = new ArrayList<>();

    /// @param scale TPC-H scale factor; 0.1 is 866,000 rows
    /// @param out the story, line by line
    /// @param progress a line that replaces the one before
    public Demo(Mesh mesh, double scale, Consumer<String> out, Consumer<String> progress) {
        this.mesh = mesh;
        this.scale = scale;
        this.out = out;
        this.progress = progress;
    }

    /// What was checked, and what of it was not so.
    public record Outcome(int checks, List<String> failures) {
        public Outcome {
            failures = List.copyOf(failures);
        }
    }

    public Outcome run() throws Exception {
        domains();
        refusals();
        load();
        Map<String, String> before = objects();
        joins();
        masks();
        keys();
        check(objects().equals(before), "no object was copied, added or changed in any bucket by these queries");
        return new Outcome(checks, failures);
    }

    private void domains() {
        title("1. The platform team gives each domain its bucket and its catalog");
        for (TpchDomain domain : TpchDomain.ALL) {
            if (!mesh.domains().contains(domain.name())) {
                mesh.createDomain(domain.name());
            }
            out.accept("   %-7s owns %s".formatted(domain.name(), String.join(", ", domain.tables())));
        }
        check(
                mesh.domains()
                        .containsAll(
                                TpchDomain.ALL.stream().map(TpchDomain::name).toList()),
                "%d domains are there".formatted(TpchDomain.ALL.size()));
    }

    private void refusals() throws IOException {
        title("2. Policies speak at the moment of the change");
        try (RESTCatalog crm = connect("crm", "crm-job")) {
            Namespace people = Namespace.of("people");
            if (!crm.namespaceExists(people)) {
                crm.createNamespace(people);
            }
            refused(
                    "a table named `CustomerList`",
                    () -> crm.createTable(TableIdentifier.of(people, "CustomerList"), TpchRows.schema("nation")),
                    "naming/");
            TableIdentifier unclassified = TableIdentifier.of(people, "customers");
            refused(
                    "names and phones that nobody classified",
                    () -> crm.createTable(unclassified, TpchRows.schema("customer")),
                    "pii/");
            check(
                    crm.listTables(people).stream().noneMatch(unclassified::equals),
                    "a refused table leaves nothing behind");
        }
    }

    private void refused(String what, Callable<?> change, String code) {
        try {
            change.call();
            check(false, "%s is refused".formatted(what));
        } catch (ForbiddenException e) {
            String reasons = e.getMessage() == null ? "" : e.getMessage();
            check(reasons.contains(code), "%s: refused".formatted(what));
            reasons.lines().limit(5).forEach(line -> out.accept("       " + line.strip()));
        } catch (Exception e) {
            check(false, "%s is refused with a reason, not %s".formatted(what, e));
        }
    }

    private void load() throws Exception {
        title("3. Domain jobs write Iceberg tables into their own buckets, all at the same time");
        Instant start = Instant.now();
        AtomicLong rows = new AtomicLong();
        List<Future<List<String>>> jobs = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(TpchDomain.ALL.size())) {
            TpchDomain.ALL.forEach(domain -> jobs.add(threads.submit(() -> write(domain, rows))));
        }
        for (Future<List<String>> job : jobs) {
            try {
                job.get().forEach(out);
            } catch (ExecutionException e) {
                throw new IllegalStateException("a domain job failed: " + e.getMessage(), e);
            }
        }
        Duration took = Duration.between(start, Instant.now());
        out.accept("   %,d rows in %.1f s".formatted(rows.get(), took.toMillis() / 1000.0));
        check(rows.get() > 0, "every job committed");
    }

    private List<String> write(TpchDomain domain, AtomicLong total) throws IOException {
        List<String> lines = new ArrayList<>();
        try (RESTCatalog catalog = connect(domain.name(), domain.name() + "-job")) {
            Namespace namespace = Namespace.of(domain.namespace());
            if (!catalog.namespaceExists(namespace)) {
                catalog.createNamespace(namespace);
            }
            for (String name : domain.tables()) {
                TableIdentifier id = TableIdentifier.of(namespace, name);
                if (catalog.tableExists(id)) {
                    if (!catalog.loadTable(id).properties().containsKey(OURS)) {
                        throw new IllegalStateException(
                                "`%s.%s` is there already, and no demo made it: run the demo in another home (--home)"
                                        .formatted(domain.name(), id));
                    }
                    catalog.dropTable(id, false);
                }
                Table table = catalog.buildTable(id, TpchRows.schema(name))
                        .withProperty(OURS, "true")
                        .withProperties(tags(domain, name))
                        .create();
                AtomicLong seen = new AtomicLong();
                TableWriter.Written written = TableWriter.append(table, TpchRows.rows(name, scale), rows -> {
                    long all = total.addAndGet(rows - seen.getAndSet(rows));
                    progress.accept("   %,d rows written".formatted(all));
                });
                lines.add("   %-28s %,10d rows, %,.1f MB as `%s-job`"
                        .formatted(
                                TpchDomain.address(name),
                                written.rows(),
                                written.bytes() / 1_000_000.0,
                                domain.name()));
            }
        }
        return lines;
    }

    private static Map<String, String> tags(TpchDomain domain, String table) {
        return domain.tags().entrySet().stream()
                .filter(tag -> tag.getKey().startsWith(table + "."))
                .collect(toMap(
                        tag -> "icefield.tags." + tag.getKey().substring(table.length() + 1), Map.Entry::getValue));
    }

    private void joins() throws SQLException {
        title("4. An analyst joins four domains in Trino; no data moves");
        try (Connection analyst = mesh.query("analyst")) {
            for (Queries query : Queries.values()) {
                List<List<String>> mine = rows(analyst, query.sql(TpchDomain::address));
                List<List<String>> expected =
                        rows(analyst, query.sql(table -> "tpch.\"%s\".%s".formatted(schema(), table)));
                out.accept("   " + query.title());
                mine.stream().limit(3).forEach(row -> out.accept("       " + String.join("  ", row)));
                check(
                        !mine.isEmpty() && mine.equals(expected),
                        "%d rows, exactly those of Trino's own tpch connector for the same SQL".formatted(mine.size()));
            }
        }
    }

    private String schema() {
        String text = Double.toString(scale);
        return "sf" + (text.endsWith(".0") ? text.substring(0, text.length() - 2) : text);
    }

    private void masks() throws SQLException {
        title("5. Personal data is masked for the analyst and clear for the steward");
        String sql = "SELECT custkey, name, phone FROM %s ORDER BY custkey LIMIT 5"
                .formatted(TpchDomain.address("customer"));
        List<List<String>> original = rows(
                "steward",
                "SELECT custkey, name, phone FROM tpch.\"%s\".customer ORDER BY custkey LIMIT 5".formatted(schema()));
        List<List<String>> clear = rows("steward", sql);
        List<List<String>> masked = rows("analyst", sql);
        out.accept("   the analyst sees  " + String.join("  ", masked.getFirst()));
        out.accept("   the steward sees  " + String.join("  ", clear.getFirst()));
        check(clear.equals(original), "the steward sees every value as it is");
        boolean hidden = masked.size() == original.size();
        for (int i = 0; i < masked.size(); i++) {
            hidden &= masked.get(i).getFirst().equals(original.get(i).getFirst())
                    && !masked.get(i).get(1).equals(original.get(i).get(1))
                    && !masked.get(i).get(2).equals(original.get(i).get(2));
        }
        check(hidden, "the analyst gets the same rows with names and phones masked");
        check(
                fails("analyst", "SELECT lower_bounds FROM crm.people.\"customer$files\""),
                "the analyst cannot read around the mask through the table's metadata");
    }

    private void keys() throws IOException {
        title("6. A key reaches one table and nothing else");
        String own = dataFile("geo", "world", "nation", "geo-job");
        String foreign = dataFile("crm", "people", "customer", "crm-job");
        try (RESTCatalog geo = connect("geo", "analyst")) {
            Map<String, String> key =
                    geo.loadTable(TableIdentifier.of("world", "nation")).io().properties();
            try (S3Client store = mesh.store(
                    key.getOrDefault("s3.access-key-id", ""),
                    key.getOrDefault("s3.secret-access-key", ""),
                    key.getOrDefault("s3.session-token", ""))) {
                check(status(store, own) == 200, "the analyst's key reads the table it was given for");
                check(status(store, foreign) == FORBIDDEN, "the same key on an object of another domain: 403");
            }
        }
        try (RESTCatalog crm = connect("crm", "analyst")) {
            refused(
                    "the analyst asks for a key to the customers' raw files",
                    () -> crm.loadTable(TableIdentifier.of("people", "customer")),
                    "masked");
        }
    }

    private String dataFile(String domain, String namespace, String table, String principal) throws IOException {
        try (RESTCatalog catalog = connect(domain, principal);
                CloseableIterable<FileScanTask> files = catalog.loadTable(TableIdentifier.of(namespace, table))
                        .newScan()
                        .planFiles()) {
            return files.iterator().next().file().location();
        }
    }

    private static int status(S3Client store, String location) {
        String path = location.substring("s3://".length());
        int slash = path.indexOf('/');
        try {
            store.getObjectAsBytes(get -> get.bucket(path.substring(0, slash)).key(path.substring(slash + 1)));
            return 200;
        } catch (S3Exception e) {
            return e.statusCode();
        }
    }

    private Map<String, String> objects() {
        Map<String, String> all = new HashMap<>();
        TpchDomain.ALL.forEach(domain ->
                mesh.objects(domain.name()).forEach((key, version) -> all.put(domain.name() + "/" + key, version)));
        return all;
    }

    private boolean fails(String principal, String sql) throws SQLException {
        try (Connection connection = mesh.query(principal)) {
            rows(connection, sql);
            return false;
        } catch (SQLException e) {
            if (e.getMessage() != null && e.getMessage().contains("Access Denied")) {
                return true;
            }
            throw e;
        }
    }

    private List<List<String>> rows(String principal, String sql) throws SQLException {
        try (Connection connection = mesh.query(principal)) {
            return rows(connection, sql);
        }
    }

    private static List<List<String>> rows(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            List<List<String>> rows = new ArrayList<>();
            int columns = result.getMetaData().getColumnCount();
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    String value = result.getString(i);
                    row.add(value == null ? "NULL" : value);
                }
                rows.add(row);
            }
            return rows;
        }
    }

    private RESTCatalog connect(String domain, String principal) {
        return mesh.catalog(domain, principal).open();
    }

    private void title(String text) {
        out.accept("");
        out.accept(text);
    }

    private void check(boolean so, String claim) {
        checks++;
        out.accept("   %s %s".formatted(so ? "✓" : "✗", claim));
        if (!so) {
            failures.add(claim);
        }
    }
}
