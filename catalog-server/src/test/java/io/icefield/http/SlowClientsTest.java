package io.icefield.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.RunningServer.Reply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Clients that take their time, on real connections: none of them holds one for ever.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SlowClientsTest {
    private static final Patience SHORT = new Patience(Duration.ofSeconds(2), Duration.ofSeconds(1), 1 << 20);
    private static final Duration DRIP = Duration.ofMillis(100);
    private static final String ORDERS = Caller.TABLES + "/orders";

    /// Of answers and bodies: more than what systems keep for those who do not read.
    private static final int LONG = 12 << 20;

    private RunningServer mesh;

    static Protection with(Patience patience, int connectionsMax) {
        Protection usual = Protection.USUAL;
        return new Protection(
                usual.limit(), connectionsMax, patience, Optional.empty(), false, List.of(), Set.of(), false);
    }

    @BeforeAll
    void start() {
        mesh = new RunningServer(with(SHORT, Protection.CONNECTIONS_MAX));
        grow(mesh);
    }

    /// A table whose answer is long.
    private static void grow(RunningServer mesh) {
        mesh.send("POST", Caller.TABLES, mesh.seller, Caller.createBody("orders", ""));
        Reply grown = mesh.send(
                "POST", ORDERS, mesh.seller, Caller.commitBody("", Caller.setProperty("k", "x".repeat(LONG))));
        assertThat(grown.status()).isEqualTo(200);
    }

    @AfterAll
    void stop() {
        mesh.close();
    }

    private double slow() {
        return mesh.metric("icefield_http_connections_slow_total");
    }

    /// Sends a byte now and then until the server closes the connection; false: it never does.
    private static boolean isCutOff(Raw client, String drip) {
        long end = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        try {
            for (int i = 0; System.nanoTime() < end; i++) {
                client.send(drip.substring(i % drip.length(), i % drip.length() + 1));
                LockSupport.parkNanos(DRIP.toNanos());
            }
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "\r\n", "GET /"})
    void aHeadThatNeverEnds(String begin) throws IOException {
        double before = slow();
        try (Raw client = new Raw(mesh)) {
            client.send(begin);
            assertThat(isCutOff(client, begin.equals("\r\n") ? "\r\n" : "y")).isTrue();
        }
        assertThat(slow()).isGreaterThan(before);
    }

    @Test
    void aSecondHeadThatNeverEnds() throws IOException {
        try (Raw client = new Raw(mesh)) {
            client.head("GET /health/live HTTP/1.1|Host: x");
            assertThat(client.next(RunningServer.PATIENCE)).startsWith("HTTP/1.1 200");
            assertThat(isCutOff(client.send("GET / HTTP/1.1\r\nX: "), "y")).isTrue();
        }
    }

    @Test
    void aConnectionWithoutARequest() throws IOException {
        try (Raw client = new Raw(mesh)) {
            assertThat(client.rest()).isEmpty();
        }
    }

    /// Reads the answer while it goes on sending.
    private static String answerWhileDripping(Raw client, String drip) throws IOException {
        // It ends with the connection.
        Thread _ = Thread.ofPlatform().daemon().start(() -> {
            boolean _ = isCutOff(client, drip);
        });
        try {
            return client.rest();
        } catch (IOException e) {
            return ""; // the system may drop an answer when more is sent to a closed connection
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 100000|| ",
                "Transfer-Encoding: chunked||1\r\n \r\n",
                "Content-Length: 100000|Content-Encoding: gzip||\u001f\u008b\u0008\u0008\u0000\u0000\u0000\u0000\u0000\u0000a",
            })
    void aBodyThatNeverEnds(String body) throws IOException {
        String head = body.substring(0, body.indexOf("||"));
        String start = body.substring(body.indexOf("||") + 2);
        String drip = head.startsWith("Transfer") ? start : "a";
        try (Raw client = new Raw(mesh)) {
            client.head("POST /api/v1/domains HTTP/1.1|Host: x|Authorization: Bearer " + mesh.admin + "|" + head);
            client.send(start);
            long begin = System.nanoTime();
            String answer = answerWhileDripping(client, drip);
            assertThat(System.nanoTime() - begin).isLessThan(RunningServer.PATIENCE.toNanos());
            if (!answer.isEmpty()) {
                assertThat(answer).startsWith("HTTP/1.1 408").contains("RequestTimeoutException", "Connection: close");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"/api/v1/domains, 9", ORDERS + ", 100000", "/oauth/token, 9", ORDERS + ", 10000000"})
    void aBodyThatStops(String path, int length) throws IOException {
        try (Raw client = new Raw(mesh)) {
            client.head("POST " + path + " HTTP/1.1|Host: x|Authorization: Bearer " + mesh.seller + "|Content-Length: "
                    + length);
            String answer = client.send("{").rest();
            if (length < Bodies.MEMORY_BYTES_MAX) { // no thread waits for it
                assertThat(answer).isEmpty();
            } else {
                assertThat(answer)
                        .startsWith("HTTP/1.1 408")
                        .contains("RequestTimeoutException", "nothing was done", "Connection: close");
            }
        }
    }

    @Test
    void aBodyThatNobodyReads() throws IOException {
        try (Raw client = new Raw(mesh)) {
            client.head("POST /api/v1/domains HTTP/1.1|Host: x|Content-Length: 100000");
            assertThat(answerWhileDripping(client, "y")).startsWith("HTTP/1.1 401");
        }
    }

    @Test
    void aLongBodyAtAGoodPaceIsTaken() throws IOException {
        String body = Caller.commitBody("", Caller.setProperty("short", "x".repeat(300_000)));
        try (Raw client = new Raw(mesh)) {
            client.head("POST " + ORDERS + " HTTP/1.1|Host: x|Connection: close|Authorization: Bearer " + mesh.seller
                    + "|Content-Length: " + body.length());
            int part = body.length() / 10;
            for (int i = 0; i < body.length(); i += part) {
                client.send(body.substring(i, Math.min(i + part, body.length())));
                LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
            }
            assertThat(client.next(RunningServer.PATIENCE)).startsWith("HTTP/1.1 200");
        }
        assertThat(mesh.send("POST", ORDERS, mesh.seller, Caller.commitBody("", """
                        {"action":"remove-properties","removals":["short"]}"""))
                        .status())
                .isEqualTo(200);
    }

    private static String load(RunningServer mesh, String table) {
        return "GET " + Caller.TABLES + "/" + table + " HTTP/1.1|Host: x|Authorization: Bearer " + mesh.seller;
    }

    @Test
    void anAnswerThatIsNeverRead() throws IOException {
        double before = slow();
        try (Raw client = new Raw(mesh)) {
            client.head(load(mesh, "orders"));
            assertEventually(() -> slow() > before || connectionsAreBack());
            ByteArrayOutputStream got = new ByteArrayOutputStream();
            readAll(client, got, Duration.ZERO);
            assertThat(got.size()).isPositive().isLessThan(LONG);
        }
    }

    private boolean connectionsAreBack() {
        return mesh.metric("icefield_http_connections") <= 1;
    }

    /// So fast that the web server's own timeout starts again and again.
    @Test
    void anAnswerThatIsReadSlowly() throws IOException {
        Patience strict = new Patience(Duration.ofSeconds(5), Duration.ofSeconds(3), 8 << 20);
        try (RunningServer other = new RunningServer(with(strict, Protection.CONNECTIONS_MAX))) {
            grow(other);
            try (Raw client = new Raw(other)) {
                client.head(load(other, "orders"));
                ByteArrayOutputStream got = new ByteArrayOutputStream();
                readAll(client, got, Duration.ofMillis(5));
                assertThat(got.size()).isPositive().isLessThan(LONG);
            }
            assertThat(other.metric("icefield_http_connections_slow_total")).isPositive();
        }
    }

    @Test
    void answersThatAreAskedForAndNeverRead() throws IOException {
        byte[] request = (load(mesh, "none").replace("|", "\r\n") + "\r\n\r\n")
                .repeat(200)
                .getBytes(ISO_8859_1);
        long end = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        try (Raw client = new Raw(mesh)) {
            while (System.nanoTime() < end) {
                client.send(request); // until nothing is taken any more, and then until the connection is closed
            }
            throw new AssertionError("the server still takes requests");
        } catch (IOException e) {
            assertThat(System.nanoTime()).isLessThan(end);
        }
    }

    private static void readAll(Raw client, ByteArrayOutputStream got, Duration pause) throws IOException {
        byte[] part = new byte[4 << 10];
        InputStream in = client.in();
        try {
            for (int count = in.read(part); count > 0; count = in.read(part)) {
                got.write(part, 0, count);
                LockSupport.parkNanos(pause.toNanos());
            }
        } catch (IOException e) {
            // the connection was reset
        }
    }

    @Test
    void aLongAnswerThatIsReadArrives() {
        Reply reply = mesh.send("GET", ORDERS, mesh.seller, "");
        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.text().length()).isGreaterThan(LONG);
    }

    @Test
    void connectionsBeyondTheLimitWait() throws IOException {
        int max = 20;
        List<Raw> silent = new ArrayList<>();
        try (RunningServer small = new RunningServer(with(Patience.USUAL, max))) {
            for (int i = 0; i < max + 5; i++) { // our own client has some
                silent.add(new Raw(small));
            }
            Raw last = new Raw(small).head("GET /health/live HTTP/1.1|Host: x");
            silent.add(last);
            assertThat(last.next(Duration.ofMillis(500))).isEmpty();
            for (Raw each : silent.subList(0, max)) {
                each.close();
            }
            assertThat(last.next(RunningServer.PATIENCE)).startsWith("HTTP/1.1 200");
        } finally {
            for (Raw each : silent) {
                each.close();
            }
        }
    }

    @Test
    void idleConnectionsMakeRoomWhenThereAreTooMany() throws IOException {
        int max = 20;
        List<Raw> silent = new ArrayList<>();
        try (RunningServer small = new RunningServer(with(Patience.USUAL, max))) {
            for (int i = 0; i < max; i++) {
                silent.add(new Raw(small));
            }
            long begin = System.nanoTime();
            Raw last = new Raw(small).head("GET /health/live HTTP/1.1|Host: x");
            silent.add(last);
            assertThat(last.next(RunningServer.PATIENCE)).startsWith("HTTP/1.1 200");
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Patience.USUAL.idle());
        } finally {
            for (Raw each : silent) {
                each.close();
            }
        }
    }

    static void assertEventually(BooleanSupplier what) {
        long end = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        while (!what.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            LockSupport.parkNanos(DRIP.toNanos());
        }
    }

    // --- Large bodies

    @Test
    void slowBodiesStopNobodyElse() throws IOException {
        int max = Bodies.ARRIVING_OF_ONE_MAX;
        String large = Caller.commitBody("", Caller.setProperty("k", "x".repeat(2 << 20)));
        int most = 3 << 19;
        List<Raw> slowOnes = new ArrayList<>();
        try (RunningServer usual = new RunningServer()) {
            usual.send("POST", Caller.TABLES, usual.seller, Caller.createBody("orders", ""));
            String head = "POST " + ORDERS + " HTTP/1.1|Host: x|Connection: close|Authorization: Bearer " + usual.seller
                    + "|Content-Length: " + large.length();
            for (int i = 0; i < max; i++) {
                slowOnes.add(new Raw(usual).head(head).send(large.substring(0, most)));
            }
            assertEventually(() -> usual.metric("icefield_http_bodies_arriving") == max);
            try (Raw onceMore = new Raw(usual).head(head).send(large.substring(0, most))) {
                assertThat(onceMore.next(RunningServer.PATIENCE))
                        .startsWith("HTTP/1.1 429")
                        .contains("Retry-After: 1");
            }

            long begin = System.nanoTime();
            Reply other = usual.send("POST", ORDERS, usual.admin, large);
            assertThat(other.status()).isEqualTo(200);
            Duration took = Duration.ofNanos(System.nanoTime() - begin);
            assertThat(took)
                    .as("the others hold nothing")
                    .isLessThan(Patience.USUAL.grace().dividedBy(2));
            assertThat(usual.metric("icefield_http_bodies_arriving")).isEqualTo(max);
            assertThat(usual.send("HEAD", ORDERS, usual.seller, "").status()).isEqualTo(204);
            Reply small = usual.send(
                    "POST",
                    ORDERS,
                    usual.seller,
                    Caller.commitBody("", Caller.setProperty("small", "x".repeat(5_000))));
            assertThat(small.status())
                    .as("what comes at once is not waited for")
                    .isEqualTo(200);

            for (Raw each : slowOnes.subList(0, 5)) {
                each.send(large.substring(most));
                assertThat(each.next(RunningServer.PATIENCE)).startsWith("HTTP/1.1 200");
            }
        } finally {
            for (Raw each : slowOnes) {
                each.close();
            }
        }
    }

    /// Threads are few: who shows no token and sends slowly holds few of them.
    @Test
    void slowSignInsStopNobodyElse() throws IOException {
        List<Raw> slowOnes = new ArrayList<>();
        try (RunningServer usual = new RunningServer()) {
            int many = 600; // more than there are threads
            for (int i = 0; i < many; i++) {
                slowOnes.add(new Raw(usual)
                        .head("POST /oauth/token HTTP/1.1|Host: x|Content-Length: 60000")
                        .send("grant_type"));
            }
            Reply other = usual.send("GET", "/api/v1/domains", usual.admin, "");
            assertThat(other.status()).isEqualTo(200);
            for (Raw each : slowOnes) {
                for (int i = 0; i < 3; i++) {
                    each.send("x".repeat(20 + i));
                }
            }
            assertThat(usual.send("GET", "/api/v1/domains", usual.admin, "").status())
                    .isEqualTo(200);
        } finally {
            for (Raw each : slowOnes) {
                each.close();
            }
        }
    }

    @Test
    void aLargeBodyThatBreaksOffLeavesNothing() throws IOException {
        byte[] part = new byte[1 << 20];
        Arrays.fill(part, (byte) ' ');
        for (int i = 0; i < 3; i++) {
            try (Raw client = new Raw(mesh)) {
                client.head("POST " + ORDERS + " HTTP/1.1|Host: x|Authorization: Bearer " + mesh.seller
                                + "|Content-Length: 3000000")
                        .send(part);
                assertEventually(() -> mesh.metric("icefield_http_bodies_arriving") == 1);
            }
            assertEventually(() -> mesh.metric("icefield_http_bodies_arriving") == 0);
        }
    }
}
