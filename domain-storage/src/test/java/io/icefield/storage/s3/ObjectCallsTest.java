package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.icefield.storage.DomainStorage.StorageException;
import io.icefield.storage.Location;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;

/// A store whose answers get lost.
class ObjectCallsTest {
    private static final Location FILE = new Location("sales", "a b/ü+1/1.json");
    private static final byte[] OURS = "ours".getBytes(UTF_8);
    private static final byte[] THEIRS = "theirs".getBytes(UTF_8);

    /// What becomes of the next request.
    private enum Fate {
        /// It is done, and the connection breaks.
        ANSWER_LOST,
        /// It is not done, and the connection breaks.
        REQUEST_LOST,
        BUSY,
        FORBIDDEN
    }

    private final Queue<Fate> fates = new ArrayDeque<>();
    private final Map<String, byte[]> objects = new ConcurrentHashMap<>();
    private final Queue<String> requests = new ConcurrentLinkedQueue<>();
    private final SdkHttpClient http = UrlConnectionHttpClient.create();
    private HttpServer server;
    private ObjectCalls calls;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
        calls = new ObjectCalls(
                http,
                URI.create("http://127.0.0.1:%d/sales"
                        .formatted(server.getAddress().getPort())),
                "us-east-1",
                Optional.empty(),
                AwsBasicCredentials.create("key", "secret"));
    }

    @AfterEach
    void stop() {
        server.stop(0);
        http.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String path = exchange.getRequestURI().getRawPath();
            requests.add(exchange.getRequestMethod() + " " + path);
            Fate fate = fates.poll();
            if (fate == Fate.REQUEST_LOST) {
                return;
            }
            if (fate == Fate.BUSY) {
                error(exchange, 503, "SlowDown");
                return;
            }
            if (fate == Fate.FORBIDDEN) {
                error(exchange, 403, "AccessDenied");
                return;
            }
            if (exchange.getRequestMethod().equals("GET")) {
                byte[] there = objects.get(path);
                if (there == null) {
                    error(exchange, 404, "NoSuchKey");
                } else {
                    exchange.sendResponseHeaders(200, there.length);
                    exchange.getResponseBody().write(there);
                }
                return;
            }
            assertThat(exchange.getRequestHeaders().getFirst("If-None-Match")).isEqualTo("*");
            boolean taken = objects.putIfAbsent(path, body) != null;
            if (fate == Fate.ANSWER_LOST) {
                return;
            }
            if (taken) {
                error(exchange, 412, "PreconditionFailed");
            } else {
                exchange.sendResponseHeaders(200, -1);
            }
        }
    }

    private static void error(HttpExchange exchange, int status, String code) throws IOException {
        byte[] body = "<Error><Code>%s</Code></Error>".formatted(code).getBytes(UTF_8);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    @Test
    void aWriteWhoseAnswerWasLostIsDoneIfItIsThere() {
        fates.add(Fate.ANSWER_LOST);
        calls.write(FILE, OURS);

        assertThat(calls.read(FILE, 100)).hasValue(OURS);
        assertThat(objects).containsOnlyKeys("/sales/a%20b/%C3%BC%2B1/1.json");
    }

    @Test
    void aWriteThatNeverArrivedIsTriedAgain() {
        for (Fate fate : List.of(Fate.REQUEST_LOST, Fate.BUSY)) {
            objects.clear();
            fates.addAll(List.of(fate, fate));
            calls.write(FILE, OURS);
            assertThat(calls.read(FILE, 100)).as("%s", fate).hasValue(OURS);
        }
    }

    @Test
    void whatSomebodyElseWroteIsNotOurs() {
        fates.add(Fate.REQUEST_LOST);
        objects.put("/sales/a%20b/%C3%BC%2B1/1.json", THEIRS);

        assertThatThrownBy(() -> calls.write(FILE, OURS))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("412 PreconditionFailed");
        assertThat(calls.read(FILE, 100)).hasValue(THEIRS);
    }

    @Test
    void theSameBytesOfSomebodyElseAreNotOurs() {
        objects.put("/sales/a%20b/%C3%BC%2B1/1.json", OURS);
        assertThatThrownBy(() -> calls.write(FILE, OURS)).isInstanceOf(StorageException.class);
    }

    @Test
    void aDefiniteNoIsNotTriedAgain() {
        fates.add(Fate.FORBIDDEN);
        assertThatThrownBy(() -> calls.write(FILE, OURS)).hasMessageContaining("403 AccessDenied");
        assertThat(requests).hasSize(1);
    }

    @Test
    void aStoreThatNeverAnswersIsAskedThreeTimes() {
        fates.addAll(List.of(Fate.BUSY, Fate.REQUEST_LOST, Fate.BUSY));
        assertThatThrownBy(() -> calls.write(FILE, OURS)).hasMessageContaining("503 SlowDown");
        assertThat(requests).hasSize(3);
        assertThat(objects).isEmpty();
    }

    @Test
    void readsAreTriedAgainAndBounded() {
        objects.put("/sales/a%20b/%C3%BC%2B1/1.json", OURS);
        fates.addAll(List.of(Fate.BUSY, Fate.REQUEST_LOST));
        assertThat(calls.read(FILE, OURS.length)).hasValue(OURS);
        assertThat(calls.read(new Location("sales", "absent"), 10)).isEmpty();
        assertThatThrownBy(() -> calls.read(FILE, OURS.length - 1)).hasMessageContaining("larger than 3 bytes");
    }
}
