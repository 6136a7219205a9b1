package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Throttle.Limit;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.Network;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.Test;

/// Who asks too often, or too much at once, is told to wait, and is no trouble to anybody else.
class RateLimitTest {
    private static final int MANY = 100;

    private static RunningServer with(Limit limit, String... proxies) {
        return new RunningServer(new Protection(
                limit,
                Protection.CONNECTIONS_MAX,
                Patience.USUAL,
                Optional.empty(),
                false,
                List.of(proxies).stream().map(Network::parse).toList(),
                Set.of(),
                false));
    }

    private static Optional<Reply> refusal(RunningServer mesh, String token) {
        for (int i = 0; i < MANY; i++) {
            Reply reply = mesh.send("GET", "/api/v1/domains", token, "");
            if (reply.status() != 200) {
                return Optional.of(reply);
            }
        }
        return Optional.empty();
    }

    @Test
    void aPrincipalThatAsksTooOftenIsToldToWait() {
        try (RunningServer mesh = with(new Limit(1, 5, 0))) {
            Reply refused = refusal(mesh, mesh.analyst).orElseThrow();
            Caller.refused(refused, 429, "TooManyRequestsException");
            assertThat(refused.header("Retry-After")).isEqualTo("1");
            assertThat(refused.text()).contains("`analyst` asks too often", "1 requests a second");
            assertThat(mesh.send("GET", "/api/v1/domains", mesh.stranger, "").status())
                    .as("others do not notice")
                    .isEqualTo(200);
            assertThat(refusal(mesh, mesh.engine)).as("an engine asks for many").isEmpty();
        }
    }

    @Test
    void withoutALimitThereIsNone() {
        try (RunningServer mesh = with(Limit.NONE)) {
            assertThat(refusal(mesh, mesh.analyst)).isEmpty();
        }
    }

    @Test
    void aPrincipalThatAsksTooMuchAtOnceIsToldToWait() throws IOException {
        try (RunningServer mesh = with(new Limit(0, 0, 3))) {
            List<Raw> waiting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                waiting.add(new Raw(mesh)
                        .head("POST " + Caller.TABLES
                                + " HTTP/1.1|Host: x|Content-Length: 100000|Authorization: Bearer " + mesh.seller)
                        .send("{"));
            }
            SlowClientsTest.assertEventually(
                    () -> mesh.send("GET", "/api/v1/domains", mesh.seller, "").status() == 429);
            assertThat(mesh.send("GET", "/api/v1/domains", mesh.analyst, "").status())
                    .isEqualTo(200);
            waiting.getFirst().close();
            SlowClientsTest.assertEventually(
                    () -> mesh.send("GET", "/api/v1/domains", mesh.seller, "").status() == 200);
            for (Raw each : waiting) {
                each.close();
            }
        }
    }

    /// As Spark and Flink have it: it waits as it is told and asks again, and nobody notices.
    @Test
    void icebergsOwnClientWaits() throws IOException {
        try (RunningServer mesh = with(new Limit(2, 3, 0));
                RESTCatalog catalog = new RESTCatalog()) {
            catalog.initialize(
                    "sales",
                    Map.of("uri", mesh.uri("/iceberg").toString(), "warehouse", "sales", "token", mesh.seller));
            for (int i = 0; i < 8; i++) {
                assertThat(catalog.listNamespaces()).containsExactly(Namespace.of("crm"));
            }
            assertThat(mesh.send("GET", "/metrics", mesh.engine, "").text())
                    .containsPattern(
                            "http_server_requests_seconds_count\\{method=\"GET\",status=\"429\",uri=\"/iceberg");
        }
    }

    // --- Who shows no token is known by its address

    private static Reply signIn(RunningServer mesh, String client, String secret, String... forwarded) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri("/oauth/token"))
                .timeout(RunningServer.PATIENCE)
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials&client_id=%s&client_secret=%s"
                        .formatted(client, URLEncoder.encode(secret, StandardCharsets.UTF_8))));
        for (String each : forwarded) {
            request.header("X-Forwarded-For", each);
        }
        return mesh.send(request);
    }

    @Test
    void anAddressThatSignsInTooOftenIsToldToWait() {
        try (RunningServer mesh = with(new Limit(1, 5, 0), "127.0.0.0/8")) {
            List<Integer> statuses = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                statuses.add(
                        signIn(mesh, "admin", "admin-secret", "198.51.100.1").status());
            }
            assertThat(statuses).contains(200, 429);
            assertThat(signIn(mesh, "admin", "admin-secret", "198.51.100.2").status())
                    .isEqualTo(200);
        }
    }

    @Test
    void guessesBehindAProxyAreCountedByTheirOwnAddress() {
        try (RunningServer mesh = with(Limit.NONE, "127.0.0.0/8")) {
            int guesses = 0;
            while (signIn(mesh, "user-" + guesses, "wrong", "198.51.100.1").status() == 401) {
                guesses++;
                assertThat(guesses).isLessThan(MANY);
            }
            Reply slowed = signIn(mesh, "another", "wrong", "198.51.100.1");
            assertThat(slowed.status()).isEqualTo(429);
            assertThat(slowed.text()).contains("slow_down");
            assertThat(signIn(mesh, "another", "wrong", "1.1.1.1", "198.51.100.1")
                            .status())
                    .as("what the client itself says is not believed")
                    .isEqualTo(429);
            assertThat(signIn(mesh, "another", "wrong", "198.51.100.2").status())
                    .as("its neighbour is not held up")
                    .isEqualTo(401);
        }
    }

    @Test
    void withoutATrustedProxyNobodyChoosesItsAddress() {
        try (RunningServer mesh = with(Limit.NONE)) {
            int guesses = 0;
            while (signIn(mesh, "user-" + guesses, "wrong", "198.51.100." + guesses)
                            .status()
                    == 401) {
                guesses++;
                assertThat(guesses)
                        .as("a new address for each guess does not help")
                        .isLessThan(MANY);
            }
        }
    }
}
