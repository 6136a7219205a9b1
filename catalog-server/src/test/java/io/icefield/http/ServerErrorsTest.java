package io.icefield.http;

import static io.icefield.http.Caller.refused;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.access.Refusal;
import io.icefield.http.RunningServer.Reply;
import io.icefield.policy.Violation;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever is sent, and whoever refuses it: the answer is Iceberg's error model, and `docs/errors.md`
/// knows it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServerErrorsTest {
    private static final Pattern ROW = Pattern.compile("\\| (\\d{3}) \\| `(\\w+)` \\|.*");

    private Caller caller;

    @BeforeAll
    void start() {
        caller = new Caller();
    }

    @AfterAll
    void stop() {
        caller.close();
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), caller.mesh.server.port())) {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(ISO_8859_1));
            out.flush();
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /a%00b HTTP/1.1|Host: x",
                "GET /a%zzb HTTP/1.1|Host: x",
                "GET /a% HTTP/1.1|Host: x",
                "GET /%C0%AF HTTP/1.1|Host: x",
                "GET /%FF?%FF=%FF HTTP/1.1|Host: x",
                "GET /iceberg/v1/config?warehouse=%FF HTTP/1.1|Host: x|TOKEN",
                "GET /iceberg/v1/sales/namespaces/%FF/tables HTTP/1.1|Host: x|TOKEN",
                "GET /iceberg/v1/sales/namespaces?parent=%zz HTTP/1.1|Host: x|TOKEN",
                "GET /a/../../b HTTP/1.1|Host: x",
                "GET /..%2f..%2f HTTP/1.1|Host: x",
                "GET /a;b=c/d HTTP/1.1|Host: x",
                "GET a HTTP/1.1|Host: x",
                "GET http://[::1/ HTTP/1.1|Host: x",
                "GET /\u00E9 HTTP/1.1|Host: x",
                "GET / HTTP/1.1",
                "GET / HTTP/1.1|Host: x|Host: y",
                "GET / HTTP/1.1|Host: a b",
                "GET / HTTP/9.9|Host: x",
                "GET / HTTP/1.1|Host: x|No colon here",
                "GET / HTTP/1.1|Host: x|A\u0001: b",
                "GET /nowhere HTTP/1.1|Host: x|Expect: 200-ok",
                "TRACE / HTTP/1.1|Host: x",
                "TRACE /api/v1/domains HTTP/1.1|Host: x",
                "CONNECT x:80 HTTP/1.1|Host: x",
                "NONSENSE / HTTP/1.1|Host: x",
                "get / HTTP/1.1|Host: x",
                "OPTIONS * HTTP/1.1|Host: x",
                "PRI * HTTP/2.0|",
                "POST /api/v1/domains HTTP/1.1|Host: x|Content-Length: many",
                "POST /api/v1/domains HTTP/1.1|Host: x|Content-Length: -1",
                "POST /api/v1/domains HTTP/1.1|Host: x|Content-Length: 5|Content-Length: 6",
                "POST /api/v1/domains HTTP/1.1|Host: x|Content-Length: 5|Transfer-Encoding: chunked",
                "POST /api/v1/domains HTTP/1.1|Host: x|Transfer-Encoding: odd",
                "POST /api/v1/domains HTTP/1.1|Host: x|TOKEN|Transfer-Encoding: chunked||zz",
                "POST /api/v1/domains HTTP/1.1|Host: x|TOKEN|Content-Length: 10||{}",
                "POST /iceberg/v1/oauth/tokens HTTP/1.1|Host: x|Content-Length: 99||grant",
                "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00FC\u0003\u0003"
            })
    void trap44_theWebServersOwnRefusalsAreJson(String request) throws IOException {
        String sent = request.replace("TOKEN", "Authorization: Bearer " + caller.mesh.admin)
                .replace("|", "\r\n");
        String answer = raw(sent.replaceFirst("\r\n", "\r\nConnection: close\r\n") + "\r\n\r\n");
        assertIsError(request, answer);
    }

    private static void assertIsError(String request, String answer) throws IOException {
        Matcher status = Pattern.compile("HTTP/1\\.1 (\\d{3})").matcher(answer);
        assertThat(status.lookingAt()).as("%s -> %s", request, answer).isTrue();
        int code = Integer.parseInt(status.group(1));
        assertThat(code).as("%s -> %s", request, answer).isBetween(400, 599).isNotEqualTo(500);
        String body = answer.substring(answer.indexOf("\r\n\r\n") + 4);
        JsonNode error = new ObjectMapper().readTree(body);
        if (!error.path("error").isTextual()) { // but for the token endpoint, which speaks OAuth
            assertThat(error.path("error").path("code").asInt()).as(answer).isEqualTo(code);
            assertThat(error.path("error").path("type").asText()).isNotEmpty();
        }
        assertThat(answer)
                .containsIgnoringCase("Content-Type: application/json")
                .doesNotContain("Exception in", "<html");
    }

    @Test
    void trap44_whatIsTooLongIsToldSo() throws IOException {
        assertThat(raw("GET /" + "x".repeat(100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
                .startsWith("HTTP/1.1 414");
        String headers = raw("GET / HTTP/1.1\r\nHost: x\r\nX: " + "y".repeat(100_000) + "\r\n\r\n");
        assertThat(headers).startsWith("HTTP/1.1 431").contains("HeadersTooLargeException");
        for (Route route : caller.mesh.server.routes()) {
            if (route.method().equals("POST") && route.bodyBytesMax() < (2 << 20) && route.needs() == Needs.LOGIN) {
                Reply reply = caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri(route.path()
                                .replace("{prefix}", "sales")
                                .replace("{namespace}", "crm")
                                .replaceAll("\\{[^}]*}", "sales")))
                        .header("Authorization", "Bearer " + caller.mesh.admin)
                        .timeout(RunningServer.PATIENCE)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[route.bodyBytesMax() + 1])));
                if (reply.status() != 200 && reply.status() != 404) { // which need not read it
                    refused(reply, 413, "ContentTooLargeException");
                }
            }
        }
    }

    @Test
    void everyRouteRefusesInTheErrorModel() {
        for (Route route : caller.mesh.server.routes()) {
            if (route.needs() == Needs.NOTHING) {
                continue;
            }
            String path = route.path().replaceAll("\\{[^}]*}", "no-such-thing");
            for (String token : List.of("", caller.mesh.stranger, caller.mesh.admin)) {
                Reply reply = caller.mesh.send(
                        route.method(), path, token, route.method().equals("GET") ? "" : "[");
                if (reply.status() >= 400 && !route.method().equals("HEAD")) {
                    assertThat(reply.errorType())
                            .as("%s %s -> %s", route.method(), path, reply)
                            .isNotEmpty();
                    assertThat(reply.json().path("error").path("code").asInt()).isEqualTo(reply.status());
                    assertThat(reply.status()).isLessThan(500);
                }
            }
        }
    }

    // --- The catalogue

    private static Refusal example(Class<?> refusal) {
        if (refusal == Refusal.NotFound.class) {
            return new Refusal.NotFound(Refusal.Thing.TABLE, "t");
        }
        if (refusal == Refusal.AlreadyExists.class) {
            return new Refusal.AlreadyExists(Refusal.Thing.TABLE, "t");
        }
        if (refusal == Refusal.NotEmpty.class) {
            return new Refusal.NotEmpty(Refusal.Thing.NAMESPACE, "n", "tables");
        }
        if (refusal == Refusal.PolicyBroken.class) {
            return new Refusal.PolicyBroken("t", List.of(new Violation("a/b", "p", "m")));
        }
        if (refusal == Refusal.Repeated.class) {
            return new Refusal.Repeated(List.of());
        }
        if (refusal == Refusal.TooManyRequests.class) {
            return new Refusal.TooManyRequests("m", Duration.ofSeconds(1));
        }
        if (refusal == Refusal.TooManyAttempts.class) {
            return new Refusal.TooManyAttempts(Duration.ofSeconds(1));
        }
        try {
            return (Refusal) refusal.getDeclaredConstructor(String.class).newInstance("m");
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("teach this test to make a " + refusal, e);
        }
    }

    private static String known(Answer answer) {
        try {
            return answer.status() + " "
                    + new ObjectMapper()
                            .readTree(answer.body())
                            .path("error")
                            .path("type")
                            .asText();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private String oauth(String form) {
        Reply reply = caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri("/iceberg/v1/oauth/tokens"))
                .POST(HttpRequest.BodyPublishers.ofString(form)));
        return reply.status() + " " + reply.json().path("error").asText();
    }

    @Test
    void theCatalogueOfErrorsIsWhatCanBeAnswered() throws IOException {
        Set<String> answered = new TreeSet<>();
        for (String path :
                List.of("/iceberg/v1/{prefix}/namespaces", "/iceberg/v1/config", "/api/v1/domains/{domain}")) {
            for (Class<?> refusal : Refusal.class.getPermittedSubclasses()) {
                answered.add(known(Errors.of(example(refusal), path)));
            }
            for (Refusal.Thing thing : Refusal.Thing.values()) {
                answered.add(known(Errors.of(new Refusal.NotFound(thing, "n"), path)));
            }
        }
        for (int status : new int[] {400, 404, 405, 408, 413, 414, 431, 500, 503, 505}) {
            answered.add(known(Errors.ofStatus(status)));
        }
        answered.add(known(Errors.bug("id")));
        answered.add(oauth("grant_type=client_credentials&client_id=admin&client_secret=wrong"));
        answered.add(oauth("grant_type=client_credentials"));
        answered.add(oauth("grant_type=password"));
        for (int i = 0; i < 6; i++) {
            answered.add(oauth("grant_type=client_credentials&client_id=nobody&client_secret=wrong"));
        }

        List<String> rows = Files.readAllLines(Path.of("../docs/errors.md")).stream()
                .map(ROW::matcher)
                .filter(Matcher::matches)
                .map(row -> row.group(1) + " " + row.group(2))
                .toList();
        assertThat(rows).doesNotHaveDuplicates();
        assertThat(new TreeSet<>(rows)).isEqualTo(answered);
        assertThat(Files.readAllLines(Path.of("../docs/errors.md")).stream()
                        .filter(line -> ROW.matcher(line).matches())
                        .filter(line -> Arrays.stream(line.split("\\|", -1)).anyMatch(String::isBlank)
                                && line.split("\\|", -1).length != 6)
                        .collect(Collectors.toList()))
                .as("rows without a when or a what to do")
                .isEmpty();
    }
}
