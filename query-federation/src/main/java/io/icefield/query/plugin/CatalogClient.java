package io.icefield.query.plugin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Asks the catalog server for decisions, as the engine principal. Safe for use by many threads.
final class CatalogClient implements AutoCloseable {
    private static final int ANSWER_BYTES_MAX = 16 << 20;

    /// @param uri where the catalog server is, without a path of the API
    /// @param timeout for each single request
    record Settings(URI uri, String clientId, String clientSecret, Duration timeout) {
        private static final Duration TIMEOUT = Duration.ofSeconds(10);

        /// From `access-control.properties`; Trino has already replaced `${ENV:…}`.
        static Settings from(Map<String, String> config) {
            Map<String, String> left = new HashMap<>(config);
            left.remove("access-control.name");
            String uri = required(left.remove("icefield.uri"), "icefield.uri", "the catalog server's URI");
            String credential = required(left.remove("icefield.credential"), "icefield.credential", "`id:secret`");
            String timeout = left.remove("icefield.timeout-seconds");
            if (!left.isEmpty()) {
                throw new IllegalArgumentException("unknown access control properties " + left.keySet());
            }
            int colon = credential.indexOf(':');
            if (colon < 1 || colon == credential.length() - 1) {
                throw new IllegalArgumentException("icefield.credential must have the form `id:secret`");
            }
            URI parsed = URI.create(uri.endsWith("/") ? uri.substring(0, uri.length() - 1) : uri);
            if (parsed.getHost() == null
                    || !("http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme()))) {
                throw new IllegalArgumentException(
                        "icefield.uri must be an http or https URI, not `%s`".formatted(uri));
            }
            return new Settings(
                    parsed,
                    credential.substring(0, colon),
                    credential.substring(colon + 1),
                    timeout == null ? TIMEOUT : Duration.ofSeconds(Long.parseLong(timeout)));
        }

        private static String required(@Nullable String value, String name, String what) {
            if (value == null || value.isBlank()) {
                throw new IllegalArgumentException("access control `icefield` needs %s: %s".formatted(name, what));
            }
            return value.strip();
        }

        @Override
        public String toString() {
            return "Settings[%s as %s]".formatted(uri, clientId);
        }
    }

    /// No answer, or none that can be understood: the caller has to deny. The message names the catalog server.
    static final class NoAnswer extends RuntimeException {
        NoAnswer(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The server refused to answer for this user. The message is its reason, made for the user.
    static final class Refused extends RuntimeException {
        Refused(String message) {
            super(message);
        }
    }

    private record Token(String value, Instant renewAt) {
        @Override
        public String toString() {
            return "Token[renewed at %s]".formatted(renewAt);
        }
    }

    private final Settings settings;
    private final HttpClient http;
    private final ReentrantLock renewing = new ReentrantLock();
    private volatile Optional<Token> token = Optional.empty();

    CatalogClient(Settings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.timeout())
                .build();
    }

    /// What the server answered under `result`; empty when it answered without one or with `null`. Throws [NoAnswer]
    /// or [Refused].
    Optional<Object> ask(String path, Map<String, Object> body) {
        try {
            HttpRequest.Builder request = post(path, "application/json; charset=utf-8", Json.write(body));
            Token used = token(Optional.empty());
            HttpResponse<InputStream> response = send(request.setHeader("Authorization", "Bearer " + used.value()));
            if (response.statusCode() == 401) {
                response.body().close();
                Token renewed = token(Optional.of(used));
                response = send(request.setHeader("Authorization", "Bearer " + renewed.value()));
            }
            return Optional.ofNullable(object(response).get("result")).filter(result -> result != Json.NULL);
        } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
            throw noAnswer(reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw noAnswer("interrupted", e);
        }
    }

    /// The token in use, or a new one when it ends soon or the server refused it.
    private Token token(Optional<Token> refused) throws IOException, InterruptedException {
        Optional<Token> known = usable(refused);
        if (known.isPresent()) {
            return known.get();
        }
        renewing.lockInterruptibly();
        try {
            known = usable(refused); // somebody else was faster
            if (known.isPresent()) {
                return known.get();
            }
            Token renewed = newToken();
            token = Optional.of(renewed);
            return renewed;
        } finally {
            renewing.unlock();
        }
    }

    private Optional<Token> usable(Optional<Token> refused) {
        return token.filter(known -> Instant.now().isBefore(known.renewAt()) && !refused.equals(Optional.of(known)));
    }

    private Token newToken() throws IOException, InterruptedException {
        String form = "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=catalog"
                .formatted(encoded(settings.clientId()), encoded(settings.clientSecret()));
        Map<?, ?> answer = object(send(post("/iceberg/v1/oauth/tokens", "application/x-www-form-urlencoded", form)));
        if (!(answer.get("access_token") instanceof String value)) {
            throw new IOException("no access_token in the answer of the token endpoint");
        }
        long seconds = answer.get("expires_in") instanceof BigDecimal given ? given.longValue() : 60;
        return new Token(
                value,
                Instant.now().plus(Duration.ofSeconds(seconds).multipliedBy(4).dividedBy(5)));
    }

    private HttpRequest.Builder post(String path, String contentType, String body) {
        return HttpRequest.newBuilder(URI.create(settings.uri() + path))
                .timeout(settings.timeout())
                .header("Content-Type", contentType)
                .header("Accept", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    private HttpResponse<InputStream> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private static Map<?, ?> object(HttpResponse<InputStream> response) throws IOException {
        try (InputStream body = response.body()) {
            byte[] bytes = body.readNBytes(ANSWER_BYTES_MAX + 1);
            if (response.statusCode() == 403 || response.statusCode() == 404) {
                throw new Refused(refusal(new String(bytes, StandardCharsets.UTF_8))
                        .orElseThrow(() -> new IOException("status %d from %s"
                                .formatted(response.statusCode(), response.uri().getPath()))));
            }
            if (response.statusCode() != 200) {
                throw new IOException("status %d from %s"
                        .formatted(response.statusCode(), response.uri().getPath()));
            }
            if (bytes.length > ANSWER_BYTES_MAX) {
                throw new IOException("an answer of more than %d bytes".formatted(ANSWER_BYTES_MAX));
            }
            return Json.read(new String(bytes, StandardCharsets.UTF_8)) instanceof Map<?, ?> object ? object : Map.of();
        }
    }

    /// The message of an error as the catalog server writes it: `{"error":{"message":…}}`.
    private static Optional<String> refusal(String body) {
        try {
            return Json.read(body) instanceof Map<?, ?> answer
                            && answer.get("error") instanceof Map<?, ?> error
                            && error.get("message") instanceof String message
                            && !message.isBlank()
                    ? Optional.of(message)
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private NoAnswer noAnswer(String reason, Throwable cause) {
        return new NoAnswer("no decision from the catalog server %s: %s".formatted(settings.uri(), reason), cause);
    }

    private static String reason(Exception e) {
        return switch (e) {
            case HttpTimeoutException _ -> "no answer in time";
            case ConnectException _ -> "it cannot be reached";
            default -> String.valueOf(e.getMessage());
        };
    }

    private static String encoded(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
