package io.icefield.compat;

import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.catalog.CatalogTests;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/// Iceberg's `CatalogTests` against the real server: over HTTP, on S3, with vended credentials.
class CatalogIT extends CatalogTests<RESTCatalog> {
    private static final String DOMAIN = "catalog_tests";

    private static ServedCatalog served;
    private static String bucket;
    private static RESTCatalog catalog;

    @BeforeAll
    static void start() throws Exception {
        served = ServedCatalog.shared();
        bucket = served.domain(DOMAIN);
        catalog = client(Map.of());
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

    private static RESTCatalog client(Map<String, String> more) {
        return served.client("test", DOMAIN, more);
    }

    @Override
    protected RESTCatalog catalog() {
        return catalog;
    }

    @Override
    protected RESTCatalog initCatalog(String name, Map<String, String> more) {
        return served.client(name, DOMAIN, new HashMap<>(more));
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

    @Override
    protected String baseTableLocation(TableIdentifier table) {
        return bucket + "/" + table.namespace() + "/" + table.name();
    }
}
