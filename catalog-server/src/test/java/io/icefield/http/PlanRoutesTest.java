package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.Location;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.inmemory.InMemoryFileIO;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Plans and signatures over HTTP, the former also as Iceberg's own client asks for them.
class PlanRoutesTest {
    private static final String TABLES = "/iceberg/v1/sales/namespaces/crm/tables";
    private static final String ORDERS = TABLES + "/orders";
    private static final String PEOPLE = TABLES + "/people";
    private static final TableIdentifier NAME = TableIdentifier.of("crm", "orders");
    private static final Schema SCHEMA = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "region", Types.StringType.get()));
    private static final PartitionSpec BY_REGION =
            PartitionSpec.builderFor(SCHEMA).identity("region").build();
    private static final int MANY = 60;

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
        mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("people", ""));
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private RESTCatalog client(String token, String mode) {
        Map<String, String> properties = new HashMap<>(Map.of(
                "uri",
                mesh.uri("/iceberg").toString(),
                "warehouse",
                "sales",
                "token",
                token,
                "io-impl",
                InMemoryFileIO.class.getName(),
                "scan-planning-mode",
                mode,
                "header.X-Iceberg-Access-Delegation",
                "none"));
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize("test", properties);
        return catalog;
    }

    /// A table of so many commits, whose files the server can read.
    private Table filled(int commits) throws IOException {
        try (RESTCatalog catalog = client(mesh.seller, "client")) {
            Table table = catalog.createTable(NAME, SCHEMA, BY_REGION);
            for (int i = 0; i < commits; i++) {
                table.newFastAppend()
                        .appendFile(DataFiles.builder(BY_REGION)
                                .withPath(table.location() + "/data/" + i + ".parquet")
                                .withPartitionPath(
                                        "region=" + List.of("eu", "us").get(i % 2))
                                .withFileSizeInBytes(10)
                                .withRecordCount(1)
                                .build())
                        .commit();
            }
            table.newRowDelta()
                    .addDeletes(FileMetadata.deleteFileBuilder(BY_REGION)
                            .ofPositionDeletes()
                            .withPath(table.location() + "/data/deletes.parquet")
                            .withPartitionPath("region=eu")
                            .withFileSizeInBytes(10)
                            .withRecordCount(1)
                            .build())
                    .commit();
            InMemoryFileIO files = new InMemoryFileIO();
            for (Snapshot each : table.snapshots()) {
                copy(files, each.manifestListLocation());
                for (ManifestFile manifest : each.allManifests(table.io())) {
                    copy(files, manifest.path());
                }
            }
            return table;
        }
    }

    private void copy(InMemoryFileIO files, String path) throws IOException {
        try (InputStream in = files.newInputFile(path).newStream()) {
            mesh.mesh.put(Location.parse(path), in.readAllBytes());
        }
    }

    private static Set<String> found(TableScan scan) throws IOException {
        Set<String> found = new TreeSet<>();
        try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
            tasks.forEach(task ->
                    found.add(task.file().location() + " " + task.deletes().size() + " " + task.residual()));
        }
        return found;
    }

    @ParameterizedTest
    @CsvSource({"4", "60"})
    void icebergsClientFindsTheSameFilesEitherWay(int commits) throws IOException {
        filled(commits);
        try (RESTCatalog server = client(mesh.seller, "server");
                RESTCatalog own = client(mesh.seller, "client")) {
            Table served = server.loadTable(NAME);
            Table table = own.loadTable(NAME);
            assertThat(served.getClass().getSimpleName()).isEqualTo("RESTTable");
            assertThat(table.getClass()).isEqualTo(BaseTable.class);
            long old = table.history().get(commits / 2).snapshotId();
            assertThat(found(served.newScan()))
                    .isEqualTo(found(table.newScan()))
                    .hasSize(commits);
            assertThat(found(served.newScan().filter(Expressions.equal("region", "eu"))))
                    .isEqualTo(found(table.newScan().filter(Expressions.equal("region", "eu"))))
                    .hasSize(commits / 2);
            assertThat(found(served.newScan().filter(Expressions.greaterThan("id", 5L))))
                    .isEqualTo(found(table.newScan().filter(Expressions.greaterThan("id", 5L))));
            assertThat(found(served.newScan().useSnapshot(old)))
                    .isEqualTo(found(table.newScan().useSnapshot(old)))
                    .hasSize(commits / 2 + 1);
            assertThat(found(served.newScan().filter(Expressions.equal("region", "none"))))
                    .isEmpty();
        }
    }

    private Reply send(String method, String path, String token, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri(path))
                .header("Authorization", "Bearer " + token)
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return mesh.send(request);
    }

    private static void assertRefused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.errorType()).isEqualTo(type);
    }

    @Test
    void aSmallPlanIsAnsweredAtOnceAndKeptNowhere() throws IOException {
        filled(4);
        Reply reply = send(
                "POST",
                ORDERS + "/plan",
                mesh.seller,
                "{}",
                "Idempotency-Key",
                UUID.randomUUID().toString());
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        JsonNode plan = reply.json();
        assertThat(plan.path("status").asText()).isEqualTo("completed");
        assertThat(plan.path("file-scan-tasks")).hasSize(4);
        assertThat(plan.path("delete-files")).hasSize(1);
        assertThat(plan.has("plan-tasks")).isFalse();
        assertThat(plan.has("storage-credentials")).isFalse();
        String id = plan.path("plan-id").asText();
        for (int i = 0; i < 2; i++) {
            assertThat(send("DELETE", ORDERS + "/plan/" + id, mesh.seller, "").status())
                    .isEqualTo(204);
        }
        assertRefused(send("GET", ORDERS + "/plan/" + id, mesh.seller, ""), 404, "NoSuchPlanIdException");
    }

    @Test
    void aLargePlanIsFetchedTaskByTask() throws IOException {
        filled(MANY);
        JsonNode plan = send("POST", ORDERS + "/plan", mesh.seller, "{}").json();
        assertThat(plan.path("status").asText()).as("%s", plan).isEqualTo("completed");
        assertThat(plan.has("file-scan-tasks")).isFalse();
        String id = plan.path("plan-id").asText();
        assertThat(send("GET", ORDERS + "/plan/" + id, mesh.seller, "").json().path("plan-tasks"))
                .isEqualTo(plan.path("plan-tasks"))
                .hasSize(1);
        String task = "{\"plan-task\":\"%s\"}"
                .formatted(plan.path("plan-tasks").get(0).asText());
        Reply tasks = send("POST", ORDERS + "/tasks", mesh.seller, task);
        assertThat(tasks.json().path("file-scan-tasks")).hasSize(MANY);

        for (String token : List.of(mesh.admin, mesh.engine)) { // another principal, whatever it may do
            assertRefused(send("GET", ORDERS + "/plan/" + id, token, ""), 404, "NoSuchPlanIdException");
            assertRefused(send("DELETE", ORDERS + "/plan/" + id, token, ""), 404, "NoSuchPlanIdException");
            assertRefused(send("POST", ORDERS + "/tasks", token, task), 404, "NoSuchPlanTaskException");
        }
        assertRefused(send("GET", PEOPLE + "/plan/" + id, mesh.seller, ""), 404, "NoSuchPlanIdException");
        assertRefused(send("POST", PEOPLE + "/tasks", mesh.seller, task), 404, "NoSuchPlanTaskException");

        assertThat(send("DELETE", ORDERS + "/plan/" + id, mesh.seller, "").status())
                .isEqualTo(204);
        assertThat(send("GET", ORDERS + "/plan/" + id, mesh.seller, "")
                        .json()
                        .path("status")
                        .asText())
                .isEqualTo("cancelled");
        assertRefused(send("POST", ORDERS + "/tasks", mesh.seller, task), 404, "NoSuchPlanTaskException");
        assertThat(send("DELETE", ORDERS + "/plan/" + id, mesh.seller, "").status())
                .isEqualTo(204);
    }

    @Test
    void whatIsUnknownHasItsOwnType() {
        for (String id : List.of(UUID.randomUUID().toString(), "x", "inline-x", "inline-", "%20")) {
            assertRefused(send("GET", PEOPLE + "/plan/" + id, mesh.seller, ""), 404, "NoSuchPlanIdException");
            assertRefused(send("DELETE", PEOPLE + "/plan/" + id, mesh.seller, ""), 404, "NoSuchPlanIdException");
        }
        for (String task : List.of("x", UUID.randomUUID() + ".0", UUID.randomUUID() + ".-1", "")) {
            assertRefused(
                    send("POST", PEOPLE + "/tasks", mesh.seller, "{\"plan-task\":\"%s\"}".formatted(task)),
                    404,
                    "NoSuchPlanTaskException");
        }
        assertRefused(send("POST", PEOPLE + "/tasks", mesh.seller, "{}"), 400, "BadRequestException");
        assertRefused(send("POST", PEOPLE + "/plan", mesh.seller, "{\"snapshot-id\":5}"), 400, "BadRequestException");
        assertRefused(send("POST", PEOPLE + "/plan", mesh.seller, "{"), 400, "BadRequestException");
        assertRefused(send("POST", TABLES + "/no/plan", mesh.seller, "{}"), 404, "NoSuchTableException");
    }

    @Test
    void whoSeesATableMaskedGetsNeitherPlanNorSignature() {
        String sign = signing("GET", "a.parquet");
        assertThat(send("POST", PEOPLE + "/plan", mesh.seller, "{}").status()).isEqualTo(200);
        for (Reply reply : List.of(
                send("POST", PEOPLE + "/plan", mesh.analyst, "{\"select\":[\"id\"]}"),
                send("GET", PEOPLE + "/plan/x", mesh.analyst, ""),
                send("POST", PEOPLE + "/tasks", mesh.analyst, "{\"plan-task\":\"x\"}"),
                send("POST", PEOPLE + "/sign", mesh.analyst, sign),
                send("GET", PEOPLE, mesh.analyst, "", "X-Iceberg-Access-Delegation", "remote-signing"))) {
            assertRefused(reply, 403, "ForbiddenException");
            assertThat(reply.text()).contains("email");
        }
        for (String path : List.of("/plan", "/tasks", "/sign")) {
            String body = path.equals("/sign") ? sign : "{\"plan-task\":\"x\"}";
            assertRefused(send("POST", PEOPLE + path, mesh.stranger, body), 404, "NoSuchTableException");
            assertRefused(send("POST", PEOPLE + path, "nobody", body), 401, "NotAuthorizedException");
        }
    }

    @Test
    void keysComeWithThePlan() throws IOException {
        filled(4);
        Reply reply =
                send("POST", ORDERS + "/plan", mesh.seller, "{}", "X-Iceberg-Access-Delegation", "vended-credentials");
        JsonNode key = reply.json().path("storage-credentials").get(0);
        assertThat(key.path("prefix").asText()).endsWith("/");
        assertThat(key.path("config").path("s3.access-key-id").asText())
                .as("a plan is for reading")
                .isEqualTo("key-READ");
        assertThat(key.path("config")
                        .path("client.refresh-credentials-endpoint")
                        .asText())
                .isEqualTo("v1/sales/namespaces/crm/tables/orders/credentials");
        assertThat(reply.header("Cache-Control")).isEqualTo("no-store");
        assertThat(send(
                                "GET",
                                ORDERS + "/credentials?planId="
                                        + reply.json().path("plan-id").asText(),
                                mesh.seller,
                                "")
                        .status())
                .isEqualTo(200);
    }

    private String location(String table) {
        return mesh.send("GET", TABLES + "/" + table, mesh.seller, "")
                .json()
                .path("metadata")
                .path("location")
                .asText()
                .substring("s3://".length());
    }

    private String signing(String method, String file) {
        return """
                {"method":"%s","region":"us-east-1","uri":"http://127.0.0.1:9000/%s/%s","headers":{"User-Agent":["x"]}}""".formatted(method, location("people"), file);
    }

    @Test
    void aRequestIsSignedByWhatItsSenderMayDo() {
        Reply get = send("POST", PEOPLE + "/sign", mesh.seller, signing("GET", "data/a.parquet"));
        assertThat(get.status()).as("%s", get).isEqualTo(200);
        assertThat(get.header("Cache-Control")).isEqualTo("private");
        assertThat(get.json().path("uri").asText()).endsWith("/data/a.parquet");
        assertThat(get.json().path("headers").path("Authorization").get(0).asText())
                .startsWith("AWS4-HMAC-SHA256 Credential=key-READ/")
                .doesNotContain("secret");
        assertThat(get.json().path("headers").path("X-Amz-Security-Token")).hasSize(1);

        Reply put = send("POST", PEOPLE + "/sign", mesh.seller, signing("PUT", "data/a.parquet"));
        assertThat(put.status()).as("%s", put).isEqualTo(200);
        assertThat(put.header("Cache-Control")).isEqualTo("no-cache");
        assertRefused(send("POST", PEOPLE + "/sign", mesh.seller, signing("PUT", "../x")), 403, "ForbiddenException");
        for (String body : List.of(
                "{}",
                "{\"method\":\"GET\",\"uri\":\"x\",\"region\":\"r\"}",
                "{\"method\":\"GET\",\"uri\":\"x\",\"region\":\"r\",\"headers\":{\"a\":\"b\"}}",
                "{\"method\":\"GET\",\"uri\":\"x\",\"region\":\"r\",\"headers\":{\"a\":[],\"A\":[]}}",
                signing("GET", "a").replace("{\"method\"", "{\"provider\":\"gcs\",\"method\""))) {
            assertRefused(send("POST", PEOPLE + "/sign", mesh.seller, body), 400, "BadRequestException");
        }
    }

    @Test
    void aReaderIsRefusedWhatWouldChangeTheTable() throws IOException {
        filled(2);
        String at = location("orders");
        String put = """
                {"method":"PUT","region":"us-east-1","uri":"http://127.0.0.1:9000/%s/a","headers":{}}""".formatted(at);
        assertRefused(send("POST", ORDERS + "/sign", mesh.analyst, put), 403, "ForbiddenException");
        assertThat(send("POST", ORDERS + "/sign", mesh.analyst, put.replace("PUT", "GET"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void whoAsksForSigningIsToldHow() {
        JsonNode config = send("GET", PEOPLE, mesh.seller, "", "X-Iceberg-Access-Delegation", "remote-signing")
                .json()
                .path("config");
        assertThat(config.path("s3.remote-signing-enabled").asText()).isEqualTo("true");
        assertThat(config.path("s3.signer.endpoint").asText()).isEqualTo("v1/sales/namespaces/crm/tables/people/sign");
        assertThat(config.has("s3.access-key-id")).isFalse();
        JsonNode both = send(
                        "GET",
                        PEOPLE,
                        mesh.seller,
                        "",
                        "X-Iceberg-Access-Delegation",
                        "remote-signing,vended-credentials")
                .json()
                .path("config");
        assertThat(both.has("s3.remote-signing-enabled")).isFalse();
        assertThat(both.has("s3.access-key-id")).isTrue();
        assertThat(new String(
                        mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.seller, "")
                                .response()
                                .body(),
                        UTF_8))
                .contains("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}")
                .contains("POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign");
    }
}
