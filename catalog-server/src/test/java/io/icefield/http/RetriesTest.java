package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import io.icefield.http.RunningServer.Stores;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import io.icefield.table.Once;
import io.icefield.table.RequestKeys;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Requests that come again with the same key.
class RetriesTest {
    private static final String PREFIX = "/iceberg/v1/sales";
    private static final String NAMESPACES = PREFIX + "/namespaces";
    private static final String TABLES = NAMESPACES + "/crm/tables";
    private static final String VIEWS = NAMESPACES + "/crm/views";
    private static final String SET = """
            {"requirements":[],"updates":[{"action":"set-properties","updates":{"%s":"%s"}}]}""";

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
    void configSaysHowLongAKeyIsKnown() {
        assertThat(mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.seller, "")
                        .json()
                        .path("idempotency-key-lifetime")
                        .asText())
                .isEqualTo("PT30M");
    }

    /// Each with its body, in an order in which each is possible.
    private static List<List<String>> everyChange() {
        String rename = """
                {"source":{"namespace":["crm"],"name":"%s"},"destination":{"namespace":["crm"],"name":"%s"}}""";
        List<List<String>> all = new ArrayList<>();
        all.add(List.of("POST", NAMESPACES, "{\"namespace\":[\"erp\"],\"properties\":{\"a\":\"b\"}}"));
        all.add(List.of("POST", NAMESPACES + "/erp/properties", "{\"removals\":[\"a\"],\"updates\":{\"c\":\"d\"}}"));
        all.add(List.of("DELETE", NAMESPACES + "/erp", ""));
        all.add(List.of("POST", TABLES, IcebergRoutesTest.createBody("orders", "")));
        all.add(List.of("POST", TABLES + "/orders", SET.formatted("a", "b")));
        all.add(List.of(
                "POST",
                PREFIX + "/transactions/commit",
                "{\"table-changes\":[{\"identifier\":{\"namespace\":[\"crm\"],\"name\":\"orders\"},"
                        + SET.formatted("c", "d").substring(1)
                        + "]}"));
        all.add(List.of("POST", PREFIX + "/tables/rename", rename.formatted("orders", "sold")));
        all.add(List.of("DELETE", TABLES + "/sold?purgeRequested=true", ""));
        all.add(List.of("POST", TABLES, IcebergRoutesTest.createBody("elsewhere", "")));
        all.add(List.of("POST", TABLES + "/elsewhere/unregister", ""));
        all.add(List.of("POST", VIEWS, ViewRoutesTest.createBody("recent", "")));
        all.add(List.of("POST", VIEWS + "/recent", SET.formatted("a", "b")));
        all.add(List.of("POST", PREFIX + "/views/rename", rename.formatted("recent", "newest")));
        all.add(List.of("DELETE", VIEWS + "/newest", ""));
        return all;
    }

    @Test
    void whateverComesAgainIsAnsweredAgainAndDoneOnce() {
        for (List<String> change : everyChange()) {
            String key = UUID.randomUUID().toString();
            Reply first = send(key, change);
            assertThat(first.status()).as("%s %s", change, first).isIn(200, 204);
            Reply again = send(key, change);
            assertThat(again.status()).as("%s %s", change, again).isEqualTo(first.status());
            if (first.status() == 200) {
                assertThat(again.json().path("metadata-location"))
                        .as("%s", change)
                        .isEqualTo(first.json().path("metadata-location"));
                assertThat(fields(again.json())).as("%s", change).isEqualTo(fields(first.json()));
            }
        }
        assertThat(mesh.send("GET", "/api/v1/domains/sales/dropped", mesh.seller, "")
                        .json()
                        .path("dropped"))
                .hasSize(2);
    }

    private static List<String> fields(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void registrationsComeAgainToo() {
        JsonNode created = send("", "POST", TABLES, IcebergRoutesTest.createBody("orders", ""))
                .json();
        send("", "DELETE", TABLES + "/orders", "");
        for (String more : List.of("", ",\"overwrite\":true")) {
            String key = UUID.randomUUID().toString();
            String body =
                    "{\"name\":\"back\",\"metadata-location\":%s%s}".formatted(created.path("metadata-location"), more);
            Reply first = send(key, "POST", NAMESPACES + "/crm/register", body);
            assertThat(first.status()).as("%s", first).isEqualTo(200);
            assertThat(send(key, "POST", NAMESPACES + "/crm/register", body).text())
                    .isEqualTo(first.text());
        }
    }

    /// The second would otherwise hit what others made meanwhile.
    @Test
    void trap22_aDropThatComesAgainDoesNotDropWhatHasTheNameNow() {
        create("orders");
        String key = UUID.randomUUID().toString();
        assertThat(send(key, "DELETE", TABLES + "/orders", "").status()).isEqualTo(204);
        String other = create("orders").path("metadata-location").asText();

        assertThat(send(key, "DELETE", TABLES + "/orders", "").status()).isEqualTo(204);
        assertThat(load("orders").path("metadata-location").asText()).isEqualTo(other);
    }

    @Test
    void aCommitThatComesAgainIsNotMadeAgainEvenIfItCouldBe() {
        create("orders");
        String key = UUID.randomUUID().toString();
        send(key, "POST", TABLES + "/orders", SET.formatted("a", "first"));
        send("", "POST", TABLES + "/orders", SET.formatted("a", "second"));

        Reply again = send(key, "POST", TABLES + "/orders", SET.formatted("a", "first"));
        assertThat(again.status()).isEqualTo(200);
        assertThat(property(again.json(), "a")).isEqualTo("second");
        assertThat(property(load("orders"), "a")).isEqualTo("second");
    }

    @Test
    void aTransactionThatComesAgainIsNotMadeAgain() {
        create("orders");
        create("items");
        String change = "{\"identifier\":{\"namespace\":[\"crm\"],\"name\":\"%s\"},";
        String both = "{\"table-changes\":[" + change.formatted("orders")
                + SET.formatted("a", "first").substring(1) + "," + change.formatted("items")
                + SET.formatted("a", "first").substring(1) + "]}";
        String key = UUID.randomUUID().toString();
        for (int time = 1; time <= 2; time++) {
            assertThat(send(key, "POST", PREFIX + "/transactions/commit", both).status())
                    .isEqualTo(204);
            send("", "POST", TABLES + "/items", SET.formatted("a", "second"));
        }
        assertThat(property(load("orders"), "a")).isEqualTo("first");
        assertThat(property(load("items"), "a")).isEqualTo("second");
        assertThat(load("items").path("metadata").path("metadata-log"))
                .as("made, changed by the transaction once, and twice by others")
                .hasSize(3);
    }

    @Test
    void trap22_theSameKeyForAnotherRequestIsRefusedAndItsFilesAreLeftAlone() {
        create("orders");
        create("items");
        String key = UUID.randomUUID().toString();
        send(key, "POST", TABLES + "/orders", SET.formatted("a", "b"));

        for (Reply other : List.of(
                send(key, "POST", TABLES + "/orders", SET.formatted("a", "c")),
                send(key, "POST", TABLES + "/items", SET.formatted("a", "b")),
                send(key, "DELETE", TABLES + "/orders", ""))) {
            assertThat(other.status()).as("%s", other).isEqualTo(422);
            assertThat(other.errorType()).isEqualTo("UnprocessableEntityException");
        }
        assertThat(property(load("orders"), "a")).isEqualTo("b");
        assertThat(load("items").path("metadata").path("properties").has("a")).isFalse();
    }

    @Test
    void eachPrincipalHasItsOwnKeysAndIsAskedForItsRightsFirst() {
        String key = UUID.randomUUID().toString();
        List<String> create = List.of("POST", NAMESPACES, "{\"namespace\":[\"erp\"]}");
        assertThat(send(key, create).status()).isEqualTo(200);
        assertThat(as(mesh.stranger, key, create).status()).isEqualTo(404);
        assertThat(as(mesh.analyst, key, create).status()).isEqualTo(403);
        assertThat(as(mesh.admin, key, create).status()).isEqualTo(409);
    }

    @Test
    void aRefusalForGoodComesAgainAndALostRaceIsRunAgain() {
        String key = UUID.randomUUID().toString();
        List<String> drop = List.of("DELETE", TABLES + "/orders", "");
        Reply refused = send(key, drop);
        assertThat(refused.status()).isEqualTo(404);
        create("orders");
        assertThat(send(key, drop).text()).isEqualTo(refused.text());
        load("orders");

        String race = UUID.randomUUID().toString();
        String other = "00000000-0000-0000-0000-000000000001";
        String asserting = """
                {"requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":1}],"updates":[
                {"action":"set-properties","updates":{"x":"y"}}]}""";
        assertThat(send(race, "POST", TABLES + "/orders", asserting).status()).isEqualTo(409);
        assertThat(send(race, "POST", TABLES + "/orders", asserting).status()).isEqualTo(409);
        assertThat(send(other, "POST", TABLES + "/orders", SET.formatted("x", "y"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aKeyIsAUuidOfAnyVersion() {
        for (String key : List.of(
                "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", UUID.randomUUID().toString())) {
            assertThat(send(key, "POST", NAMESPACES, "{\"namespace\":[\"n%s\"]}".formatted(key.substring(0, 4)))
                            .status())
                    .isEqualTo(200);
        }
        for (String key : List.of("1", "x".repeat(36), "017F22E2-79B0-7CC3-98C4-DC0C0C07398F0")) {
            assertThat(send(key, "POST", NAMESPACES, "{\"namespace\":[\"n\"]}").status())
                    .isEqualTo(400);
        }
    }

    @Test
    void trap22_aStagedCreationIsTheSameTableWhenItComesAgain() {
        String key = UUID.randomUUID().toString();
        String body = IcebergRoutesTest.createBody("staged", ",\"stage-create\":true");
        JsonNode first = send(key, "POST", TABLES, body).json().path("metadata");
        JsonNode again = send(key, "POST", TABLES, body).json().path("metadata");

        assertThat(first.path("table-uuid").asText()).isNotEmpty();
        assertThat(again.path("table-uuid")).isEqualTo(first.path("table-uuid"));
        assertThat(again.path("location")).isEqualTo(first.path("location"));
        assertThat(send(UUID.randomUUID().toString(), "POST", TABLES, body)
                        .json()
                        .path("metadata")
                        .path("table-uuid"))
                .isNotEqualTo(first.path("table-uuid"));
    }

    /// A 4xx would make its client delete the files of a commit that has happened.
    @Test
    void whatWasDoneIsNeverDeniedAlsoWhenItIsGone() {
        create("orders");
        String key = UUID.randomUUID().toString();
        send(key, "POST", TABLES + "/orders", SET.formatted("a", "b"));
        send("", "DELETE", TABLES + "/orders", "");

        Reply again = send(key, "POST", TABLES + "/orders", SET.formatted("a", "b"));
        assertThat(again.status()).isEqualTo(500);
        assertThat(again.errorType()).isEqualTo("CommitStateUnknownException");
    }

    @Test
    void ofManyAtTheSameTimeOneTakesEffect() throws Exception {
        create("orders");
        for (List<String> change : List.of(
                List.of("POST", TABLES, IcebergRoutesTest.createBody("raced", "")),
                List.of("POST", TABLES + "/orders", SET.formatted("a", "b")),
                List.of("POST", PREFIX + "/tables/rename", """
                        {"source":{"namespace":["crm"],"name":"raced"},
                        "destination":{"namespace":["crm"],"name":"renamed"}}"""),
                List.of("DELETE", TABLES + "/orders", ""))) {
            String key = UUID.randomUUID().toString();
            List<Callable<Reply>> race = Collections.nCopies(8, () -> settled(key, change));
            try (var threads = Executors.newCachedThreadPool()) {
                List<Reply> replies =
                        threads.invokeAll(race).stream().map(Future::resultNow).toList();
                assertThat(replies)
                        .allSatisfy(reply -> assertThat(reply.status())
                                .as("%s %s", change, reply)
                                .isIn(200, 204));
                Map<String, Integer> locations = new HashMap<>();
                replies.stream()
                        .filter(reply -> reply.status() == 200)
                        .forEach(reply -> locations.merge(
                                reply.json().path("metadata-location").asText(), 1, Integer::sum));
                assertThat(locations).as("%s", change).hasSizeLessThanOrEqualTo(1);
            }
        }
        assertThat(mesh.send("GET", "/api/v1/domains/sales/dropped", mesh.seller, "")
                        .json()
                        .path("dropped"))
                .hasSize(1);
    }

    /// As a client does that is told to try again.
    private Reply settled(String key, List<String> change) {
        for (int attempt = 0; ; attempt++) {
            Reply reply = send(key, change);
            if (reply.status() != 503 || attempt == 100) {
                return reply;
            }
        }
    }

    @Test
    void aKeyIsForgottenWhenItsTimeIsOver() {
        assertThat(stores.keys().expire()).isZero();
        Once.Key past = new Once.Key("seller", UUID.randomUUID(), "d", Duration.ofSeconds(-1));
        stores.keys().refused(past, new RequestKeys.Refused(404, "{}"));
        assertThat(stores.keys().find(past)).isPresent();
        assertThat(stores.keys().expire()).isEqualTo(1);
        assertThat(stores.keys().find(past)).isEmpty();
    }

    // --- words of these tests

    private JsonNode create(String name) {
        return ok(send("", "POST", TABLES, IcebergRoutesTest.createBody(name, "")));
    }

    private JsonNode load(String name) {
        return ok(mesh.send("GET", TABLES + "/" + name, mesh.seller, ""));
    }

    private static JsonNode ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply.json();
    }

    private static String property(JsonNode loaded, String name) {
        return loaded.path("metadata").path("properties").path(name).asText();
    }

    private Reply send(String key, List<String> change) {
        return as(mesh.seller, key, change);
    }

    /// @param key empty: none
    private Reply send(String key, String method, String path, String body) {
        return as(mesh.seller, key, List.of(method, path, body));
    }

    private Reply as(String token, String key, List<String> change) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri(change.get(1)))
                .header("Authorization", "Bearer " + token)
                .method(
                        change.get(0),
                        change.get(2).isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(change.get(2)));
        if (!key.isEmpty()) {
            request.header(Retries.HEADER, key);
        }
        return mesh.send(request);
    }
}
