package io.icefield.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// Speaks to one catalog server as one principal. Every refusal is an `ApiException` with the server's message.
public final class ApiClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final int PAGES_MAX = 10_000;

    private final URI server;
    private final Supplier<String> token;
    private final HttpClient http;

    private ApiClient(URI server, Supplier<String> token, HttpClient http) {
        this.server = server;
        this.token = token;
        this.http = http;
    }

    public static ApiClient withToken(URI server, String token) {
        return new ApiClient(server, () -> token, newHttp());
    }

    /// Asks for a token when it is first needed.
    public static ApiClient withCredential(URI server, Credential credential) {
        HttpClient http = newHttp();
        return new ApiClient(server, new Once(() -> token(http, server, credential)), http);
    }

    /// The path of names, each percent-encoded: a name cannot become two segments or a query.
    public static String path(String... names) {
        return Arrays.stream(names).map(ApiClient::encode).collect(Collectors.joining("/", "/api/v1/", ""));
    }

    public URI server() {
        return server;
    }

    /// A bearer token of this client's principal.
    public String token() {
        return token.get();
    }

    public JsonNode get(String path) {
        return send("GET", path, Optional.empty());
    }

    public JsonNode post(String path, JsonNode body) {
        return send("POST", path, Optional.of(body));
    }

    public JsonNode put(String path, JsonNode body) {
        return send("PUT", path, Optional.of(body));
    }

    public JsonNode patch(String path, JsonNode body) {
        return send("PATCH", path, Optional.of(body));
    }

    public JsonNode delete(String path) {
        return send("DELETE", path, Optional.empty());
    }

    public JsonNode delete(String path, JsonNode body) {
        return send("DELETE", path, Optional.of(body));
    }

    /// All pages of a list.
    public List<JsonNode> list(String path, String field) {
        List<JsonNode> all = new ArrayList<>();
        String page = path;
        for (int pages = 0; pages < PAGES_MAX; pages++) {
            JsonNode answer = get(page);
            answer.path(field).forEach(all::add);
            JsonNode next = answer.path("next-page-token");
            if (!next.isTextual() || next.asText().isEmpty()) {
                return all;
            }
            page = path + "?page-token=" + encode(next.asText());
        }
        throw new ApiException(0, "TooManyPages", "`%s` has more than %d pages".formatted(path, PAGES_MAX));
    }

    private JsonNode send(String method, String path, Optional<JsonNode> body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(resolve(server, path))
                .timeout(REQUEST_TIMEOUT)
                .header("Authorization", "Bearer " + token.get())
                .header("Accept", "application/json")
                .method(
                        method,
                        body.map(json -> HttpRequest.BodyPublishers.ofString(json.toString()))
                                .orElseGet(HttpRequest.BodyPublishers::noBody));
        if (body.isPresent()) {
            request.header("Content-Type", "application/json");
        }
        return answer(http, request.build());
    }

    private static String token(HttpClient http, URI server, Credential credential) {
        String basic = Base64.getEncoder()
                .encodeToString((encode(credential.clientId()) + ":" + encode(credential.clientSecret()))
                        .getBytes(StandardCharsets.UTF_8));
        JsonNode answer = answer(
                http,
                HttpRequest.newBuilder(resolve(server, "/iceberg/v1/oauth/tokens"))
                        .timeout(REQUEST_TIMEOUT)
                        .header("Authorization", "Basic " + basic)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials&scope=catalog"))
                        .build());
        JsonNode token = answer.path("access_token");
        if (!token.isTextual()) {
            throw new ApiException(0, "NoToken", "`%s` answered without an access token".formatted(server));
        }
        return token.asText();
    }

    private static JsonNode answer(HttpClient http, HttpRequest request) {
        HttpResponse<String> response;
        try {
            response = http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new ApiException(
                    0, "Unreachable", "cannot reach the catalog server at %s: %s".formatted(request.uri(), reason));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(0, "Interrupted", "interrupted while waiting for " + request.uri());
        }
        JsonNode body = parse(response.body());
        if (response.statusCode() / 100 == 2) {
            return body;
        }
        throw refusal(response.statusCode(), body, request.uri());
    }

    /// Our own shape, `{"error":{"message","type"}}`, or OAuth's, `{"error","error_description"}`.
    private static ApiException refusal(int status, JsonNode body, URI uri) {
        JsonNode error = body.path("error");
        if (error.isObject() && error.path("message").isTextual()) {
            return new ApiException(
                    status, error.path("type").asText(""), error.path("message").asText());
        }
        if (error.isTextual()) {
            return new ApiException(
                    status, error.asText(), body.path("error_description").asText(error.asText()));
        }
        return new ApiException(status, "", "%s answered %d without a reason".formatted(uri, status));
    }

    private static JsonNode parse(String text) {
        try {
            return text.isBlank() ? JsonNodeFactory.instance.objectNode() : JSON.readTree(text);
        } catch (JsonProcessingException _) {
            ObjectNode unreadable = JsonNodeFactory.instance.objectNode();
            return unreadable.put("unreadable", true);
        }
    }

    private static URI resolve(URI server, String path) {
        return URI.create(server.toString().replaceAll("/+$", "") + path);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static HttpClient newHttp() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
    }

    private static final class Once implements Supplier<String> {
        private final Supplier<String> source;
        private Optional<String> value = Optional.empty();

        Once(Supplier<String> source) {
            this.source = source;
        }

        @Override
        public synchronized String get() {
            if (value.isEmpty()) {
                value = Optional.of(source.get());
            }
            return value.get();
        }
    }
}
