package io.icefield.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// As much of the platform's REST API as a local mesh calls, kept in memory; a process of its own or part of a
/// test.
public final class FakeCatalog {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, ObjectNode> principals = new LinkedHashMap<>();
    private final Map<String, ObjectNode> domains = new LinkedHashMap<>();
    private final ArrayNode grants = JsonNodeFactory.instance.arrayNode();
    private final HttpServer server;
    private int births;

    public FakeCatalog(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", this::handle);
        addDomain("sales");
        server.start();
    }

    public static void main(String[] arguments) throws IOException {
        new FakeCatalog(Integer.parseInt(System.getenv("ICEFIELD_PORT")));
    }

    public int port() {
        return server.getAddress().getPort();
    }

    public void stop() {
        server.stop(0);
    }

    public synchronized JsonNode grants() {
        return grants.deepCopy();
    }

    /// A domain of this name, born anew: nobody has a grant on it.
    public synchronized void addDomain(String name) {
        births++;
        domains.put(
                name,
                JsonNodeFactory.instance
                        .objectNode()
                        .put("name", name)
                        .put("bucket", "bucket-" + name)
                        .put("created-at", "birth " + births));
    }

    private synchronized void handle(HttpExchange exchange) throws IOException {
        byte[] bytes = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath();
        boolean form = path.endsWith("/oauth/tokens");
        JsonNode body = form || bytes.length == 0 ? JsonNodeFactory.instance.objectNode() : JSON.readTree(bytes);
        switch (exchange.getRequestMethod() + " " + path) {
            case "GET /health/ready" -> answer(exchange, 200, JsonNodeFactory.instance.objectNode());
            case "POST /iceberg/v1/oauth/tokens" -> token(exchange);
            case "GET /api/v1/domains" -> answer(exchange, 200, list("domains", domains));
            case "POST /api/v1/domains" -> {
                addDomain(body.path("name").asText());
                answer(exchange, 201, body);
            }
            case "POST /api/v1/principals" -> create(exchange, (ObjectNode) body);
            case "POST /api/v1/grants", "POST /api/v1/domains/sales/grants", "POST /api/v1/domains/hr/grants" -> {
                grants.add(path.replace("/api/v1/", "") + " "
                        + body.path("grantee").asText() + " "
                        + body.path("role").asText());
                answer(exchange, 201, body);
            }
            default -> other(exchange, path);
        }
    }

    /// Only those who know their secret get a token.
    private void token(HttpExchange exchange) throws IOException {
        String basic = exchange.getRequestHeaders().getFirst("Authorization").replace("Basic ", "");
        String[] pair = new String(Base64.getDecoder().decode(basic), StandardCharsets.UTF_8).split(":", 2);
        String secret = pair[0].equals("admin")
                ? System.getenv().getOrDefault("ICEFIELD_ADMIN_SECRET", "admin-secret")
                : principals
                        .getOrDefault(pair[0], JsonNodeFactory.instance.objectNode())
                        .path("client-secret")
                        .asText("?");
        if (!secret.equals(pair[1])) {
            answer(exchange, 401, error(401, "the secret of `" + pair[0] + "` is wrong"));
            return;
        }
        String claims = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(("{\"sub\":\"" + pair[0] + "\"}").getBytes(StandardCharsets.UTF_8));
        answer(exchange, 200, JsonNodeFactory.instance.objectNode().put("access_token", "e30." + claims + ".c2ln"));
    }

    private void create(HttpExchange exchange, ObjectNode body) throws IOException {
        String name = body.path("name").asText();
        if (principals.containsKey(name)) {
            answer(exchange, 409, error(409, "principal `" + name + "` exists"));
            return;
        }
        body.put("client-id", name).put("client-secret", "secret of " + name);
        principals.put(name, body);
        answer(exchange, 201, body);
    }

    private void other(HttpExchange exchange, String path) throws IOException {
        String name = path.replace("/api/v1/principals/", "").replace("/secret", "");
        if (!path.startsWith("/api/v1/principals/") || !principals.containsKey(name)) {
            answer(exchange, 404, error(404, "there is no `" + path + "`"));
            return;
        }
        if (path.endsWith("/secret")) {
            principals.computeIfPresent(
                    name, (_, principal) -> principal.put("client-secret", "another secret of " + name));
        }
        answer(exchange, 200, Objects.requireNonNull(principals.get(name)));
    }

    private static ObjectNode list(String field, Map<String, ObjectNode> all) {
        ObjectNode list = JsonNodeFactory.instance.objectNode();
        list.putArray(field).addAll(all.values());
        return list.putNull("next-page-token");
    }

    private static ObjectNode error(int status, String message) {
        ObjectNode error = JsonNodeFactory.instance.objectNode();
        error.putObject("error").put("message", message).put("type", "Refused").put("code", status);
        return error;
    }

    private static void answer(HttpExchange exchange, int status, JsonNode body) throws IOException {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        try (var out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }
}
