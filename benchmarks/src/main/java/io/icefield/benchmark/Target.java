package io.icefield.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.job.CatalogAddress;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.apache.iceberg.rest.RESTCatalog;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/// The mesh under test: its catalog server, and what is asked of it.
final class Target {
    static final ObjectMapper JSON = new ObjectMapper();
    static final int COLUMNS = 30;
    static final int SNAPSHOTS = 200;
    static final String DOMAIN = "bench";

    /// Asks for a key with the answer.
    static final String VENDED = "X-Iceberg-Access-Delegation: vended-credentials\r\n";

    private static final String PREFIX = "/iceberg/v1/" + DOMAIN;
    private static final String NAMESPACES = PREFIX + "/namespaces";
    private static final String TABLES = NAMESPACES + "/core/tables";
    private static final String TABLE_ROUTE = "/iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}";

    private final JsonNode status;
    private final JsonNode secrets;
    private final URI catalog;
    private final String token;
    private final HttpClient http = HttpClient.newHttpClient();

    /// @param status what `icefield status --output json` wrote
    /// @param home of the mesh
    Target(Path status, Path home) throws IOException, InterruptedException {
        this.status = JSON.readTree(status.toFile());
        this.secrets = JSON.readTree(home.resolve("secrets.json").toFile());
        this.catalog = URI.create(this.status.path("api").path("uri").asText().replaceFirst("/api/v1/?$", ""));
        this.token = login();
    }

    URI uri() {
        return catalog;
    }

    String token() {
        return token;
    }

    private JsonNode job() {
        return named("principals", DOMAIN + "-job");
    }

    private String login() throws IOException, InterruptedException {
        String form = "grant_type=client_credentials&client_id=%s&client_secret=%s"
                .formatted(
                        URLEncoder.encode(job().path("client-id").asText(), UTF_8),
                        URLEncoder.encode(job().path("client-secret").asText(), UTF_8));
        HttpRequest request = HttpRequest.newBuilder(catalog.resolve("/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        return JSON.readTree(send(request)).path("access_token").asText();
    }

    long pid(String process) {
        return named("processes", process).path("pid").asLong();
    }

    private JsonNode named(String list, String name) {
        return StreamSupport.stream(status.path(list).spliterator(), false)
                .filter(each -> each.path("name").asText().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the status has no `%s` in `%s`".formatted(name, list)));
    }

    // --- Making things

    void createNamespace(String name) throws IOException, InterruptedException {
        ObjectNode namespace = JSON.createObjectNode();
        namespace.putArray("namespace").add(name);
        String _ = post(NAMESPACES, namespace.toString());
    }

    private static ObjectNode empty(String name) {
        ObjectNode table = JSON.createObjectNode().put("name", name);
        ObjectNode schema = table.putObject("schema").put("type", "struct").put("schema-id", 0);
        ArrayNode fields = schema.putArray("fields");
        for (int column = 1; column <= COLUMNS; column++) {
            fields.addObject()
                    .put("id", column)
                    .put("name", "measured_value_" + column)
                    .put("required", false)
                    .put("type", column % 3 == 0 ? "string" : "long")
                    .put("doc", "what the sensor said at place " + column);
        }
        return table;
    }

    /// A table without a snapshot.
    void createEmpty(String name) throws IOException, InterruptedException {
        String _ = post(TABLES, empty(name).toString());
    }

    /// A table of 30 columns and 200 snapshots, whose files nobody reads.
    void create(int number) throws IOException, InterruptedException {
        JsonNode metadata =
                JSON.readTree(post(TABLES, empty(name(number)).toString())).path("metadata");
        if (metadata.isMissingNode()) {
            return;
        }
        ObjectNode commit = JSON.createObjectNode();
        commit.putArray("requirements")
                .addObject()
                .put("type", "assert-table-uuid")
                .put("uuid", metadata.path("table-uuid").asText());
        ArrayNode updates = commit.putArray("updates");
        long now = metadata.path("last-updated-ms").asLong();
        for (int snapshot = 1; snapshot <= SNAPSHOTS; snapshot++) {
            ObjectNode added = updates.addObject().put("action", "add-snapshot").putObject("snapshot");
            added.put("snapshot-id", 1_000_000_000_000_000_000L + snapshot);
            if (snapshot > 1) {
                added.put("parent-snapshot-id", 1_000_000_000_000_000_000L + snapshot - 1);
            }
            added.put("sequence-number", snapshot)
                    .put("timestamp-ms", now + snapshot)
                    .put("schema-id", 0)
                    .put(
                            "manifest-list",
                            "%s/metadata/snap-%d-1-0b4c8e4e-5a10-4b2f-a1d3-0c9f6a9f4b11.avro"
                                    .formatted(metadata.path("location").asText(), snapshot));
            added.putObject("summary")
                    .put("operation", "append")
                    .put("added-data-files", "4")
                    .put("added-records", "100000")
                    .put("added-files-size", "31415926")
                    .put("changed-partition-count", "1")
                    .put("total-records", Integer.toString(snapshot * 100_000))
                    .put("total-files-size", Long.toString(snapshot * 31_415_926L))
                    .put("total-data-files", Integer.toString(snapshot * 4))
                    .put("total-delete-files", "0")
                    .put("total-position-deletes", "0")
                    .put("total-equality-deletes", "0");
        }
        updates.addObject()
                .put("action", "set-snapshot-ref")
                .put("ref-name", "main")
                .put("type", "branch")
                .put("snapshot-id", 1_000_000_000_000_000_000L + SNAPSHOTS);
        String _ = post(TABLES + "/" + name(number), commit.toString());
    }

    // --- Asking

    private String authorization() {
        return "Authorization: Bearer " + token + "\r\n";
    }

    private static String name(int number) {
        return "sensor_" + number;
    }

    /// Any GET or HEAD, expected to be answered so.
    ///
    /// @param head more lines of the request's head
    Load.Operation asking(Wire wire, String method, String path, String head, int expected) {
        byte[] request = Wire.request(method, path, authorization() + head, "");
        return () -> expect(expected, wire.status(request), path);
    }

    Load.Operation loading(Wire wire, int table, String head) {
        return asking(wire, "GET", TABLES + "/" + name(table), head, 200);
    }

    /// As a client that has the answer already.
    Load.Operation loadingKnown(Wire wire, int table) throws IOException {
        String path = TABLES + "/" + name(table);
        String tag = wire.reply(Wire.request("GET", path, authorization(), ""))
                .header("ETag")
                .orElseThrow(() -> new IllegalStateException("no ETag"));
        return asking(wire, "GET", path, "If-None-Match: " + tag + "\r\n", 304);
    }

    Load.Operation existing(Wire wire, int table) {
        return asking(wire, "HEAD", TABLES + "/" + name(table), "", 204);
    }

    Load.Operation listing(Wire wire, String namespace) {
        return asking(wire, "GET", NAMESPACES + "/" + namespace + "/tables", "", 200);
    }

    /// One page of a list each time: those from page `first` to the one before `end`, again and again.
    Load.Operation paging(Wire wire, String namespace, int size, int first, int end) throws IOException {
        List<byte[]> requests = new ArrayList<>();
        String token = "";
        for (int page = 0; page < end; page++) {
            byte[] request = Wire.request(
                    "GET",
                    "%s/%s/tables?pageSize=%d&pageToken=%s".formatted(NAMESPACES, namespace, size, token),
                    authorization(),
                    "");
            if (page >= first) {
                requests.add(request);
            }
            token = next(wire.reply(request).text());
        }
        int[] count = {0};
        return () -> expect(200, wire.status(requests.get(count[0]++ % requests.size())), "a page of " + namespace);
    }

    private static String next(String page) {
        int at = page.lastIndexOf("\"next-page-token\":\"");
        int start = at + "\"next-page-token\":\"".length();
        return at < 0 ? "" : page.substring(start, page.indexOf('"', start));
    }

    Wire.Reply reply(String path, String head) throws IOException {
        try (Wire wire = new Wire(catalog)) {
            Wire.Reply reply = wire.reply(Wire.request("GET", path, authorization() + head, ""));
            expect(200, reply.status(), path);
            return reply;
        }
    }

    Wire.Reply load(int table, String head) throws IOException {
        return reply(TABLES + "/" + name(table), head);
    }

    Wire.Reply list(String namespace) throws IOException {
        return reply(NAMESPACES + "/" + namespace + "/tables", "");
    }

    // --- Changing

    Load.Operation creating(Wire wire, String prefix) {
        int[] count = {0};
        return () -> expect(
                200,
                wire.status(Wire.request(
                        "POST",
                        TABLES,
                        authorization(),
                        empty(prefix + count[0]++).toString())),
                "create");
    }

    /// A commit that sets a property, to another value each time.
    Load.Operation committing(Wire wire, int table) {
        return setting(wire, name(table), "counter", () -> {
            throw new IllegalStateException("a commit without rivals was refused with 409");
        });
    }

    /// The same to any table; after a 409 it is sent again.
    Load.Operation setting(Wire wire, String table, String property, Runnable onConflict) {
        String path = TABLES + "/" + table;
        long[] count = {System.nanoTime()};
        return () -> {
            String change = "{\"requirements\":[],\"updates\":[%s]}"
                    .formatted(setProperty(property, Long.toString(count[0]++)));
            byte[] request = Wire.request("POST", path, authorization(), change);
            int answer = wire.status(request);
            while (answer == 409) {
                onConflict.run();
                answer = wire.status(request);
            }
            expect(200, answer, path);
        };
    }

    private static String setProperty(String name, String value) {
        return "{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}".formatted(name, value);
    }

    /// One transaction over tables `first`, `first + 1`, ….
    Load.Operation changingAll(Wire wire, int first, int tables) {
        long[] count = {System.nanoTime()};
        return () -> {
            String value = Long.toString(count[0]++);
            String changes = IntStream.range(first, first + tables)
                    .mapToObj(table -> """
                            {"identifier":{"namespace":["core"],"name":"%s"},"requirements":[],"updates":[%s]}""".formatted(name(table), setProperty("counter", value)))
                    .reduce((one, other) -> one + "," + other)
                    .orElseThrow();
            expect(
                    204,
                    wire.status(Wire.request(
                            "POST",
                            PREFIX + "/transactions/commit",
                            authorization(),
                            "{\"table-changes\":[" + changes + "]}")),
                    "transaction");
        };
    }

    /// The catalog through Iceberg's own client.
    RESTCatalog client() {
        return new CatalogAddress(
                        catalog.resolve("/iceberg"),
                        catalog.resolve("/iceberg/v1/oauth/tokens"),
                        DOMAIN,
                        job().path("client-id").asText(),
                        job().path("client-secret").asText())
                .open();
    }

    /// How many commits to one table were answered 409 so far.
    long conflicts() throws IOException, InterruptedException {
        String metrics = send(HttpRequest.newBuilder(catalog.resolve("/metrics"))
                .header("Authorization", "Bearer " + token)
                .GET()
                .build());
        return metrics.lines()
                .filter(line -> line.startsWith("http_server_requests_seconds_count{")
                        && line.contains("status=\"409\"")
                        && line.contains("method=\"POST\"")
                        && line.contains("uri=\"" + TABLE_ROUTE + "\""))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    // --- What the server itself uses

    Connection database() throws SQLException {
        return DriverManager.getConnection(
                status.path("postgres").path("jdbc-url").asText(),
                "icefield",
                secrets.path("database").asText());
    }

    /// One object of the size of a metadata file, again and again, with the keys of the mesh itself.
    Load.Operation putting(byte[] content) {
        String bucket = StreamSupport.stream(status.path("domains").spliterator(), false)
                .filter(domain -> domain.path("name").asText().equals(DOMAIN))
                .map(domain -> domain.path("bucket").asText())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no bucket"));
        S3Client s3 = S3Client.builder()
                .endpointOverride(URI.create(status.path("s3").path("endpoint").asText()))
                .region(Region.of(status.path("s3").path("region").asText()))
                .forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(
                        secrets.path("s3-access-key").asText(),
                        secrets.path("s3-secret-key").asText())))
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .build();
        long[] count = {System.nanoTime()};
        return () -> {
            var _ = s3.putObject(
                    request -> request.bucket(bucket).key("benchmark/" + count[0]++), RequestBody.fromBytes(content));
        };
    }

    // --- Helpers

    private String post(String path, String body) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(catalog.resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    /// What is there already, of a run before on the same mesh, is as good as new.
    private String send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString(UTF_8));
        if (!List.of(200, 204, 409).contains(answer.statusCode())) {
            throw new IllegalStateException(
                    "%s answers %d: %s".formatted(request.uri(), answer.statusCode(), answer.body()));
        }
        return answer.body();
    }

    private static void expect(int expected, int status, String path) {
        if (status != expected) {
            throw new IllegalStateException("%s answers %d instead of %d".formatted(path, status, expected));
        }
    }
}
