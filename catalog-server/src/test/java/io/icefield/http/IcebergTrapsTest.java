package io.icefield.http;

import static io.icefield.http.Caller.CRM;
import static io.icefield.http.Caller.NAMESPACES;
import static io.icefield.http.Caller.SALES;
import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.VIEWS;
import static io.icefield.http.Caller.addSnapshot;
import static io.icefield.http.Caller.commitBody;
import static io.icefield.http.Caller.createBody;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.refused;
import static io.icefield.http.Caller.setMain;
import static io.icefield.http.Caller.setProperty;
import static io.icefield.http.Caller.view;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Refusal;
import io.icefield.http.RunningServer.Reply;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.iceberg.rest.Endpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What other catalogs fell into. The number of a test is that of a trap in the project's list; those that are
/// missing are tested where their feature is: 14 and 15 in `postgres`, 17, 18, 22, 32 and 37 with undrop,
/// idempotency and signing.
class IcebergTrapsTest {
    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
            zip.write(plain);
        }
        return out.toByteArray();
    }

    // --- URL and names

    @Test
    void trap01_encodedCharactersInPathsReachTheRoutes() {
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"crm\",\"eu\"]}"));
        assertThat(texts(ok(caller.get(CRM + "%1Feu")).json().path("namespace")))
                .containsExactly("crm", "eu");
        assertThat(ok(caller.head(CRM + "%1feu")).status()).isEqualTo(204);
        for (String odd : List.of("%2F", "%25", "%5C", "%2E%2E", "%2e", "%3F", "%23", "%3B", "%00x", "a%2Fb", "%7F")) {
            for (String path : List.of(NAMESPACES + "/" + odd, TABLES + "/" + odd, VIEWS + "/" + odd)) {
                Reply reply = caller.get(path);
                assertThat(reply.status()).as("%s -> %s", path, reply).isIn(400, 404);
                assertThat(reply.errorType()).as("%s -> %s", path, reply).isNotEmpty();
            }
        }
    }

    @Test
    void trap02_theSeparatorIsNoDotAndInNoName() {
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"x\"]}"));
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"x\",\"y\"]}"));
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"x.y\"]}"));
        assertThat(texts(caller.get(NAMESPACES + "/x.y").json().path("namespace")))
                .containsExactly("x.y");
        assertThat(texts(caller.get(NAMESPACES + "/x%1Fy").json().path("namespace")))
                .containsExactly("x", "y");
        ok(caller.delete(NAMESPACES + "/x.y"));
        assertThat(caller.head(NAMESPACES + "/x%1Fy").status()).isEqualTo(204);
        refused(caller.post(NAMESPACES, "{\"namespace\":[\"x\\u001Fz\"]}"), 400, "BadRequestException");
        refused(caller.post(TABLES, createBody("x\\u001Fz", "")), 400, "BadRequestException");
        refused(caller.post(VIEWS, view("x\\u001Fz", "")), 400, "BadRequestException");
    }

    @Test
    void trap03_aPlusInAPathIsASpace() {
        caller.create("sold things");
        for (String path : List.of("/sold+things", "/sold%20things")) {
            assertThat(caller.head(TABLES + path).status()).as(path).isEqualTo(204);
        }
        assertThat(caller.head(TABLES + "/sold%2Bthings").status()).isEqualTo(404);
        ok(caller.delete(TABLES + "/sold+things"));
    }

    @Test
    void trap04_referencedByIsTakenHoweverItIsEncoded() {
        caller.create("orders");
        for (String view : List.of("v", "c", "x y")) {
            ok(caller.post(VIEWS, view(view, "")));
        }
        for (String views : List.of("crm%1Fv", "crm%1Fv,crm%1Fc", "crm%1Fx+y,crm%1Fx%20y", "")) {
            for (String path : List.of("/orders", "/orders/credentials")) {
                assertThat(ok(caller.get(TABLES + path + "?referenced-by=" + views))
                                .status())
                        .as(views)
                        .isEqualTo(200);
            }
        }
        for (String malformed : List.of(
                ",,",
                "v",
                "crm%1Fv%2Ccrm%1Fc",
                "crm%1Fa%252Cb",
                "crm%1F",
                "%1Fv",
                "crm%1Fv,",
                "crm%1F%FF",
                "crm%1Fv,".repeat(40))) {
            refused(caller.get(TABLES + "/orders?referenced-by=" + malformed), 400, "BadRequestException");
        }
        for (String path : List.of(TABLES + "/orders", TABLES + "/orders/credentials", VIEWS + "/v")) {
            for (String absent : List.of("crm%1Forders", "crm%1Fnone", "none%1Fv", "crm%1Fv,crm%1Fa", "x+y%1Fv")) {
                refused(caller.get(path + "?referenced-by=" + absent), 404, "NoSuchViewException");
            }
        }
    }

    @Test
    void trap05_whatCutsAnAddressIsInNoLocation() {
        for (String odd : List.of("a?b", "a#b", "a*b", "a%20b", "a\\u0000b")) {
            refused(
                    caller.post(TABLES, createBody("t", ",\"location\":\"s3://bucket-sales/crm/" + odd + "\"")),
                    400,
                    "BadRequestException");
            refused(caller.post(TABLES, createBody(odd, "")), 400, "BadRequestException");
        }
        String location = caller.create("n a.m-e\u00E9").path("location").asText();
        assertThat(location).matches("s3://bucket-sales/crm/[A-Za-z0-9_-]+");
    }

    @Test
    void trap06_namesAreDecidedUpon() {
        for (String odd : List.of("..", ".", "", " ", "x".repeat(2_000), "a/b", "-a", "a-")) {
            refused(caller.post(TABLES, createBody(odd, "")), 400, "BadRequestException");
            refused(caller.post(VIEWS, view(odd, "")), 400, "BadRequestException");
            refused(caller.post(NAMESPACES, "{\"namespace\":[\"" + odd + "\"]}"), 400, "BadRequestException");
        }
        caller.create("orders");
        caller.create("Orders");
        assertThat(caller.get(TABLES).json().path("identifiers").findValuesAsText("name"))
                .containsExactly("Orders", "orders");
        assertThat(caller.head(TABLES + "/ORDERS").status()).isEqualTo(404);
    }

    @Test
    void trap07_whatEnginesLookForByHabitIsNotThere() {
        for (String name : List.of("system", "information_schema", "default", "pg_catalog")) {
            refused(caller.get(NAMESPACES + "/" + name), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + name + "/tables"), 404, "NoSuchNamespaceException");
            refused(caller.get(NAMESPACES + "/" + name + "/tables/columns"), 404, "NoSuchTableException");
        }
        refused(caller.get(TABLES + "/orders$history"), 404, "NoSuchTableException");
        refused(caller.get(CRM + "%1Forders/tables/history"), 404, "NoSuchTableException");
    }

    @Test
    void trap08_thePrefixNeedsNoEncoding() {
        caller.mesh.send("POST", "/api/v1/domains", caller.mesh.admin, "{\"name\":\"a_9\",\"owners\":[\"sellers\"]}");
        for (String warehouse : List.of("sales", "a_9", "mesh")) {
            String prefix = ok(caller.get("/iceberg/v1/config?warehouse=" + warehouse))
                    .json()
                    .path("overrides")
                    .path("prefix")
                    .asText();
            assertThat(prefix).isEqualTo(Text.encoded(prefix)).isEqualTo(warehouse);
        }
    }

    // --- Identity, races

    @Test
    void trap09_tablesAndViewsShareTheirNames() {
        String file = ok(caller.post(TABLES, createBody("t", "")))
                .json()
                .path("metadata-location")
                .asText();
        String viewFile = ok(caller.post(VIEWS, view("v", "")))
                .json()
                .path("metadata-location")
                .asText();
        refused(caller.post(VIEWS, view("t", "")), 409, "AlreadyExistsException");
        refused(caller.post(TABLES, createBody("v", "")), 409, "AlreadyExistsException");
        refused(caller.post(TABLES, createBody("v", ",\"stage-create\":true")), 409, "AlreadyExistsException");
        refused(
                caller.post(CRM + "/register", "{\"name\":\"v\",\"metadata-location\":\"%s\"}".formatted(file)),
                409,
                "AlreadyExistsException");
        refused(
                caller.post(
                        CRM + "/register-view", "{\"name\":\"t\",\"metadata-location\":\"%s\"}".formatted(viewFile)),
                409,
                "AlreadyExistsException");
        refused(rename("tables", "t", "v"), 409, "AlreadyExistsException");
        refused(rename("views", "v", "t"), 409, "AlreadyExistsException");
        refused(rename("views", "t", "x"), 404, "NoSuchViewException");
        refused(rename("tables", "v", "x"), 404, "NoSuchTableException");
        refused(
                caller.commit("v", "{\"type\":\"assert-create\"}", "{\"action\":\"assign-uuid\",\"uuid\":\"x\"}"),
                409,
                "CommitFailedException");
    }

    private Reply rename(String kind, String from, String to) {
        return caller.post(SALES + "/" + kind + "/rename", """
                {"source":{"namespace":["crm"],"name":"%s"},"destination":{"namespace":["crm"],"name":"%s"}}""".formatted(from, to));
    }

    @Test
    void trap10_nothingIsMadeInOrMovedToANamespaceThatIsGone() {
        caller.create("orders");
        refused(caller.post(NAMESPACES + "/gone/tables", createBody("t", "")), 404, "NoSuchNamespaceException");
        refused(caller.post(NAMESPACES + "/gone/views", view("v", "")), 404, "NoSuchNamespaceException");
        refused(caller.post(SALES + "/tables/rename", """
                        {"source":{"namespace":["crm"],"name":"orders"},
                        "destination":{"namespace":["gone"],"name":"orders"}}"""), 404, "NoSuchNamespaceException");
        assertThat(caller.head(TABLES + "/orders").status()).isEqualTo(204);
    }

    @Test
    void trap11_aStagedCreationLeavesNoTraceUntilItIsCommitted() {
        JsonNode first = staged("orders");
        JsonNode second = staged("orders");
        assertThat(caller.mesh.mesh.objects()).isEmpty();
        assertThat(caller.get(TABLES).json().path("identifiers")).isEmpty();
        assertThat(first.path("metadata").path("location"))
                .isNotEqualTo(second.path("metadata").path("location"));
        ok(creation("orders", first));
        refused(creation("orders", second), 409, "CommitFailedException");
        assertThat(caller.get(TABLES + "/orders").json().path("metadata").path("table-uuid"))
                .isEqualTo(first.path("metadata").path("table-uuid"));

        ok(caller.post(NAMESPACES, "{\"namespace\":[\"soon\"]}"));
        JsonNode late = ok(caller.delegated(
                        "POST", NAMESPACES + "/soon/tables", createBody("t", ",\"stage-create\":true")))
                .json();
        ok(caller.delete(NAMESPACES + "/soon"));
        refused(caller.post(NAMESPACES + "/soon/tables/t", creationBody(late)), 404, "NoSuchNamespaceException");
    }

    private JsonNode staged(String name) {
        JsonNode staged = ok(caller.delegated("POST", TABLES, createBody(name, ",\"stage-create\":true")))
                .json();
        assertThat(staged.has("metadata-location")).isFalse();
        assertThat(staged.path("config").path("s3.session-token").asText()).isNotEmpty();
        return staged;
    }

    private Reply creation(String name, JsonNode staged) {
        return caller.post(TABLES + "/" + name, creationBody(staged));
    }

    /// What Java's client makes of a staged answer.
    private static String creationBody(JsonNode staged) {
        JsonNode metadata = staged.path("metadata");
        return commitBody(
                "{\"type\":\"assert-create\"}",
                "{\"action\":\"assign-uuid\",\"uuid\":%s}".formatted(metadata.path("table-uuid")),
                "{\"action\":\"upgrade-format-version\",\"format-version\":%s}"
                        .formatted(metadata.path("format-version")),
                "{\"action\":\"add-schema\",\"schema\":%s,\"last-column-id\":%s}"
                        .formatted(metadata.path("schemas").get(0), metadata.path("last-column-id")),
                "{\"action\":\"set-current-schema\",\"schema-id\":-1}",
                "{\"action\":\"add-spec\",\"spec\":%s}"
                        .formatted(metadata.path("partition-specs").get(0)),
                "{\"action\":\"set-default-spec\",\"spec-id\":-1}",
                "{\"action\":\"add-sort-order\",\"sort-order\":%s}"
                        .formatted(metadata.path("sort-orders").get(0)),
                "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}",
                "{\"action\":\"set-location\",\"location\":%s}".formatted(metadata.path("location")),
                "{\"action\":\"set-properties\",\"updates\":%s}".formatted(metadata.path("properties")));
    }

    private static String inTransaction(String table, String body) {
        return "{\"identifier\":{\"namespace\":[\"crm\"],\"name\":\"%s\"},%s".formatted(table, body.substring(1));
    }

    private Reply transaction(String... changes) {
        return caller.post(SALES + "/transactions/commit", "{\"table-changes\":[" + String.join(",", changes) + "]}");
    }

    @Test
    void trap12_stagedCreationsAreCommittedInTransactions() {
        caller.create("old");
        String a = creationBody(staged("a"));
        String b = creationBody(staged("b"));
        ok(transaction(
                inTransaction("a", a),
                inTransaction("old", commitBody("", setProperty("k", "v"))),
                inTransaction("b", b)));
        assertThat(caller.get(TABLES).json().path("identifiers").findValuesAsText("name"))
                .containsExactly("a", "b", "old");
    }

    @Test
    void trap13_aTableTwiceInATransactionLosesNothing() {
        caller.create("orders");
        ok(transaction(
                inTransaction("orders", commitBody("", setProperty("a", "1"), setProperty("b", "1"))),
                inTransaction("orders", commitBody("", setProperty("b", "2")))));
        JsonNode properties =
                caller.get(TABLES + "/orders").json().path("metadata").path("properties");
        assertThat(properties.path("a").asText()).isEqualTo("1");
        assertThat(properties.path("b").asText()).isEqualTo("2");
    }

    @Test
    void trap16_aTableThatWasMadeAnewIsAnotherOne() {
        String uuid = caller.create("orders").path("table-uuid").asText();
        String tag = caller.get(TABLES + "/orders").header("ETag");
        ok(caller.delete(TABLES + "/orders"));
        caller.create("orders");
        refused(
                caller.commit(
                        "orders",
                        "{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}".formatted(uuid),
                        setProperty("k", "v")),
                409,
                "CommitFailedException");
        assertThat(caller.with("GET", TABLES + "/orders", "", "If-None-Match", tag)
                        .status())
                .isEqualTo(200);
    }

    // --- Commit and files

    @Test
    void trap19_everyAttemptHasAFileOfItsOwnAndOnlyLosersAreDeleted() {
        caller.create("orders");
        Set<String> before = files();
        refused(
                caller.commit(
                        "orders",
                        "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":7}",
                        setProperty("k", "v")),
                409,
                "CommitFailedException");
        assertThat(files()).isEqualTo(before);
        caller.mesh.mesh.publishing = Optional.of(new Refusal.Unavailable("surely not"));
        assertThat(caller.commit("orders", "", setProperty("k", "v")).status()).isEqualTo(503);
        assertThat(files()).isEqualTo(before);
        caller.mesh.mesh.publishing = Optional.of(new Refusal.OutcomeUnknown("perhaps"));
        refused(caller.commit("orders", "", setProperty("k", "v")), 500, "CommitStateUnknownException");
        assertThat(files()).hasSize(before.size() + 1);
        ok(caller.commit("orders", "", setProperty("write.metadata.previous-versions-max", "2")));
        for (int i = 0; i < 5; i++) {
            ok(caller.commit("orders", "", setProperty("k", "v" + i)));
        }
        assertThat(caller.get(TABLES + "/orders").json().path("metadata").path("metadata-log"))
                .hasSize(2);
        assertThat(files()).hasSize(before.size() + 7);
    }

    private Set<String> files() {
        return caller.mesh.mesh.objects().stream().map(Object::toString).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void trap20_whatCannotWorkIsNever5xx() {
        caller.create("orders");
        List<String> updates = List.of(
                "{\"action\":\"no-such-update\"}",
                "{\"action\":\"set-current-schema\",\"schema-id\":77}",
                "{\"action\":\"set-default-spec\",\"spec-id\":77}",
                "{\"action\":\"set-default-sort-order\",\"sort-order-id\":77}",
                "{\"action\":\"upgrade-format-version\",\"format-version\":1}",
                "{\"action\":\"upgrade-format-version\",\"format-version\":99}",
                "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":77}",
                "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"twig\",\"snapshot-id\":77}",
                "{\"action\":\"add-snapshot\"}",
                "{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":\"one\"}}",
                "{\"action\":\"add-partition-spec\",\"spec\":{\"fields\":[{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":99}]}}",
                "{\"action\":\"add-spec\",\"spec\":{\"fields\":[{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":99}]}}",
                "{\"action\":\"set-location\",\"location\":\"nowhere\"}",
                "{\"action\":\"set-properties\"}",
                "{\"action\":\"remove-properties\",\"removals\":7}",
                "{\"action\":\"assign-uuid\",\"uuid\":\"0\"}",
                "{\"action\":\"set-statistics\",\"snapshot-id\":1}",
                "{\"action\":\"remove-schemas\",\"schema-ids\":[0]}",
                "{\"action\":\"remove-partition-specs\",\"spec-ids\":[0]}",
                "{}",
                "7",
                "null");
        for (String update : updates) {
            Reply reply = caller.commit("orders", "", update);
            assertThat(reply.status()).as("%s -> %s", update, reply).isEqualTo(400);
            assertThat(reply.errorType()).isEqualTo("BadRequestException");
        }
        for (String requirement :
                List.of("{\"type\":\"no-such-requirement\"}", "{}", "7", "{\"type\":\"assert-ref-snapshot-id\"}")) {
            Reply reply = caller.commit("orders", requirement, setProperty("k", "v"));
            assertThat(reply.status()).as("%s -> %s", requirement, reply).isIn(400, 409);
        }
        for (String type : List.of("decimal(99,1)", "fixed[-1]", "text", "", "struct<>")) {
            refused(
                    caller.post(TABLES, createBody("t", "").replace("\"long\"", "\"" + type + "\"")),
                    400,
                    "BadRequestException");
        }
        refused(
                caller.post(
                        CRM + "/register",
                        "{\"name\":\"t\",\"metadata-location\":\"s3://bucket-sales/crm/no/such.metadata.json\"}"),
                400,
                "BadRequestException");
    }

    @Test
    void trap20_aFileTooLongToRegisterIsTheCallersMistake() {
        io.icefield.storage.Location at =
                io.icefield.storage.Location.parse("s3://bucket-sales/crm/t/long.metadata.json");
        caller.mesh.mesh.overwrite(at, " ".repeat((16 << 20) + 1));
        refused(
                caller.post(CRM + "/register", "{\"name\":\"t\",\"metadata-location\":\"%s\"}".formatted(at)),
                400,
                "BadRequestException");
    }

    @Test
    void trap21_everyConflictHasABody() {
        caller.create("t");
        ok(caller.post(VIEWS, view("v", "")));
        refused(caller.post(TABLES, createBody("t", "")), 409, "AlreadyExistsException");
        refused(caller.post(NAMESPACES, "{\"namespace\":[\"crm\"]}"), 409, "AlreadyExistsException");
        refused(caller.delete(CRM), 409, "NamespaceNotEmptyException");
        String uuid = "{\"type\":\"assert-table-uuid\",\"uuid\":\"00000000-0000-0000-0000-000000000000\"}";
        refused(caller.commit("t", uuid, setProperty("k", "v")), 409, "CommitFailedException");
        refused(transaction(inTransaction("t", commitBody(uuid, setProperty("k", "v")))), 409, "CommitFailedException");
        refused(
                caller.post(VIEWS + "/v", commitBody(uuid.replace("table", "view"), setProperty("k", "v"))),
                409,
                "CommitFailedException");
    }

    @Test
    void trap23_whoSawOnlyBranchesDropsNoSnapshot() {
        caller.create("orders");
        caller.append("orders", 1, 3);
        JsonNode refs = ok(caller.get(TABLES + "/orders?snapshots=refs")).json().path("metadata");
        assertThat(refs.path("snapshots")).hasSize(1);
        ok(caller.commit("orders", "", setProperty("k", "v")));
        JsonNode all = ok(caller.get(TABLES + "/orders?snapshots=all")).json().path("metadata");
        assertThat(all.path("snapshots").findValuesAsText("snapshot-id")).containsExactly("1", "2", "3");
        assertThat(all.path("snapshot-log").findValuesAsText("snapshot-id")).contains("3");
        assertThat(caller.append("orders", 4, 1).path("snapshots")).hasSize(4);
    }

    @Test
    void trap24_aStaleSequenceNumberIsALostRace() {
        String location = caller.create("orders").path("location").asText();
        caller.append("orders", 1, 2);
        String late = addSnapshot(location, 9, 2).replace("\"schema-id\"", "\"parent-snapshot-id\":1,\"schema-id\"");
        refused(caller.commit("orders", "", late, setMain(9)), 409, "CommitFailedException");
        String rows = caller.create("rows", ",\"properties\":{\"format-version\":\"3\"}")
                .path("location")
                .asText();
        ok(caller.commit("rows", "", lineage(rows, 1, 0, 10), setMain(1)));
        refused(caller.commit("rows", "", lineage(rows, 2, 5, 10), setMain(2)), 409, "CommitFailedException");
        ok(caller.commit("rows", "", lineage(rows, 2, 10, 10), setMain(2)));
        assertThat(caller.get(TABLES + "/rows")
                        .json()
                        .path("metadata")
                        .path("next-row-id")
                        .asLong())
                .isEqualTo(20);
    }

    private static String lineage(String location, long id, long firstRow, long added) {
        return addSnapshot(location, id, id)
                .replace(
                        "\"schema-id\":0",
                        "\"schema-id\":0,\"first-row-id\":%d,\"added-rows\":%d".formatted(firstRow, added));
    }

    @Test
    void trap25_theFormatVersionIsNoProperty() {
        JsonNode made = caller.create("orders", ",\"properties\":{\"format-version\":\"1\",\"k\":\"v\"}");
        assertThat(made.path("format-version").asInt()).isEqualTo(1);
        assertThat(made.path("properties").has("format-version")).isFalse();
        assertThat(made.path("properties").path("k").asText()).isEqualTo("v");
        JsonNode two = ok(caller.commit("orders", "", "{\"action\":\"upgrade-format-version\",\"format-version\":2}"))
                .json()
                .path("metadata");
        assertThat(two.path("format-version").asInt()).isEqualTo(2);
        JsonNode three = ok(caller.commit("orders", "", "{\"action\":\"upgrade-format-version\",\"format-version\":3}"))
                .json()
                .path("metadata");
        assertThat(three.path("format-version").asInt()).isEqualTo(3);
        assertThat(three.path("next-row-id").asInt()).isZero();
        refused(
                caller.commit("orders", "", "{\"action\":\"upgrade-format-version\",\"format-version\":2}"),
                400,
                "BadRequestException");
    }

    @Test
    void trap26_noSnapshotIsNullOrAbsentAndTheRequirementMeansIt() {
        String location = caller.create("orders").path("location").asText();
        String none = "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":null}";
        String absent = "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\"}";
        ok(caller.commit("orders", none, setProperty("k", "1")));
        ok(caller.commit("orders", absent, addSnapshot(location, 1, 1), setMain(1)));
        refused(caller.commit("orders", none, setProperty("k", "2")), 409, "CommitFailedException");
        refused(caller.commit("orders", absent, setProperty("k", "2")), 409, "CommitFailedException");
        ok(caller.commit(
                "orders",
                "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":1}",
                setProperty("k", "2")));
        for (String empty : List.of("\"current-snapshot-id\":-1,", "\"current-snapshot-id\":null,", "")) {
            io.icefield.storage.Location at = io.icefield.storage.Location.parse(
                    "s3://bucket-sales/crm/adopted" + empty.length() + "/1.metadata.json");
            caller.mesh.mesh.overwrite(at, """
                    {"format-version":2,"table-uuid":"%s","location":"s3://bucket-sales/crm/adopted%d",
                    "last-sequence-number":0,"last-updated-ms":1,"last-column-id":1,"current-schema-id":0,
                    "schemas":[{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":false,"type":"int"}]}],
                    "default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[]}],"last-partition-id":999,
                    "default-sort-order-id":0,"sort-orders":[{"order-id":0,"fields":[]}],%s"snapshots":[]}""".formatted(java.util.UUID.randomUUID(), empty.length(), empty));
            ok(caller.post(
                    CRM + "/register",
                    "{\"name\":\"a%d\",\"metadata-location\":\"%s\"}".formatted(empty.length(), at)));
        }
    }

    @Test
    void trap27_snapshotIdsKeepAllTheirDigits() {
        caller.create("orders");
        long id = 9_223_372_036_854_775_806L;
        caller.append("orders", id, 1);
        Reply loaded = caller.get(TABLES + "/orders");
        assertThat(loaded.text()).containsPattern("\"current-snapshot-id\" ?: ?9223372036854775806\\b");
        assertThat(loaded.json()
                        .path("metadata")
                        .path("refs")
                        .path("main")
                        .path("snapshot-id")
                        .asLong())
                .isEqualTo(id);
        ok(caller.commit(
                "orders",
                "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":%d}".formatted(id),
                setProperty("k", "v")));
        refused(
                caller.commit(
                        "orders",
                        "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":%d}".formatted(id - 1),
                        setProperty("k", "v")),
                409,
                "CommitFailedException");
    }

    @Test
    void trap28_aCommitOfMegabytesIsTakenPlainAndCompressed() throws IOException {
        caller.create("orders");
        String large = commitBody("", setProperty("k", "v".repeat(5 << 20)));
        ok(caller.post(TABLES + "/orders", large));
        String other = commitBody("", setProperty("k", "w".repeat(5 << 20)));
        ok(zipped("gzip", gzip(other.getBytes(UTF_8))));
        Reply loaded = caller.with("GET", TABLES + "/orders", "", "Accept-Encoding", "gzip");
        assertThat(loaded.header("Content-Encoding")).isEqualTo("gzip");
        assertThat(loaded.response().body().length).isLessThan(1 << 20);
        try (var in =
                new GZIPInputStream(new ByteArrayInputStream(loaded.response().body()))) {
            assertThat(new String(in.readAllBytes(), UTF_8)).contains("w".repeat(5 << 20));
        }
    }

    @Test
    void trap28_aSmallBodyThatUnpacksToAHugeOneIsRefusedWhereverItIsSent() throws IOException {
        caller.create("orders");
        byte[] bomb =
                gzip(commitBody("", setProperty("k", "v".repeat(40 << 20))).getBytes(UTF_8));
        refused(zipped("gzip", bomb), 413, "ContentTooLargeException");
        refused(zipped("gzip", "{}".getBytes(UTF_8)), 400, "BadRequestException");
        byte[] cut = gzip("{\"requirements\":[],\"updates\":[]}".getBytes(UTF_8));
        refused(zipped("gzip", java.util.Arrays.copyOf(cut, cut.length - 9)), 400, "BadRequestException");
        refused(zipped("br", cut), 400, "BadRequestException");
        ok(zipped("x-gzip", cut));
        ok(zipped("identity", "{\"requirements\":[],\"updates\":[]}".getBytes(UTF_8)));
    }

    private Reply zipped(String coding, byte[] body) {
        return caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri(TABLES + "/orders"))
                .header("Authorization", "Bearer " + caller.mesh.seller)
                .header("Content-Encoding", coding)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    // --- HTTP details

    @Test
    void trap29_answersWithoutABodyHaveNoneAndTagsAreCompared() {
        caller.create("orders");
        String tag = caller.get(TABLES + "/orders").header("ETag");
        assertThat(tag).matches("(W/)?\"[^\"]+\"");
        for (Reply reply : List.of(caller.head(TABLES + "/orders"), caller.head(CRM))) {
            assertThat(reply.status()).isEqualTo(204);
            assertBare(reply);
        }
        for (String path :
                List.of(TABLES + "/none", NAMESPACES + "/none", VIEWS + "/none", "/iceberg/v1/none/namespaces/x")) {
            Reply reply = caller.head(path);
            assertThat(reply.status()).as(path).isEqualTo(404);
            assertThat(reply.response().body()).isEmpty();
        }
        String opaque = tag.replace("W/", "");
        for (String tags : List.of(tag, opaque, "W/" + opaque, "\"a\", " + tag + ", \"b\"", "*")) {
            Reply reply = caller.with("GET", TABLES + "/orders", "", "If-None-Match", tags);
            assertThat(reply.status()).as(tags).isEqualTo(304);
            assertBare(reply);
            assertThat(reply.header("ETag")).isEqualTo(tag);
        }
        for (String tags : List.of("\"a\"", "W/\"a\", \"b\"", opaque.replace("\"", ""))) {
            assertThat(caller.with("GET", TABLES + "/orders", "", "If-None-Match", tags)
                            .status())
                    .as(tags)
                    .isEqualTo(200);
        }
        assertThat(caller.with("GET", TABLES + "/none", "", "If-None-Match", "*")
                        .status())
                .isEqualTo(404);
    }

    private static void assertBare(Reply reply) {
        assertThat(reply.response().body()).isEmpty();
        assertThat(reply.header("Content-Type")).isEmpty();
    }

    @Test
    void trap30_aTagIsOfOneModeOneCallerAndOneTable() {
        caller.create("orders");
        caller.append("orders", 1, 2);
        String all = caller.get(TABLES + "/orders").header("ETag");
        String refs = caller.get(TABLES + "/orders?snapshots=refs").header("ETag");
        assertThat(all).isNotEqualTo(refs);
        assertThat(caller.with("GET", TABLES + "/orders?snapshots=refs", "", "If-None-Match", all)
                        .status())
                .isEqualTo(200);
        Reply stranger = caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri(TABLES + "/orders"))
                .header("Authorization", "Bearer " + caller.mesh.stranger)
                .header("If-None-Match", all + ", *"));
        refused(stranger, 404, "NoSuchTableException");
        String file =
                caller.get(TABLES + "/orders").json().path("metadata-location").asText();
        ok(caller.delete(TABLES + "/orders"));
        ok(caller.post(CRM + "/register", "{\"name\":\"orders\",\"metadata-location\":\"%s\"}".formatted(file)));
        assertThat(caller.get(TABLES + "/orders")
                        .json()
                        .path("metadata-location")
                        .asText())
                .isEqualTo(file);
    }

    @Test
    void trap31_whoMayMakeATableHearsThatItIsMissingAndNotThatItIsForbidden() {
        caller.create("orders");
        refused(caller.get(TABLES + "/none"), 404, "NoSuchTableException");
        refused(caller.get(VIEWS + "/none"), 404, "NoSuchViewException");
        assertThat(caller.head(TABLES + "/none").status()).isEqualTo(404);
        refused(caller.get(NAMESPACES + "/none"), 404, "NoSuchNamespaceException");
        refused(caller.mesh.send("GET", TABLES + "/none", caller.mesh.analyst, ""), 404, "NoSuchTableException");
        refused(caller.mesh.send("GET", TABLES + "/orders", caller.mesh.stranger, ""), 404, "NoSuchTableException");
        refused(
                caller.mesh.send(
                        "POST", TABLES + "/orders", caller.mesh.analyst, commitBody("", setProperty("k", "v"))),
                403,
                "ForbiddenException");
    }

    @Test
    void trap33_namespacePropertiesAreChangedAsTheSpecificationSays() {
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"a\"],\"properties\":{\"k\":\"v\"}}"));
        JsonNode changed = ok(caller.post(NAMESPACES + "/a/properties", "{\"removals\":[\"none\"]}"))
                .json();
        assertThat(changed.toString()).isEqualTo("{\"updated\":[],\"removed\":[],\"missing\":[\"none\"]}");
        assertThat(ok(caller.post(NAMESPACES + "/a/properties", "{\"removals\":null,\"updates\":null}"))
                        .json()
                        .toString())
                .isEqualTo("{\"updated\":[],\"removed\":[],\"missing\":[]}");
        refused(
                caller.post(NAMESPACES + "/a/properties", "{\"removals\":[\"k\"],\"updates\":{\"k\":\"w\"}}"),
                422,
                "UnprocessableEntityException");
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"a\",\"b\"]}"));
        assertThat(caller.get(NAMESPACES + "?parent=a")
                        .json()
                        .path("namespaces")
                        .toString())
                .isEqualTo("[[\"a\",\"b\"]]");
        assertThat(caller.get(NAMESPACES + "?parent=").json())
                .isEqualTo(caller.get(NAMESPACES).json());
        refused(caller.get(NAMESPACES + "?parent=none"), 404, "NoSuchNamespaceException");
    }

    @Test
    void trap33_aNamespaceHoldsSoManyPropertiesAndNoMore() {
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"a\"]}"));
        for (int i = 0; i < 10; i++) {
            ok(caller.post(NAMESPACES + "/a/properties", "{\"updates\":" + properties(i * 100, 100, "v") + "}"));
        }
        refused(
                caller.post(NAMESPACES + "/a/properties", "{\"updates\":{\"more\":\"v\"}}"),
                400,
                "BadRequestException");
        ok(caller.post(NAMESPACES + "/a/properties", "{\"updates\":{\"more\":\"v\"},\"removals\":[\"p0\"]}"));
        String long1 = "v".repeat(60_000);
        int taken = 0;
        while (caller.post(NAMESPACES + "/a/properties", "{\"updates\":{\"p%d\":\"%s\"}}".formatted(taken + 1, long1))
                        .status()
                == 200) {
            taken++;
        }
        assertThat(taken).isBetween(10, 17);
    }

    private static String properties(int from, int count, String value) {
        List<String> all = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            all.add("\"p%d\":\"%s\"".formatted(i, value));
        }
        return "{" + String.join(",", all) + "}";
    }

    @Test
    void trap34_aListGoesOnWhileItChangesAndTakesNoForeignToken() {
        for (int i = 0; i < 6; i++) {
            caller.create("t" + i);
            ok(caller.post(VIEWS, view("v" + i, "")));
            ok(caller.post(NAMESPACES, "{\"namespace\":[\"n%d\"]}".formatted(i)));
        }
        for (String list : List.of(TABLES, VIEWS, NAMESPACES)) {
            JsonNode first = ok(caller.get(list + "?pageSize=2")).json();
            String token = first.path("next-page-token").asText();
            assertThat(first.toString()).contains("next-page-token");
            for (String bad : List.of(
                    "pageToken=garbage",
                    "pageToken=" + token + "x",
                    "pageToken=" + token.substring(1),
                    "pageToken=" + "A".repeat(9_000),
                    "pageToken=%ff",
                    "pageToken=" + token + "&pageToken=",
                    "pageSize=0",
                    "pageSize=-1",
                    "pageSize=1.5",
                    "pageSize=",
                    "pageSize=ten")) {
                refused(caller.get(list + "?" + bad), 400, "BadRequestException");
            }
            for (String other : List.of(TABLES, VIEWS, NAMESPACES, NAMESPACES + "?parent=crm")) {
                if (!other.equals(list)) {
                    refused(
                            caller.get(other + (other.contains("?") ? "&" : "?") + "pageToken=" + token),
                            400,
                            "BadRequestException");
                }
            }
            for (String huge : List.of("99999", "2147483648", "99999999999999999999")) {
                assertThat(ok(caller.get(list + "?pageSize=" + huge)).json().has("next-page-token"))
                        .as(huge)
                        .isFalse();
            }
        }
        // What comes and goes between two pages neither repeats nor hides the rest.
        String token = caller.get(TABLES + "?pageSize=3&pageToken=")
                .json()
                .path("next-page-token")
                .asText();
        ok(caller.delete(TABLES + "/t2"));
        caller.create("a0");
        caller.create("t9");
        Set<String> rest = new HashSet<>(caller.get(TABLES + "?pageToken=" + token)
                .json()
                .path("identifiers")
                .findValuesAsText("name"));
        assertThat(rest).containsExactlyInAnyOrder("t3", "t4", "t5", "t9");
    }

    @Test
    void trap35_aKeyComesOnceAndCompleteAndCanBeRenewed() {
        JsonNode made =
                ok(caller.delegated("POST", TABLES, createBody("orders", ""))).json();
        String file = made.path("metadata-location").asText();
        JsonNode loaded = ok(caller.delegated("GET", TABLES + "/orders", "")).json();
        JsonNode renewed = ok(caller.get(TABLES + "/orders/credentials")).json();
        ok(caller.delete(TABLES + "/orders"));
        JsonNode registered = ok(caller.delegated(
                        "POST",
                        CRM + "/register",
                        "{\"name\":\"orders\",\"metadata-location\":\"%s\"}".formatted(file)))
                .json();
        JsonNode staged = ok(caller.delegated("POST", TABLES, createBody("s", ",\"stage-create\":true")))
                .json();
        for (JsonNode answer : List.of(made, loaded, renewed, registered, staged)) {
            assertThat(answer.path("storage-credentials")).as("%s", answer).hasSize(1);
            JsonNode credential = answer.path("storage-credentials").get(0);
            assertThat(credential.path("prefix").asText()).startsWith("s3").endsWith("/");
            assertKey(credential.path("config"));
        }
        for (JsonNode answer : List.of(made, loaded, registered)) {
            assertKey(answer.path("config"));
            assertThat(answer.path("config")
                            .path("client.refresh-credentials-endpoint")
                            .asText())
                    .isEqualTo("v1/sales/namespaces/crm/tables/orders/credentials");
        }
    }

    private static void assertKey(JsonNode config) {
        for (String key : List.of(
                "s3.access-key-id", "s3.secret-access-key", "s3.session-token", "s3.session-token-expires-at-ms")) {
            assertThat(config.path(key).asText()).as(key).isNotEmpty();
        }
    }

    @Test
    void trap36_anEngineIsToldWhereTheStoreIs() {
        caller.create("orders");
        for (JsonNode config : List.of(
                caller.get(TABLES + "/orders").json().path("config"),
                caller.delegated("GET", TABLES + "/orders", "").json().path("config"),
                caller.delegated("POST", TABLES, createBody("s", ",\"stage-create\":true"))
                        .json()
                        .path("config"))) {
            assertThat(config.path("s3.endpoint").asText()).isEqualTo("http://127.0.0.1:9000");
            assertThat(config.path("s3.path-style-access").asText()).isEqualTo("true");
            assertThat(config.path("client.region").asText()).isEqualTo("us-east-1");
        }
    }

    @Test
    void trap38_tokensAreAskedForAndRefusedAsOauthSays() {
        Reply token = token("grant_type=client_credentials&client_id=admin&client_secret=admin-secret&scope=catalog");
        assertThat(ok(token).json().path("expires_in").asInt()).isPositive();
        assertThat(token.json().path("token_type").asText()).isEqualToIgnoringCase("bearer");
        Reply wrong = token("grant_type=client_credentials&client_id=admin&client_secret=no&scope=catalog");
        assertThat(wrong.status()).isEqualTo(401);
        assertThat(wrong.json().path("error").asText()).isEqualTo("invalid_client");
    }

    private Reply token(String form) {
        return caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri("/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form)));
    }

    @Test
    void trap39_anyReportIsWelcome() {
        caller.create("orders");
        for (String report : List.of(
                "{}",
                "{\"report-type\":\"scan-report\",\"snapshot-id\":9223372036854775807,\"odd\":[{}]}",
                "{\"report-type\":\"what-comes-next\",\"snapshot-id\":\"x\"}",
                "{\"report-type\":null,\"x\":1e999999}",
                "{\"report-type\":\"" + "x".repeat(500_000) + "\"}",
                "{\"report-type\":\"\\u0000\"}")) {
            Reply reply = ok(caller.post(TABLES + "/orders/metrics", report));
            assertThat(reply.status()).isEqualTo(204);
        }
        assertThat(caller.post(TABLES + "/none/metrics", "{}").status()).isEqualTo(204);
    }

    @Test
    void trap40_whatIsNotServedSaysSoAndWhatIsAdvertisedIsServed() {
        for (String path : List.of(
                "/",
                "/nowhere",
                "/iceberg",
                "/iceberg/v1/sales",
                TABLES + "/a/b/c",
                "/iceberg/v2/config",
                "//",
                "/iceberg/v1/sales/namespaces/")) {
            Reply reply = caller.get(path);
            assertThat(reply.status()).as("%s -> %s", path, reply).isIn(200, 404);
            if (reply.status() == 404) {
                assertThat(reply.errorType()).as(path).isNotEmpty();
            }
        }
        for (String method : List.of("PUT", "PATCH", "OPTIONS", "PROPFIND")) {
            Reply reply = caller.mesh.send(method, TABLES, caller.mesh.seller, "");
            refused(reply, 405, "MethodNotAllowedException");
            assertThat(reply.header("Allow")).contains("GET", "POST");
        }
        JsonNode endpoints =
                caller.get("/iceberg/v1/config?warehouse=sales").json().path("endpoints");
        assertThat(endpoints).hasSizeGreaterThan(20);
        for (String endpoint : texts(endpoints)) {
            assertThatCode(() -> Endpoint.fromString(endpoint)).as(endpoint).doesNotThrowAnyException();
            String[] parts = endpoint.split(" ");
            Reply reply = caller.mesh.send(
                    parts[0],
                    "/iceberg"
                            + parts[1].replace("{prefix}", "sales")
                                    .replace("{namespace}", "none")
                                    .replaceAll("\\{[^}]*}", "none"),
                    caller.mesh.seller,
                    parts[0].equals("POST") ? "{}" : "");
            assertThat(reply.status())
                    .as("%s -> %s", endpoint, reply)
                    .isNotEqualTo(405)
                    .isLessThan(500);
            if (!parts[0].equals("HEAD") && reply.status() >= 400) {
                assertThat(reply.errorType()).as(endpoint).isNotEqualTo("NotFoundException");
            }
        }
    }

    @Test
    void trap40a_whatPyIcebergSendsAndWants() {
        caller.create("orders");
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"a b\"]}"));
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"a b\",\"c\"]}"));
        assertThat(ok(caller.get(NAMESPACES + "?parent=a%2520b")).json().path("namespaces"))
                .hasSize(1);
        JsonNode changed = ok(caller.post(
                        NAMESPACES + "/a+b/properties", "{\"removals\":[],\"updates\":{\"k\":\"v\"}}"))
                .json();
        for (String field : List.of("missing", "updated", "removed")) {
            assertThat(changed.path(field).isArray()).as(field).isTrue();
        }
        ok(caller.delete(TABLES + "/orders?purgeRequested=False"));
        assertThat(caller.head(TABLES + "/orders").status()).isEqualTo(404);
    }

    @Test
    void trap41_aViewKeepsItsVersionsAndCanBeRegisteredAfterItWasDropped() {
        JsonNode made = ok(caller.post(VIEWS, view("v", ""))).json();
        String uuid = made.path("metadata").path("view-uuid").asText();
        for (int version = 2; version <= 3; version++) {
            ok(caller.post(
                    VIEWS + "/v",
                    commitBody(
                            "{\"type\":\"assert-view-uuid\",\"uuid\":\"%s\"}".formatted(uuid),
                            """
                    {"action":"add-view-version","view-version":{"version-id":%1$d,"schema-id":0,"timestamp-ms":%1$d,
                    "summary":{},"default-namespace":["crm"],
                    "representations":[{"type":"sql","dialect":"trino","sql":"SELECT %1$d AS email"}]}}""".formatted(version),
                            "{\"action\":\"set-current-view-version\",\"view-version-id\":-1}")));
        }
        JsonNode now = caller.get(VIEWS + "/v").json();
        assertThat(now.path("metadata").path("versions")).hasSize(3);
        assertThat(now.path("metadata").path("version-log")).hasSize(3);
        ok(caller.delete(VIEWS + "/v"));
        ok(caller.post(
                CRM + "/register-view",
                "{\"name\":\"again\",\"metadata-location\":%s}".formatted(now.path("metadata-location"))));
        assertThat(caller.get(VIEWS + "/again").json().path("metadata").path("versions"))
                .hasSize(3);
    }

    @Test
    void trap42_noPropertyAndNoFileLeadsOutOfTheTablesFolder() {
        String location = caller.create("orders").path("location").asText();
        ok(caller.post("/iceberg/v1/sales/namespaces", "{\"namespace\":[\"hr\"]}"));
        for (String out : List.of(
                "s3://other/x",
                "s3://bucket-sales",
                "s3://bucket-sales/hr/x",
                location + "2/x",
                location + "/../x",
                "file:///etc",
                "gs://bucket-sales/x")) {
            for (String property : List.of("write.data.path", "write.metadata.path", "write.object-storage.path")) {
                refused(caller.commit("orders", "", setProperty(property, out)), 400, "BadRequestException");
                refused(
                        caller.post(
                                TABLES, createBody("t", ",\"properties\":{\"%s\":\"%s\"}".formatted(property, out))),
                        400,
                        "BadRequestException");
            }
            refused(
                    caller.commit(
                            "orders",
                            "",
                            addSnapshot(out + "/snap.avro", 1, 1, "\"operation\":\"append\""),
                            setMain(1)),
                    400,
                    "BadRequestException");
            refused(
                    caller.commit("orders", "", addSnapshot(out + "/snap.avro", 1, 1, "\"operation\":\"append\"")),
                    400,
                    "BadRequestException");
        }
        caller.append("orders", 1, 1);
        for (String out : List.of("s3://other/x.puffin", "s3://bucket-sales/hr/x.puffin", location + "2/x.puffin")) {
            refused(caller.commit("orders", "", """
                            {"action":"set-statistics","snapshot-id":1,"statistics":{"snapshot-id":1,"statistics-path":"%s",
                            "file-size-in-bytes":1,"file-footer-size-in-bytes":1,"blob-metadata":[]}}""".formatted(out)), 400, "BadRequestException");
            refused(caller.commit("orders", "", """
                            {"action":"set-partition-statistics","partition-statistics":{"snapshot-id":1,
                            "statistics-path":"%s","file-size-in-bytes":1}}""".formatted(out)), 400, "BadRequestException");
        }
        assertThat(caller.get(TABLES + "/orders").json().path("metadata").path("snapshots"))
                .hasSize(1);
    }

    @Test
    void trap42_aTableDoesNotMoveAwayFromWhatItsBranchesNeed() {
        String location = caller.create("orders").path("location").asText();
        ok(caller.commit("orders", "", "{\"action\":\"set-location\",\"location\":\"%s/a\"}".formatted(location)));
        caller.append("orders", 1, 2);
        String move = "{\"action\":\"set-location\",\"location\":\"%s/a/b\"}".formatted(location);
        refused(caller.commit("orders", "", move), 400, "BadRequestException");
        // A table that is replaced moves with all that is read of it.
        ok(caller.commit(
                "orders",
                "",
                move,
                "{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"main\"}",
                addSnapshot(location + "/a/b", 9, 9),
                setMain(9)));
    }

    @Test
    void trap42_aRegisteredTableHasItsFilesInItsFolder() {
        caller.create("orders");
        caller.append("orders", 1, 1);
        JsonNode loaded = caller.get(TABLES + "/orders").json();
        String file = loaded.path("metadata-location").asText();
        String content = loaded.path("metadata").toString();
        String list = loaded.path("metadata")
                .path("snapshots")
                .get(0)
                .path("manifest-list")
                .asText();
        ok(caller.delete(TABLES + "/orders"));
        io.icefield.storage.Location at = io.icefield.storage.Location.parse(file);
        caller.mesh.mesh.overwrite(at, content.replace(list, "s3://bucket-sales/hr/secret/snap.avro"));
        String body = "{\"name\":\"again\",\"metadata-location\":\"%s\"}".formatted(file);
        refused(caller.post(CRM + "/register", body), 400, "BadRequestException");
        caller.mesh.mesh.overwrite(at, content);
        ok(caller.post(CRM + "/register", body));
    }

    @Test
    void trap43_aNullIsNoProperty() {
        refused(
                caller.post(NAMESPACES, "{\"namespace\":[\"n\"],\"properties\":{\"k\":null}}"),
                400,
                "BadRequestException");
        ok(caller.post(NAMESPACES, "{\"namespace\":[\"n\"]}"));
        refused(caller.post(NAMESPACES + "/n/properties", "{\"updates\":{\"k\":null}}"), 400, "BadRequestException");
        refused(caller.post(TABLES, createBody("t", ",\"properties\":{\"k\":null}")), 400, "BadRequestException");
        caller.create("orders");
        refused(
                caller.commit("orders", "", "{\"action\":\"set-properties\",\"updates\":{\"k\":null}}"),
                400,
                "BadRequestException");
        ok(caller.get(NAMESPACES + "/n"));
        ok(caller.get(TABLES + "/orders"));
    }

    // 44 is `ServerErrorsTest`.

    // --- A published table whose file cannot be read

    @Test
    void aCommitToATableWhoseFileIsDamagedIsNeverTakenForARefusal() {
        caller.create("orders");
        for (String damage : List.of("", "{", "{\"format-version\":99}")) {
            caller.mesh.mesh.damage(damage);
            Reply reply = caller.commit("orders", "", setProperty("k", "v"));
            assertThat(reply.status()).as("%s -> %s", damage, reply).isEqualTo(503);
        }
    }
}
