package io.icefield.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ApiClientTest {
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final HttpServer server;

    private record Answer(int status, String body) {}

    ApiClientTest() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    @BeforeEach
    void start() {
        server.createContext("/", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void asksOnceForATokenWithTheSecretInTheHeader() {
        answers.put("POST /iceberg/v1/oauth/tokens", new Answer(200, "{\"access_token\":\"t0ken\"}"));
        answers.put("GET /api/v1/domains/sales", new Answer(200, "{\"name\":\"sales\"}"));
        ApiClient client = ApiClient.withCredential(uri(), new Credential("job", "s:e&c%ret"));

        assertThat(client.get(ApiClient.path("domains", "sales")).path("name").asText())
                .isEqualTo("sales");
        client.get(ApiClient.path("domains", "sales"));

        String basic = Base64.getEncoder().encodeToString("job:s%3Ae%26c%25ret".getBytes(StandardCharsets.UTF_8));
        assertThat(asked)
                .containsExactly(
                        "POST /iceberg/v1/oauth/tokens [Basic " + basic
                                + "] grant_type=client_credentials&scope=catalog",
                        "GET /api/v1/domains/sales [Bearer t0ken] ",
                        "GET /api/v1/domains/sales [Bearer t0ken] ");
    }

    @Test
    void aNameIsOneSegmentWhateverItContains() {
        assertThat(ApiClient.path("domains", "a/b?c=d#e f%2e", "grants"))
                .isEqualTo("/api/v1/domains/a%2Fb%3Fc%3Dd%23e%20f%252e/grants");
    }

    @Test
    void aDeleteMayHaveABody() {
        answers.put("DELETE /api/v1/grants", new Answer(204, ""));
        client().delete("/api/v1/grants", JsonNodeFactory.instance.objectNode().put("grantee", "group:analysts"));
        assertThat(asked).containsExactly("DELETE /api/v1/grants [Bearer t] {\"grantee\":\"group:analysts\"}");
    }

    @Test
    void listsFollowTheirPages() {
        answers.put("GET /api/v1/domains", new Answer(200, "{\"domains\":[1,2],\"next-page-token\":\"p 2\"}"));
        answers.put(
                "GET /api/v1/domains?page-token=p%202", new Answer(200, "{\"domains\":[3],\"next-page-token\":null}"));
        assertThat(client().list("/api/v1/domains", "domains"))
                .extracting(JsonNode::asInt)
                .containsExactly(1, 2, 3);
    }

    @Test
    void aRefusalHasTheServersMessage() {
        answers.put(
                "GET /api/v1/domains/x",
                new Answer(404, "{\"error\":{\"message\":\"there is no `x`\",\"type\":\"NotFound\",\"code\":404}}"));
        assertRefusal("/api/v1/domains/x", 404, "NotFound", "there is no `x`");
        answers.put(
                "GET /oauth", new Answer(401, "{\"error\":\"invalid_client\",\"error_description\":\"wrong secret\"}"));
        assertRefusal("/oauth", 401, "invalid_client", "wrong secret");
        answers.put("GET /proxy", new Answer(502, "<html>Bad gateway</html>"));
        assertRefusal("/proxy", 502, "", uri() + "/proxy answered 502 without a reason");
    }

    @Test
    void aServerThatIsNotThereIsNamed() {
        server.stop(0);
        ApiException refusal = catchThrowableOfType(ApiException.class, () -> client().get("/api/v1/domains"));
        assertThat(refusal.status()).isZero();
        assertThat(refusal).hasMessageStartingWith("cannot reach the catalog server at " + uri());
    }

    @Test
    void aCredentialDoesNotPrintItsSecret() {
        assertThat(new Credential("job", "hush").toString()).contains("job").doesNotContain("hush");
    }

    private void assertRefusal(String path, int status, String type, String message) {
        ApiException refusal = catchThrowableOfType(ApiException.class, () -> client().get(path));
        assertThat(refusal.status()).isEqualTo(status);
        assertThat(refusal.type()).isEqualTo(type);
        assertThat(refusal).hasMessage(message);
    }

    private ApiClient client() {
        return ApiClient.withToken(uri(), "t");
    }

    private URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        asked.add(request + " [" + exchange.getRequestHeaders().getFirst("Authorization") + "] " + body);
        Answer answer = answers.getOrDefault(request, new Answer(500, "no answer for " + request));
        byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), bytes.length == 0 ? -1 : bytes.length);
        try (var out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }
}
