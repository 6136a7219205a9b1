package io.icefield.compat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.CatalogTests;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// Iceberg's `CatalogTests` against the real server: over HTTP, on S3, with vended credentials.
@ExtendWith(Skipped.class)
class CatalogIT extends CatalogTests<RESTCatalog> {
    private static final String DOMAIN = "catalog_tests";

    /// Settings of the client that the tests count on.
    private static final Map<String, String> TABLE_PROPERTIES = Map.of(
            CatalogProperties.TABLE_DEFAULT_PREFIX + "default-key1", "catalog-default-key1",
            CatalogProperties.TABLE_DEFAULT_PREFIX + "default-key2", "catalog-default-key2",
            CatalogProperties.TABLE_DEFAULT_PREFIX + "override-key3", "catalog-default-key3",
            CatalogProperties.TABLE_OVERRIDE_PREFIX + "override-key3", "catalog-override-key3",
            CatalogProperties.TABLE_OVERRIDE_PREFIX + "override-key4", "catalog-override-key4");

    private static ServedCatalog served;
    private static String bucket;
    private static RESTCatalog catalog;

    private final Map<TableIdentifier, String> locations = new HashMap<>();

    /// A folder belongs to its table while that can come back, and the tests ask for the same ones again and again.
    private final UUID test = UUID.randomUUID();

    @BeforeAll
    static void start() throws Exception {
        served = ServedCatalog.shared();
        bucket = served.domain(DOMAIN);
        catalog = served.client("test", DOMAIN, TABLE_PROPERTIES);
    }

    @AfterAll
    static void close() throws Exception {
        catalog.close();
    }

    @AfterEach
    void empty() {
        catalog.listNamespaces().forEach(CatalogIT::remove);
    }

    private static void remove(Namespace namespace) {
        catalog.listNamespaces(namespace).forEach(CatalogIT::remove);
        catalog.listTables(namespace).forEach(catalog::dropTable);
        catalog.dropNamespace(namespace);
    }

    @Override
    protected RESTCatalog catalog() {
        return catalog;
    }

    @Override
    protected RESTCatalog initCatalog(String name, Map<String, String> more) {
        Map<String, String> properties = new HashMap<>(TABLE_PROPERTIES);
        properties.putAll(more);
        return served.client(name, DOMAIN, properties);
    }

    @Override
    protected boolean requiresNamespaceCreate() {
        return true;
    }

    @Override
    protected boolean supportsNestedNamespaces() {
        return true;
    }

    @Override
    protected boolean supportsServerSideRetry() {
        return true;
    }

    /// A table that is there moves below its own folder only: its key, with which a client writes before it commits
    /// the move, reaches no further.
    @Override
    protected String baseTableLocation(TableIdentifier table) {
        return locations.computeIfAbsent(
                table,
                name -> catalog.tableExists(name)
                        ? catalog.loadTable(name).location() + "/moved"
                        : bucket + "/" + test + "/" + name.namespace() + "/" + name.name());
    }

    // --- What the tests do not ask for yet

    @Test
    void aRegistrationMayReplaceATable() {
        catalog.createNamespace(NS);
        Table table = catalog.createTable(TABLE, SCHEMA);
        String empty = metadata(table);
        table.newAppend().appendFile(FILE_A).commit();
        assertThatThrownBy(() -> catalog.registerTable(TABLE, empty, false)).isInstanceOf(AlreadyExistsException.class);

        Table back = catalog.registerTable(TABLE, empty, true);
        assertUUIDsMatch(table, back);
        assertNoFiles(catalog.loadTable(TABLE));
        // Who still sees the state that is gone does not bring it back.
        table.newAppend().appendFile(FILE_B).commit();
        assertFiles(catalog.loadTable(TABLE), FILE_B);

        Table other = catalog.createTable(RENAMED_TABLE, OTHER_SCHEMA);
        catalog.dropTable(RENAMED_TABLE, false);
        assertUUIDsMatch(other, catalog.registerTable(TABLE, metadata(other), true));
        assertThat(catalog.loadTable(TABLE).schema().asStruct()).isEqualTo(OTHER_SCHEMA.asStruct());
    }

    private static String metadata(Table table) {
        return ((BaseTable) table).operations().current().metadataFileLocation();
    }

    // --- What we do not do

    @Override
    @Test
    public void testNamespaceWithSlash() {
        Skipped.because("no name contains a slash: it would not be safe in paths");
    }

    @Override
    @Test
    public void testTableNameWithSlash() {
        Skipped.because("no name contains a slash: it would not be safe in paths");
    }

    @Override
    @Test
    public void testLoadTableWithMissingMetadataFile(@TempDir Path folder) {
        Skipped.because("it moves a file on a local disk; here files are in S3, and a load needs none of them");
    }
}
