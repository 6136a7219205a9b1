package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.List;

/// The job `seller` of a running server, speaking the Iceberg REST protocol by hand.
final class Caller implements AutoCloseable {
    static final String SALES = "/iceberg/v1/sales";
    static final String NAMESPACES = SALES + "/namespaces";
    static final String CRM = NAMESPACES + "/crm";
    static final String TABLES = CRM + "/tables";
    static final String VIEWS = CRM + "/views";

    final RunningServer mesh = new RunningServer();

    Reply get(String path) {
        return mesh.send("GET", path, mesh.seller, "");
    }

    Reply head(String path) {
        return mesh.send("HEAD", path, mesh.seller, "");
    }

    Reply post(String path, String body) {
        return mesh.send("POST", path, mesh.seller, body);
    }

    Reply delete(String path) {
        return mesh.send("DELETE", path, mesh.seller, "");
    }

    Reply with(String method, String path, String body, String... headers) {
        return mesh.send(HttpRequest.newBuilder(mesh.uri(path))
                .timeout(RunningServer.PATIENCE)
                .header("Authorization", "Bearer " + mesh.seller)
                .headers(headers)
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body)));
    }

    Reply delegated(String method, String path, String body) {
        return with(method, path, body, "X-Iceberg-Access-Delegation", "vended-credentials");
    }

    static Reply ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isBetween(200, 204);
        return reply;
    }

    static void refused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.header("Content-Type")).startsWith("application/json");
        assertThat(reply.errorType()).as("%s", reply).isEqualTo(type);
        assertThat(reply.json().path("error").path("code").asInt()).isEqualTo(status);
        assertThat(reply.json().path("error").path("message").asText()).isNotEmpty();
    }

    static String createBody(String name, String more) {
        return """
                {"name":"%s","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"},
                {"id":2,"name":"at","required":false,"type":"timestamp"}]}%s}""".formatted(name, more);
    }

    /// Its metadata.
    JsonNode create(String name, String more) {
        return ok(post(TABLES, createBody(name, more))).json().path("metadata");
    }

    JsonNode create(String name) {
        return create(name, "");
    }

    static String commitBody(String requirements, String... updates) {
        return "{\"requirements\":[%s],\"updates\":[%s]}".formatted(requirements, String.join(",", updates));
    }

    Reply commit(String table, String requirements, String... updates) {
        return post(TABLES + "/" + table, commitBody(requirements, updates));
    }

    static String setProperty(String key, String value) {
        return "{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}".formatted(key, value);
    }

    static String addSnapshot(String location, long id, long sequence) {
        return addSnapshot(location + "/metadata/snap-" + id + ".avro", id, sequence, "\"operation\":\"append\"");
    }

    static String addSnapshot(String manifestList, long id, long sequence, String summary) {
        return """
                {"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":%d,
                "summary":{%s},"manifest-list":"%s","schema-id":0}}""".formatted(id, sequence, System.currentTimeMillis(), summary, manifestList);
    }

    static String setMain(long id) {
        return "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%d}"
                .formatted(id);
    }

    /// Appends so many snapshots to `main`, the first with this id.
    JsonNode append(String table, long first, int count) {
        JsonNode metadata = get(TABLES + "/" + table).json().path("metadata");
        long sequence = metadata.path("last-sequence-number").asLong();
        List<String> updates = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            updates.add(addSnapshot(metadata.path("location").asText(), first + i, sequence + 1 + i));
            updates.add(setMain(first + i));
        }
        return ok(commit(table, "", updates.toArray(String[]::new))).json().path("metadata");
    }

    static String view(String name, String more) {
        return ViewRoutesTest.createBody(name, more);
    }

    @Override
    public void close() {
        mesh.close();
    }
}
