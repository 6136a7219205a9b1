package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.http.RunningServer.Stores;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What is dropped and comes back, and what must not be dropped: over HTTP, in PostgreSQL.
class KeepTest {
    private static final String NAMESPACES = "/iceberg/v1/sales/namespaces";
    private static final String TABLES = NAMESPACES + "/crm/tables";
    private static final String VIEWS = NAMESPACES + "/crm/views";
    private static final String DROPPED = "/api/v1/domains/sales/dropped";
    private static final String CRM = "/api/v1/domains/sales/namespaces/crm";

    private Database database;
    private Stores stores;
    private RunningServer mesh;

    @BeforeEach
    void start() {
        database = Database.open(TestDatabase.fresh());
        stores = Stores.in(database);
        mesh = new RunningServer(_ -> stores);
    }

    @AfterEach
    void stop() {
        mesh.close();
        database.close();
    }

    @Test
    void aDroppedTableIsGoneForEverybodyAndComesBackAsItWas() {
        String metadata = create("orders").path("metadata-location").asText();
        String classification = CRM + "/tables/orders/classification";
        ok(mesh.send("PUT", classification, mesh.seller, "{\"columns\":{\"id\":[\"pii.id\"]}}"));
        mesh.grant(tableGrant("principal:guest", "orders"));
        drop("orders", "");

        assertThat(mesh.send("GET", TABLES + "/orders", mesh.seller, "").status())
                .isEqualTo(404);
        assertThat(mesh.send("HEAD", TABLES + "/orders", mesh.admin, "").status())
                .isEqualTo(404);
        assertThat(mesh.send("GET", TABLES, mesh.admin, "").json().path("identifiers"))
                .isEmpty();
        assertThat(mesh.grants(new DomainName("sales")))
                .extracting(Grant::table)
                .containsOnly(Optional.empty());
        JsonNode listed = onlyDropped();
        assertThat(listed.path("name").asText()).isEqualTo("orders");
        assertThat(listed.path("namespace").asText()).isEqualTo("crm");
        assertThat(listed.path("kind").asText()).isEqualTo("table");
        assertThat(listed.path("dropped-by").asText()).isEqualTo("seller");
        assertThat(listed.path("state").asText()).isEqualTo("kept");

        Reply back = undrop(listed, "");
        assertThat(ok(back).path("name").asText()).isEqualTo("orders");
        assertThat(load("orders").path("metadata-location").asText()).isEqualTo(metadata);
        assertThat(ok(mesh.send("GET", classification, mesh.seller, "")).toString())
                .contains("pii.id");
        assertThat(mesh.grants(new DomainName("sales"))).contains(tableGrant("principal:guest", "orders"));
        assertThat(dropped()).isEmpty();
        ok(mesh.send("POST", TABLES + "/orders", mesh.seller, "{\"requirements\":[],\"updates\":[]}"));
    }

    @Test
    void itsNameIsFreeAtOnceAndWhoTookItKeepsIt() {
        String first = create("orders").path("metadata").path("table-uuid").asText();
        drop("orders", "");
        String second = create("orders").path("metadata").path("table-uuid").asText();

        Reply refused = undrop(onlyDropped(), "");
        assertRefused(refused, 409, "AlreadyExistsException");
        assertThat(refused.text()).contains("another name");
        assertThat(load("orders").path("metadata").path("table-uuid").asText()).isEqualTo(second);

        assertRefused(undrop(onlyDropped(), "{\"name\":\"bad\"}"), 403, "ForbiddenException");
        assertRefused(undrop(onlyDropped(), "{\"name\":\"a/b\"}"), 400, "BadRequestException");
        assertRefused(undrop(onlyDropped(), "{\"nam\":\"a\"}"), 400, "BadRequestException");
        ok(undrop(onlyDropped(), "{\"name\":\"older\"}"));
        assertThat(load("older").path("metadata").path("table-uuid").asText()).isEqualTo(first);
    }

    @Test
    void whoMayDropItMayBringItBack() {
        create("orders");
        drop("orders", "");
        String id = onlyDropped().path("id").asText();
        String undrop = DROPPED + "/" + id + "/undrop";

        assertThat(mesh.send("POST", undrop, mesh.stranger, "").status()).isEqualTo(404);
        assertRefused(mesh.send("POST", undrop, mesh.analyst, ""), 403, "ForbiddenException");
        assertRefused(mesh.send("POST", DROPPED + "/99/undrop", mesh.seller, ""), 404, "NoSuchTableException");
        assertRefused(mesh.send("POST", DROPPED + "/x/undrop", mesh.seller, ""), 400, "BadRequestException");
        assertThat(ok(mesh.send("GET", DROPPED, mesh.analyst, "")).path("dropped"))
                .hasSize(1);
        assertThat(mesh.send("GET", DROPPED, mesh.stranger, "").status()).isEqualTo(404);
        ok(mesh.send("POST", undrop, mesh.seller, ""));
    }

    /// A grant on the table itself goes on to count; one on a namespace that is another one by now does not.
    @Test
    void rightsThatWereGrantedToOthersMeanwhileDoNotCount() {
        create("orders");
        mesh.grant(tableGrant("group:nobodies", "orders"));
        drop("orders", "");
        ok(mesh.send("DELETE", NAMESPACES + "/crm", mesh.seller, ""));
        ok(mesh.send("POST", NAMESPACES, mesh.seller, "{\"namespace\":[\"crm\"]}"));
        mesh.grant(new Grant(
                Grantee.parse("principal:analyst"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.empty()));

        String undrop = DROPPED + "/" + onlyDropped().path("id").asText() + "/undrop";
        assertThat(mesh.send("POST", undrop, mesh.analyst, "").status()).isEqualTo(403);
        mesh.grant(new Grant(
                Grantee.parse("group:nobodies"),
                Role.READER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.empty()));
        ok(mesh.send("POST", undrop, mesh.stranger, ""));
    }

    @Test
    void aNamespaceWithDroppedTablesOnlyCanGoAndTheyWaitForAnother() {
        create("orders");
        drop("orders", "");
        assertThat(mesh.send("DELETE", NAMESPACES + "/crm", mesh.seller, "").status())
                .isEqualTo(204);

        Reply refused = undrop(onlyDropped(), "");
        assertRefused(refused, 409, "CommitFailedException");
        assertThat(refused.text()).contains("namespace `crm` is gone: create it again");
        assertRefused(mesh.send("DELETE", "/api/v1/domains/sales", mesh.admin, ""), 409, "NamespaceNotEmptyException");
        ok(mesh.send("POST", NAMESPACES, mesh.seller, "{\"namespace\":[\"erp\"]}"));
        ok(undrop(onlyDropped(), "{\"namespace\":\"erp\"}"));
        ok(mesh.send("GET", NAMESPACES + "/erp/tables/orders", mesh.seller, ""));
    }

    @Test
    void trap17_itsFolderIsItsOwnWhileItCanComeBack() {
        String location = create("orders").path("metadata").path("location").asText();
        drop("orders", "");

        for (String more : List.of("", ",\"stage-create\":true")) {
            for (String taken : List.of(location, location + "/data")) {
                Reply refused = mesh.send(
                        "POST",
                        TABLES,
                        mesh.seller,
                        IcebergRoutesTest.createBody("other", ",\"location\":\"%s\"%s".formatted(taken, more)));
                assertRefused(refused, 400, "BadRequestException");
                assertThat(refused.text()).contains("dropped");
            }
        }
        ok(undrop(onlyDropped(), ""));
    }

    /// Else whoever makes tables anywhere could keep it from coming back, or take away what it declares.
    @Test
    void itsUuidIsItsOwnWhileItCanComeBack() {
        JsonNode created = ok(mesh.send(
                "POST",
                TABLES,
                mesh.seller,
                IcebergRoutesTest.createBody("orders", ",\"properties\":{\"icefield.tags.id\":\"pii.id\"}")));
        drop("orders", "");
        String thief = TransactionTest.creation(
                "thief", created.path("metadata").path("table-uuid").asText());
        String commit = thief.replaceFirst("\"identifier\":\\{[^}]*},", "");

        assertRefused(mesh.send("POST", TABLES + "/thief", mesh.seller, commit), 400, "BadRequestException");
        assertRefused(
                mesh.send(
                        "POST",
                        "/iceberg/v1/sales/transactions/commit",
                        mesh.seller,
                        "{\"table-changes\":[%s]}".formatted(thief)),
                400,
                "BadRequestException");
        ok(undrop(onlyDropped(), ""));
        assertThat(ok(mesh.send("GET", CRM + "/tables/orders/classification", mesh.seller, ""))
                        .toString())
                .contains("pii.id");
    }

    @Test
    void whoRegistersItsOwnFileTakesItOver() {
        String metadata = create("orders").path("metadata-location").asText();
        drop("orders", "");
        create("taken");
        Reply refused = register("taken", metadata, "");
        assertRefused(refused, 409, "AlreadyExistsException");
        assertThat(dropped()).hasSize(1);

        ok(register("again", metadata, ""));
        assertThat(dropped()).isEmpty();
        drop("again", "");
        ok(register("taken", metadata, ",\"overwrite\":true"));
        assertThat(dropped()).isEmpty();
        assertThat(load("taken").path("metadata-location").asText()).isEqualTo(metadata);
    }

    @Test
    void filesThatSomebodyDeletedAreMissedBeforeTheNameIsBack() {
        String metadata = create("orders").path("metadata-location").asText();
        drop("orders", "");
        mesh.mesh.storage.delete(
                stores.domains()
                        .find(java.util.Set.of(), new DomainName("sales"))
                        .orElseThrow()
                        .domain()
                        .storage(),
                List.of(Location.parse(metadata)));

        assertRefused(undrop(onlyDropped(), ""), 400, "BadRequestException");
        assertThat(mesh.send("GET", TABLES + "/orders", mesh.seller, "").status())
                .isEqualTo(404);
    }

    @Test
    void trap32_howLongItIsKeptDependsOnWhetherItsFilesAreToGo() {
        create("kept");
        create("purged");
        drop("kept", "?purgeRequested=False");
        drop("purged", "?purgeRequested=True");

        JsonNode all = dropped();
        assertThat(all.get(0).path("name").asText()).isEqualTo("purged");
        assertThat(all.get(0).path("then").asText()).isEqualTo("purge");
        assertThat(all.get(1).path("then").asText()).isEqualTo("forget");
        assertThat(kept(all.get(0))).isEqualTo(RunningServer.RETENTION.purge());
        assertThat(kept(all.get(1))).isEqualTo(RunningServer.RETENTION.undrop());
        assertThat(mesh.purge.next()).isFalse();
        ok(undrop(all.get(0), ""));
        ok(undrop(all.get(1), ""));
        assertRefused(
                mesh.send("DELETE", TABLES + "/kept?purgeRequested=maybe", mesh.seller, ""),
                400,
                "BadRequestException");
    }

    private static Duration kept(JsonNode dropped) {
        return Duration.between(
                Instant.parse(dropped.path("dropped-at").asText()),
                Instant.parse(dropped.path("kept-until").asText()));
    }

    @Test
    void anOwnerPurgesItBeforeItsTime() {
        String metadata = create("orders").path("metadata-location").asText();
        drop("orders", "");
        String one = DROPPED + "/" + onlyDropped().path("id").asText();
        mesh.grant(new Grant(
                Grantee.parse("principal:analyst"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of(),
                Optional.empty()));
        assertRefused(mesh.send("DELETE", one, mesh.analyst, ""), 403, "ForbiddenException");
        assertThat(mesh.purge.next()).isFalse();

        assertThat(mesh.send("DELETE", one, mesh.seller, "").status()).isEqualTo(204);
        assertThat(mesh.purge.next()).isTrue();
        assertThat(mesh.mesh.objects()).doesNotContain(Location.parse(metadata));
        assertThat(dropped()).isEmpty();
        assertThat(mesh.send("POST", one + "/undrop", mesh.seller, "").status()).isEqualTo(404);
        assertThat(mesh.send("GET", "/metrics", mesh.admin, "").text()).contains("icefield_purge_tables_total 1.0");
        ok(mesh.send("DELETE", NAMESPACES + "/crm", mesh.seller, ""));
        assertThat(mesh.send("DELETE", "/api/v1/domains/sales", mesh.admin, "").status())
                .isEqualTo(204);
    }

    @Test
    void droppedOnesAreListedInPagesTheNewestFirst() {
        for (String name : List.of("a", "b", "c")) {
            create(name);
            drop(name, "");
        }
        Reply first = mesh.send("GET", DROPPED + "?pageSize=2", mesh.seller, "");
        assertThat(names(ok(first))).containsExactly("c", "b");
        String token = first.json().path("next-page-token").asText();
        assertThat(names(ok(mesh.send("GET", DROPPED + "?pageSize=2&pageToken=" + token, mesh.seller, ""))))
                .containsExactly("a");
        assertThat(names(ok(mesh.send("GET", DROPPED + "?namespace=crm&name=b", mesh.seller, ""))))
                .containsExactly("b");
        assertThat(names(ok(mesh.send("GET", DROPPED + "?namespace=none", mesh.seller, ""))))
                .isEmpty();
    }

    @Test
    void ofManyWhoBringItBackOneDoes() throws Exception {
        create("orders");
        drop("orders", "");
        JsonNode listed = onlyDropped();
        List<Callable<Integer>> race =
                Collections.nCopies(8, () -> undrop(listed, "").status());
        try (var threads = Executors.newCachedThreadPool()) {
            List<Integer> statuses =
                    threads.invokeAll(race).stream().map(Future::resultNow).toList();
            assertThat(statuses)
                    .containsOnlyOnce(200)
                    .allMatch(status -> status == 200 || status == 404 || status == 409);
        }
        load("orders");
    }

    /// What is committed is there, or the commit was refused: it never ends in a table that comes back without it.
    @Test
    void aCommitThatRacesADropIsInTheTableThatComesBackOrIsRefused() throws Exception {
        for (int round = 0; round < 10; round++) {
            String name = "orders" + round;
            create(name);
            String commit = """
                    {"requirements":[],"updates":[{"action":"set-properties","updates":{"done":"yes"}}]}""";
            List<Callable<Integer>> race = List.of(
                    () -> mesh.send("POST", TABLES + "/" + name, mesh.seller, commit)
                            .status(),
                    () -> mesh.send("DELETE", TABLES + "/" + name, mesh.seller, "")
                            .status());
            List<Integer> statuses;
            try (var threads = Executors.newCachedThreadPool()) {
                statuses =
                        threads.invokeAll(race).stream().map(Future::resultNow).toList();
            }
            assertThat(statuses.getLast()).isEqualTo(204);
            ok(undrop(onlyDropped(), ""));
            assertThat(load(name).path("metadata").path("properties").has("done"))
                    .isEqualTo(statuses.getFirst() == 200);
        }
    }

    @Test
    void aViewComesBackToo() {
        String view = """
                {"name":"recent","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"}]},"properties":{},
                "view-version":{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":["crm"],
                "representations":[{"type":"sql","sql":"SELECT 1","dialect":"trino"}]}}""";
        ok(mesh.send("POST", VIEWS, mesh.seller, view));
        ok(mesh.send("PUT", CRM + "/views/recent/protection", mesh.seller, "{\"protected\":true}"));
        assertRefused(mesh.send("DELETE", VIEWS + "/recent", mesh.seller, ""), 403, "ForbiddenException");
        ok(mesh.send("PUT", CRM + "/views/recent/protection", mesh.seller, "{\"protected\":false}"));
        assertThat(mesh.send("DELETE", VIEWS + "/recent", mesh.seller, "").status())
                .isEqualTo(204);

        assertThat(onlyDropped().path("kind").asText()).isEqualTo("view");
        ok(undrop(onlyDropped(), "{\"name\":\"newest\"}"));
        ok(mesh.send("GET", VIEWS + "/newest", mesh.seller, ""));
    }

    @Test
    void aProtectedTableIsChangedButNotDroppedRenamedNorReplaced() {
        String metadata = create("orders").path("metadata-location").asText();
        String protection = CRM + "/tables/orders/protection";
        assertThat(ok(mesh.send("PUT", protection, mesh.seller, "{\"protected\":true}"))
                        .path("protected")
                        .asBoolean())
                .isTrue();

        assertKept("orders", metadata, "table `crm.orders` is protected");
        ok(mesh.send(
                "POST",
                TABLES + "/orders",
                mesh.seller,
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}"));
        assertRefused(mesh.send("PUT", protection, mesh.analyst, "{\"protected\":false}"), 403, "ForbiddenException");
        assertRefused(mesh.send("PUT", protection, mesh.engine, "{\"protected\":false}"), 403, "ForbiddenException");
        assertRefused(mesh.send("PUT", protection, mesh.seller, "{}"), 400, "BadRequestException");
        assertThat(mesh.send("GET", protection, mesh.stranger, "").status()).isEqualTo(404);
        assertThat(ok(mesh.send("GET", protection, mesh.analyst, ""))
                        .path("protected")
                        .asBoolean())
                .isTrue();
        ok(mesh.send("PUT", protection, mesh.seller, "{\"protected\":false}"));
        drop("orders", "");
    }

    @Test
    void aProtectedNamespaceProtectsAllThatIsInIt() {
        ok(mesh.send("POST", NAMESPACES, mesh.seller, "{\"namespace\":[\"crm\",\"eu\"]}"));
        String metadata = create("orders").path("metadata-location").asText();
        String inner = NAMESPACES + "/crm%1Feu/tables";
        ok(mesh.send("POST", inner, mesh.seller, IcebergRoutesTest.createBody("deep", "")));
        ok(mesh.send("PUT", CRM + "/protection", mesh.seller, "{\"protected\":true}"));

        assertKept("orders", metadata, "namespace `crm` is protected");
        assertRefused(mesh.send("DELETE", inner + "/deep", mesh.seller, ""), 403, "ForbiddenException");
        assertRefused(mesh.send("DELETE", NAMESPACES + "/crm%1Feu", mesh.seller, ""), 403, "ForbiddenException");
        assertThat(ok(mesh.send("GET", CRM + ".eu/protection", mesh.seller, "")).toString())
                .isEqualTo("{\"protected\":false,\"protected-by-namespace\":\"crm\"}");
        create("another");
        ok(mesh.send("PUT", CRM + "/protection", mesh.seller, "{\"protected\":false}"));
        drop("orders", "");
    }

    private void assertKept(String table, String metadata, String because) {
        String rename = """
                {"source":{"namespace":["crm"],"name":"%s"},"destination":{"namespace":["crm"],"name":"other"}}""".formatted(table);
        for (Reply refused : List.of(
                mesh.send("DELETE", TABLES + "/" + table, mesh.seller, ""),
                mesh.send("DELETE", TABLES + "/" + table + "?purgeRequested=true", mesh.engine, ""),
                mesh.send("POST", TABLES + "/" + table + "/unregister", mesh.seller, ""),
                mesh.send("POST", "/iceberg/v1/sales/tables/rename", mesh.seller, rename),
                register(table, metadata, ",\"overwrite\":true"))) {
            assertRefused(refused, 403, "ForbiddenException");
            assertThat(refused.text()).contains(because, "unprotect");
        }
        load(table);
    }

    @Test
    void trap32_anUnregisteredTableIsForgottenAndItsFilesStay() {
        JsonNode created = create("orders");
        String unregister = TABLES + "/orders/unregister";
        assertRefused(mesh.send("POST", unregister, mesh.analyst, ""), 403, "ForbiddenException");
        JsonNode last = ok(mesh.send("POST", unregister, mesh.seller, ""));

        assertThat(last.path("metadata-location")).isEqualTo(created.path("metadata-location"));
        assertThat(last.path("metadata")).isEqualTo(created.path("metadata"));
        assertThat(dropped()).isEmpty();
        assertRefused(mesh.send("POST", unregister, mesh.seller, ""), 404, "NoSuchTableException");
        ok(register("orders", last.path("metadata-location").asText(), ""));
    }

    // --- words of these tests

    private JsonNode create(String name) {
        return ok(mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(name, "")));
    }

    private JsonNode load(String name) {
        return ok(mesh.send("GET", TABLES + "/" + name, mesh.seller, ""));
    }

    private void drop(String name, String query) {
        assertThat(mesh.send("DELETE", TABLES + "/" + name + query, mesh.seller, "")
                        .status())
                .isEqualTo(204);
    }

    private Reply register(String name, String metadata, String more) {
        return mesh.send(
                "POST",
                NAMESPACES + "/crm/register",
                mesh.seller,
                "{\"name\":\"%s\",\"metadata-location\":\"%s\"%s}".formatted(name, metadata, more));
    }

    private JsonNode dropped() {
        return ok(mesh.send("GET", DROPPED, mesh.admin, "")).path("dropped");
    }

    private JsonNode onlyDropped() {
        JsonNode all = dropped();
        assertThat(all).hasSize(1);
        return all.get(0);
    }

    private Reply undrop(JsonNode dropped, String body) {
        return mesh.send("POST", DROPPED + "/" + dropped.path("id").asText() + "/undrop", mesh.seller, body);
    }

    private static List<String> names(JsonNode answer) {
        return StreamSupport.stream(answer.path("dropped").spliterator(), false)
                .map(each -> each.path("name").asText())
                .toList();
    }

    private static Grant tableGrant(String grantee, String table) {
        return new Grant(
                Grantee.parse(grantee),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.of(table));
    }

    private static JsonNode ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isBetween(200, 204);
        return reply.json();
    }

    private static void assertRefused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.errorType()).isEqualTo(type);
    }
}
