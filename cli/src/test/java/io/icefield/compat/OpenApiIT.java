package io.icefield.compat;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.Credential;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.GenericBlobMetadata;
import org.apache.iceberg.GenericStatisticsFile;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.NullOrder;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Literal;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/// A scripted run over all endpoints, with good and bad requests: each answer must be one that Iceberg's OpenAPI
/// document
/// describes. `ICEFIELD_OPENAPI` names the file, which is not ours to ship.
///
/// A new endpoint of the specification fails `everyEndpointAnswersAsTheDocumentSays` until the script calls it with
/// success; its refusals are tried without further ado.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Skipped.class)
class OpenApiIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DOMAIN = "openapi";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final String NAMESPACES = " /v1/{prefix}/namespaces";
    private static final String NAMESPACE = NAMESPACES + "/{namespace}";
    private static final String TABLES = NAMESPACE + "/tables";
    private static final String TABLE = TABLES + "/{table}";
    private static final String VIEWS = NAMESPACE + "/views";
    private static final String VIEW = VIEWS + "/{view}";

    private static final String SCHEMA = """
            {"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","type":"long","required":true}]}""";
    private static final String VIEW_VERSION = """
            {"version-id":%d,"schema-id":0,"timestamp-ms":1700000000000,"summary":{"engine-name":"none"},
             "representations":[{"type":"sql","sql":"SELECT %1$d AS id","dialect":"trino"}],"default-namespace":["ns"]}""";

    private static final String PARTITION = "id_bucket=1/at_day=2026-01-01";
    private static final String PLAN = TABLE + "/plan/{plan-id}";

    /// Enough for a plan that is fetched page by page.
    private static final int FILES_OF_A_LARGE_PLAN = 6_000;

    private final HttpClient http = HttpClient.newHttpClient();
    private final Set<String> succeeded = new HashSet<>();
    private final List<String> problems = new ArrayList<>();

    private OpenApi document;
    private ServedCatalog served;
    private RESTCatalog catalog;
    private String token;
    private String strangersToken;
    private Set<String> advertised;

    @BeforeAll
    void start() throws Exception {
        String file = System.getenv().getOrDefault("ICEFIELD_OPENAPI", "");
        Assumptions.assumeFalse(
                file.isBlank(), "no OpenAPI document: ICEFIELD_OPENAPI names none; .ci/run does where it has one");
        document = new OpenApi(Path.of(file));
        served = ServedCatalog.shared();
        String _ = served.domain(DOMAIN);
        catalog = served.client(DOMAIN, DOMAIN, Map.of());
        token = token(served.tester());
        strangersToken = token(served.stranger("openapi_stranger"));
        advertised = new TreeSet<>();
        JSON.readTree(config(token, DOMAIN).body())
                .path("endpoints")
                .forEach(endpoint -> advertised.add(endpoint.asText()));
    }

    /// One request to an endpoint, as the document writes it.
    private final class Call {
        private final String endpoint;
        private final Map<String, String> path = new HashMap<>(
                Map.of("prefix", DOMAIN, "namespace", "ns", "table", "orders", "view", "daily", "plan-id", "none"));
        private String query = "";
        private String body = "";
        private String bearer = token;
        private String[] headers = {"X-Iceberg-Access-Delegation", "vended-credentials"};

        private Call(String endpoint) {
            this.endpoint = endpoint;
        }

        Call at(String variable, String value) {
            path.put(variable, value);
            return this;
        }

        Call query(String text) {
            query = "?" + text;
            return this;
        }

        Call body(String json) {
            body = json;
            return this;
        }

        Call as(String token) {
            bearer = token;
            return this;
        }

        Call header(String name, String value) {
            headers = new String[] {name, value};
            return this;
        }

        /// Sends it; notes a problem unless the status is one of these and the answer is as the document says.
        JsonNode expect(Integer... statuses) throws IOException, InterruptedException {
            String[] words = endpoint.split(" ");
            String where = words[1];
            for (Map.Entry<String, String> each : path.entrySet()) {
                where = where.replace("{" + each.getKey() + "}", URLEncoder.encode(each.getValue(), UTF_8));
            }
            HttpRequest.Builder request = HttpRequest.newBuilder(served.uri().resolve("/iceberg" + where + query))
                    .timeout(PATIENCE)
                    .headers(headers)
                    .method(words[0], HttpRequest.BodyPublishers.ofString(body));
            if (!bearer.isEmpty()) {
                request.header("Authorization", "Bearer " + bearer);
            }
            if (!body.isEmpty()) {
                request.header("Content-Type", "application/json");
            }
            HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString(UTF_8));
            note(endpoint + query + " " + body, endpoint, answer, statuses);
            if (answer.statusCode() < 300) {
                succeeded.add(endpoint);
            }
            JsonNode said = answer.body().isEmpty() ? JSON.createObjectNode() : JSON.readTree(answer.body());
            if (said.isObject()) {
                ((ObjectNode) said)
                        .put("etag", answer.headers().firstValue("ETag").orElse(""));
            }
            return said;
        }
    }

    private void note(String what, String endpoint, HttpResponse<String> answer, Integer... statuses) {
        String said = "%s%n  answered %d %.1000s%n  ".formatted(what, answer.statusCode(), answer.body());
        if (!List.of(statuses).contains(answer.statusCode())) {
            problems.add(said + "expected one of " + List.of(statuses));
        }
        document.problems(endpoint, answer.statusCode(), answer.body())
                .forEach(problem -> problems.add(said + problem));
    }

    private Call call(String endpoint) {
        return new Call(endpoint);
    }

    // --- Good requests, and the conflicts that only state can make

    @Test
    void everyEndpointAnswersAsTheDocumentSays() throws Exception {
        problems.clear();
        configuration();
        namespaces();
        tables();
        shapes();
        transactions();
        wholeMesh();
        if (advertised.contains("POST" + TABLE + "/plan")) {
            plans();
        }
        if (advertised.contains("POST" + TABLE + "/sign")) {
            signatures();
        }
        views();
        drops();

        assertThat(problems).isEmpty();
        assertThat(document.endpoints())
                .as("what is advertised is in the document")
                .containsAll(advertised);
        assertThat(succeeded).as("what is advertised was called with success").containsAll(advertised);
    }

    private HttpResponse<String> config(String bearer, String warehouse) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(served.uri().resolve("/iceberg/v1/config?warehouse=" + warehouse));
        if (!bearer.isEmpty()) {
            request.header("Authorization", "Bearer " + bearer);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString(UTF_8));
    }

    private void configuration() throws Exception {
        String config = "GET /v1/config";
        note(config, config, config(token, DOMAIN), 200);
        note(config + " of nothing", config, config(token, "nothing"), 404);
        note(config + " of the whole mesh", config, config(token, ""), 200);
        note(config + " of what is no name", config, config(token, "a%2Fb"), 400, 404);
        note(config + " for nobody", config, config("", DOMAIN), 401);

        String tokens = "POST /v1/oauth/tokens";
        note(tokens, tokens, tokens("grant_type=client_credentials&scope=catalog&" + secret(served.tester())), 200);
        note(
                tokens + " with a wrong secret",
                tokens,
                tokens("grant_type=client_credentials&client_id=tester&client_secret=wrong"),
                401);
        note(tokens + " of no kind", tokens, tokens("grant_type=password&" + secret(served.tester())), 400);
    }

    private void namespaces() throws Exception {
        call("POST" + NAMESPACES)
                .body("{\"namespace\":[\"ns\"],\"properties\":{\"a\":\"b\"}}")
                .expect(200);
        call("POST" + NAMESPACES).body("{\"namespace\":[\"ns\"]}").expect(409);
        call("POST" + NAMESPACES).body("{\"namespace\":[\"other\"]}").expect(200);
        call("POST" + NAMESPACES).body("{\"namespace\":[\"ns\",\"below\"]}").expect(200);
        call("GET" + NAMESPACES).expect(200);
        call("GET" + NAMESPACES).query("parent=ns").expect(200);
        String next = call("GET" + NAMESPACES)
                .query("pageToken=&pageSize=1")
                .expect(200)
                .path("next-page-token")
                .asText();
        assertThat(next).isNotEmpty();
        call("GET" + NAMESPACES)
                .query("pageSize=1&pageToken=" + URLEncoder.encode(next, UTF_8))
                .expect(200);
        call("GET" + NAMESPACES).query("pageSize=1&pageToken=garbage").expect(400);
        call("GET" + NAMESPACE).expect(200);
        call("GET" + NAMESPACE).at("namespace", "ns\u001fbelow").expect(200);
        call("HEAD" + NAMESPACE).expect(204);
        call("POST" + NAMESPACE + "/properties")
                .body("{\"updates\":{\"c\":\"d\"},\"removals\":[\"a\",\"never\"]}")
                .expect(200);
        call("POST" + NAMESPACE + "/properties")
                .body("{\"updates\":{\"c\":\"d\"},\"removals\":[\"c\"]}")
                .expect(422);
    }

    private void tables() throws Exception {
        JsonNode made = create("orders").expect(200);
        create("orders").expect(409);
        call("POST" + TABLES)
                .body("{\"name\":\"staged\",\"stage-create\":true,\"schema\":%s}".formatted(SCHEMA))
                .expect(200);
        call("POST" + TABLES).body("{\"name\":\"bad\",\"schema\":{}}").expect(400);
        call("GET" + TABLES).expect(200);
        call("GET" + TABLE).expect(200);
        Table orders = catalog.loadTable(TableIdentifier.of(Namespace.of("ns"), "orders"));
        append(orders);
        JsonNode loaded = call("GET" + TABLE).query("snapshots=refs").expect(200);
        call("GET" + TABLE)
                .query("snapshots=refs")
                .header("If-None-Match", loaded.path("etag").asText())
                .header("X-Iceberg-Access-Delegation", "vended-credentials")
                .expect(200);
        JsonNode plain = call("GET" + TABLE).header("Accept", "*/*").expect(200);
        call("GET" + TABLE).header("If-None-Match", plain.path("etag").asText()).expect(304);
        call("GET" + TABLE).query("snapshots=none").expect(400);
        call("HEAD" + TABLE).expect(204);
        call("GET" + TABLE + "/credentials").expect(200);

        String uuid = made.path("metadata").path("table-uuid").asText();
        commit(uuid, "{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}")
                .expect(200);
        commit(UUID.randomUUID().toString(), "{\"action\":\"set-properties\",\"updates\":{\"a\":\"c\"}}")
                .expect(409);
        commit(uuid, "{\"action\":\"fly\"}").expect(400);

        call("POST" + TABLE + "/metrics")
                .body("""
                {"report-type":"scan-report","table-name":"orders","snapshot-id":%d,"schema-id":0,
                 "filter":{"type":"true"},"projected-field-ids":[1],"projected-field-names":["id"],
                 "metrics":{"total-planning-duration":{"count":1,"time-unit":"nanoseconds","total-duration":1},
                            "result-data-files":{"unit":"count","value":1}}}""".formatted(orders.currentSnapshot().snapshotId()))
                .expect(204);

        create("extra").expect(200);
        rename("tables", "extra", "orders").expect(409);
        rename("tables", "nothing", "something").expect(404);
        rename("tables", "extra", "renamed").expect(204);
        String metadata = call("GET" + TABLE)
                .at("table", "renamed")
                .expect(200)
                .path("metadata-location")
                .asText();
        call("DELETE" + TABLE).at("table", "renamed").expect(204);
        register("register", "again", metadata).expect(200);
        register("register", "orders", metadata).expect(409);
        register("register", "nowhere", metadata.replace(".metadata.json", "-x.metadata.json"))
                .expect(400, 404);
        if (advertised.contains("POST" + TABLE + "/unregister")) {
            create("leaving").expect(200);
            call("POST" + TABLE + "/unregister").at("table", "leaving").expect(200);
        }
    }

    private Call create(String table) {
        return call("POST" + TABLES).body("{\"name\":\"%s\",\"schema\":%s}".formatted(table, SCHEMA));
    }

    private Call commit(String uuid, String update) {
        return call("POST" + TABLE)
                .body("{\"requirements\":[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}],\"updates\":[%s]}"
                        .formatted(uuid, update));
    }

    private Call rename(String kind, String from, String to) {
        return call("POST /v1/{prefix}/" + kind + "/rename").body("""
                        {"source":{"namespace":["ns"],"name":"%s"},"destination":{"namespace":["ns"],"name":"%s"}}""".formatted(from, to));
    }

    private Call register(String endpoint, String name, String metadata) {
        return call("POST" + NAMESPACE + "/" + endpoint)
                .body("{\"name\":\"%s\",\"metadata-location\":\"%s\"}".formatted(name, metadata));
    }

    /// A snapshot whose manifests are there, so that a plan has something to say; nobody reads its rows.
    private static void append(Table table) {
        table.newAppend().appendFile(file(table, 1)).commit();
    }

    private static DataFile file(Table table, int number) {
        DataFiles.Builder file = DataFiles.builder(table.spec())
                .withPath("%s/data/%d.parquet".formatted(table.location(), number))
                .withFileSizeInBytes(10)
                .withMetrics(new Metrics(
                        1L,
                        Map.of(1, 4L),
                        Map.of(1, 1L),
                        Map.of(1, 0L),
                        Map.of(),
                        Map.of(1, Conversions.toByteBuffer(Types.LongType.get(), 1L)),
                        Map.of(1, Conversions.toByteBuffer(Types.LongType.get(), 2L))))
                .withSplitOffsets(List.of(4L));
        return table.spec().isUnpartitioned()
                ? file.build()
                : file.withPartitionPath(PARTITION).build();
    }

    /// One delete file of each kind that the format version has.
    private static void delete(Table table, int version) {
        if (version == 1) {
            return;
        }
        DeleteFile rows = FileMetadata.deleteFileBuilder(table.spec())
                .ofEqualityDeletes(1)
                .withPath(table.location() + "/data/rows.parquet")
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .withPartitionPath(PARTITION)
                .build();
        FileMetadata.Builder positions = FileMetadata.deleteFileBuilder(table.spec())
                .ofPositionDeletes()
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .withPartitionPath(PARTITION)
                .withReferencedDataFile(table.location() + "/data/1.parquet");
        DeleteFile places = version == 2
                ? positions.withPath(table.location() + "/data/places.parquet").build()
                : positions
                        .withPath(table.location() + "/data/places.puffin")
                        .withFormat(FileFormat.PUFFIN)
                        .withContentOffset(4)
                        .withContentSizeInBytes(6)
                        .build();
        table.newRowDelta().addDeletes(rows).addDeletes(places).commit();
    }

    /// Metadata of all versions and shapes.
    private void shapes() throws Exception {
        for (int version = 1; version <= 3; version++) {
            String name = "shapes_v" + version;
            List<Types.NestedField> fields = new ArrayList<>(List.of(
                    Types.NestedField.required(1, "id", Types.LongType.get(), "the key"),
                    Types.NestedField.optional(2, "at", Types.TimestampType.withZone()),
                    Types.NestedField.optional(3, "price", Types.DecimalType.of(10, 2)),
                    Types.NestedField.optional(
                            4,
                            "tags",
                            Types.ListType.ofOptional(
                                    5,
                                    Types.StructType.of(Types.NestedField.optional(6, "key", Types.StringType.get())))),
                    Types.NestedField.optional(
                            7,
                            "attributes",
                            Types.MapType.ofOptional(8, 9, Types.StringType.get(), Types.UUIDType.get()))));
            if (version == 3) {
                fields.add(Types.NestedField.optional(10, "anything", Types.VariantType.get()));
                fields.add(Types.NestedField.optional(11, "place", Types.GeometryType.crs84()));
                fields.add(Types.NestedField.optional("count")
                        .withId(12)
                        .ofType(Types.IntegerType.get())
                        .withInitialDefault(Literal.of(1))
                        .withWriteDefault(Literal.of(2))
                        .build());
            }
            Schema schema = new Schema(fields, Set.of(1));
            Table table = catalog.buildTable(TableIdentifier.of(Namespace.of("ns"), name), schema)
                    .withPartitionSpec(PartitionSpec.builderFor(schema)
                            .bucket("id", 16)
                            .day("at")
                            .build())
                    .withSortOrder(SortOrder.builderFor(schema)
                            .desc("id", NullOrder.NULLS_LAST)
                            .build())
                    .withProperty("format-version", Integer.toString(version))
                    .create();
            append(table);
            delete(table, version);
            table.manageSnapshots()
                    .createTag("first", table.currentSnapshot().snapshotId())
                    .createBranch("audit", table.currentSnapshot().snapshotId())
                    .setMaxRefAgeMs("audit", 86_400_000)
                    .setMinSnapshotsToKeep("audit", 3)
                    .commit();
            table.updateSpec().removeField("at_day").addField("price").commit();
            table.updateSchema().renameColumn("price", "amount").commit();
            table.updateStatistics()
                    .setStatistics(new GenericStatisticsFile(
                            table.currentSnapshot().snapshotId(),
                            table.location() + "/metadata/one.stats",
                            10,
                            5,
                            List.of(new GenericBlobMetadata(
                                    "apache-datasketches-theta-v1",
                                    table.currentSnapshot().snapshotId(),
                                    1,
                                    List.of(1),
                                    Map.of("ndv", "1")))))
                    .commit();
            call("GET" + TABLE).at("table", name).expect(200);
            call("GET" + TABLE).at("table", name).query("snapshots=refs").expect(200);
        }
    }

    private void transactions() throws Exception {
        String changes = """
                {"table-changes":[
                  {"identifier":{"namespace":["ns"],"name":"orders"},"requirements":[%s],
                   "updates":[{"action":"set-properties","updates":{"t":"1"}}]},
                  {"identifier":{"namespace":["ns"],"name":"again"},"requirements":[],
                   "updates":[{"action":"set-properties","updates":{"t":"1"}}]}]}""";
        String commit = "POST /v1/{prefix}/transactions/commit";
        call(commit).body(changes.formatted("")).expect(204);
        call(commit)
                .body(changes.formatted("{\"type\":\"assert-table-uuid\",\"uuid\":\"" + UUID.randomUUID() + "\"}"))
                .expect(409);
        call(commit).body(changes.formatted("").replace("again", "nothing")).expect(404);
    }

    /// The same under the prefix of all domains, whose first level is the domain.
    private void wholeMesh() throws Exception {
        String mesh = "mesh";
        String namespace = DOMAIN + "\u001fns";
        call("GET" + NAMESPACES).at("prefix", mesh).expect(200);
        call("GET" + NAMESPACES).at("prefix", mesh).query("parent=" + DOMAIN).expect(200);
        for (String endpoint : List.of(NAMESPACE, TABLES, TABLE, TABLE + "/credentials", VIEWS)) {
            call("GET" + endpoint).at("prefix", mesh).at("namespace", namespace).expect(200);
        }
        call("GET" + TABLE)
                .at("prefix", mesh)
                .at("namespace", "nowhere\u001fns")
                .expect(404);
        call("GET" + TABLES)
                .at("prefix", mesh)
                .at("namespace", namespace)
                .as(strangersToken)
                .expect(403, 404);
    }

    private void plans() throws Exception {
        JsonNode planned = plan("orders", "{}").expect(200);
        plan("orders", "{\"snapshot-id\":1}").expect(400, 404);
        call("DELETE" + PLAN).at("plan-id", planned.path("plan-id").asText()).expect(204);
        call("GET" + PLAN).expect(404);
        for (String table : List.of("shapes_v1", "shapes_v2", "shapes_v3")) {
            plan(
                            table,
                            "{\"select\":[\"id\"],\"stats-fields\":[\"id\"],\"filter\":{\"type\":\"gt\",\"term\":\"id\",\"value\":0}}")
                    .expect(200);
        }

        create("many").expect(200);
        Table many = catalog.loadTable(TableIdentifier.of(Namespace.of("ns"), "many"));
        AppendFiles append = many.newAppend();
        for (int file = 0; file < FILES_OF_A_LARGE_PLAN; file++) {
            append.appendFile(file(many, file));
        }
        append.commit();
        String id = plan("many", "{}").expect(200).path("plan-id").asText();
        JsonNode plan = call("GET" + PLAN).at("table", "many").at("plan-id", id).expect(200);
        for (Instant deadline = Instant.now().plus(PATIENCE);
                plan.path("status").asText().equals("submitted")
                        && Instant.now().isBefore(deadline); ) {
            plan = call("GET" + PLAN).at("table", "many").at("plan-id", id).expect(200);
        }
        assertThat(plan.path("plan-tasks")).isNotEmpty();
        String tasks = "POST" + TABLE + "/tasks";
        call(tasks).at("table", "many").body("{\"plan-task\":\"none\"}").expect(400, 404);
        call(tasks)
                .at("table", "many")
                .body("{\"plan-task\":\"%s\"}"
                        .formatted(plan.path("plan-tasks").path(0).asText()))
                .expect(200);
        call("DELETE" + PLAN).at("table", "many").at("plan-id", id).expect(204);
        // What was asked for by nobody any more: cancelled, or gone.
        call("GET" + PLAN).at("table", "many").at("plan-id", id).expect(200, 404);
    }

    private Call plan(String table, String body) {
        return call("POST" + TABLE + "/plan").at("table", table).body(body);
    }

    private void signatures() throws Exception {
        JsonNode loaded = call("GET" + TABLE)
                .header("X-Iceberg-Access-Delegation", "remote-signing")
                .expect(200);
        String key = loaded.path("metadata").path("location").asText().substring("s3://".length());
        String endpoint = loaded.path("config").path("s3.endpoint").asText();
        String sign = """
                {"region":"us-east-1","method":"GET","uri":"%s/%s","headers":{"x-a":["b"]}}""";
        call("POST" + TABLE + "/sign")
                .body(sign.formatted(endpoint, key + "/data/1.parquet"))
                .expect(200);
        call("POST" + TABLE + "/sign")
                .body(sign.formatted(endpoint, "another-bucket/data/one.parquet"))
                .expect(403);
    }

    private void views() throws Exception {
        createView("daily").expect(200);
        createView("daily").expect(409);
        createView("orders").expect(409);
        call("POST" + VIEWS).body("{\"name\":\"bad\"}").expect(400);
        call("GET" + VIEWS).expect(200);
        String uuid = call("GET" + VIEW)
                .expect(200)
                .path("metadata")
                .path("view-uuid")
                .asText();
        call("HEAD" + VIEW).expect(204);
        replaceView(uuid).expect(200);
        replaceView(UUID.randomUUID().toString()).expect(409);
        rename("views", "daily", "orders").expect(409);
        rename("views", "nothing", "something").expect(404);
        rename("views", "daily", "hourly").expect(204);
        String metadata = call("GET" + VIEW)
                .at("view", "hourly")
                .expect(200)
                .path("metadata-location")
                .asText();
        call("DELETE" + VIEW).at("view", "hourly").expect(204);
        register("register-view", "daily", metadata).expect(200);
        register("register-view", "orders", metadata).expect(409);
        call("DELETE" + VIEW).expect(204);
    }

    private Call createView(String name) {
        return call("POST" + VIEWS)
                .body("{\"name\":\"%s\",\"schema\":%s,\"view-version\":%s,\"properties\":{}}"
                        .formatted(name, SCHEMA, VIEW_VERSION.formatted(1)));
    }

    private Call replaceView(String uuid) {
        return call("POST" + VIEW).body("""
                {"requirements":[{"type":"assert-view-uuid","uuid":"%s"}],
                 "updates":[{"action":"add-view-version","view-version":%s},
                            {"action":"set-current-view-version","view-version-id":-1}]}""".formatted(uuid, VIEW_VERSION.formatted(2)));
    }

    private void drops() throws Exception {
        call("DELETE" + NAMESPACE).expect(409);
        call("DELETE" + TABLE).query("purgeRequested=true").expect(204);
        call("DELETE" + TABLE).expect(404);
        call("DELETE" + TABLE)
                .query("purgeRequested=maybe")
                .at("table", "again")
                .expect(400);
        call("DELETE" + NAMESPACE).at("namespace", "other").expect(204);
    }

    // --- Requests that every endpoint refuses

    @Test
    void everyRefusalIsAsTheDocumentSays() throws Exception {
        problems.clear();
        String namespace = "refusing";
        call("POST" + NAMESPACES)
                .body("{\"namespace\":[\"%s\"]}".formatted(namespace))
                .expect(200);
        for (String endpoint : advertised) {
            boolean reads = !endpoint.startsWith("POST");
            call(endpoint)
                    .at("namespace", namespace)
                    .body(reads ? "" : "{}")
                    .as("")
                    .expect(401);
            call(endpoint)
                    .at("namespace", namespace)
                    .body(reads ? "" : "{}")
                    .as("no.such.token")
                    .expect(401);
            if (!reads && !endpoint.endsWith("/unregister") && !endpoint.endsWith("/metrics")) {
                call(endpoint).at("namespace", namespace).body("{").expect(400, 404);
                call(endpoint).at("namespace", namespace).body("[]").expect(400, 404);
            }
            if (reads) {
                call(endpoint).at("prefix", "nowhere").expect(404);
                call(endpoint).as(strangersToken).expect(403, 404);
                if (endpoint.contains("{namespace}")) {
                    call(endpoint).at("namespace", "nowhere").expect(404);
                    call(endpoint).at("namespace", "a/b").expect(400, 404);
                }
                if (endpoint.contains("{table}") || endpoint.contains("{view}")) {
                    call(endpoint)
                            .at("namespace", namespace)
                            .at("table", "nothing")
                            .at("view", "nothing")
                            .expect(404);
                }
            }
        }
        assertThat(problems).isEmpty();
    }

    @Test
    void theDocumentFindsMistakes() {
        String error = "{\"message\":\"m\",\"type\":\"t\",\"code\":404}";
        assertThat(document.problems("GET /v1/config", 200, "{\"defaults\":{}}"))
                .hasSize(1);
        assertThat(document.problems("GET" + TABLE, 200, "{\"metadata\":{\"format-version\":2}}"))
                .isNotEmpty();
        assertThat(document.problems("GET" + TABLE, 404, error)).isNotEmpty();
        assertThat(document.problems("GET" + VIEW, 404, error)).isNotEmpty();
        assertThat(document.problems("GET" + VIEW, 404, "{\"error\":" + error + "}"))
                .isEmpty();
        assertThat(document.problems("GET" + TABLE, 418, "")).isNotEmpty();
        assertThat(document.problems("DELETE" + TABLE, 204, "{}")).isNotEmpty();
    }

    // --- Tokens

    private String token(Credential who) throws IOException, InterruptedException {
        return JSON.readTree(
                        tokens("grant_type=client_credentials&" + secret(who)).body())
                .path("access_token")
                .asText();
    }

    private static String secret(Credential who) {
        return "client_id=%s&client_secret=%s"
                .formatted(URLEncoder.encode(who.clientId(), UTF_8), URLEncoder.encode(who.clientSecret(), UTF_8));
    }

    private HttpResponse<String> tokens(String form) throws IOException, InterruptedException {
        URI tokens = served.uri().resolve("/iceberg/v1/oauth/tokens");
        return http.send(
                HttpRequest.newBuilder(tokens)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build(),
                HttpResponse.BodyHandlers.ofString(UTF_8));
    }
}
