package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.RunningServer.Reply;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Loads that find nothing new, and loads that are compressed.
class LoadTest {
    private static final String TABLES = "/iceberg/v1/sales/namespaces/crm/tables";
    private static final String ORDERS = TABLES + "/orders";
    private static final String COMMIT =
            "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"k\":\"1\"}}]}";

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private Reply create(String name) {
        return mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(name, ""));
    }

    private Reply load(String token, String query, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(mesh.uri(ORDERS + query)).header("Authorization", "Bearer " + token);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return mesh.send(request);
    }

    private static String delegated() {
        return "X-Iceberg-Access-Delegation";
    }

    @Test
    void aClientThatHasItIsToldSoWithoutABody() {
        String created = create("orders").header("ETag");
        String tag = load(mesh.seller, "").header("ETag");
        assertThat(tag).matches("(W/)?\"[^\"]+\"").isEqualTo(created);

        for (String known : List.of(
                tag, "\"other\", " + tag, "\"other\"," + tag + ",\"more\"", tag.substring(2), "*", " " + tag + " ")) {
            Reply reply = load(mesh.seller, "", "If-None-Match", known);
            assertThat(reply.status()).as(known).isEqualTo(304);
            assertThat(reply.text()).isEmpty();
            assertThat(reply.header("ETag")).isEqualTo(tag);
            assertThat(reply.header("Content-Type")).isEmpty();
        }
        Reply lines = load(mesh.seller, "", "If-None-Match", "\"other\"", "If-None-Match", tag);
        assertThat(lines.status()).isEqualTo(304);
        for (String unknown : List.of("\"other\"", "", "W/\"\"", tag.substring(3, tag.length() - 1))) {
            assertThat(load(mesh.seller, "", "If-None-Match", unknown).status())
                    .as(unknown)
                    .isEqualTo(200);
        }
    }

    @Test
    void everythingThatAnAnswerDependsOnChangesItsTag() {
        create("orders");
        Set<String> tags = new HashSet<>();
        assertThat(tags.add(load(mesh.seller, "").header("ETag"))).isTrue();
        assertThat(tags.add(load(mesh.seller, "?snapshots=refs").header("ETag")))
                .as("which snapshots")
                .isTrue();
        assertThat(tags.add(
                        load(mesh.seller, "", delegated(), "vended-credentials").header("ETag")))
                .as("a key")
                .isTrue();
        assertThat(tags.add(
                        load(mesh.engine, "", delegated(), "vended-credentials").header("ETag")))
                .as("an engine's key is a writer's")
                .isFalse();
        Reply committed = mesh.send("POST", ORDERS, mesh.seller, COMMIT);
        assertThat(tags.add(committed.header("ETag"))).as("a commit").isTrue();
        assertThat(load(mesh.seller, "").header("ETag")).isEqualTo(committed.header("ETag"));
        mesh.send("DELETE", ORDERS, mesh.seller, "");
        create("orders");
        assertThat(tags.add(load(mesh.seller, "").header("ETag")))
                .as("dropped and made again")
                .isTrue();
    }

    @Test
    void nobodyLearnsFromATagWhatItMayNotSee() {
        create("orders");
        for (String tag : List.of("*", load(mesh.seller, "").header("ETag"))) {
            assertThat(load(mesh.stranger, "", "If-None-Match", tag).status()).isEqualTo(404);
            assertThat(load(mesh.analyst, "", "If-None-Match", tag, delegated(), "vended-credentials")
                            .status())
                    .as("a masked reader who asks for a key")
                    .isEqualTo(403);
            assertThat(load("nonsense", "", "If-None-Match", tag).status()).isEqualTo(401);
        }
    }

    /// A table that wants it has the partitions in its snapshots' summaries, and their names are values.
    @Test
    void whoSeesATableMaskedIsNotToldOfItsPartitions() {
        String location =
                create("orders").json().path("metadata").path("location").asText();
        for (int id = 1; id <= 2; id++) {
            String snapshot = Caller.addSnapshot(
                    location + "/metadata/snap-" + id + ".avro",
                    id,
                    id,
                    "\"operation\":\"append\",\"added-records\":\"1\",\"partitions.email=bob@x.org\":\"added-data-files=1\"");
            assertThat(mesh.send("POST", ORDERS, mesh.seller, Caller.commitBody("", snapshot, Caller.setMain(id)))
                            .status())
                    .isEqualTo(200);
        }
        for (String query : List.of("", "?snapshots=refs")) {
            Reply clear = load(mesh.seller, query);
            Reply masked = load(mesh.analyst, query);
            assertThat(clear.text()).contains("bob@x.org");
            assertThat(masked.text()).contains("added-records").doesNotContain("bob@x.org");
            assertThat(masked.json().path("metadata").path("snapshots"))
                    .hasSameSizeAs(clear.json().path("metadata").path("snapshots"));
            assertThat(load(mesh.analyst, query, "If-None-Match", clear.header("ETag"))
                            .status())
                    .isEqualTo(200);
            assertThat(load(mesh.analyst, query, "If-None-Match", masked.header("ETag"))
                            .status())
                    .isEqualTo(304);
        }
    }

    @Test
    void aCompressedAnswerIsTheSameAnswer() throws IOException {
        create("orders");
        byte[] plain = load(mesh.seller, "", delegated(), "vended-credentials")
                .response()
                .body();
        for (String accepted : List.of("gzip", "deflate, gzip;q=0.5", "GZIP", "br, x-gzip, *;q=0")) {
            Reply reply = load(mesh.seller, "", delegated(), "vended-credentials", "Accept-Encoding", accepted);
            assertThat(reply.header("Content-Encoding")).as(accepted).isEqualTo("gzip");
            assertThat(reply.header("Vary")).isEqualTo("Accept-Encoding");
            assertThat(unzipped(reply.response().body())).isEqualTo(plain);
        }
        for (String refused : List.of("gzip;q=0", "identity", "gzip; q=0.0, br", "br")) {
            Reply reply = load(mesh.seller, "", delegated(), "vended-credentials", "Accept-Encoding", refused);
            assertThat(reply.header("Content-Encoding")).as(refused).isEmpty();
            assertThat(reply.response().body()).isEqualTo(plain);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100, 16_383, 16_384, 65_535, 65_536, 200_000, 3_000_000})
    void aSplicedBodyUnzipsToItsParts(int length) throws IOException {
        Random random = new Random(length);
        Splices splices = new Splices();
        byte[] shared = new byte[length];
        random.nextBytes(shared);
        byte[] even = " {\"a\":1},".repeat(length / 9 + 1).getBytes(UTF_8);
        byte[] around = new byte[length % 200_001];
        random.nextBytes(around);
        for (byte[] text : List.of(shared, even)) {
            for (int again = 0; again < 2; again++) {
                byte[] all = join(around, text, around);
                Splices.Spliced body = splices.of(around, text, around);
                assertThat(join(body.parts(false))).isEqualTo(all);
                assertThat(unzipped(join(body.parts(true)))).isEqualTo(all);
            }
        }
    }

    private static byte[] join(byte[]... parts) {
        var all = new java.io.ByteArrayOutputStream();
        Arrays.stream(parts).forEach(all::writeBytes);
        return all.toByteArray();
    }

    private static byte[] unzipped(byte[] zipped) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(zipped))) {
            return in.readAllBytes();
        }
    }
}
