package io.icefield.compat;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.BadRequestException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.view.ViewCatalogTests;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Iceberg's `ViewCatalogTests` against the real server: over HTTP, on S3.
@ExtendWith(Skipped.class)
class ViewCatalogIT extends ViewCatalogTests<RESTCatalog> {
    private static final String DOMAIN = "view_catalog_tests";

    private static ServedCatalog served;
    private static String bucket;
    private static RESTCatalog catalog;

    /// A folder belongs to its view while that can come back, and the tests ask for the same ones again and again.
    private final UUID test = UUID.randomUUID();

    @BeforeAll
    static void start() throws Exception {
        served = ServedCatalog.shared();
        bucket = served.domain(DOMAIN);
        catalog = served.client(
                DOMAIN,
                DOMAIN,
                Map.of(
                        "view-default.key1", "catalog-default-key1",
                        "view-default.key2", "catalog-default-key2",
                        "view-default.key3", "catalog-default-key3",
                        "view-override.key3", "catalog-override-key3",
                        "view-override.key4", "catalog-override-key4"));
    }

    @AfterAll
    static void close() throws Exception {
        catalog.close();
    }

    @AfterEach
    void empty() {
        catalog.listNamespaces().forEach(ViewCatalogIT::remove);
    }

    private static void remove(Namespace namespace) {
        catalog.listTables(namespace).forEach(catalog::dropTable);
        catalog.listViews(namespace).forEach(catalog::dropView);
        catalog.dropNamespace(namespace);
    }

    @Override
    protected RESTCatalog catalog() {
        return catalog;
    }

    @Override
    protected Catalog tableCatalog() {
        return catalog;
    }

    /// Where the tests want their views: in the domain's bucket, or it is refused.
    @Override
    protected String viewLocation(String... paths) {
        return Stream.concat(Stream.of(bucket, "views", test.toString()), Stream.of(paths))
                .collect(Collectors.joining("/"));
    }

    @Override
    protected boolean requiresNamespaceCreate() {
        return true;
    }

    @Override
    protected boolean supportsServerSideRetry() {
        return true;
    }

    // --- What we do otherwise

    @Override
    @Test
    public void createViewErrorCases() {
        Skipped.because("what cannot be a view is a BadRequestException, not an IllegalArgumentException");
    }

    @Test
    void twoQueriesOfOneDialectAreABadRequest() {
        Namespace namespace = Namespace.of("ns");
        catalog.createNamespace(namespace);
        assertThatThrownBy(() -> catalog.buildView(TableIdentifier.of(namespace, "view"))
                        .withSchema(SCHEMA)
                        .withDefaultNamespace(namespace)
                        .withQuery("trino", "select * from ns.tbl")
                        .withQuery("trino", "select * from ns.tbl")
                        .create())
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("Invalid view version: Cannot add multiple queries for dialect trino");
    }
}
