package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.RunningServer.Reply;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What every answer says to browsers and to whoever is on the way, and what it does not.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AnswerHeadersTest {
    private static final Map<String, String> ALWAYS = Map.of(
            "X-Content-Type-Options", "nosniff",
            "X-Frame-Options", "DENY",
            "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
            "Referrer-Policy", "no-referrer",
            "Cache-Control", "no-store");
    private static final String PORTAL = "https://portal.example";

    private RunningServer closed;
    private RunningServer open;

    @BeforeAll
    void start() {
        closed = new RunningServer();
        Protection usual = Protection.USUAL;
        open = new RunningServer(new Protection(
                usual.limit(),
                usual.connectionsMax(),
                usual.patience(),
                Optional.empty(),
                true,
                List.of(),
                Set.of(PORTAL, "http://localhost:3000"),
                true));
    }

    @AfterAll
    void stop() {
        closed.close();
        open.close();
    }

    private static void check(Reply reply) {
        ALWAYS.forEach((name, value) -> assertThat(reply.response().headers().allValues(name))
                .as("%s of %s", name, reply)
                .containsExactly(value));
        assertThat(reply.header("Server")).isEmpty();
        assertThat(reply.header("X-Powered-By")).isEmpty();
    }

    @Test
    void everyRouteSaysItWhateverTheAnswer() {
        for (Route route : closed.server.routes()) {
            String path = route.path().replaceAll("\\{[^}]*}", "sales");
            for (String token : List.of("", closed.stranger, closed.admin)) {
                check(closed.send(route.method(), path, token, route.method().equals("GET") ? "" : "{}"));
            }
        }
        check(closed.send("GET", "/nowhere", "", ""));
        check(closed.send("PATCH", "/api/v1/domains", closed.admin, "{}"));
        check(closed.send("OPTIONS", "/api/v1/domains", closed.admin, ""));
    }

    @Test
    void theWebServersOwnRefusalsSayItToo() throws IOException {
        for (String request : List.of(
                "GET /a%00b HTTP/1.1|Host: x",
                "GET / HTTP/1.1",
                "GET /" + "x".repeat(100_000) + " HTTP/1.1|Host: x",
                "GET / HTTP/1.1|Host: x|X: " + "y".repeat(100_000))) {
            try (Raw client = new Raw(closed)) {
                String answer = client.head(request).rest();
                assertThat(answer).startsWith("HTTP/1.1 4");
                ALWAYS.forEach((name, value) -> assertThat(answer.toLowerCase(Locale.ROOT))
                        .as(request.substring(0, Math.min(40, request.length())))
                        .containsOnlyOnce((name + ": " + value + "\r\n").toLowerCase(Locale.ROOT)));
                assertThat(answer.toLowerCase(Locale.ROOT)).doesNotContain("jetty", "server:");
            }
        }
    }

    @Test
    void onlyWhoIsReachedByTlsSaysThatItAlwaysIs() {
        assertThat(closed.send("GET", "/health/live", "", "").header("Strict-Transport-Security"))
                .isEmpty();
        assertThat(open.send("GET", "/health/live", "", "").header("Strict-Transport-Security"))
                .isEqualTo("max-age=31536000");
    }

    @Test
    void metricsAreOpenWhereThatIsSaid() {
        assertThat(closed.send("GET", "/metrics", "", "").status()).isEqualTo(401);
        assertThat(open.send("GET", "/metrics", "", "").status()).isEqualTo(200);
    }

    private static Reply from(RunningServer mesh, String method, String origin, String... more) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri("/api/v1/domains"))
                .timeout(RunningServer.PATIENCE)
                .header("Origin", origin)
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (more.length > 0) {
            request.headers(more);
        }
        return mesh.send(request);
    }

    private static Set<String> crossOrigin(Reply reply) {
        return reply.response().headers().map().keySet().stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .filter(name -> name.startsWith("access-control-"))
                .collect(Collectors.toSet());
    }

    @Test
    void noOtherOriginIsLetInUnlessItIsNamed() {
        for (String origin : List.of(
                PORTAL + ".evil.example",
                "https://evil.example",
                "http://portal.example",
                "https://portal.example:8443",
                "HTTPS://portal.example",
                "https://portal.example/",
                "https://xportal.example",
                "null",
                "*")) {
            for (RunningServer mesh : List.of(closed, open)) {
                assertThat(crossOrigin(from(mesh, "GET", origin, "Authorization", "Bearer " + mesh.admin)))
                        .as(origin)
                        .isEmpty();
                Reply asked = from(mesh, "OPTIONS", origin, "Access-Control-Request-Method", "GET");
                assertThat(crossOrigin(asked)).as(origin).isEmpty();
                assertThat(asked.status()).isEqualTo(405);
            }
        }
        assertThat(crossOrigin(from(closed, "GET", PORTAL))).isEmpty();
    }

    @Test
    void aNamedOriginIsToldWhatItMaySend() {
        Reply asked = from(open, "OPTIONS", PORTAL, "Access-Control-Request-Method", "POST");
        assertThat(asked.status()).isEqualTo(204);
        assertThat(asked.header("Access-Control-Allow-Origin")).isEqualTo(PORTAL);
        assertThat(asked.header("Access-Control-Allow-Methods")).isEqualTo("GET, HEAD, POST");
        assertThat(asked.header("Access-Control-Allow-Headers")).contains("Authorization");
        assertThat(asked.header("Access-Control-Allow-Credentials"))
                .as("tokens are no cookies")
                .isEmpty();
        check(asked);

        Reply got = from(open, "GET", PORTAL, "Authorization", "Bearer " + open.admin);
        assertThat(got.status()).isEqualTo(200);
        assertThat(got.header("Access-Control-Allow-Origin")).isEqualTo(PORTAL);
        assertThat(got.response().headers().allValues("Vary")).contains("Origin");
        Reply refused = from(open, "GET", PORTAL);
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.header("Access-Control-Allow-Origin"))
                .as("so that the page sees why")
                .isEqualTo(PORTAL);
    }

    @Test
    void aCompressedAnswerVariesByBoth() {
        open.send("POST", Caller.TABLES, open.seller, Caller.createBody("orders", ""));
        Reply loaded = open.send(HttpRequest.newBuilder(open.uri(Caller.TABLES + "/orders"))
                .timeout(RunningServer.PATIENCE)
                .headers("Authorization", "Bearer " + open.seller, "Accept-Encoding", "gzip", "Origin", PORTAL));
        assertThat(String.join(", ", loaded.response().headers().allValues("Vary")))
                .contains("Origin")
                .contains("Accept-Encoding");
    }
}
