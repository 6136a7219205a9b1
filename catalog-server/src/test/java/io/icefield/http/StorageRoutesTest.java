package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.http.RunningServer.Stores;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.net.http.HttpRequest;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Storages over HTTP, in PostgreSQL.
class StorageRoutesTest {
    private static final String SALES = "/api/v1/domains/sales";
    private static final String STORAGES = SALES + "/storage";
    private static final String NAMESPACES = "/iceberg/v1/sales/namespaces";
    private static final String TABLES = NAMESPACES + "/crm/tables";
    private static final String KEY = "\"access-key\":\"AKIAother\",\"secret-key\":\"other-secret\"";

    private Database.Settings settings;
    private Database database;
    private RunningServer mesh;

    @BeforeEach
    void start() {
        settings = TestDatabase.fresh();
        database = Database.open(settings);
        mesh = new RunningServer(_ -> Stores.in(database));
    }

    @AfterEach
    void stop() {
        mesh.close();
        database.close();
    }

    // --- A life

    @Test
    void aStorageIsMadeChosenByANamespaceUsedAndDeleted() {
        JsonNode made = created("{\"name\":\"archive\"}");
        assertThat(made.path("bucket").asText()).isEqualTo("bucket-sales-archive");
        assertThat(made.path("default").asBoolean()).isFalse();
        assertThat(mesh.send("GET", STORAGES, mesh.analyst, "").json().path("storages"))
                .extracting(each -> each.path("name").asText())
                .containsExactly("archive", "main");

        properties("{\"updates\":{\"icefield.storage\":\"archive\"}}");
        String inArchive = location(create("old"));
        assertThat(inArchive).startsWith("s3://bucket-sales-archive/crm/old-");
        properties("{\"removals\":[\"icefield.storage\"]}");
        assertThat(location(create("new"))).startsWith("s3://bucket-sales/crm/new-");
        Reply loaded = mesh.send("GET", TABLES + "/old", mesh.seller, "");
        assertThat(location(loaded)).isEqualTo(inArchive);
        assertThat(mesh.mesh.objects().toString()).contains(inArchive);

        refused(mesh.send("DELETE", STORAGES + "/archive", mesh.seller, ""), 409, "dropped ones");
        assertThat(mesh.send("DELETE", TABLES + "/old", mesh.seller, "").status())
                .isEqualTo(204);
        refused(mesh.send("DELETE", STORAGES + "/archive", mesh.seller, ""), 409, "dropped ones");
        purge();
        assertThat(mesh.send("DELETE", STORAGES + "/archive", mesh.seller, "").status())
                .isEqualTo(204);
        refused(mesh.send("GET", STORAGES + "/archive", mesh.seller, ""), 404, "archive");
        refused(mesh.send("DELETE", STORAGES + "/main", mesh.seller, ""), 400, "another one the default");
    }

    @Test
    void anotherStorageBecomesTheDefault() {
        created("{\"name\":\"second\",\"default\":true}");
        assertThat(mesh.send("GET", STORAGES + "/main", mesh.seller, "")
                        .json()
                        .path("default")
                        .asBoolean())
                .isFalse();
        assertThat(mesh.send("GET", SALES, mesh.seller, "")
                        .json()
                        .path("bucket")
                        .asText())
                .isEqualTo("bucket-sales-second");
        assertThat(location(create("t"))).startsWith("s3://bucket-sales-second/");
        change("main", "{\"default\":true}");
        assertThat(location(create("u"))).startsWith("s3://bucket-sales/");
        refused(mesh.send("PATCH", STORAGES + "/main", mesh.seller, "{\"default\":false}"), 400, "default");
    }

    @Test
    void protectedThingsStay() {
        created("{\"name\":\"kept\",\"protected\":true}");
        refused(mesh.send("DELETE", STORAGES + "/kept", mesh.seller, ""), 403, "protected");
        ok(mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"empty_one\",\"owners\":[\"sellers\"]}"));
        String empty = "/api/v1/domains/empty_one";
        ok(mesh.send("PUT", empty + "/protection", mesh.seller, "{\"protected\":true}"));
        refused(mesh.send("DELETE", empty, mesh.admin, ""), 403, "protected");
        ok(mesh.send("PUT", empty + "/protection", mesh.seller, "{\"protected\":false}"));
        ok(mesh.send("PATCH", empty + "/storage/main", mesh.seller, "{\"protected\":true}"));
        refused(mesh.send("DELETE", empty, mesh.admin, ""), 403, "protected");
        ok(mesh.send("PATCH", empty + "/storage/main", mesh.seller, "{\"protected\":false}"));
        assertThat(mesh.send("DELETE", empty, mesh.admin, "").status()).isEqualTo(204);
        change("kept", "{\"protected\":false}");
        assertThat(mesh.send("DELETE", STORAGES + "/kept", mesh.seller, "").status())
                .isEqualTo(204);
    }

    @Test
    void aProbeIsKeptAndShown() {
        assertThat(mesh.send("GET", STORAGES + "/main", mesh.seller, "").json().has("validation"))
                .isFalse();
        mesh.mesh.unfit = "403 InvalidAccessKeyId";
        Reply found = ok(mesh.send("POST", STORAGES + "/main/validate", mesh.seller, ""));
        assertThat(found.json().path("passed").asBoolean()).isFalse();
        assertThat(found.json().at("/findings/0/remedy").asText()).isEqualTo("another key");
        assertThat(mesh.send("GET", STORAGES + "/main", mesh.seller, "").json().path("validation"))
                .isEqualTo(found.json());
        mesh.mesh.unfit = "";
        ok(mesh.send("POST", STORAGES + "/main/validate", mesh.seller, ""));
        JsonNode now = mesh.send("GET", STORAGES, mesh.seller, "").json().at("/storages/0/validation");
        assertThat(now.path("passed").asBoolean()).isTrue();
        assertThat(now.path("findings")).hasSize(1);
    }

    @Test
    void aKeyIsTriedBeforeItIsTaken() {
        create("t");
        String keys = STORAGES + "/main/credentials";
        mesh.mesh.unfit = "403 InvalidAccessKeyId";
        refused(mesh.send("POST", keys, mesh.seller, "{" + KEY + "}"), 400, "keeps its key");
        mesh.mesh.unfit = "";
        Reply taken = ok(mesh.send("POST", keys, mesh.seller, "{" + KEY + "}"));
        assertThat(taken.json().path("old-key-needed-until").asText()).isNotEmpty();
        assertThat(mesh.domains
                        .get(admin(), Action.READ, new DomainName("sales"))
                        .domain()
                        .storage()
                        .root()
                        .secretKey())
                .isEqualTo("other-secret");
        assertThat(mesh.send("GET", TABLES + "/t", mesh.seller, "").status()).isEqualTo(200);
        create("u");
        assertThat(all().stream().map(Reply::text))
                .allSatisfy(text ->
                        assertThat(text).doesNotContain("other-secret", "AKIAother", "root-secret", "\"secret-key\""));
    }

    private List<Reply> all() {
        return List.of(
                mesh.send("GET", STORAGES, mesh.admin, ""),
                mesh.send("GET", STORAGES + "/main", mesh.admin, ""),
                mesh.send("POST", STORAGES + "/main/credentials", mesh.admin, "{" + KEY + "}"),
                mesh.send("POST", STORAGES + "/main/credentials", mesh.admin, "{" + KEY + ",\"x\":1}"),
                mesh.send("POST", STORAGES + "/none/credentials", mesh.admin, "{" + KEY + "}"),
                mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"main\"," + KEY + "}"),
                mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"s1\",\"bucket\":\"mine\"," + KEY + "}"),
                mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"s2\",\"region\":\"x y\"," + KEY + "}"));
    }

    // --- Where it may be

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\":\"x\",\"bucket\":\"payroll\"}",
                "{\"name\":\"x\",\"prefix\":\"a\"}",
                "{\"name\":\"x\",\"role-arn\":\"arn:aws:iam::111111111111:role/admin\"}",
                "{\"name\":\"x\",\"endpoint\":\"https://8.8.8.8\",\"bucket\":\"mine\"," + KEY + "}",
                "{\"name\":\"x\",\"endpoint\":\"http://169.254.169.254\",\"bucket\":\"mine\"," + KEY + "}",
                "{\"name\":\"x\",\"sts-endpoint\":\"http://127.0.0.1:8080\",\"bucket\":\"mine\"," + KEY + "}",
                "{\"name\":\"x\",\"quota\":{\"hard-bytes\":1}}"
            })
    void whatOnlyThePlatformMayChooseIsRefusedToOwners(String body) {
        refused(mesh.send("POST", STORAGES, mesh.seller, body), 403, "platform");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://169.254.169.254",
                "http://127.0.0.1:9001",
                "http://localhost:9000",
                "http://[::1]:9000",
                "http://2130706433:9000",
                "http://0x7f000001:9000",
                "http://store.example.com",
                "https://user:password@8.8.8.8",
                "ftp://8.8.8.8"
            })
    void thePlatformItselfIsKeptFromAddressesInside(String address) {
        for (String field : List.of("endpoint", "sts-endpoint")) {
            Reply reply = mesh.send(
                    "POST",
                    STORAGES,
                    mesh.admin,
                    "{\"name\":\"x\",\"bucket\":\"mine\",\"%s\":\"%s\",%s}".formatted(field, address, KEY));
            assertThat(reply.status()).as("%s %s: %s", field, address, reply).isEqualTo(400);
            assertThat(reply.text()).doesNotContain("other-secret", "password");
        }
    }

    @Test
    void anOwnerWithAKeyChoosesAmongTheStoresOffered() {
        JsonNode made = created("{\"name\":\"far\",\"endpoint\":\"https://1.2.3.4/\",\"bucket\":\"mine\"," + KEY + "}");
        assertThat(made.path("endpoint").asText()).isEqualTo("https://1.2.3.4");
        assertThat(made.path("sts-endpoint").isMissingNode()).isTrue();
        refused(
                mesh.send("POST", STORAGES, mesh.seller, "{\"name\":\"y\",\"endpoint\":\"https://1.2.3.4\"}"),
                400,
                "needs a key");
        properties("{\"updates\":{\"icefield.storage\":\"far\"}}");
        create("t");
        assertThat(mesh.send("GET", TABLES + "/t", mesh.seller, "")
                        .json()
                        .at("/config/s3.endpoint")
                        .asText())
                .isEqualTo("https://1.2.3.4");
        refused(
                mesh.send(HttpRequest.newBuilder(mesh.uri(TABLES + "/t"))
                        .header("Authorization", "Bearer " + mesh.engine)
                        .header("X-Iceberg-Access-Delegation", "vended-credentials")),
                403,
                "query engine");
    }

    @Test
    void aBucketWithSomethingInItIsNotGivenToAnOwner() {
        mesh.mesh.put(Location.parse("s3://bucket-sales-x/theirs"), new byte[1]);
        refused(mesh.send("POST", STORAGES, mesh.seller, "{\"name\":\"x\"}"), 403, "not empty");
        created("{\"name\":\"y\"}");
        ok(mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"x\"}"));
    }

    @Test
    void noTwoStoragesShareAFolder() {
        ok(mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"a\",\"bucket\":\"data\",\"prefix\":\"a/b\"}"));
        ok(mesh.send("POST", STORAGES, mesh.admin, "{\"name\":\"sibling\",\"bucket\":\"data\",\"prefix\":\"a/bc\"}"));
        ok(mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"hr\",\"owners\":[\"sellers\"]}"));
        for (String prefix : List.of("a/b", "a", "", "a/b/c", "/a/b/")) {
            for (String domain : List.of("sales", "hr")) {
                refused(
                        mesh.send(
                                "POST",
                                "/api/v1/domains/" + domain + "/storage",
                                mesh.admin,
                                "{\"name\":\"x\",\"bucket\":\"data\",\"prefix\":\"%s\"}".formatted(prefix)),
                        400,
                        "touches");
            }
        }
        String elsewhere =
                "{\"name\":\"x\",\"bucket\":\"data\",\"prefix\":\"a/b\",\"endpoint\":\"https://1.2.3.4\"," + KEY + "}";
        refused(mesh.send("POST", STORAGES, mesh.admin, elsewhere), 400, "touches");
        ok(mesh.send("POST", "/api/v1/domains/hr/storage", mesh.admin, elsewhere));
    }

    @Test
    void ofManyWhoWantOneBucketOneGetsIt() throws Exception {
        List<Callable<Reply>> race = IntStream.range(0, 8)
                .<Callable<Reply>>mapToObj(number -> () -> mesh.send(
                        "POST",
                        STORAGES,
                        mesh.admin,
                        "{\"name\":\"r%d\",\"bucket\":\"one\",\"default\":%s}"
                                .formatted(number, number % 2 == 0)
                                .replace(",\"default\":false", "")))
                .toList();
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow).map(Reply::status))
                    .containsOnlyOnce(201)
                    .contains(400);
        }
        assertThat(mesh.send("GET", STORAGES, mesh.admin, "").json().path("storages"))
                .filteredOn(each -> each.path("default").asBoolean())
                .hasSize(1);
    }

    @Test
    void aStorageDeletedWhileATableIsMadeLeavesNoTableWithoutOne() throws Exception {
        for (int round = 0; round < 5; round++) {
            String name = "s" + round;
            created("{\"name\":\"%s\"}".formatted(name));
            properties("{\"updates\":{\"icefield.storage\":\"%s\"}}".formatted(name));
            String table = "t" + round;
            try (var threads = Executors.newCachedThreadPool()) {
                Future<Reply> made = threads.submit(
                        () -> mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(table, "")));
                Future<Reply> deleted =
                        threads.submit(() -> mesh.send("DELETE", STORAGES + "/" + name, mesh.seller, ""));
                boolean there = made.get().status() == 200;
                boolean gone = deleted.get().status() == 204;
                assertThat(there && gone).as("%s %s", made.get(), deleted.get()).isFalse();
                assertThat(there || gone).as("%s %s", made.get(), deleted.get()).isTrue();
            }
            properties("{\"removals\":[\"icefield.storage\"]}");
        }
    }

    @Test
    void aNamespaceChoosesOnlyWhatIsThere() {
        refused(
                mesh.send(
                        "POST",
                        NAMESPACES + "/crm/properties",
                        mesh.seller,
                        "{\"updates\":{\"icefield.storage\":\"none\"}}"),
                400,
                "no storage");
        refused(
                mesh.send(
                        "POST",
                        NAMESPACES,
                        mesh.seller,
                        "{\"namespace\":[\"x\"],\"properties\":{\"icefield.storage\":\"none\"}}"),
                400,
                "no storage");
    }

    @Test
    void strangersReadersAndWritersChangeNothing() {
        mesh.grant(new Grant(
                Grantee.parse("group:nobodies"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.empty()));
        for (String who : List.of(mesh.analyst, mesh.engine)) {
            for (Reply reply : List.of(
                    mesh.send("POST", STORAGES, who, "{\"name\":\"x\"}"),
                    mesh.send("PATCH", STORAGES + "/main", who, "{\"protected\":true}"),
                    mesh.send("DELETE", STORAGES + "/main", who, ""),
                    mesh.send("POST", STORAGES + "/main/credentials", who, "{" + KEY + "}"),
                    mesh.send("POST", STORAGES + "/main/validate", who, ""),
                    mesh.send("PUT", SALES + "/protection", who, "{\"protected\":true}"),
                    mesh.send("PUT", SALES + "/quota", who, "{\"hard-bytes\":1}"))) {
                assertThat(reply.status()).as("%s", reply).isEqualTo(403);
            }
        }
    }

    // --- Usage and quota

    @Test
    void usageIsCountedFromCommitsAndSummed() {
        create("a");
        create("b");
        append("a", 1, 100, 100);
        append("a", 2, 50, 150);
        append("b", 3, 7, 7);
        JsonNode a =
                ok(mesh.send("GET", CRM + "/tables/a/usage", mesh.analyst, "")).json();
        assertThat(a.path("live-bytes").asLong()).isEqualTo(150);
        assertThat(a.path("kept-bytes").asLong()).isEqualTo(150);
        assertThat(a.path("kept-files").asLong()).isEqualTo(2);
        JsonNode all = ok(mesh.send("GET", SALES + "/usage", mesh.analyst, "")).json();
        assertThat(all.path("kept-bytes").asLong()).isEqualTo(157);
        assertThat(all.at("/storages/0/tables").asLong()).isEqualTo(2);
        assertThat(all.path("days")).isEmpty();

        database("UPDATE relations SET live_bytes = NULL, kept_bytes = NULL");
        while (mesh.usages.measureNext()) {
            // all of it
        }
        JsonNode after =
                ok(mesh.send("GET", SALES + "/usage", mesh.analyst, "")).json();
        assertThat(after.path("kept-bytes").asLong()).isEqualTo(157);
        assertThat(after.at("/days/0/kept-bytes").asLong()).isEqualTo(157);
        assertThat(after.at("/days/0/storage").asText()).isEqualTo("main");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/quota", "/storage/main"})
    void aHardQuotaRefusesWhatAddsAndNothingElse(String of) {
        create("t");
        append("t", 1, 100, 100);
        String limit = "{\"soft-bytes\":1,\"hard-bytes\":120}";
        ok(
                of.equals("/quota")
                        ? mesh.send("PUT", SALES + of, mesh.admin, limit)
                        : mesh.send("PATCH", SALES + of, mesh.admin, "{\"quota\":" + limit + "}"));
        refused(appended("t", 2, 50, 150), 403, "expire snapshots");
        append("t", 3, 20, 120);
        refused(appended("t", 4, 1, 121), 403, "quota of 120 bytes");
        append("t", 5, 0, 10);
        ok(commit("t", "{\"action\":\"set-properties\",\"updates\":{\"x\":\"y\"}}"));
        ok(commit("t", "{\"action\":\"remove-snapshots\",\"snapshot-ids\":[1,3]}"));
        create("empty");
        append("t", 6, 100, 110);
        ok(
                of.equals("/quota")
                        ? mesh.send("PUT", SALES + of, mesh.admin, "{}")
                        : mesh.send("PATCH", SALES + of, mesh.admin, "{\"quota\":{}}"));
        append("t", 7, 1_000, 1_110);
    }

    private static final String CRM = SALES + "/namespaces/crm";

    private void append(String table, int number, long added, long total) {
        ok(appended(table, number, added, total));
    }

    private Reply appended(String table, int number, long added, long total) {
        JsonNode metadata =
                mesh.send("GET", TABLES + "/" + table, mesh.seller, "").json().path("metadata");
        long parent = metadata.path("current-snapshot-id").asLong(-1);
        return commit(table, """
                {"action":"add-snapshot","snapshot":{"snapshot-id":%d%s,"sequence-number":%d,"timestamp-ms":%d,
                "manifest-list":"%s/metadata/snap-%d.avro","schema-id":0,"summary":{"operation":"append",
                "added-files-size":"%d","added-data-files":"1","total-files-size":"%d","total-data-files":"%d"}}},
                {"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":%d}
                """.formatted(
                        number,
                        parent < 0 ? "" : ",\"parent-snapshot-id\":" + parent,
                        metadata.path("last-sequence-number").asLong() + 1,
                        System.currentTimeMillis(),
                        metadata.path("location").asText(),
                        number,
                        added,
                        total,
                        number,
                        number));
    }

    private Reply commit(String table, String updates) {
        return mesh.send(
                "POST", TABLES + "/" + table, mesh.seller, "{\"requirements\":[],\"updates\":[" + updates + "]}");
    }

    // --- Helpers

    private void database(String sql) {
        try (var connection = DriverManager.getConnection(settings.url(), settings.user(), settings.password());
                var statement = connection.createStatement()) {
            int _ = statement.executeUpdate(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private Principal admin() {
        return new Principal("admin", Principal.Kind.USER, Set.of("platform"));
    }

    private void purge() {
        JsonNode dropped = mesh.send("GET", SALES + "/dropped", mesh.seller, "").json();
        assertThat(mesh.send(
                                "DELETE",
                                SALES + "/dropped/"
                                        + dropped.at("/dropped/0/id").asText(),
                                mesh.seller,
                                "")
                        .status())
                .isEqualTo(204);
        assertThat(mesh.purge.next()).isTrue();
    }

    private JsonNode created(String body) {
        Reply reply = mesh.send("POST", STORAGES, mesh.seller, body);
        assertThat(reply.status()).as("%s", reply).isEqualTo(201);
        return reply.json();
    }

    private void change(String storage, String body) {
        ok(mesh.send("PATCH", STORAGES + "/" + storage, mesh.seller, body));
    }

    private void properties(String body) {
        ok(mesh.send("POST", NAMESPACES + "/crm/properties", mesh.seller, body));
    }

    private Reply create(String name) {
        return ok(mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(name, "")));
    }

    private static String location(Reply table) {
        return table.json().at("/metadata/location").asText();
    }

    private static Reply ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isBetween(200, 204);
        return reply;
    }

    private static void refused(Reply reply, int status, String says) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.text()).contains(says);
    }
}
