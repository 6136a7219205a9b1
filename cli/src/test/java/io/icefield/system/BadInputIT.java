package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What is malformed gets a 4xx that says why, never a 5xx, and nothing is written.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputIT {
    private static final String DOMAIN = "badinput";
    private static final String JOB = DOMAIN + "-job";
    private static final String TABLES = "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables";
    private static final String TABLE = TABLES + "/target";
    private static final String REGISTER = "/iceberg/v1/" + DOMAIN + "/namespaces/core/register";
    private static final String RENAME = "/iceberg/v1/" + DOMAIN + "/tables/rename";
    private static final String NAMESPACES = "/iceberg/v1/" + DOMAIN + "/namespaces";
    private static final String CLASSIFICATION =
            "/api/v1/domains/" + DOMAIN + "/namespaces/core/tables/target/classification";
    private static final String SCHEMA = """
            {"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]}""";
    private static final long GIGABYTE = 1L << 30;

    /// Every route that takes a body and changes something, with a body that would be good.
    private static final List<Route> ROUTES = List.of(
            new Route("POST", NAMESPACES, "{\"namespace\":[\"more\"],\"properties\":{}}"),
            new Route("POST", NAMESPACES + "/core/properties", "{\"updates\":{\"a\":\"b\"}}"),
            new Route("POST", TABLES, "{\"name\":\"made\",\"schema\":" + SCHEMA + "}"),
            new Route("POST", TABLES, "{\"name\":\"made\",\"stage-create\":true,\"schema\":" + SCHEMA + "}"),
            new Route("POST", TABLE, """
                    {"requirements":[],"updates":[{"action":"set-properties","updates":{"a":"b"}}]}"""),
            new Route("POST", REGISTER, "{\"name\":\"made\",\"metadata-location\":\"s3://nowhere/m.metadata.json\"}"),
            new Route("POST", RENAME, """
                    {"source":{"namespace":["core"],"name":"target"},
                     "destination":{"namespace":["core"],"name":"made"}}"""),
            new Route("POST", "/api/v1/domains", "{\"name\":\"made\",\"owners\":[]}"),
            new Route("POST", "/api/v1/principals", "{\"name\":\"made\",\"kind\":\"user\",\"groups\":[]}"),
            new Route("POST", "/api/v1/domains/" + DOMAIN + "/grants", """
                    {"grantee":"group:nobody","role":"reader"}"""),
            new Route("PUT", CLASSIFICATION, "{\"columns\":{\"id\":[\"public\"]}}"));

    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

    private record Route(String method, String path, String body) {
        /// May the field be left out, so that `null` may stand for nothing?
        boolean optional(String field) {
            return switch (field) {
                case "stage-create", "properties", "groups", "requirements", "updates" -> true;
                default -> false;
            };
        }

        String principal() {
            return path.startsWith("/api") ? "admin" : JOB;
        }
    }

    private Mesh mesh;
    private Set<String> objectsBefore = Set.of();
    private String stateBefore = "";

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        RESTCatalog catalog = mesh.iceberg(DOMAIN, JOB);
        catalog.createNamespace(Namespace.of("core"));
        catalog.createTable(
                TableIdentifier.of("core", "target"),
                new Schema(Types.NestedField.required(1, "id", Types.LongType.get())));
        objectsBefore = mesh.objects(DOMAIN);
        stateBefore = state();
    }

    /// All that a bad request could have changed.
    private String state() throws IOException, InterruptedException {
        StringBuilder state = new StringBuilder();
        for (String path : List.of(NAMESPACES, NAMESPACES + "/core", TABLES, TABLE)) {
            state.append(mesh.call(JOB, "GET", path, "").json().path("metadata-location"))
                    .append(
                            path.equals(TABLE)
                                    ? ""
                                    : mesh.call(JOB, "GET", path, "").body());
        }
        for (String path : List.of("/api/v1/principals", "/api/v1/domains/" + DOMAIN + "/grants")) {
            state.append(mesh.call("admin", "GET", path, "").body());
        }
        return state.toString();
    }

    private void nothingChanged() throws IOException, InterruptedException {
        assertThat(mesh.objects(DOMAIN)).isEqualTo(objectsBefore);
        assertThat(state()).isEqualTo(stateBefore);
    }

    @Test
    void malformedBodies() throws Exception {
        for (Route route : ROUTES) {
            List<String> bodies = new ArrayList<>(List.of(
                    "",
                    "{",
                    "[]",
                    "null",
                    "42",
                    "\"text\"",
                    "not json",
                    "\u0000",
                    route.body().substring(0, route.body().length() / 2),
                    route.body() + "}",
                    "[".repeat(100_000),
                    "{\"a\":".repeat(100_000),
                    "[".repeat(100_000) + "]".repeat(100_000),
                    "{\"name\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}"));
            bodies.addAll(wrongTypes(route));
            for (String body : bodies) {
                refused(route, body);
            }
        }
        nothingChanged();
    }

    /// The good body with one value replaced by one of another type.
    private static List<String> wrongTypes(Route route) throws IOException {
        List<String> bodies = new ArrayList<>();
        ObjectNode body = (ObjectNode) Mesh.JSON.readTree(route.body());
        for (String field : Mesh.JSON.convertValue(body, FIELDS).keySet()) {
            for (String wrong : List.of("null", "17", "[[[]]]", "{\"\":{\"\":[]}}", "true")) {
                if (wrong.equals("null") ? !route.optional(field) : !field.equals("stage-create")) {
                    bodies.add(body.deepCopy()
                            .<ObjectNode>set(field, Mesh.JSON.readTree(wrong))
                            .toString());
                }
            }
        }
        return bodies;
    }

    @Test
    void namesThatAreNoNames() throws Exception {
        for (String name : List.of(
                "",
                " ",
                "a/b",
                "../core",
                "..",
                ".",
                "a\"b",
                "a'b",
                "a`b",
                "a;drop table x",
                "a\u001Fb",
                "a*",
                "*",
                "a?b",
                "a#b",
                "a%b",
                "a\\b",
                "a\nb",
                "a\u0000b",
                "😀",
                "a$files",
                "${ENV:PATH}",
                "x".repeat(2_000))) {
            String json = Mesh.JSON.writeValueAsString(name);
            String schema = SCHEMA.replace("\"name\":\"id\"", "\"name\":" + json);
            refused(new Route("POST", TABLES, ""), "{\"name\":" + json + ",\"schema\":" + SCHEMA + "}");
            refused(
                    new Route("POST", TABLES, ""),
                    "{\"name\":" + json + ",\"stage-create\":true,\"schema\":" + SCHEMA + "}");
            refused(new Route("POST", TABLES, ""), "{\"name\":\"made\",\"schema\":" + schema + "}");
            refused(new Route("POST", NAMESPACES, ""), "{\"namespace\":[" + json + "]}");
            refused(new Route("POST", NAMESPACES, ""), "{\"namespace\":[\"core\"," + json + "]}");
            refused(
                    new Route("POST", REGISTER, ""),
                    "{\"name\":" + json + ",\"metadata-location\":\"s3://nowhere/m.metadata.json\"}");
            refused(new Route("POST", RENAME, ""), """
                    {"source":{"namespace":["core"],"name":"target"},
                     "destination":{"namespace":["core"],"name":%s}}""".formatted(json));
            refused(new Route("POST", "/api/v1/domains", ""), "{\"name\":" + json + ",\"owners\":[]}");
            refused(
                    new Route("POST", "/api/v1/principals", ""),
                    "{\"name\":" + json + ",\"kind\":\"user\",\"groups\":[]}");
            refused(new Route("POST", TABLE, ""), """
                    {"requirements":[],"updates":[{"action":"add-schema","schema":
                    {"type":"struct","schema-id":1,"fields":[{"id":1,"name":"id","required":true,"type":"long"},
                    {"id":2,"name":%s,"required":false,"type":"long"}]}},{"action":"set-current-schema","schema-id":-1}]}""".formatted(json));
            if (!name.isEmpty() && !name.contains("\u0000")) {
                String path = URLEncoder.encode(name, UTF_8).replace("+", "%20");
                for (String method : List.of("GET", "HEAD", "DELETE")) {
                    never5xx(method, TABLES + "/" + path);
                    never5xx(method, NAMESPACES + "/" + path);
                    never5xx(method, "/api/v1/principals/" + path);
                }
            }
        }
        nothingChanged();
    }

    @Test
    void pathsThatNoClientSends() throws Exception {
        for (String path : List.of(
                "/iceberg/v1/" + DOMAIN + "/namespaces/%00/tables",
                "/iceberg/v1/" + DOMAIN + "/namespaces/%1F/tables",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core%1F/tables/x",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/%2e%2e%2f%2e%2e%2fetc",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/%ff%fe",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables?pageSize=0",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables?pageSize=-1",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables?pageSize=x",
                "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables?pageToken=garbage&pageSize=2",
                "/iceberg/v1/config?warehouse=" + "x".repeat(2_000),
                "/iceberg/v1/nowhere/namespaces",
                "/api/v1/nothing",
                "/" + "x".repeat(20_000))) {
            Mesh.Answer answer = never5xx("GET", path);
            assertThat(answer.status()).as(path).isBetween(400, 499);
            assertThat(answer.message()).as(path).isNotBlank();
        }
        for (String method : List.of("PATCH", "TRACE", "OPTIONS")) {
            never5xx(method, TABLE);
        }
    }

    @Test
    void aBodyOfAGigabyteIsRefusedEarly() throws Exception {
        for (Route route : ROUTES) {
            HttpRequest request = HttpRequest.newBuilder(mesh.catalog(route.path()))
                    .header("Authorization", "Bearer " + mesh.token(route.principal()))
                    .header("Content-Type", "application/json")
                    .timeout(Duration.ofMinutes(2))
                    .method(route.method(), HttpRequest.BodyPublishers.ofInputStream(() -> new Spaces(GIGABYTE)))
                    .build();
            try {
                int status = mesh.send(request).status();
                assertThat(status).as(route.path()).isEqualTo(413);
            } catch (IOException e) {
                // The server answered and closed while we were still writing; not every client sees the answer then.
                assertThat(mesh.call("admin", "GET", "/health/live", "").status())
                        .as("%s: %s", route.path(), e)
                        .isEqualTo(200);
            }
        }
        nothingChanged();
    }

    @Test
    void updatesThatNobodyKnows() throws Exception {
        for (String commit : List.of(
                "{\"requirements\":[],\"updates\":[{\"action\":\"explode\"}]}",
                "{\"requirements\":[{\"type\":\"assert-weather\"}],\"updates\":[]}",
                "{\"requirements\":[],\"updates\":[{}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":null}}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-current-schema\",\"schema-id\":99}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"assign-uuid\",\"uuid\":\"%s\"}]}"
                        .formatted(UUID.randomUUID()),
                "{\"requirements\":[],\"updates\":[{\"action\":\"assign-uuid\",\"uuid\":\"no\"}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"upgrade-format-version\",\"format-version\":99}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-location\",\"location\":\"\"}]}",
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":1}]}")) {
            refused(new Route("POST", TABLE, ""), commit);
        }
        nothingChanged();
    }

    @Test
    void noGoodTokenNoAnswer() throws Exception {
        String good = mesh.token(JOB);
        String[] parts = good.split("\\.");
        String otherUser = new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8).replace(JOB, "admin");
        String expired = new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8)
                .replaceAll("\"exp\":\\d+", "\"exp\":1000000000");
        String unsigned = Base64.getUrlEncoder().withoutPadding().encodeToString("{\"alg\":\"none\"}".getBytes(UTF_8));
        List<String> bad = List.of(
                "",
                "Bearer",
                "Bearer ",
                "Bearer x",
                "Bearer a.b.c",
                "Bearer " + parts[0] + "." + parts[1] + ".",
                "Bearer " + parts[0] + "." + encode(otherUser) + "." + parts[2],
                "Bearer " + parts[0] + "." + encode(expired) + "." + parts[2],
                "Bearer " + unsigned + "." + parts[1] + ".",
                "Bearer " + unsigned + "." + encode(otherUser) + ".",
                "Bearer " + good.substring(0, good.length() - 6) + "AAAAAA",
                "Bearer " + "x".repeat(5_000),
                "Basic " + Base64.getEncoder().encodeToString("admin:admin".getBytes(UTF_8)));
        List<Route> routes = new ArrayList<>(ROUTES);
        for (String path :
                List.of(NAMESPACES, TABLE, "/api/v1/domains", "/iceberg/v1/config?warehouse=" + DOMAIN, "/metrics")) {
            routes.add(new Route("GET", path, ""));
        }
        routes.add(new Route("DELETE", TABLE, ""));
        routes.add(new Route("POST", "/opa/v1/allow", "{\"input\":{}}"));
        for (Route route : routes) {
            for (String authorization : bad) {
                HttpRequest.Builder request = HttpRequest.newBuilder(mesh.catalog(route.path()))
                        .header("Content-Type", "application/json")
                        .method(route.method(), HttpRequest.BodyPublishers.ofString(route.body()));
                if (!authorization.isEmpty()) {
                    request.header("Authorization", authorization);
                }
                Mesh.Answer answer = mesh.send(request.build());
                assertThat(answer.status())
                        .as("%s %s with `%s`: %s", route.method(), route.path(), authorization, answer.body())
                        .isEqualTo(401);
                assertThat(answer.json().path("error").path("type").asText()).isEqualTo("NotAuthorizedException");
            }
        }
        nothingChanged();
    }

    @Test
    void wrongSecretsGetNoToken() throws Exception {
        for (String form : List.of(
                "",
                "grant_type=client_credentials",
                "grant_type=client_credentials&client_id=admin&client_secret=admin",
                "grant_type=client_credentials&client_id=nobody&client_secret=x",
                "grant_type=client_credentials&client_id=" + "x".repeat(5_000) + "&client_secret=x",
                "grant_type=password&username=admin&password=x",
                "grant_type=client_credentials&client_id=%00&client_secret=%ff",
                "a=" + "x".repeat(200_000))) {
            HttpRequest request = HttpRequest.newBuilder(mesh.catalog("/iceberg/v1/oauth/tokens"))
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString(form))
                    .build();
            Mesh.Answer answer = mesh.send(request);
            assertThat(answer.status()).as(form).isBetween(400, 499);
            assertThat(answer.body()).doesNotContain("access_token");
        }
    }

    private void refused(Route route, String body) throws IOException, InterruptedException {
        Mesh.Answer answer = mesh.call(route.principal(), route.method(), route.path(), body.isEmpty() ? " " : body);
        String what = "%s %s %s: %s"
                .formatted(
                        route.method(),
                        route.path(),
                        body.length() > 300 ? body.substring(0, 300) + "…" : body,
                        answer.body());
        assertThat(answer.status()).as(what).isBetween(400, 499);
        assertThat(answer.message()).as(what).isNotBlank();
        assertThat(answer.body().length()).as("an error is no echo: " + what).isLessThan(8_000);
    }

    private Mesh.Answer never5xx(String method, String path) throws IOException, InterruptedException {
        URI uri = mesh.catalog(path);
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Authorization", "Bearer " + mesh.token(path.startsWith("/api") ? "admin" : JOB))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        Mesh.Answer answer = mesh.send(request);
        assertThat(answer.status())
                .as("%s %s: %s", method, path, answer.body())
                .isLessThan(500)
                .isNotEqualTo(204);
        return answer;
    }

    private static String encode(String json) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(UTF_8));
    }

    /// So many spaces: a body that never begins.
    private static final class Spaces extends InputStream {
        private long left;

        Spaces(long size) {
            this.left = size;
        }

        @Override
        public int read() {
            return left-- > 0 ? ' ' : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            if (left <= 0) {
                return -1;
            }
            int count = (int) Math.min(left, length);
            Arrays.fill(buffer, offset, offset + count, (byte) ' ');
            left -= count;
            return count;
        }
    }
}
