package io.icefield.query.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;

/// A catalog server's outside: tokens that a test can revoke, and answers that it sets. Keeps what it was asked.
final class RecordingServer implements AutoCloseable {
    record Request(String path, String contentType, String authorization, String body) {}

    record Answer(int status, String body) {
        static Answer ok(String body) {
            return new Answer(200, body);
        }
    }

    final List<Request> asked = new CopyOnWriteArrayList<>();
    final List<Request> tokenRequests = new CopyOnWriteArrayList<>();
    volatile long expiresIn = 3600;
    volatile boolean refusesEveryToken;
    volatile Function<Request, Answer> answers = _ -> Answer.ok("{\"result\":true}");
    private volatile String validToken = "";
    private final HttpServer server;

    RecordingServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            Request request = new Request(
                    exchange.getRequestURI().getPath(),
                    String.valueOf(exchange.getRequestHeaders().getFirst("Content-Type")),
                    String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")),
                    new String(exchange.getRequestBody().readAllBytes(), UTF_8));
            Answer answer = answer(request);
            byte[] bytes = answer.body().getBytes(UTF_8);
            exchange.sendResponseHeaders(answer.status(), bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
    }

    private Answer answer(Request request) {
        if (request.path().equals("/iceberg/v1/oauth/tokens")) {
            tokenRequests.add(request);
            validToken = "token-" + tokenRequests.size();
            return Answer.ok("{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%d}"
                    .formatted(validToken, expiresIn));
        }
        asked.add(request);
        return !refusesEveryToken && request.authorization().equals("Bearer " + validToken)
                ? answers.apply(request)
                : new Answer(401, "");
    }

    void revokeTokens() {
        validToken = "";
    }

    String uri() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    CatalogAccessControl accessControl() {
        return new CatalogAccessControl(new CatalogClient(CatalogClient.Settings.from(config())), "483");
    }

    Map<String, String> config() {
        return Map.of(
                "icefield.uri", uri() + "/", "icefield.credential", "trino:s3cr3t:&", "icefield.timeout-seconds", "2");
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
