package io.icefield.http;

import static io.icefield.http.Caller.commitBody;
import static io.icefield.http.Caller.createBody;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.refused;
import static io.icefield.http.Caller.setProperty;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableCommit;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// One catalog for the whole mesh: the first level of a namespace is its domain, and all else is the
/// domain's.
class MeshWarehouseTest {
    private static final String MESH = "/iceberg/v1/mesh";
    private static final String NAMESPACES = MESH + "/namespaces";

    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
        domain("hr", "sellers");
        domain("secret", "spies");
        ok(caller.post("/iceberg/v1/hr/namespaces", "{\"namespace\":[\"crm\"]}"));
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    private void domain(String name, String owners) {
        ok(caller.mesh.send(
                "POST",
                "/api/v1/domains",
                caller.mesh.admin,
                "{\"name\":\"%s\",\"owners\":[\"%s\"]}".formatted(name, owners)));
    }

    private String names(String path, String field) {
        return ok(caller.get(path)).json().path(field).toString();
    }

    @Test
    void theDomainsThatOneMayKnowOfAreItsNamespaces() {
        assertThat(names(NAMESPACES, "namespaces")).isEqualTo("[[\"hr\"],[\"sales\"]]");
        JsonNode page = ok(caller.get(NAMESPACES + "?pageSize=1")).json();
        assertThat(page.path("namespaces").toString()).isEqualTo("[[\"hr\"]]");
        String token = page.path("next-page-token").asText();
        assertThat(names(NAMESPACES + "?pageSize=5&pageToken=" + token, "namespaces"))
                .isEqualTo("[[\"sales\"]]");
        refused(caller.get("/iceberg/v1/sales/namespaces?pageToken=" + token), 400, "BadRequestException");
        assertThat(names(NAMESPACES + "?parent=sales", "namespaces")).isEqualTo("[[\"sales\",\"crm\"]]");
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"sales\",\"crm\",\"eu\"]}"));
        assertThat(names(NAMESPACES + "?parent=sales%1Fcrm", "namespaces")).isEqualTo("[[\"sales\",\"crm\",\"eu\"]]");
        for (String hidden : List.of("secret", "nowhere", "NO!", "mesh", "system")) {
            refused(caller.get(NAMESPACES + "?parent=" + hidden), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + hidden), 404, "NoSuchNamespaceException");
            assertThat(caller.head(NAMESPACES + "/" + hidden).status()).isEqualTo(404);
            refused(caller.get(NAMESPACES + "/" + hidden + "/tables"), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + hidden + "/views"), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + hidden + "%1Fcrm/tables"), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + hidden + "%1Fcrm/tables/t"), 404, "NoSuchTableException");
            refused(caller.delete(NAMESPACES + "/" + hidden), 404, "NoSuchNamespaceException");
        }
    }

    @Test
    void aDomainIsShownButNeitherMadeNorChangedNorDropped() {
        assertThat(names(NAMESPACES + "/sales", "namespace")).isEqualTo("[\"sales\"]");
        assertThat(caller.head(NAMESPACES + "/sales").status()).isEqualTo(204);
        assertThat(names(NAMESPACES + "/sales/tables", "identifiers")).isEqualTo("[]");
        assertThat(names(NAMESPACES + "/sales/views", "identifiers")).isEqualTo("[]");
        refused(caller.delete(NAMESPACES + "/sales"), 403, "ForbiddenException");
        refused(
                caller.post(NAMESPACES + "/sales/properties", "{\"updates\":{\"k\":\"v\"}}"),
                403,
                "ForbiddenException");
        refused(caller.post(NAMESPACES, "{\"namespace\":[\"sales\"]}"), 409, "AlreadyExistsException");
        refused(caller.post(NAMESPACES, "{\"namespace\":[\"newest\"]}"), 403, "ForbiddenException");
        refused(caller.post(NAMESPACES, "{\"namespace\":[\"secret\"]}"), 403, "ForbiddenException");
        refused(caller.post(NAMESPACES, "{\"namespace\":[]}"), 400, "BadRequestException");
        refused(caller.post(NAMESPACES + "/sales/tables", createBody("t", "")), 400, "BadRequestException");
        refused(caller.post(NAMESPACES + "/sales/views", Caller.view("v", "")), 400, "BadRequestException");
        refused(caller.get(NAMESPACES + "/sales/tables/t"), 404, "NoSuchTableException");
        refused(caller.get(NAMESPACES + "/sales/views/v"), 404, "NoSuchViewException");
        refused(
                caller.mesh.send(
                        "POST", "/api/v1/domains", caller.mesh.admin, "{\"name\":\"mesh\",\"owners\":[\"x\"]}"),
                400,
                "BadRequestException");
    }

    @Test
    void aTableIsTheSameByBothNames() {
        String mesh = NAMESPACES + "/hr%1Fcrm/tables";
        Reply made = ok(caller.post(mesh, createBody("t", "")));
        assertThat(made.json().path("metadata").path("location").asText()).startsWith("s3://bucket-hr/crm/t-");
        assertThat(names(mesh, "identifiers")).isEqualTo("[{\"namespace\":[\"hr\",\"crm\"],\"name\":\"t\"}]");
        assertThat(names("/iceberg/v1/hr/namespaces/crm/tables", "identifiers"))
                .isEqualTo("[{\"namespace\":[\"crm\"],\"name\":\"t\"}]");
        assertThat(caller.get("/iceberg/v1/hr/namespaces/crm/tables/t").text())
                .isEqualTo(caller.get(mesh + "/t").text());
        ok(caller.post(mesh + "/t", commitBody("", setProperty("k", "v"))));
        JsonNode loaded = ok(caller.delegated("GET", mesh + "/t", "")).json();
        ok(caller.get("/iceberg/"
                + loaded.path("config")
                        .path("client.refresh-credentials-endpoint")
                        .asText()));
        assertThat(names(NAMESPACES + "/hr%1Fcrm", "namespace")).isEqualTo("[\"hr\",\"crm\"]");
        ok(caller.post(NAMESPACES + "/hr%1Fcrm/views", Caller.view("v", "")));
        assertThat(names(NAMESPACES + "/hr%1Fcrm/views", "identifiers"))
                .isEqualTo("[{\"namespace\":[\"hr\",\"crm\"],\"name\":\"v\"}]");
        // Spark sends the catalog's name along.
        Reply spark = caller.post(MESH + "/tables/rename", """
                {"source":{"namespace":["hr","crm"],"name":"t"},
                "destination":{"namespace":["mesh","hr","crm"],"name":"u"}}""");
        refused(spark, 400, "BadRequestException");
        assertThat(spark.text()).contains("`mesh` is the catalog");
        ok(caller.post(MESH + "/tables/rename", """
                {"source":{"namespace":["hr","crm"],"name":"t"},"destination":{"namespace":["hr","crm"],"name":"u"}}"""));
        for (String kind : List.of("tables", "views")) {
            refused(
                    caller.post(MESH + "/" + kind + "/rename", """
                            {"source":{"namespace":["hr","crm"],"name":"%s"},
                            "destination":{"namespace":["sales","crm"],"name":"x"}}""".formatted(kind.equals("tables") ? "u" : "v")),
                    400,
                    "BadRequestException");
        }
        ok(caller.delete(mesh + "/u"));
    }

    @Test
    void authorizationIsTheDomains() {
        ok(caller.mesh.send(
                "POST",
                "/iceberg/v1/secret/namespaces",
                caller.mesh.token("spy", io.icefield.access.Principal.Kind.USER, "spies"),
                "{\"namespace\":[\"files\"]}"));
        refused(
                caller.post(NAMESPACES + "/secret%1Ffiles/tables", createBody("t", "")),
                404,
                "NoSuchNamespaceException");
        assertThat(ok(caller.mesh.send("GET", NAMESPACES, caller.mesh.stranger, ""))
                        .json()
                        .path("namespaces"))
                .isEmpty();
        refused(
                caller.mesh.send("POST", NAMESPACES + "/hr%1Fcrm/tables", caller.mesh.analyst, createBody("t", "")),
                403,
                "ForbiddenException");
    }

    @Test
    void aTransactionSpansDomainsAndIsAllOrNothing() {
        ok(caller.post(NAMESPACES + "/hr%1Fcrm/tables", createBody("a", "")));
        ok(caller.post(NAMESPACES + "/sales%1Fcrm/tables", createBody("a", "")));
        String both = """
                {"table-changes":[
                {"identifier":{"namespace":["hr","crm"],"name":"a"},"requirements":[],"updates":[%1$s]},
                {"identifier":{"namespace":["sales","crm"],"name":"a"},"requirements":[%2$s],"updates":[%1$s]}]}""";
        ok(caller.post(MESH + "/transactions/commit", both.formatted(setProperty("k", "1"), "")));
        refused(
                caller.post(
                        MESH + "/transactions/commit",
                        both.formatted(
                                setProperty("k", "2"),
                                "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":9}")),
                409,
                "CommitFailedException");
        for (String domain : List.of("hr", "sales")) {
            assertThat(caller.get("/iceberg/v1/" + domain + "/namespaces/crm/tables/a")
                            .json()
                            .path("metadata")
                            .path("properties")
                            .path("k")
                            .asText())
                    .isEqualTo("1");
        }
        refused(
                caller.post("/iceberg/v1/sales/transactions/commit", both.formatted(setProperty("k", "3"), "")),
                404,
                "NoSuchTableException");
        refused(
                caller.post(
                        MESH + "/transactions/commit",
                        both.formatted(setProperty("k", "3"), "").replace("\"sales\",\"crm\"", "\"sales\"")),
                400,
                "BadRequestException");
    }

    @Test
    void javasClientWorksInOneCatalogForAllDomains() throws Exception {
        Schema schema = new Schema(Types.NestedField.optional(1, "id", Types.LongType.get()));
        try (RESTCatalog catalog = new RESTCatalog()) {
            catalog.initialize(
                    "mesh",
                    Map.of(
                            "uri",
                            caller.mesh.uri("/iceberg").toString(),
                            "warehouse",
                            "mesh",
                            "token",
                            caller.mesh.seller,
                            "io-impl",
                            NoFiles.class.getName()));
            assertThat(catalog.listNamespaces()).containsExactlyInAnyOrder(Namespace.of("hr"), Namespace.of("sales"));
            assertThat(catalog.namespaceExists(Namespace.of("sales"))).isTrue();
            assertThat(catalog.loadNamespaceMetadata(Namespace.of("sales"))).isEmpty();
            catalog.createNamespace(Namespace.of("sales", "web"));
            TableIdentifier hr = TableIdentifier.of("hr", "crm", "t");
            TableIdentifier sales = TableIdentifier.of("sales", "web", "t");
            List<TableCommit> commits = new ArrayList<>();
            for (TableIdentifier name : List.of(hr, sales)) {
                catalog.createTable(name, schema);
                Transaction transaction = catalog.loadTable(name).newTransaction();
                transaction.updateProperties().set("k", name.toString()).commit();
                commits.add(TableCommit.create(
                        name,
                        ((org.apache.iceberg.BaseTransaction) transaction).startMetadata(),
                        ((org.apache.iceberg.BaseTransaction) transaction).currentMetadata()));
            }
            catalog.commitTransaction(commits);
            assertThat(catalog.loadTable(hr).properties()).containsEntry("k", "hr.crm.t");
            assertThat(catalog.loadTable(sales).properties()).containsEntry("k", "sales.web.t");
            assertThat(catalog.listTables(Namespace.of("sales", "web"))).containsExactly(sales);
            org.assertj.core.api.Assertions.assertThatThrownBy(
                            () -> catalog.loadTable(TableIdentifier.of("sales", "t")))
                    .isInstanceOf(NoSuchTableException.class);
            assertThat(catalog.dropTable(sales, false)).isTrue();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> catalog.commitTransaction(commits))
                    .isInstanceOfAny(NoSuchTableException.class, CommitFailedException.class);
        }
    }

    /// The catalog's tables have no data here.
    public static final class NoFiles implements FileIO {
        @Override
        public org.apache.iceberg.io.InputFile newInputFile(String path) {
            throw new AssertionError(path);
        }

        @Override
        public org.apache.iceberg.io.OutputFile newOutputFile(String path) {
            throw new AssertionError(path);
        }

        @Override
        public void deleteFile(String path) {
            throw new AssertionError(path);
        }
    }
}
