package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The catalog's views as clients use them, and as nobody should.
class ViewRoutesTest {
    private static final String CRM = "/iceberg/v1/sales/namespaces/crm";
    private static final String VIEWS = CRM + "/views";
    private static final String TABLES = CRM + "/tables";

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    /// @param more further fields, each with a comma before it
    static String createBody(String name, String more) {
        return """
                {"name":"%s","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"email","required":false,"type":"string"}]},
                "view-version":{"version-id":1,"schema-id":0,"timestamp-ms":1,"summary":{},"default-namespace":["crm"],
                "representations":[{"type":"sql","dialect":"trino","sql":"SELECT email FROM people"}]}%s}""".formatted(name, more);
    }

    private static String replaceBody(String uuid, String sql) {
        return """
                {"requirements":[{"type":"assert-view-uuid","uuid":"%s"}],"updates":[
                {"action":"add-view-version","view-version":{"version-id":2,"schema-id":0,"timestamp-ms":2,"summary":{},
                "default-namespace":["crm"],"representations":[{"type":"sql","dialect":"trino","sql":"%s"}]}},
                {"action":"set-current-view-version","view-version-id":-1}]}""".formatted(uuid, sql);
    }

    private Reply create(String name, String more) {
        return mesh.send("POST", VIEWS, mesh.seller, createBody(name, more));
    }

    private Reply created(String name) {
        Reply reply = create(name, "");
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply;
    }

    private static void assertRefused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.errorType()).as("%s", reply).isEqualTo(type);
    }

    private static List<String> names(Reply list) {
        return list.json().path("identifiers").findValuesAsText("name");
    }

    /// `referenced-by` says through which view a table is read: it gives nothing, and is no way to ask for views.
    @Test
    void aTableIsReadThroughAViewByWhoeverMayReadBoth() {
        created("v");
        mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("people", ""));
        String through = TABLES + "/people?referenced-by=crm%1Fv";
        assertThat(mesh.send("GET", through, mesh.seller, "").status()).isEqualTo(200);
        assertRefused(mesh.send("GET", through, mesh.stranger, ""), 404, "NoSuchViewException");
        mesh.grant(grantOn("people"));
        assertRefused(mesh.send("GET", through, mesh.stranger, ""), 404, "NoSuchViewException");
        assertThat(mesh.send("GET", TABLES + "/people", mesh.stranger, "").status())
                .isEqualTo(200);
        mesh.revoke(grantOn("people"));
        mesh.grant(grantOn("v"));
        assertRefused(mesh.send("GET", through, mesh.stranger, ""), 404, "NoSuchTableException");
        mesh.grant(grantOn("people"));
        assertThat(mesh.send("GET", through, mesh.stranger, "").json())
                .isEqualTo(
                        mesh.send("GET", TABLES + "/people", mesh.stranger, "").json());
    }

    private static Grant grantOn(String name) {
        return new Grant(
                Grantee.parse("group:nobodies"),
                Role.READER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.of(name));
    }

    @Test
    void aViewIsCreatedLoadedReplacedRenamedAndDropped() {
        JsonNode made = created("good").json();
        assertThat(made.path("metadata-location").asText())
                .matches("s3://bucket-sales/crm/good-[0-9a-f]{32}/metadata/00000-.*\\.gz\\.metadata\\.json");
        assertThat(mesh.send("HEAD", VIEWS + "/good", mesh.analyst, "").status())
                .isEqualTo(204);
        assertThat(mesh.send("GET", VIEWS + "/good", mesh.analyst, "").json()).isEqualTo(made);
        assertThat(names(mesh.send("GET", VIEWS, mesh.analyst, ""))).containsExactly("good");
        assertThat(names(mesh.send("GET", TABLES, mesh.analyst, ""))).isEmpty();

        String uuid = made.path("metadata").path("view-uuid").asText();
        Reply replaced = mesh.send("POST", VIEWS + "/good", mesh.seller, replaceBody(uuid, "SELECT 2"));
        assertThat(replaced.status()).as("%s", replaced).isEqualTo(200);
        assertThat(replaced.json().path("metadata-location")).isNotEqualTo(made.path("metadata-location"));
        assertThat(replaced.json().path("metadata").path("versions")).hasSize(2);

        Reply renamed = mesh.send("POST", "/iceberg/v1/sales/views/rename", mesh.seller, """
                {"source":{"namespace":["crm"],"name":"good"},"destination":{"namespace":["crm"],"name":"better"}}""");
        assertThat(renamed.status()).as("%s", renamed).isEqualTo(204);
        assertRefused(mesh.send("GET", VIEWS + "/good", mesh.analyst, ""), 404, "NoSuchViewException");
        assertThat(mesh.send("GET", VIEWS + "/better", mesh.analyst, "").json()).isEqualTo(replaced.json());

        assertRefused(mesh.send("DELETE", CRM, mesh.seller, ""), 409, "NamespaceNotEmptyException");
        assertThat(mesh.send("DELETE", VIEWS + "/better", mesh.seller, "").status())
                .isEqualTo(204);
        assertRefused(mesh.send("DELETE", VIEWS + "/better", mesh.seller, ""), 404, "NoSuchViewException");
        assertThat(mesh.send("HEAD", VIEWS + "/better", mesh.analyst, "").status())
                .isEqualTo(404);

        Reply registered = mesh.send(
                "POST",
                CRM + "/register-view",
                mesh.seller,
                "{\"name\":\"again\",\"metadata-location\":%s}"
                        .formatted(replaced.json().path("metadata-location")));
        assertThat(registered.status()).as("%s", registered).isEqualTo(200);
        assertThat(registered.json()).isEqualTo(replaced.json());
        assertThat(mesh.send("GET", VIEWS + "/again", mesh.analyst, "").json()).isEqualTo(replaced.json());
    }

    @Test
    void tablesAndViewsShareTheirNamesAndNothingElse() {
        created("v");
        mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("t", ""));

        assertRefused(create("v", ""), 409, "AlreadyExistsException");
        assertRefused(create("t", ""), 409, "AlreadyExistsException");
        for (String staged : List.of("", ",\"stage-create\":true")) {
            assertRefused(
                    mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("v", staged)),
                    409,
                    "AlreadyExistsException");
        }
        for (String path : List.of("views", "tables")) {
            String other = path.equals("views") ? "v" : "t";
            String one = path.equals("views") ? "t" : "v";
            assertRefused(
                    mesh.send("POST", "/iceberg/v1/sales/" + path + "/rename", mesh.seller, """
                            {"source":{"namespace":["crm"],"name":"%s"},"destination":{"namespace":["crm"],"name":"%s"}}""".formatted(other, one)),
                    409,
                    "AlreadyExistsException");
        }
        assertRefused(mesh.send("GET", VIEWS + "/t", mesh.analyst, ""), 404, "NoSuchViewException");
        assertRefused(mesh.send("POST", VIEWS + "/t", mesh.seller, "{\"updates\":[]}"), 404, "NoSuchViewException");
        assertRefused(mesh.send("DELETE", VIEWS + "/t", mesh.seller, ""), 404, "NoSuchViewException");
        assertRefused(mesh.send("GET", TABLES + "/v", mesh.analyst, ""), 404, "NoSuchTableException");
        assertRefused(mesh.send("GET", TABLES + "/v/credentials", mesh.analyst, ""), 404, "NoSuchTableException");
        assertRefused(mesh.send("DELETE", TABLES + "/v", mesh.seller, ""), 404, "NoSuchTableException");
    }

    @Test
    void whoMayDoWhatIsAskedAsOfTables() {
        String uuid = created("v").json().path("metadata").path("view-uuid").asText();
        String rename =
                "{\"source\":{\"namespace\":[\"crm\"],\"name\":\"v\"},\"destination\":{\"namespace\":[\"crm\"],\"name\":\"w\"}}";

        assertRefused(mesh.send("POST", VIEWS, mesh.analyst, createBody("mine", "")), 403, "ForbiddenException");
        assertRefused(
                mesh.send("POST", VIEWS + "/v", mesh.analyst, replaceBody(uuid, "SELECT 2")),
                403,
                "ForbiddenException");
        assertRefused(mesh.send("DELETE", VIEWS + "/v", mesh.analyst, ""), 403, "ForbiddenException");
        assertRefused(
                mesh.send("POST", "/iceberg/v1/sales/views/rename", mesh.analyst, rename), 403, "ForbiddenException");
        assertRefused(
                mesh.send(
                        "POST",
                        CRM + "/register-view",
                        mesh.analyst,
                        "{\"name\":\"x\",\"metadata-location\":\"s3://bucket-sales/x\"}"),
                403,
                "ForbiddenException");

        assertRefused(mesh.send("GET", VIEWS, mesh.stranger, ""), 404, "NoSuchNamespaceException");
        assertRefused(mesh.send("GET", VIEWS + "/v", mesh.stranger, ""), 404, "NoSuchViewException");
        assertRefused(
                mesh.send("POST", VIEWS + "/v", mesh.stranger, replaceBody(uuid, "SELECT 2")),
                404,
                "NoSuchViewException");
        assertRefused(mesh.send("DELETE", VIEWS + "/v", mesh.stranger, ""), 404, "NoSuchViewException");

        mesh.grant(new Grant(
                Grantee.parse("group:nobodies"),
                Role.READER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.of("v")));
        created("hidden");
        assertThat(mesh.send("GET", VIEWS + "/v", mesh.stranger, "").status()).isEqualTo(200);
        assertThat(names(mesh.send("GET", VIEWS, mesh.stranger, ""))).containsExactly("v");
    }

    @Test
    void noAnswerNamesSomebodyAsWhomAViewRuns() {
        Reply made = create("v", ",\"properties\":{\"trino.run-as-owner\":\"admin\",\"k\":\"v\"}");
        assertThat(made.json().path("metadata").path("properties").toString()).isEqualTo("{\"k\":\"v\"}");
        Reply set = mesh.send("POST", VIEWS + "/v", mesh.seller, """
                {"updates":[{"action":"set-properties","updates":{"trino.run-as-owner":"admin","k":"w"}}]}""");
        assertThat(set.json().path("metadata").path("properties").toString()).isEqualTo("{\"k\":\"w\"}");

        Domain domain = mesh.mesh
                .domainStore
                .find(Set.of(), new DomainName("sales"))
                .orElseThrow()
                .domain();
        String foreign = made.json()
                .path("metadata")
                .toString()
                .replace("\"k\":\"v\"", "\"trino.run-as-owner\":\"admin\",\"k\":\"v\"")
                .replaceAll("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", "12345678-1234-1234")
                .replaceAll("/crm/v-[0-9a-f]+", "/crm/foreign");
        Location file = new Location("bucket-sales", "crm/foreign/metadata/00003-a.metadata.json");
        mesh.mesh.storage.write(domain.storage(), file, foreign.getBytes(UTF_8));
        Reply registered = mesh.send(
                "POST",
                CRM + "/register-view",
                mesh.seller,
                "{\"name\":\"foreign\",\"metadata-location\":\"%s\"}".formatted(file));
        assertThat(registered.status()).as("%s", registered).isEqualTo(200);
        for (Reply reply : List.of(registered, mesh.send("GET", VIEWS + "/foreign", mesh.engine, ""))) {
            assertThat(reply.json().path("metadata-location").asText()).isEqualTo(file.toString());
            assertThat(reply.json().path("metadata").path("properties").toString())
                    .isEqualTo("{\"k\":\"v\"}");
        }
    }

    @Test
    void theEnginesQuestionsAboutAViewAreAnsweredByTheSameGrants() {
        created("v");
        mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("people", ""));

        for (String operation :
                List.of("SelectFromColumns", "FilterTables", "ShowColumns", "FilterColumns", "ShowCreateTable")) {
            assertThat(allowed("analysts", operation, "v")).as(operation).isTrue();
            assertThat(allowed("nobodies", operation, "v")).as(operation).isFalse();
        }
        for (String operation : List.of("DropView", "SetViewComment", "SetColumnComment")) {
            assertThat(allowed("sellers", operation, "v")).as(operation).isTrue();
            assertThat(allowed("analysts", operation, "v")).as(operation).isFalse();
        }
        assertThat(allowed("sellers", "CreateView", "new")).isTrue();
        assertThat(allowed("analysts", "CreateView", "new")).isFalse();
        for (String operation :
                List.of("DropTable", "InsertIntoTable", "SetTableProperties", "ExecuteTableProcedure")) {
            assertThat(allowed("sellers", operation, "v")).as(operation).isFalse();
            assertThat(allowed("sellers", operation, "people")).as(operation).isTrue();
        }
        assertThat(allowed("sellers", "DropView", "people")).isFalse();
        // Nobody's rights are lent to others, not even an owner's own.
        for (String operation : List.of("CreateViewWithSelectFromColumns", "SetViewAuthorization", "RefreshView")) {
            assertThat(allowed("sellers", operation, "v")).as(operation).isFalse();
            assertThat(allowed("sellers", operation, "people")).as(operation).isFalse();
        }
        String rename =
                "{\"operation\":\"RenameView\",\"resource\":{\"table\":{%s}},\"targetResource\":{\"table\":{%s}}}"
                        .formatted(named("v"), named("w"));
        assertThat(ask("allow", "sellers", rename).text()).isEqualTo("{\"result\":true}");
        assertThat(ask("allow", "analysts", rename).text()).isEqualTo("{\"result\":false}");
    }

    @Test
    void aViewHasNoMasksOfItsOwnAndItsTablesKeepTheirs() {
        created("v");
        mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody("people", ""));

        assertThat(masks("v")).isEqualTo("{\"result\":[]}");
        assertThat(masks("people")).contains("MASK_ALPHANUM");
        String filters = "{\"operation\":\"GetRowFilters\",\"resource\":{\"table\":{%s}}}";
        assertThat(ask("row-filters", "analysts", filters.formatted(named("v"))).text())
                .isEqualTo("{\"result\":[]}");
        assertThat(ask("row-filters", "analysts", filters.formatted(named("people")))
                        .text())
                .contains("region");
    }

    private String masks(String table) {
        return ask("column-masks", "analysts", """
                        {"operation":"GetColumnMask","filterResources":[{"column":{%s,"columnName":"email","columnType":"varchar"}}]}""".formatted(named(table))).text();
    }

    private static String named(String table) {
        return "\"catalogName\":\"sales\",\"schemaName\":\"crm\",\"tableName\":\"%s\"".formatted(table);
    }

    private boolean allowed(String group, String operation, String table) {
        String action = "{\"operation\":\"%s\",\"resource\":{\"table\":{%s,\"columns\":[]}}}"
                .formatted(operation, named(table));
        return ask("allow", group, action).json().path("result").asBoolean();
    }

    private Reply ask(String path, String group, String action) {
        return mesh.send(
                "POST",
                "/opa/v1/" + path,
                mesh.engine,
                "{\"input\":{\"context\":{\"identity\":{\"user\":\"someone\",\"groups\":[\"%s\"]}},\"action\":%s}}"
                        .formatted(group, action));
    }

    @Test
    void concurrentReplacesAreAllThere() throws Exception {
        String uuid = created("v").json().path("metadata").path("view-uuid").asText();
        mesh.send(
                "POST",
                VIEWS + "/v",
                mesh.seller,
                "{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"version.history.num-entries\":\"100\"}}]}");
        List<Callable<Reply>> race = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String sql = "SELECT " + (100 + i);
            race.add(() -> mesh.send("POST", VIEWS + "/v", mesh.seller, replaceBody(uuid, sql)));
        }
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow))
                    .extracting(Reply::status)
                    .containsOnly(200);
        }
        JsonNode view = mesh.send("GET", VIEWS + "/v", mesh.analyst, "").json().path("metadata");
        assertThat(view.path("versions").findValuesAsText("sql"))
                .hasSize(9)
                .containsOnlyOnce("SELECT 100", "SELECT 101", "SELECT 102", "SELECT 103")
                .containsOnlyOnce("SELECT 104", "SELECT 105", "SELECT 106", "SELECT 107");
        assertThat(view.path("current-version-id").asInt()).isEqualTo(9);
    }

    @Test
    void policiesJudgeTheNameAndLocationsStayInTheDomain() {
        Reply broken = create("bad_view", "");
        assertRefused(broken, 403, "ForbiddenException");
        assertThat(broken.text()).contains("naming/pattern", "naming/length");
        created("v");
        assertRefused(mesh.send("POST", "/iceberg/v1/sales/views/rename", mesh.seller, """
                        {"source":{"namespace":["crm"],"name":"v"},"destination":{"namespace":["crm"],"name":"bad"}}"""), 403, "ForbiddenException");
        for (String more : List.of(
                ",\"location\":\"s3://bucket-hr/v\"",
                ",\"location\":\"s3://bucket-sales/../x\"",
                ",\"location\":\"s3://bucket-sales/\"",
                ",\"location\":\"file:///tmp/x\"",
                ",\"properties\":{\"write.metadata.path\":\"s3://bucket-hr/v\"}",
                ",\"properties\":{\"write.metadata.path\":\"s3://bucket-sales/other\"}")) {
            assertRefused(create("w", more), 400, "BadRequestException");
        }
        for (String update : List.of(
                "{\"action\":\"set-location\",\"location\":\"s3://bucket-hr/v\"}",
                "{\"action\":\"set-properties\",\"updates\":{\"write.metadata.path\":\"s3://bucket-hr/v\"}}")) {
            assertRefused(
                    mesh.send("POST", VIEWS + "/v", mesh.seller, "{\"updates\":[" + update + "]}"),
                    400,
                    "BadRequestException");
        }
        assertRefused(
                mesh.send(
                        "POST",
                        CRM + "/register-view",
                        mesh.seller,
                        "{\"name\":\"w\",\"metadata-location\":\"s3://bucket-hr/w.metadata.json\"}"),
                400,
                "BadRequestException");
    }

    @Test
    void whoWritesOneNamespaceOnlyPutsAndFindsViewsInItsFolder() {
        mesh.grant(new Grant(
                Grantee.parse("group:nobodies"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.empty()));
        String elsewhere = "s3://bucket-sales/hr/v";
        assertRefused(
                mesh.send("POST", VIEWS, mesh.stranger, createBody("v", ",\"location\":\"" + elsewhere + "\"")),
                403,
                "ForbiddenException");
        Reply made = mesh.send(
                "POST", VIEWS, mesh.stranger, createBody("v", ",\"location\":\"s3://bucket-sales/crm/mine\""));
        assertThat(made.status()).as("%s", made).isEqualTo(200);
        assertRefused(
                mesh.send("POST", VIEWS + "/v", mesh.stranger, """
                        {"updates":[{"action":"set-location","location":"%s"}]}""".formatted(elsewhere)), 403, "ForbiddenException");
        assertThat(mesh.send("GET", VIEWS + "/v", mesh.stranger, "").json()).isEqualTo(made.json());

        String theirs = create("theirs", ",\"location\":\"%s\"".formatted(elsewhere))
                .json()
                .path("metadata-location")
                .asText();
        mesh.send("DELETE", VIEWS + "/theirs", mesh.seller, "");
        assertRefused(register(mesh.stranger, "found", theirs), 403, "ForbiddenException");
        assertThat(register(mesh.seller, "found", theirs).status()).isEqualTo(200);
    }

    @Test
    void aRegisteredFileIsShownAsItWasReadThen() {
        JsonNode made = created("v").json();
        mesh.send("DELETE", VIEWS + "/v", mesh.seller, "");
        Location file = Location.parse(made.path("metadata-location").asText().replace(".gz.", "."));
        String json = made.path("metadata").toString();

        mesh.mesh.overwrite(file, json + ",\"config\":{}");
        assertRefused(register(mesh.seller, "v", file.toString()), 400, "BadRequestException");
        mesh.mesh.overwrite(file, json.replaceFirst("\\{", "{\"format-version\":1,"));
        assertRefused(register(mesh.seller, "v", file.toString()), 400, "BadRequestException");

        for (String sql : List.of("SELECT 1", "SELECT 22")) {
            mesh.mesh.overwrite(file, json.replace("SELECT email FROM people", sql));
            Reply registered = register(mesh.seller, "v", file.toString());
            assertThat(registered.status()).as("%s", registered).isEqualTo(200);
            mesh.mesh.overwrite(file, "{}");
            Reply loaded = mesh.send("GET", VIEWS + "/v", mesh.seller, "");
            assertThat(loaded.json()).isEqualTo(registered.json());
            assertThat(loaded.json().findValuesAsText("sql")).containsExactly(sql);
            mesh.send("DELETE", VIEWS + "/v", mesh.seller, "");
        }
    }

    private Reply register(String who, String name, String file) {
        return mesh.send(
                "POST",
                CRM + "/register-view",
                who,
                "{\"name\":\"%s\",\"metadata-location\":\"%s\"}".formatted(name, file));
    }

    @Test
    void badBodiesAndNamesAreRefused() {
        created("v");
        for (String body :
                List.of("", "{", "[]", "{}", "{\"name\":\"x\"}", createBody("x", ",\"properties\":{\"k\":null}"))) {
            assertRefused(mesh.send("POST", VIEWS, mesh.seller, body), 400, "BadRequestException");
        }
        for (String name : List.of("a/b", "", "a\\u0000", "..", "x".repeat(300))) {
            assertRefused(create(name, ""), 400, "BadRequestException");
        }
        assertRefused(mesh.send("POST", VIEWS + "/v", mesh.seller, "{\"updates\":7}"), 400, "BadRequestException");
        assertRefused(
                mesh.send(
                        "POST",
                        VIEWS + "/v",
                        mesh.seller,
                        replaceBody("00000000-0000-0000-0000-000000000000", "SELECT 2")),
                409,
                "CommitFailedException");
        assertRefused(mesh.send("GET", VIEWS + "/v%2Fx", mesh.analyst, ""), 404, "NoSuchViewException");
        assertRefused(
                mesh.send("POST", CRM + "/register-view", mesh.seller, "{\"name\":\"w\"}"), 400, "BadRequestException");
    }

    @Test
    void aListGoesOnWhereThePageEnded() {
        for (String name : List.of("a", "b", "c")) {
            created(name);
        }
        Reply first = mesh.send("GET", VIEWS + "?pageSize=2", mesh.analyst, "");
        assertThat(names(first)).containsExactly("a", "b");
        String token = first.json().path("next-page-token").asText();
        Reply second = mesh.send("GET", VIEWS + "?pageSize=2&pageToken=" + token, mesh.analyst, "");
        assertThat(names(second)).containsExactly("c");
        assertThat(second.json().has("next-page-token")).isFalse();
        assertRefused(mesh.send("GET", TABLES + "?pageToken=" + token, mesh.analyst, ""), 400, "BadRequestException");
    }
}
