package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.BadRequestException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Iceberg's own Java client with `S3FileIO` and nothing but vended keys.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JavaClientIT {
    private static final String DOMAIN = "javaclient";
    private static final String OTHER_DOMAIN = "javaother";
    private static final Namespace CORE = Namespace.of("core");
    private static final Schema ITEMS = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "label", Types.StringType.get()));
    private static final int THREADS = 8;
    private static final int APPENDS_EACH = 6;

    private Mesh mesh;
    private RESTCatalog catalog;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.domain(OTHER_DOMAIN);
        catalog = mesh.iceberg(DOMAIN, DOMAIN + "-job");
        catalog.createNamespace(CORE);
    }

    @Test
    void aTableLivesItsWholeLife() throws Exception {
        TableIdentifier name = TableIdentifier.of(CORE, "life");
        Table table = catalog.createTable(name, ITEMS);
        Rows.append(table, List.of(Rows.row(table, 1L, "one"), Rows.row(table, 2L, "two")));
        table.updateSchema().addColumn("weight", Types.DoubleType.get()).commit();
        table.updateSchema().renameColumn("label", "title").commit();
        Rows.append(table, List.of(Rows.row(table, 3L, "three", 0.5)));

        TableIdentifier renamed = TableIdentifier.of(CORE, "life_renamed");
        catalog.renameTable(name, renamed);
        assertThat(catalog.tableExists(name)).isFalse();
        Table reloaded = catalog.loadTable(renamed);
        assertThat(Rows.read(reloaded))
                .extracting(row -> row.getField("id"), row -> row.getField("title"), row -> row.getField("weight"))
                .containsExactlyInAnyOrder(tuple(1L, "one", null), tuple(2L, "two", null), tuple(3L, "three", 0.5));

        String metadata = ((BaseTable) reloaded).operations().current().metadataFileLocation();
        assertThat(catalog.dropTable(renamed, false)).isTrue();
        assertThat(catalog.tableExists(renamed)).isFalse();
        Table registered = catalog.registerTable(TableIdentifier.of(CORE, "life_again"), metadata);
        assertThat(Rows.read(registered)).hasSize(3);
        assertThat(mesh.objects(DOMAIN)).containsAll(keys(Rows.files(registered)));
    }

    @Test
    void namespacesNestAndAreKeptWhileTheyHoldSomething() {
        Namespace nested = Namespace.of("upper", "lower");
        catalog.createNamespace(Namespace.of("upper"), new HashMap<>(Map.of("purpose", "nesting")));
        catalog.createNamespace(nested);
        catalog.createTable(TableIdentifier.of(nested, "leaf"), ITEMS);

        assertThat(catalog.listNamespaces(Namespace.of("upper"))).containsExactly(nested);
        assertThat(catalog.listTables(nested)).containsExactly(TableIdentifier.of(nested, "leaf"));
        assertThat(catalog.loadNamespaceMetadata(Namespace.of("upper"))).containsEntry("purpose", "nesting");
        assertThatThrownBy(() -> catalog.dropNamespace(nested)).isInstanceOf(NamespaceNotEmptyException.class);
        assertThatThrownBy(() -> catalog.createNamespace(nested)).isInstanceOf(AlreadyExistsException.class);

        catalog.dropTable(TableIdentifier.of(nested, "leaf"));
        assertThat(catalog.dropNamespace(nested)).isTrue();
        assertThat(catalog.namespaceExists(nested)).isFalse();
    }

    @Test
    void appendsOfEightThreadsAreAllKept() throws Exception {
        TableIdentifier name = TableIdentifier.of(CORE, "crowded");
        catalog.createTable(
                name, ITEMS, PartitionSpec.unpartitioned(), Map.of(TableProperties.COMMIT_NUM_RETRIES, "20"));
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Callable<Void>> writers = IntStream.range(0, THREADS)
                    .<Callable<Void>>mapToObj(thread -> () -> {
                        Table table = catalog.loadTable(name);
                        for (int append = 0; append < APPENDS_EACH; append++) {
                            Rows.append(table, List.of(Rows.row(table, (long) thread * APPENDS_EACH + append, "x")));
                        }
                        return null;
                    })
                    .toList();
            for (Future<Void> writer : threads.invokeAll(writers)) {
                writer.get();
            }
        }
        assertThat(Rows.read(catalog.loadTable(name)))
                .extracting(row -> row.getField("id"))
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, THREADS * APPENDS_EACH)
                        .<Object>mapToObj(Long::valueOf)
                        .toList());
    }

    @Test
    void aRefusalByPolicyNamesEverythingThatIsWrong() throws Exception {
        Schema bad = new Schema(
                Types.NestedField.required(1, "id", Types.LongType.get()),
                Types.NestedField.optional(2, "email", Types.StringType.get()),
                Types.NestedField.optional(3, "OrderDate", Types.DateType.get()));
        Set<String> before = mesh.objects(DOMAIN);

        assertThatThrownBy(() -> catalog.createTable(TableIdentifier.of(CORE, "BadName"), bad))
                .isInstanceOf(ForbiddenException.class)
                .hasMessageContainingAll(
                        "naming/table",
                        "bad_name",
                        "naming/column",
                        "order_date",
                        "pii/unclassified",
                        "pii.email",
                        "icefield.tags.email");
        assertThat(mesh.objects(DOMAIN)).isEqualTo(before);
        assertThat(catalog.tableExists(TableIdentifier.of(CORE, "BadName"))).isFalse();
    }

    @Test
    void aSchemaChangeIsJudgedLikeACreation() {
        Table table = catalog.createTable(TableIdentifier.of(CORE, "evolving"), ITEMS);
        assertThatThrownBy(() -> table.updateSchema()
                        .addColumn("phone_number", Types.StringType.get())
                        .commit())
                .isInstanceOf(ForbiddenException.class)
                .hasMessageContainingAll("pii/unclassified", "icefield.tags.phone_number", "pii.phone");
        assertThat(catalog.loadTable(TableIdentifier.of(CORE, "evolving"))
                        .schema()
                        .findField("phone_number"))
                .isNull();

        Transaction both = table.newTransaction();
        both.updateProperties().set("icefield.tags.phone_number", "pii.phone").commit();
        both.updateSchema().addColumn("phone_number", Types.StringType.get()).commit();
        both.commitTransaction();
        assertThat(catalog.loadTable(TableIdentifier.of(CORE, "evolving"))
                        .schema()
                        .findField("phone_number"))
                .isNotNull();
    }

    @Test
    void aRenameAndARegistrationAreJudgedToo() {
        TableIdentifier good = TableIdentifier.of(CORE, "well_named");
        Table table = catalog.createTable(good, ITEMS);
        assertThatThrownBy(() -> catalog.renameTable(good, TableIdentifier.of(CORE, "IllNamed")))
                .isInstanceOf(ForbiddenException.class)
                .hasMessageContaining("naming/table");
        String metadata = ((BaseTable) table).operations().current().metadataFileLocation();
        catalog.dropTable(good, false);
        assertThatThrownBy(() -> catalog.registerTable(TableIdentifier.of(CORE, "IllNamed"), metadata))
                .isInstanceOf(ForbiddenException.class)
                .hasMessageContaining("naming/table");
    }

    @Test
    void aStagedCreationWithDataAppearsAtItsCommit() {
        TableIdentifier name = TableIdentifier.of(CORE, "staged");
        Transaction creation = catalog.newCreateTableTransaction(name, ITEMS);
        assertThat(catalog.tableExists(name)).isFalse();
        Table table = creation.table();
        creation.newAppend()
                .appendFile(Rows.write(table, List.of(Rows.row(table, 7L, "seven"))))
                .commit();
        creation.commitTransaction();
        assertThat(Rows.read(catalog.loadTable(name)))
                .extracting(row -> row.getField("id"))
                .containsExactly(7L);
    }

    @Test
    void noLocationOutsideTheDomainIsAccepted() throws Exception {
        RESTCatalog other = mesh.iceberg(OTHER_DOMAIN, OTHER_DOMAIN + "-job");
        other.createNamespace(CORE);
        Table foreign = other.createTable(TableIdentifier.of(CORE, "foreign"), ITEMS);
        String foreignMetadata = ((BaseTable) foreign).operations().current().metadataFileLocation();
        Table own = catalog.createTable(TableIdentifier.of(CORE, "own"), ITEMS);
        String home = own.location().substring(0, own.location().indexOf('/', "s3://x".length()));
        List<String> outside = List.of(
                foreign.location() + "/below",
                "s3://" + mesh.bucket(OTHER_DOMAIN) + "/stolen",
                home + "-2/x",
                home + "/../" + mesh.bucket(OTHER_DOMAIN) + "/x",
                home + "/a/../../x",
                "file:///tmp/x",
                "s3://",
                "/etc",
                home + "/a?b=1",
                home + "/a#b");
        Set<String> before = mesh.objects(DOMAIN);
        Set<String> foreignBefore = mesh.objects(OTHER_DOMAIN);
        TableIdentifier name = TableIdentifier.of(CORE, "outside");

        for (String location : outside) {
            refused(
                    "create at " + location,
                    () -> catalog.buildTable(name, ITEMS).withLocation(location).create());
            refused(
                    "staged create at " + location,
                    () -> catalog.buildTable(name, ITEMS).withLocation(location).createTransaction());
            refused(
                    "create with write.data.path " + location,
                    () -> catalog.buildTable(name, ITEMS)
                            .withProperty(TableProperties.WRITE_DATA_LOCATION, location)
                            .create());
            refused(
                    "create with write.metadata.path " + location,
                    () -> catalog.buildTable(name, ITEMS)
                            .withProperty(TableProperties.WRITE_METADATA_LOCATION, location)
                            .create());
            refused(
                    "set-location " + location,
                    () -> own.updateLocation().setLocation(location).commit());
            refused(
                    "set write.data.path " + location,
                    () -> own.updateProperties()
                            .set(TableProperties.WRITE_DATA_LOCATION, location)
                            .commit());
            refused(
                    "set write.metadata.path " + location,
                    () -> own.updateProperties()
                            .set(TableProperties.WRITE_METADATA_LOCATION, location)
                            .commit());
            refused(
                    "register " + location + "/metadata/v1.metadata.json",
                    () -> catalog.registerTable(name, location + "/metadata/v1.metadata.json"));
        }
        refused("register " + foreignMetadata, () -> catalog.registerTable(name, foreignMetadata));

        assertThat(mesh.objects(DOMAIN)).isEqualTo(before);
        assertThat(mesh.objects(OTHER_DOMAIN)).isEqualTo(foreignBefore);
        assertThat(catalog.tableExists(name)).isFalse();
        Table unchanged = catalog.loadTable(TableIdentifier.of(CORE, "own"));
        assertThat(unchanged.location()).isEqualTo(own.location());
        assertThat(unchanged.properties()).doesNotContainKey(TableProperties.WRITE_DATA_LOCATION);
    }

    private static void refused(String what, Runnable attempt) {
        Throwable refusal = catchThrowable(attempt::run);
        assertThat(refusal)
                .as(what)
                .isInstanceOfAny(BadRequestException.class, ForbiddenException.class, IllegalArgumentException.class);
    }

    private List<String> keys(Set<String> locations) throws IOException, InterruptedException {
        String bucket = "s3://" + mesh.bucket(DOMAIN) + "/";
        return locations.stream()
                .map(location -> location.substring(bucket.length()))
                .toList();
    }
}
