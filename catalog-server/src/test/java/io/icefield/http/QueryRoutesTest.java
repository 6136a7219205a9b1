package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.RunningServer.Reply;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The questions of Trino's OPA plugin, byte for byte as it asks them.
class QueryRoutesTest {
    private static final String TABLE = "\"catalogName\":\"sales\",\"schemaName\":\"crm\",\"tableName\":\"people\"";

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
        mesh.send(
                "POST",
                "/iceberg/v1/sales/namespaces/crm/tables",
                mesh.seller,
                IcebergRoutesTest.createBody("people", ""));
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private Reply ask(String path, String user, String group, String action) {
        return mesh.send("POST", "/opa/v1/" + path, mesh.engine, """
                {"input":{"context":{"identity":{"user":"%s","groups":["%s"]},
                "softwareStack":{"trinoVersion":"483"}},"action":%s}}""".formatted(user, group, action));
    }

    private String allow(String group, String action) {
        return ask("allow", "someone", group, action).text();
    }

    @Test
    void decisionsFollowTheGrants() {
        String select =
                "{\"operation\":\"SelectFromColumns\",\"resource\":{\"table\":{" + TABLE + ",\"columns\":[\"id\"]}}}";
        assertThat(allow("analysts", select)).isEqualTo("{\"result\":true}");
        assertThat(allow("nobodies", select)).isEqualTo("{\"result\":false}");
        assertThat(allow("analysts", "{\"operation\":\"ExecuteQuery\"}")).isEqualTo("{\"result\":true}");
        assertThat(allow("analysts", "{\"operation\":\"LaunchRocket\"}")).isEqualTo("{\"result\":false}");
        assertThat(allow("analysts", "{\"operation\":\"SelectFromColumns\",\"resource\":{\"planet\":{}}}"))
                .isEqualTo("{\"result\":false}");
        String catalog = "{\"operation\":\"AccessCatalog\",\"resource\":{\"catalog\":{\"name\":\"sales\"}}}";
        assertThat(allow("analysts", catalog)).isEqualTo("{\"result\":true}");
        assertThat(allow("nobodies", catalog)).isEqualTo("{\"result\":false}");
        assertThat(allow("analysts", "{\"operation\":\"ImpersonateUser\",\"resource\":{\"user\":{\"user\":\"bob\"}}}"))
                .isEqualTo("{\"result\":false}");
        String function = "{\"operation\":\"ExecuteFunction\",\"resource\":{\"function\":{\"catalogName\":\"sales\","
                + "\"schemaName\":\"system\",\"functionName\":\"table_changes\"}}}";
        assertThat(allow("analysts", function)).isEqualTo("{\"result\":false}");
        assertThat(allow("sellers", function)).isEqualTo("{\"result\":true}");
    }

    @Test
    void snapshotsThatTellOfPartitionsAreForThoseWhoSeeAll() {
        String people = "/iceberg/v1/sales/namespaces/crm/tables/people";
        String select = "{\"operation\":\"SelectFromColumns\",\"resource\":{\"table\":{"
                + TABLE.replace("people", "people$snapshots") + ",\"columns\":[\"summary\"]}}}";
        assertThat(allow("analysts", select)).isEqualTo("{\"result\":true}");
        String location = mesh.send("GET", people, mesh.seller, "")
                .json()
                .path("metadata")
                .path("location")
                .asText();
        String snapshot = Caller.addSnapshot(
                location + "/metadata/snap-1.avro",
                1,
                1,
                "\"operation\":\"append\",\"partitions.email=bob@x.org\":\"added-data-files=1\"");
        assertThat(mesh.send("POST", people, mesh.seller, Caller.commitBody("", snapshot))
                        .status())
                .isEqualTo(200);
        assertThat(allow("analysts", select)).isEqualTo("{\"result\":false}");
        assertThat(allow("sellers", select)).isEqualTo("{\"result\":true}");
    }

    @Test
    void whoRenamesMustBeAllowedToMakeTheNewNameToo() {
        String rename = "{\"operation\":\"RenameTable\",\"resource\":{\"table\":{" + TABLE
                + "}},\"targetResource\":{\"table\":{\"catalogName\":\"%s\",\"schemaName\":\"crm\",\"tableName\":\"x\"}}}";
        assertThat(allow("sellers", rename.formatted("sales"))).isEqualTo("{\"result\":true}");
        assertThat(allow("sellers", rename.formatted("other"))).isEqualTo("{\"result\":false}");
    }

    /// Trino tells its user that a schema was not created or a table not renamed, and that a staging failed, but not
    /// why.
    @Test
    void whyANameIsRefusedIsSaidBeforeTheEngineKeepsItToItself() {
        String rename = "{\"operation\":\"RenameTable\",\"resource\":{\"table\":{" + TABLE
                + "}},\"targetResource\":{\"table\":{\"catalogName\":\"sales\",\"schemaName\":\"crm\",\"tableName\":\"bad\"}}}";
        String create =
                "{\"operation\":\"CreateSchema\",\"resource\":{\"schema\":{\"catalogName\":\"sales\",\"schemaName\":\"bad\"}}}";
        for (String action : List.of(rename, create)) {
            Reply refused = ask("allow", "someone", "sellers", action);
            assertThat(refused.status()).as("%s", refused).isEqualTo(403);
            assertThat(refused.text()).contains("naming/pattern", "naming/length");
            assertThat(allow("analysts", action)).isEqualTo("{\"result\":false}");
            assertThat(allow("sellers", action.replace("bad", "good"))).isEqualTo("{\"result\":true}");
        }

        String staged = IcebergRoutesTest.createBody("bad", ",\"stage-create\":true");
        String tables = "/iceberg/v1/sales/namespaces/crm/tables";
        assertThat(mesh.send("POST", tables, mesh.seller, staged).status()).isEqualTo(403);
        assertThat(mesh.send("POST", tables, mesh.engine, staged).status()).isEqualTo(200);
        Reply commit = mesh.send("POST", tables + "/bad", mesh.engine, """
                {"requirements":[{"type":"assert-create"}],"updates":[
                {"action":"upgrade-format-version","format-version":2},
                {"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"}]},"last-column-id":1},
                {"action":"set-current-schema","schema-id":-1},
                {"action":"add-spec","spec":{"spec-id":0,"fields":[]}},{"action":"set-default-spec","spec-id":-1},
                {"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}},
                {"action":"set-default-sort-order","sort-order-id":-1}]}""");
        assertThat(commit.status()).as("%s", commit).isEqualTo(403);
        assertThat(commit.text()).contains("naming/pattern");
    }

    @Test
    void filtersAnswerWithIndices() {
        String tables = "{\"operation\":\"FilterTables\",\"filterResources\":[{\"table\":{" + TABLE
                + "}},{\"table\":{\"catalogName\":\"sales\",\"schemaName\":\"crm\",\"tableName\":\"none\"}},{\"table\":{"
                + TABLE + "}}]}";
        assertThat(ask("batch", "a", "analysts", tables).text()).isEqualTo("{\"result\":[0,2]}");
        assertThat(ask("batch", "a", "nobodies", tables).text()).isEqualTo("{\"result\":[]}");
        String columns = "{\"operation\":\"FilterColumns\",\"filterResources\":[{\"table\":{" + TABLE
                + ",\"columns\":[\"id\",\"email\"]}}]}";
        assertThat(ask("batch", "a", "analysts", columns).text()).isEqualTo("{\"result\":[0,1]}");
        assertThat(ask("batch", "a", "nobodies", columns).text()).isEqualTo("{\"result\":[]}");
        String catalogs = "{\"operation\":\"FilterCatalogs\",\"filterResources\":[{\"catalog\":{\"name\":\"other\"}},"
                + "{\"catalog\":{\"name\":\"sales\"}}]}";
        assertThat(ask("batch", "a", "analysts", catalogs).text()).isEqualTo("{\"result\":[1]}");
    }

    @Test
    void masksAndFiltersAreExpressions() {
        String filters = "{\"operation\":\"GetRowFilters\",\"resource\":{\"table\":{" + TABLE + "}}}";
        assertThat(ask("row-filters", "a", "analysts", filters).text())
                .isEqualTo("{\"result\":[{\"expression\":\"region IN [eu]\"}]}");
        assertThat(ask("row-filters", "a", "sellers", filters).text()).isEqualTo("{\"result\":[]}");
        String masks = "{\"operation\":\"GetColumnMask\",\"filterResources\":[%s,%s,%s,%s]}"
                .formatted(
                        column("id", "bigint"),
                        column("email", "varchar"),
                        column("address", "row(street varchar)"),
                        column("$path", "varchar"));
        assertThat(ask("column-masks", "a", "analysts", masks).text())
                .isEqualTo(
                        "{\"result\":[{\"index\":1,\"viewExpression\":{\"expression\":\"MASK_ALPHANUM(email:varchar)\"}},"
                                + "{\"index\":2,\"viewExpression\":{\"expression\":\"REPLACE_WITH_NULL(address:row(street varchar))\"}},"
                                + "{\"index\":3,\"viewExpression\":{\"expression\":\"REPLACE_WITH_NULL($path:varchar)\"}}]}");
        assertThat(ask("column-masks", "a", "sellers", masks).text()).isEqualTo("{\"result\":[]}");
    }

    @Test
    void masksKnowTheQueryThatAsks() {
        String masks =
                "{\"operation\":\"GetColumnMask\",\"filterResources\":[%s]}".formatted(column("email", "varchar"));
        for (String query : List.of(",\"queryId\":\"q1\"", ",\"queryId\":\"q1\"", "", "")) {
            Reply reply = mesh.send("POST", "/opa/v1/column-masks", mesh.engine, """
                    {"input":{"context":{"identity":{"user":"a","groups":["analysts"]}%s},"action":%s}}""".formatted(query, masks));
            assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        }
        assertThat(mesh.queries.subList(0, 2)).containsExactly("q1", "q1");
        assertThat(mesh.queries).hasSize(4).doesNotContainNull();
        assertThat(mesh.queries.get(2)).isNotEqualTo(mesh.queries.get(3));
    }

    @Test
    void metadataTablesHaveColumnsOfTheirOwn() {
        String history = TABLE.replace("people", "people$history");
        assertThat(ask(
                                "row-filters",
                                "a",
                                "analysts",
                                "{\"operation\":\"GetRowFilters\",\"resource\":{\"table\":{" + history + "}}}")
                        .text())
                .isEqualTo("{\"result\":[]}");
        String masks = "{\"operation\":\"GetColumnMask\",\"filterResources\":[%s]}"
                .formatted(column("email", "varchar").replace("people", "people$history"));
        assertThat(ask("column-masks", "a", "analysts", masks).text()).isEqualTo("{\"result\":[]}");
        String select = "{\"operation\":\"SelectFromColumns\",\"resource\":{\"table\":{%s,\"columns\":[\"x\"]}}}";
        assertThat(allow("analysts", select.formatted(history))).isEqualTo("{\"result\":true}");
        for (String raw : List.of("files", "partitions", "entries", "manifests", "properties", "anything")) {
            assertThat(allow("analysts", select.formatted(TABLE.replace("people", "people$" + raw))))
                    .as(raw)
                    .isEqualTo("{\"result\":false}");
        }
    }

    @Test
    void aFilterThatDoesNotFitIsARefusal() {
        mesh.filterFits = false;
        String filters = "{\"operation\":\"GetRowFilters\",\"resource\":{\"table\":{" + TABLE + "}}}";
        Reply reply = ask("row-filters", "a", "analysts", filters);
        assertThat(reply.status()).as("%s", reply).isEqualTo(403);
        assertThat(reply.text()).contains("`region`");
    }

    @Test
    void anybodyMaySetWhatConcernsTheirOwnSession() {
        String set = "{\"operation\":\"%s\",\"resource\":{\"%s\":{\"name\":\"query_max_run_time\","
                + "\"catalogName\":\"sales\",\"propertyName\":\"x\"}}}";
        assertThat(allow("analysts", set.formatted("SetSystemSessionProperty", "systemSessionProperty")))
                .isEqualTo("{\"result\":true}");
        assertThat(allow("analysts", set.formatted("SetCatalogSessionProperty", "catalogSessionProperty")))
                .isEqualTo("{\"result\":false}");
    }

    @Test
    void whatAColumnWasCalledStaysMasked() {
        String masks = "{\"operation\":\"GetColumnMask\",\"filterResources\":[%s,%s]}"
                .formatted(column("email", "varchar"), column("$path", "varchar"));
        for (String rest : List.of(",{\"id\":2,\"name\":\"mail\",\"required\":false,\"type\":\"string\"}", "")) {
            Reply changed = mesh.send(
                    "POST", "/iceberg/v1/sales/namespaces/crm/tables/people", mesh.seller, """
                    {"requirements":[],"updates":[
                    {"action":"add-schema","schema":{"type":"struct","fields":[
                    {"id":1,"name":"id","required":false,"type":"long"}%s]},"last-column-id":2},
                    {"action":"set-current-schema","schema-id":-1}]}""".formatted(rest));
            assertThat(changed.status()).as("%s", changed).isEqualTo(200);
            // Time travel shows it under its old name, and the old files hold it.
            assertThat(ask("column-masks", "a", "analysts", masks).text())
                    .contains("MASK_ALPHANUM(email:varchar)", "REPLACE_WITH_NULL($path:varchar)");
            Reply key =
                    mesh.send("GET", "/iceberg/v1/sales/namespaces/crm/tables/people/credentials", mesh.analyst, "");
            assertThat(key.status()).as("%s", key).isEqualTo(403);
        }
    }

    private static String column(String name, String type) {
        return "{\"column\":{" + TABLE + ",\"columnName\":\"" + name + "\",\"columnType\":\"" + type + "\"}}";
    }

    @Test
    void onlyEnginesMayAskAndOnlyProperQuestions() {
        for (String token : List.of(mesh.admin, mesh.analyst)) {
            Reply reply = mesh.send("POST", "/opa/v1/allow", token, "{}");
            assertThat(reply.status()).isEqualTo(403);
            assertThat(reply.errorType()).isEqualTo("ForbiddenException");
        }
        for (String body : List.of(
                "{}",
                "{\"input\":{}}",
                "{\"input\":{\"context\":{\"identity\":{\"user\":7}},\"action\":{}}}",
                "{\"input\":{\"context\":{\"identity\":{\"user\":\"a\"}},\"action\":{}}}",
                "{\"input\":{\"context\":{\"identity\":{\"user\":\"a'; DROP\"}},\"action\":{\"operation\":\"X\"}}}",
                "{\"input\":")) {
            for (String path : List.of("allow", "batch", "row-filters", "column-masks")) {
                assertThat(mesh.send("POST", "/opa/v1/" + path, mesh.engine, body)
                                .status())
                        .as("%s %s", path, body)
                        .isEqualTo(400);
            }
        }
    }
}
