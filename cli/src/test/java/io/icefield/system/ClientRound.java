package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.SnapshotUtil;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.Assumptions;

/// One client's round in a domain of its own: whether it read what it should in each job, whether the server holds what
/// it
/// should afterwards, and whether `docs/clients.md` says the same.
final class ClientRound {
    static final Path COMPAT = Mesh.CHECKOUT.resolve("compat");
    private static final Namespace CORE = Namespace.of("core");

    /// What libraries, which run no SQL, store as the view's query.
    static final String VIEW_SQL = "SELECT id FROM things WHERE id > 2";

    private final Mesh mesh;
    private final String client;
    private final String domain;

    /// @param client name and version, as in the page
    ClientRound(String client) throws Exception {
        this.mesh = Mesh.shared();
        this.client = client;
        this.domain = client.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
        mesh.domain(domain);
    }

    /// What `compat/install` put in `compat/CLIENT/target/VERSION`; the test is skipped if it did not.
    static Path installed(String client, String version, String file) {
        Path found = COMPAT.resolve(client).resolve("target").resolve(version).resolve(file);
        Assumptions.assumeTrue(
                Files.exists(found), "%s %s is not there: `compat/install %1$s` brings it".formatted(client, version));
        return found;
    }

    Mesh mesh() {
        return mesh;
    }

    String domain() {
        return domain;
    }

    String job() {
        return domain + "-job";
    }

    /// The properties of a REST catalog, as clients in Java and Python call them.
    Map<String, String> properties() throws IOException, InterruptedException {
        var iceberg = mesh.status().path("iceberg");
        return Map.of(
                "uri", iceberg.path("uri").asText(),
                "warehouse", domain,
                "credential", mesh.identity(job()).credential(),
                "oauth2-server-uri", iceberg.path("oauth2-server-uri").asText(),
                "header.X-Iceberg-Access-Delegation", "vended-credentials");
    }

    /// Fails unless every job was done as it should be or is declared impossible, and the server holds the result.
    void check(List<Outcome> outcomes) throws Exception {
        assertThat(outcomes).extracting(Outcome::job).containsExactly(Job.values());
        Expected expected = new Expected();
        Map<Job, Outcome.Done> done = new EnumMap<>(Job.class);
        for (Outcome outcome : outcomes) {
            if (outcome instanceof Outcome.Done each) {
                done.put(each.job(), each);
                expected.compare(each);
            }
        }
        holds(done.keySet(), expected);
        new Page(client).check(outcomes);
    }

    /// The rows as they should be by now, on each branch.
    private static final class Expected {
        private final List<List<String>> main = new ArrayList<>();
        private final List<List<String>> audit = new ArrayList<>();
        private boolean evolved;

        private void compare(Outcome.Done done) {
            switch (done.job()) {
                case CREATE, TAG, DROP_WITH_PURGE -> {}
                case WRITE -> {
                    main.addAll(first());
                    same(done, main);
                }
                case EVOLVE -> {
                    evolved = true;
                    main.replaceAll(row -> List.of(row.get(0), row.get(1), "∅"));
                    main.add(List.of("4", "four", "0.25"));
                    same(done, main);
                }
                case BRANCH -> audit.addAll(main);
                case WRITE_TO_BRANCH -> {
                    if (audit.isEmpty()) { // the first write makes the branch
                        audit.addAll(main);
                    }
                    audit.add(evolved ? List.of("5", "five", "0.5") : List.of("5", "five"));
                    same(done, audit);
                }
                case TIME_TRAVEL -> same(done, first());
                case RENAME -> same(done, main);
                case VIEW ->
                    assertThat(done.rows())
                            .as(done.job().words())
                            .isIn(
                                    List.of(List.of(VIEW_SQL)),
                                    main.stream()
                                            .map(row -> row.subList(0, 1))
                                            .filter(row -> Integer.parseInt(row.getFirst()) > 2)
                                            .toList());
                case DELETE_ROWS -> {
                    main.removeIf(row -> row.getFirst().equals("2"));
                    same(done, main);
                }
                case READ_A_REFUSAL ->
                    assertThat(done.rows().toString())
                            .as(done.job().words())
                            .contains("pii/unclassified", "pii.email", "icefield.tags.email");
            }
        }

        private static List<List<String>> first() {
            return List.of(List.of("1", "one"), List.of("2", "two"), List.of("3", "three"));
        }

        private static void same(Outcome.Done done, List<List<String>> rows) {
            assertThat(done.rows()).as(done.job().words()).isEqualTo(rows);
        }
    }

    private void holds(Set<Job> done, Expected expected) throws Exception {
        RESTCatalog catalog = mesh.iceberg(domain, job());
        String name = done.contains(Job.RENAME) ? "things" : "items";
        assertThat(catalog.listTables(CORE)).containsExactly(TableIdentifier.of(CORE, name));
        assertThat(catalog.listViews(CORE))
                .isEqualTo(done.contains(Job.VIEW) ? List.of(TableIdentifier.of(CORE, "ids")) : List.of());

        Table table = catalog.loadTable(TableIdentifier.of(CORE, name));
        assertThat(table.schema().columns())
                .extracting(Types.NestedField::name, Types.NestedField::type)
                .isEqualTo(
                        done.contains(Job.EVOLVE)
                                ? columns(
                                        "id",
                                        Types.LongType.get(),
                                        "title",
                                        Types.StringType.get(),
                                        "weight",
                                        Types.DoubleType.get())
                                : columns("id", Types.LongType.get(), "label", Types.StringType.get()));
        assertThat(table.refs().keySet()).isEqualTo(refs(done));
        assertThat(rows(table, "main")).containsExactlyInAnyOrderElementsOf(expected.main);
        if (done.contains(Job.TAG)) {
            assertThat(rows(table, "first")).containsExactlyInAnyOrderElementsOf(Expected.first());
        }
        if (table.refs().containsKey("audit")) {
            assertThat(rows(table, "audit")).containsExactlyInAnyOrderElementsOf(expected.audit);
        }
        String bucket = "s3://" + mesh.bucket(domain) + "/";
        assertThat(mesh.objects(domain))
                .containsAll(Rows.files(table).stream()
                        .map(file -> file.substring(bucket.length()))
                        .toList());
        assertThat(mesh.rows("analyst", "SELECT * FROM %s.core.%s ORDER BY id".formatted(domain, name)))
                .isEqualTo(expected.main);
        catalog.close();
    }

    private static Set<String> refs(Set<Job> done) {
        Set<String> refs = new HashSet<>(Set.of("main"));
        if (done.contains(Job.TAG)) {
            refs.add("first");
        }
        if (done.contains(Job.BRANCH) || done.contains(Job.WRITE_TO_BRANCH)) {
            refs.add("audit");
        }
        return refs;
    }

    private static List<Tuple> columns(Object... namesAndTypes) {
        List<Tuple> columns = new ArrayList<>();
        for (int at = 0; at < namesAndTypes.length; at += 2) {
            columns.add(Tuple.tuple(namesAndTypes[at], namesAndTypes[at + 1]));
        }
        return columns;
    }

    static List<List<String>> rows(Table table, String ref) throws IOException {
        // Where rows are deleted, the library's reader appends a column of its own.
        int columns = SnapshotUtil.schemaFor(table, table.snapshot(ref).snapshotId())
                .columns()
                .size();
        List<List<String>> rows = new ArrayList<>();
        try (CloseableIterable<Record> records = IcebergGenerics.read(table)
                .useSnapshot(table.snapshot(ref).snapshotId())
                .build()) {
            for (Record record : records) {
                List<String> row = new ArrayList<>();
                for (int column = 0; column < columns; column++) {
                    Object value = record.get(column);
                    row.add(value == null ? "∅" : value.toString());
                }
                rows.add(row);
            }
        }
        return rows;
    }
}
