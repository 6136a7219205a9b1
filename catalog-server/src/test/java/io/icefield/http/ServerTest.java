package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.access.Refusal;
import io.icefield.http.RunningServer.Reply;
import io.icefield.policy.Violation;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/// The door, the errors of the web server itself, and what holds for every route.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServerTest {
    private RunningServer mesh;

    @BeforeAll
    void start() {
        mesh = new RunningServer();
    }

    @AfterAll
    void stop() {
        mesh.close();
    }

    private static String sample(Route route) {
        return route.path()
                .replace("{prefix}", "sales")
                .replace("{domain}", "sales")
                .replace("{namespace}", "crm")
                .replace("{table}", "customers")
                .replace("{view}", "best_customers")
                .replace("{plan-id}", "00000000-0000-0000-0000-000000000000")
                .replace("{principal}", "admin")
                .replace("{decision}", "1")
                .replace("{secret}", "1")
                .replace("{key}", "1")
                .replace("{dropped}", "1")
                .replace("{request}", "1")
                .replace("{storage}", "main")
                .replace("{plan-id}", "1");
    }

    @Test
    void everyRouteSaysWhatItNeedsAndTheListIsKnown() throws IOException {
        Golden.matches(
                "routes.txt",
                mesh.server.routes().stream()
                        .map(route -> "%-8s %-6s %s%n".formatted(route.needs(), route.method(), route.path()))
                        .sorted()
                        .collect(Collectors.joining()));
    }

    @Test
    @SuppressWarnings("NullAway") // as if nobody had checked
    void thereIsNoRouteThatDoesNotSayWhatItNeeds() {
        assertThatThrownBy(() -> Route.get("/api/v1/secrets", call -> Answer.noContent(), null))
                .isInstanceOf(NullPointerException.class)
                .hasMessageContaining("GET /api/v1/secrets");
    }

    @Test
    void withoutATokenOnlyOpenRoutesAnswer() {
        for (Route route : mesh.server.routes()) {
            for (String token : new String[] {"", "forged"}) {
                Reply reply = mesh.send(route.method(), sample(route), token, "");
                if (route.needs() == Needs.NOTHING) {
                    assertThat(reply.status()).as("%s %s", route, reply).isIn(200, 400);
                } else {
                    assertThat(reply.status()).as("%s", route).isEqualTo(401);
                    assertThat(reply.header("WWW-Authenticate")).startsWith("Bearer");
                    if (!route.method().equals("HEAD")) {
                        assertThat(reply.errorType()).isEqualTo("NotAuthorizedException");
                    }
                }
            }
        }
    }

    @Test
    void aStrangerGetsNothingFromAnyRoute() {
        for (Route route : mesh.server.routes()) {
            if (route.needs() == Needs.NOTHING) {
                continue;
            }
            Reply reply = mesh.send(route.method(), sample(route), mesh.stranger, validBody(route));
            String what = route.method() + " " + route.path() + ": " + reply;
            if (route.path().equals("/api/v1/domains") && route.method().equals("GET")) {
                assertThat(reply.json().path("domains")).as(what).isEmpty();
            } else if (route.path().equals("/api/v1/decisions")) {
                reply.json()
                        .path("decisions")
                        .forEach(each ->
                                assertThat(each.path("who").asText()).as(what).isEqualTo("stranger"));
            } else if (route.path().equals("/api/v1/access-requests")) {
                boolean asks = route.method().equals("POST"); // and then sees that
                assertThat(reply.status()).as(what).isEqualTo(asks ? 201 : 200);
                assertThat(reply.json().path("access-requests")).as(what).isEmpty();
            } else if (route.method().equals("POST") && route.path().endsWith("/metrics")) {
                assertThat(reply.status()).as(what).isEqualTo(204);
            } else if (route.path().equals("/metrics")) { // which name nothing and nobody
                assertThat(reply.status()).as(what).isEqualTo(200);
            } else if (route.path().endsWith("/config")) {
                assertThat(reply.json().path("overrides").path("prefix").asText())
                        .as(what)
                        .isEqualTo("mesh");
            } else {
                assertThat(reply.status()).as(what).isIn(403, 404);
            }
        }
    }

    private static String validBody(Route route) {
        if (route.method().equals("GET") || route.method().equals("HEAD")) {
            return "";
        }
        String path = route.path();
        if (path.endsWith("/grants")) {
            return "{\"grantee\":\"group:x\",\"role\":\"reader\"}";
        } else if (path.endsWith("/access-requests")) {
            return "{\"domain\":\"sales\",\"role\":\"reader\",\"reason\":\"why not\"}";
        } else if (path.endsWith("/approve") || path.endsWith("/refuse")) {
            return "{\"reason\":\"why not\"}";
        } else if (path.endsWith("/owners")) {
            return "{\"owners\":[\"x\"]}";
        } else if (path.endsWith("/groups")) {
            return "{\"groups\":[\"platform\"]}";
        } else if (path.endsWith("/classification")) {
            return "{\"columns\":{}}";
        } else if (path.endsWith("/protection")) {
            return "{\"protected\":true}";
        } else if (path.endsWith("/storage")) {
            return "{\"name\":\"mine\"}";
        } else if (path.endsWith("/credentials")) {
            return "{\"access-key\":\"a\",\"secret-key\":\"b\"}";
        } else if (path.endsWith("/domains")) {
            return "{\"name\":\"mine\",\"owners\":[\"x\"]}";
        } else if (path.endsWith("/principals")) {
            return "{\"name\":\"eve\",\"kind\":\"user\",\"groups\":[\"platform\"]}";
        } else if (path.endsWith("/namespaces")) {
            return "{\"namespace\":[\"mine\"]}";
        } else if (path.endsWith("/properties")) {
            return "{\"updates\":{\"a\":\"b\"}}";
        } else if (path.contains("/register")) {
            return "{\"name\":\"t\",\"metadata-location\":\"s3://bucket-sales/m.json\"}";
        } else if (path.endsWith("/rename")) {
            return "{\"source\":{\"namespace\":[\"crm\"],\"name\":\"a\"},"
                    + "\"destination\":{\"namespace\":[\"crm\"],\"name\":\"b\"}}";
        } else if (path.endsWith("/tasks")) {
            return "{\"plan-task\":\"00000000-0000-0000-0000-000000000000.0\"}";
        } else if (path.endsWith("/sign")) {
            return "{\"method\":\"GET\",\"region\":\"us-east-1\",\"uri\":\"http://s3/x/y\",\"headers\":{}}";
        } else if (path.endsWith("/views")) {
            return ViewRoutesTest.createBody("mine", "");
        } else if (path.endsWith("/tables")) {
            return IcebergRoutesTest.createBody("mine", "");
        } else if (path.endsWith("/{table}") || path.endsWith("/{view}")) {
            return "{\"requirements\":[],\"updates\":[]}";
        }
        return "{}";
    }

    @Test
    void whatHasNoRouteIsJsonToo() {
        Reply unknown = mesh.send("GET", "/nothing/here", "", "");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.errorType()).isEqualTo("NotFoundException");
        Reply method = mesh.send("PATCH", "/api/v1/domains", mesh.admin, "{}");
        assertThat(method.status()).isEqualTo(405);
        assertThat(method.header("Allow")).isEqualTo("GET, HEAD, POST");
        assertThat(method.errorType()).isEqualTo("MethodNotAllowedException");
        assertThat(method.header("X-Request-Id")).isNotEmpty();
    }

    @Test
    void headNeedsTheSameTokenAndHasNoBody() {
        assertThat(mesh.send("HEAD", "/api/v1/domains/sales", "", "").status()).isEqualTo(401);
        assertThat(mesh.send("HEAD", "/api/v1/domains/nowhere", mesh.admin, "").status())
                .isEqualTo(404);
        Reply there = mesh.send("HEAD", "/api/v1/domains/sales", mesh.admin, "");
        assertThat(there.status()).isEqualTo(200);
        assertThat(there.text()).isEmpty();
    }

    /// What no client library sends.
    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), mesh.server.port())) {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void theWebServersOwnErrorsAreJson() throws IOException {
        String end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        record Case(String request, int status) {}
        for (Case each : new Case[] {
            new Case("GET /a%00b" + end, 400),
            new Case("GET /iceberg/v1/sales/namespaces/%zz" + end, 400),
            new Case("GET /" + "x".repeat(100_000) + end, 414),
            new Case("GET / HTTP/1.1\r\nHost: x\r\nX: " + "y".repeat(100_000) + "\r\n\r\n", 431),
            new Case("GET / HTTP/1.1\r\n\r\n", 400),
            new Case("TRACE /api/v1/domains" + end, 405),
            new Case("NONSENSE /api/v1/domains" + end, 405),
            new Case("GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
            new Case("POST /api/v1/domains HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400)
        }) {
            String answer = raw(each.request());
            String shown =
                    each.request().substring(0, Math.min(60, each.request().length())) + " -> " + answer;
            assertThat(answer).as(shown).startsWith("HTTP/1.1 " + each.status());
            assertThat(answer).as(shown).contains("{\"error\":{\"message\":").contains("\"code\":" + each.status());
        }
    }

    @Test
    void aBodyOfAGigabyteIsRefusedUnread() throws Exception {
        long before = usedMemory();
        long start = System.nanoTime();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), mesh.server.port())) {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
            var out = socket.getOutputStream();
            out.write(("POST /iceberg/v1/sales/namespaces/crm/tables HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                            + mesh.seller
                            + "\r\nContent-Length: 1000000000\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.write(new byte[8_192]);
            out.flush();
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 413").contains("ContentTooLargeException");
        }
        assertThat(usedMemory() - before).isLessThan(200L << 20);
        assertThat(System.nanoTime() - start).isLessThan(30_000_000_000L);
    }

    private static long usedMemory() {
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void aBodyOfUnknownLengthIsCountedAsItComes() throws Exception {
        byte[] chunk = new byte[64 << 10];
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri("/api/v1/domains"))
                .header("Authorization", "Bearer " + mesh.admin)
                .timeout(RunningServer.PATIENCE)
                .expectContinue(false)
                .POST(HttpRequest.BodyPublishers.ofByteArrays(
                        () -> Stream.generate(() -> chunk).limit(1 << 14).iterator()));
        Reply reply = mesh.send(request);
        assertThat(reply.status()).isEqualTo(413);
        assertThat(reply.errorType()).isEqualTo("ContentTooLargeException");
    }

    @Test
    void aBugIsAnIdAndNothingElse() {
        mesh.broken = true;
        Reply reply = mesh.send("GET", "/health/ready", "", "");
        mesh.broken = false;
        assertThat(reply.status()).isEqualTo(500);
        assertThat(reply.errorType()).isEqualTo("InternalServerError");
        assertThat(reply.text()).contains(reply.header("X-Request-Id")).doesNotContain("host-17");
    }

    @Test
    void aStorageThatFailsIsUnavailableAndItsWordsStayHere() {
        mesh.mesh.storageFails = true;
        Reply reply = mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"later\",\"owners\":[\"x\"]}");
        assertThat(reply.status()).as("%s", reply).isEqualTo(503);
        assertThat(reply.text()).doesNotContain("host-17").doesNotContain("ENOSPC");
        assertThat(reply.header("Retry-After")).isNotEmpty();
    }

    @Test
    void everyRefusalHasItsStatusAndType() throws IOException {
        String iceberg = "/iceberg/v1/{prefix}/namespaces";
        StringBuilder all = new StringBuilder();
        for (Refusal refusal : new Refusal[] {
            new Refusal.Invalid("m"),
            new Refusal.NotAuthenticated("m"),
            new Refusal.NotAllowed("m"),
            new Refusal.PolicyBroken("t", List.of(new Violation("a/b", "p", "x"), new Violation("c/d", "q", "\"y\""))),
            new Refusal.NotFound(Refusal.Thing.NAMESPACE, "n"),
            new Refusal.NotFound(Refusal.Thing.TABLE, "n"),
            new Refusal.NotFound(Refusal.Thing.VIEW, "n"),
            new Refusal.NotFound(Refusal.Thing.PRINCIPAL, "n"),
            new Refusal.NotFound(Refusal.Thing.DOMAIN, "n"),
            new Refusal.Unsupported("m"),
            new Refusal.AlreadyExists(Refusal.Thing.TABLE, "n"),
            new Refusal.NotEmpty(Refusal.Thing.NAMESPACE, "n", "tables"),
            new Refusal.Conflict("m"),
            new Refusal.TooLarge("m"),
            new Refusal.Contradictory("m"),
            new Refusal.OutcomeUnknown("m"),
            new Refusal.Unavailable("m"),
            new Refusal.Repeated(List.of())
        }) {
            Answer answer = Errors.of(refusal, iceberg);
            all.append("%d %s %s%n"
                    .formatted(
                            answer.status(),
                            new String(answer.body(), StandardCharsets.UTF_8),
                            new TreeMap<>(answer.headers())));
        }
        Golden.matches("errors.txt", all.toString());
    }

    @Test
    void healthIsOpenAndMetricsNeedAToken() {
        assertThat(mesh.send("GET", "/health/live", "", "").status()).isEqualTo(200);
        assertThat(mesh.send("GET", "/health/ready", "", "").status()).isEqualTo(200);
        mesh.ready = false;
        Reply notReady = mesh.send("GET", "/health/ready", "", "");
        mesh.ready = true;
        assertThat(notReady.status()).isEqualTo(503);
        Reply metrics = mesh.send("GET", "/metrics", mesh.admin, "");
        assertThat(metrics.text())
                .contains("http_server_requests_seconds_count{method=\"GET\",status=\"200\",uri=\"/health/live\"}")
                .contains("jvm_memory_used_bytes");
    }

    @Test
    void theOpenApiDocumentAndTheRoutesAreTheSame() {
        Reply document = mesh.send("GET", "/api/v1/openapi.yaml", "", "");
        assertThat(document.header("Content-Type")).startsWith("application/yaml");
        JsonNode paths = new ObjectMapper()
                .<JsonNode>valueToTree(new Load(LoadSettings.builder().build()).loadFromString(document.text()))
                .path("paths");
        Set<String> documented = new TreeSet<>();
        paths.properties()
                .forEach(path -> path.getValue().fieldNames().forEachRemaining(method -> {
                    if (!method.equals("parameters")) {
                        documented.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
                    }
                }));
        Set<String> served = mesh.server.routes().stream()
                .filter(route -> !route.path().startsWith("/iceberg/")
                        && !route.path().startsWith("/oauth/")
                        && !route.path().startsWith("/.well-known/"))
                .map(route -> route.method() + " " + route.path())
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(documented).isEqualTo(served);
        for (Route route : mesh.server.routes()) {
            if (served.contains(route.method() + " " + route.path())) {
                JsonNode operation =
                        paths.path(route.path()).path(route.method().toLowerCase(Locale.ROOT));
                assertThat(operation.has("security"))
                        .as("open routes say so: %s", route.path())
                        .isEqualTo(route.needs() == Needs.NOTHING);
            }
        }
    }
}
