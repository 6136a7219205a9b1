package io.icefield.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.stream.StreamSupport;

/// The mesh under test: its catalog server, with the tables that are loaded and changed.
final class Target {
    static final ObjectMapper JSON = new ObjectMapper();
    static final int COLUMNS = 30;
    static final int SNAPSHOTS = 200;
    private static final String DOMAIN = "bench";
    private static final String TABLES = "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables";

    private final JsonNode status;
    private final JsonNode secrets;
    private final String catalog;
    private final String token;
    private final HttpClient http = HttpClient.newHttpClient();

    /// @param status what `icefield status --output json` wrote
    /// @param home of the mesh
    Target(Path status, Path home) throws IOException, InterruptedException {
        this.status = JSON.readTree(status.toFile());
        this.secrets = JSON.readTree(home.resolve("secrets.json").toFile());
        this.catalog = this.status.path("api").path("uri").asText().replaceFirst("/api/v1/?$", "");
        this.token = login(DOMAIN + "-job");
    }

    String token() {
        return token;
    }

    private String login(String principal) throws IOException, InterruptedException {
        JsonNode identity = named("principals", principal);
        String form = "grant_type=client_credentials&client_id=%s&client_secret=%s"
                .formatted(
                        URLEncoder.encode(identity.path("client-id").asText(), UTF_8),
                        URLEncoder.encode(identity.path("client-secret").asText(), UTF_8));
        HttpRequest request = HttpRequest.newBuilder(URI.create(catalog + "/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        return JSON.readTree(send(request, 200).body()).path("access_token").asText();
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

    /// A table of 30 columns and 200 snapshots, whose files nobody reads.
    void create(int number) throws IOException, InterruptedException {
        ObjectNode table = JSON.createObjectNode().put("name", name(number));
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
        JsonNode created = JSON.readTree(send(post(TABLES, table), 200).body());
        JsonNode metadata = created.path("metadata");
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
        send(post(TABLES + "/" + name(number), commit), 200);
    }

    void createNamespace() throws IOException, InterruptedException {
        ObjectNode namespace = JSON.createObjectNode();
        namespace.putArray("namespace").add("core");
        send(post("/iceberg/v1/" + DOMAIN + "/namespaces", namespace), 200);
    }

    byte[] bytes(int number) throws IOException, InterruptedException {
        return send(load(number).build(), 200).body().getBytes(UTF_8);
    }

    /// loadTable without a key to the files.
    Load.Operation loading(int number) {
        HttpRequest request = load(number).build();
        return () -> discard(request, 200);
    }

    /// loadTable with a short-lived key for the table.
    Load.Operation loadingWithKey(int number) {
        HttpRequest request = load(number)
                .header("X-Iceberg-Access-Delegation", "vended-credentials")
                .build();
        return () -> discard(request, 200);
    }

    /// A commit that sets a property, to another value each time.
    Load.Operation committing(int number) {
        String path = TABLES + "/" + name(number);
        return new Load.Operation() {
            private long count = System.nanoTime();

            @Override
            public void run() throws Exception {
                String commit = """
                        {"requirements":[],"updates":[{"action":"set-properties","updates":{"counter":"%d"}}]}""".formatted(count++);
                discard(
                        request(path)
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(commit))
                                .build(),
                        200);
            }
        };
    }

    /// What any HTTP server costs: `uri` answers the same bytes.
    Load.Operation fetching(URI uri) {
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Authorization", "Bearer " + token)
                .build();
        return () -> discard(request, 200);
    }

    Connection database() throws SQLException {
        return DriverManager.getConnection(
                status.path("postgres").path("jdbc-url").asText(),
                "icefield",
                secrets.path("database").asText());
    }

    private HttpRequest.Builder load(int number) {
        return request(TABLES + "/" + name(number)).GET();
    }

    private HttpRequest post(String path, JsonNode body) {
        return request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(catalog + path)).header("Authorization", "Bearer " + token);
    }

    private void discard(HttpRequest request, int expected) throws IOException, InterruptedException {
        int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        if (status != expected) {
            throw new IllegalStateException("%s answers %d".formatted(request.uri(), status));
        }
    }

    private HttpResponse<String> send(HttpRequest request, int expected) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString(UTF_8));
        if (answer.statusCode() != expected) {
            throw new IllegalStateException(
                    "%s answers %d: %s".formatted(request.uri(), answer.statusCode(), answer.body()));
        }
        return answer;
    }

    private static String name(int number) {
        return "sensor_" + number;
    }
}
