package io.icefield.http;

import static io.icefield.http.Caller.CRM;
import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.addSnapshot;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.setMain;
import static io.icefield.http.Caller.setProperty;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.http.RunningServer.Reply;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// All versions of the table format pass through unharmed, and tables may be wide and old. How much a table costs
/// is bounded by what is allocated, which is the same on every machine, and not by time.
class FormatsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    private JsonNode metadata(String table) {
        return ok(caller.get(TABLES + "/" + table)).json().path("metadata");
    }

    /// Loads it, drops it, registers its file and loads it again: the same metadata, whoever wrote the file.
    private JsonNode throughAFile(String table) {
        Reply before = ok(caller.get(TABLES + "/" + table));
        ok(caller.delete(TABLES + "/" + table));
        ok(caller.post(
                CRM + "/register",
                "{\"name\":\"%s\",\"metadata-location\":%s}"
                        .formatted(table, before.json().path("metadata-location"))));
        assertThat(metadata(table)).isEqualTo(before.json().path("metadata"));
        return before.json().path("metadata");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyVersionIsCreatedChangedAndRegistered(int version) {
        String location = caller.create("t", ",\"properties\":{\"format-version\":\"%d\"}".formatted(version))
                .path("location")
                .asText();
        String snapshot = addSnapshot(location, 1, 1);
        if (version == 1) {
            snapshot = snapshot.replace("\"sequence-number\":1,", "");
        } else if (version == 3) {
            snapshot = snapshot.replace("\"schema-id\":0", "\"schema-id\":0,\"first-row-id\":0,\"added-rows\":5");
        }
        ok(caller.commit("t", "", snapshot, setMain(1)));
        ok(caller.commit("t", "", setProperty("k", "v")));
        JsonNode table = throughAFile("t");
        assertThat(table.path("format-version").asInt()).isEqualTo(version);
        assertThat(table.path("snapshots")).hasSize(1);
        if (version == 3) {
            assertThat(table.path("next-row-id").asLong()).isEqualTo(5);
            assertThat(table.path("snapshots").get(0).path("first-row-id").asLong())
                    .isZero();
            assertThat(table.path("snapshots").get(0).path("added-rows").asLong())
                    .isEqualTo(5);
        }
    }

    @Test
    void theTypesOfTheThirdVersionAndTheirDefaultsStayAsTheyAre() throws IOException {
        String fields = """
                [{"id":1,"name":"v","required":false,"type":"variant"},
                {"id":2,"name":"geom","required":false,"type":"geometry(srid:3857)"},
                {"id":3,"name":"geog","required":false,"type":"geography(srid:4326, karney)"},
                {"id":4,"name":"ts","required":false,"type":"timestamp_ns"},
                {"id":5,"name":"tstz","required":false,"type":"timestamptz_ns"},
                {"id":6,"name":"nothing","required":false,"type":"unknown"},
                {"id":7,"name":"n","required":true,"type":"int","initial-default":7,"write-default":8},
                {"id":8,"name":"s","required":false,"type":"string","doc":"d","initial-default":"a","write-default":"b"},
                {"id":9,"name":"d","required":false,"type":"decimal(38, 10)","initial-default":"1.0000000000"},
                {"id":10,"name":"b","required":false,"type":"fixed[4]"},
                {"id":11,"name":"m","required":false,"type":{"type":"map","key-id":12,"key":"uuid","value-id":13,
                "value":{"type":"struct","fields":[{"id":14,"name":"x","required":false,"type":"variant"}]},
                "value-required":false}}]""";
        ok(caller.post(TABLES, """
                {"name":"t","schema":{"type":"struct","schema-id":0,"fields":%s},"properties":{"format-version":"3"}}""".formatted(fields)));
        assertThat(throughAFile("t").path("schemas").get(0).path("fields")).isEqualTo(JSON.readTree(fields));
        ok(caller.commit("t", "", setProperty("k", "v")));
        assertThat(metadata("t").path("schemas").get(0).path("fields")).isEqualTo(JSON.readTree(fields));
    }

    @Test
    void keysOfEncryptedTablesAndDeletionVectorsPassThrough() {
        String location = caller.create("t", ",\"properties\":{\"format-version\":\"3\"}")
                .path("location")
                .asText();
        ok(caller.commit(
                "t",
                "",
                """
                {"action":"add-encryption-key","encryption-key":{"key-id":"k1","encrypted-key-metadata":"a2V5",
                "encrypted-by-id":"root","properties":{"p":"q"}}}""",
                addSnapshot(
                                location + "/metadata/s.avro",
                                1,
                                1,
                                "\"operation\":\"delete\",\"added-dvs\":\"3\",\"added-position-deletes\":\"9\"")
                        .replace(
                                "\"schema-id\":0",
                                "\"schema-id\":0,\"first-row-id\":0,\"added-rows\":0,\"key-id\":\"k1\""),
                setMain(1)));
        JsonNode table = throughAFile("t");
        assertThat(table.path("encryption-keys").get(0).path("key-id").asText()).isEqualTo("k1");
        assertThat(table.path("encryption-keys")
                        .get(0)
                        .path("properties")
                        .path("p")
                        .asText())
                .isEqualTo("q");
        assertThat(table.path("snapshots").get(0).path("key-id").asText()).isEqualTo("k1");
        assertThat(table.path("snapshots")
                        .get(0)
                        .path("summary")
                        .path("added-dvs")
                        .asText())
                .isEqualTo("3");
    }

    @Test
    void branchesAndTagsKeepTheirRules() {
        caller.create("t");
        caller.append("t", 1, 3);
        ok(
                caller.commit(
                        "t",
                        "",
                        """
                {"action":"set-snapshot-ref","ref-name":"audit","type":"branch","snapshot-id":2,
                "min-snapshots-to-keep":2,"max-snapshot-age-ms":1000,"max-ref-age-ms":2000}""",
                        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"v1\",\"type\":\"tag\",\"snapshot-id\":1,\"max-ref-age-ms\":3000}"));
        JsonNode refs = throughAFile("t").path("refs");
        assertThat(refs.path("audit").path("min-snapshots-to-keep").asInt()).isEqualTo(2);
        assertThat(refs.path("audit").path("max-snapshot-age-ms").asInt()).isEqualTo(1000);
        assertThat(refs.path("v1").path("type").asText()).isEqualTo("tag");
        assertThat(refs.path("v1").path("max-ref-age-ms").asInt()).isEqualTo(3000);
        ok(caller.commit("t", "", "{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"audit\"}"));
        assertThat(ok(caller.get(TABLES + "/t?snapshots=refs"))
                        .json()
                        .path("metadata")
                        .path("snapshots")
                        .findValuesAsText("snapshot-id"))
                .containsExactlyInAnyOrder("1", "3");
    }

    // --- Wide, and old

    private static String wide(int columns, int schema) {
        return IntStream.rangeClosed(1, columns)
                .mapToObj(id -> """
                        {"id":%d,"name":"column_%d","required":false,"type":"decimal(38, 10)","doc":"version %d of %d"}""".formatted(id, id, schema, id))
                .collect(Collectors.joining(
                        ",", "{\"type\":\"struct\",\"schema-id\":%d,\"fields\":[".formatted(schema), "]}"));
    }

    @Test
    void aThousandColumnsInTenVersionsAreCommittedAtOnce() {
        ok(caller.post(TABLES, "{\"name\":\"t\",\"schema\":%s}".formatted(wide(1_000, 0))));
        List<String> updates = new ArrayList<>();
        for (int schema = 1; schema < 10; schema++) {
            updates.add("{\"action\":\"add-schema\",\"schema\":%s}".formatted(wide(1_000, schema)));
        }
        updates.add("{\"action\":\"set-current-schema\",\"schema-id\":-1}");
        ok(caller.commit("t", "", updates.toArray(String[]::new)));
        JsonNode table = throughAFile("t");
        assertThat(table.path("schemas")).hasSize(10);
        assertThat(table.path("schemas").get(9).path("fields")).hasSize(1_000);
        assertThat(table.path("current-schema-id").asInt()).isEqualTo(9);
        long length = table.toString().length();
        assertThat(allocatedByLoad(""))
                .as("a load copies nothing of %d bytes", length)
                .isLessThan(length / 2);
    }

    @Test
    void tenThousandSnapshotsAreLoadedWithoutACopyAndCommittedToInProportion() throws IOException {
        caller.create("t");
        long id = 1;
        while (id <= 10_000) { // bodies of some 4 MB
            caller.append("t", id, 2_500);
            id += 2_500;
        }
        JsonNode table = throughAFile("t");
        assertThat(table.path("snapshots")).hasSize(10_000);
        assertThat(table.path("snapshot-log")).hasSizeGreaterThan(0);
        long length = ok(caller.get(TABLES + "/t")).response().body().length;

        assertThat(allocatedByLoad(""))
                .as("a load copies nothing of %d bytes", length)
                .isLessThan(length / 2);
        assertThat(allocatedByLoad("?snapshots=refs")).isLessThan(1 << 20);
        assertThat(ok(caller.get(TABLES + "/t?snapshots=refs")).response().body().length)
                .isLessThan(10_000);

        long before = allocated();
        ok(caller.commit("t", "", setProperty("k", "v")));
        long commit = allocated() - before;
        System.out.println("a commit to %d bytes of metadata allocates %d".formatted(length, commit));
        assertThat(commit).isLessThan(20 * length);
        caller.append("t", 20_000, 1);
        assertThat(metadata("t").path("snapshots")).hasSize(10_001);
    }

    /// By all threads: requests are on threads of their own.
    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    /// The least of some loads, since other threads allocate too.
    private long allocatedByLoad(String query) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            long before = allocated();
            assertThat(load("t", query)).isEqualTo(200);
            least = Math.min(least, allocated() - before);
        }
        return least;
    }

    /// Reads the answer away without keeping it, so that what is allocated is the server's.
    private int load(String table, String query) {
        byte[] away = new byte[1 << 16];
        String request = "GET " + TABLES + "/" + table + query + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + "Authorization: Bearer " + caller.mesh.seller + "\r\n\r\n";
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), caller.mesh.server.port())) {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
            socket.getOutputStream().write(request.getBytes(UTF_8));
            InputStream in = socket.getInputStream();
            int status = 0;
            for (int length = in.read(away); length > 0; length = in.read(away)) {
                status = status == 0 ? Integer.parseInt(new String(away, 9, 3, UTF_8)) : status;
            }
            return status;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
