package io.icefield.http;

import static io.icefield.http.Caller.CRM;
import static io.icefield.http.Caller.NAMESPACES;
import static io.icefield.http.Caller.SALES;
import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.VIEWS;
import static io.icefield.http.Caller.commitBody;
import static io.icefield.http.Caller.createBody;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.refused;
import static io.icefield.http.Caller.setMain;
import static io.icefield.http.Caller.setProperty;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.http.RunningServer.Reply;
import java.net.http.HttpRequest;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What DuckDB, iceberg-go and iceberg-rust send in their own way, word for word where it matters.
class ClientTrapsTest {
    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    // --- DuckDB

    @Test
    void duckdbAsksForATokenWithBasicAndAScopeOfItsOwn() {
        Reply reply = caller.mesh.send(HttpRequest.newBuilder(caller.mesh.uri("/iceberg/v1/oauth/tokens"))
                .header(
                        "Authorization",
                        "Basic " + Base64.getEncoder().encodeToString("admin:admin-secret".getBytes(UTF_8)))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials&scope=PRINCIPAL_ROLE%3AALL")));
        assertThat(ok(reply).json().path("access_token").asText()).isNotEmpty();
    }

    @Test
    void duckdbNamesNoWarehouseOrAnOddOne() {
        assertThat(ok(caller.get("/iceberg/v1/config?warehouse="))
                        .json()
                        .path("overrides")
                        .path("prefix")
                        .asText())
                .isEqualTo("mesh");
        for (String odd : List.of("s3%3A%2F%2Fbucket", "Sales", "no%20such", "x".repeat(500))) {
            refused(caller.get("/iceberg/v1/config?warehouse=" + odd), 404, "NoSuchWarehouseException");
        }
    }

    @Test
    void duckdbCommitsOneTableAsATransactionAndCopiesTheStagedAnswer() {
        JsonNode staged = ok(caller.delegated("POST", TABLES, createBody("t", ",\"stage-create\":true")))
                .json();
        assertThat(staged.path("config").path("client.region").asText()).isNotEmpty();
        JsonNode metadata = staged.path("metadata");
        ok(caller.post(SALES + "/transactions/commit", """
                {"table-changes":[{"identifier":{"namespace":["crm"],"name":"t"},
                "requirements":[{"type":"assert-create"}],"updates":[
                {"action":"assign-uuid","uuid":%s},
                {"action":"upgrade-format-version","format-version":2},
                {"action":"add-schema","schema":%s,"last-column-id":%s},
                {"action":"set-current-schema","schema-id":0},
                {"action":"add-spec","spec":{"spec-id":0,"fields":[]}},
                {"action":"set-default-spec","spec-id":0},
                {"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}},
                {"action":"set-default-sort-order","sort-order-id":0},
                {"action":"set-location","location":%s},
                {"action":"set-properties","updates":%s}]}]}""".formatted(
                        metadata.path("table-uuid"),
                        metadata.path("schemas").get(0),
                        metadata.path("last-column-id"),
                        metadata.path("location"),
                        metadata.path("properties"))));
        JsonNode made = caller.get(TABLES + "/t").json().path("metadata");
        assertThat(made.path("table-uuid")).isEqualTo(metadata.path("table-uuid"));
        // 1.4.4: no assert-table-uuid, and a summary with nothing but the operation.
        ok(caller.post(SALES + "/transactions/commit", """
                {"table-changes":[{"identifier":{"namespace":["crm"],"name":"t"},
                "requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}],"updates":[%s,%s]}]}""".formatted(
                        Caller.addSnapshot(made.path("location").asText(), 7, 1), setMain(7))));
        Reply second = caller.post(SALES + "/transactions/commit", """
                {"table-changes":[{"identifier":{"namespace":["crm"],"name":"t"},
                "requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}],"updates":[%s,%s]}]}""".formatted(
                        Caller.addSnapshot(made.path("location").asText(), 8, 2), setMain(8)));
        refused(second, 409, "CommitFailedException"); // the user reads all of it: DuckDB does not retry
        assertThat(second.text()).hasSizeLessThan(500).doesNotContain("at io.icefield", "at org.apache");
    }

    @Test
    void duckdbLooksForMuchThatIsNotThere() {
        for (String path :
                List.of(TABLES + "/none", NAMESPACES + "/main", NAMESPACES + "/main/tables/none", VIEWS + "/none")) {
            assertThat(caller.head(path).status()).as(path).isEqualTo(404);
            assertThat(caller.get(path).errorType()).as(path).startsWith("NoSuch");
        }
        caller.create("t");
        ok(caller.delete(TABLES + "/t?purgeRequested=false"));
    }

    // --- iceberg-go

    @Test
    void goAsksForPagesByTheirSizeAlone() {
        for (int i = 0; i < 25; i++) {
            caller.create("t" + (char) ('a' + i));
        }
        JsonNode page = ok(caller.with(
                        "GET",
                        TABLES + "?pageSize=20",
                        "",
                        "X-Iceberg-Access-Delegation",
                        "vended-credentials",
                        "X-Client-Version",
                        "0.14.1"))
                .json();
        assertThat(page.path("identifiers")).hasSize(20);
        JsonNode rest = ok(caller.get(TABLES + "?pageSize=20&pageToken="
                        + page.path("next-page-token").asText()))
                .json();
        assertThat(rest.path("identifiers")).hasSize(5);
        assertThat(rest.has("next-page-token")).isFalse();
    }

    @Test
    void goLeavesOutWhatIsKnownAndSaysMinusOne() {
        caller.create("t");
        JsonNode changed = ok(caller.commit(
                        "t",
                        "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0}",
                        """
                        {"action":"add-schema","schema":{"type":"struct","schema-id":1,"fields":[
                        {"id":1,"name":"id","required":false,"type":"long"},
                        {"id":2,"name":"at","required":false,"type":"timestamp"},
                        {"id":3,"name":"new","required":false,"type":"string"}]}}""",
                        "{\"action\":\"set-current-schema\",\"schema-id\":-1}"))
                .json()
                .path("metadata");
        assertThat(changed.path("last-column-id").asInt()).isEqualTo(3);
        assertThat(changed.path("current-schema-id").asInt()).isEqualTo(1);
        ok(caller.post(VIEWS, Caller.view("v", "")));
        JsonNode view = ok(caller.post(
                        VIEWS + "/v",
                        commitBody("", """
                        {"action":"add-view-version","view-version":{"version-id":-1,"schema-id":0,"timestamp-ms":5,
                        "summary":{},"default-namespace":["crm"],
                        "representations":[{"type":"sql","dialect":"trino","sql":"SELECT 5 AS email"}]}}""", "{\"action\":\"set-current-view-version\",\"view-version-id\":-1}")))
                .json()
                .path("metadata");
        assertThat(view.path("current-version-id").asInt()).isEqualTo(2);
        ok(caller.post(TABLES + "/t/metrics", "{\"report-type\":\"scan-report\",\"table-name\":\"t\"}"));
    }

    @Test
    void goStagesWithoutALastColumnId() {
        String uuid = "11111111-2222-3333-4444-555555555555";
        ok(caller.commit(
                "staged",
                "{\"type\":\"assert-create\"}",
                "{\"action\":\"assign-uuid\",\"uuid\":\"%s\"}".formatted(uuid),
                "{\"action\":\"upgrade-format-version\",\"format-version\":2}",
                """
                {"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"id","required":true,"type":"long"}]}}""",
                "{\"action\":\"set-current-schema\",\"schema-id\":-1}",
                "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[]}}",
                "{\"action\":\"set-default-spec\",\"spec-id\":-1}",
                "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}}",
                "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}"));
        assertThat(caller.get(TABLES + "/staged")
                        .json()
                        .path("metadata")
                        .path("table-uuid")
                        .asText())
                .isEqualTo(uuid);
    }

    // --- iceberg-rust

    @Test
    void rustLeavesOutTheSpecIdAndUsesASchemaIdAgain() {
        JsonNode made = caller.create("t", """
                ,"partition-spec":{"fields":[{"name":"id","transform":"identity","source-id":1}]}""");
        assertThat(made.path("partition-specs").get(0).path("fields")).hasSize(1);
        JsonNode changed = ok(caller.commit("t", "", """
                        {"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[
                        {"id":1,"name":"id","required":false,"type":"long"},
                        {"id":2,"name":"at","required":false,"type":"timestamp"},
                        {"id":3,"name":"new","required":false,"type":"string"}]}}""", "{\"action\":\"set-current-schema\",\"schema-id\":-1}"))
                .json()
                .path("metadata");
        assertThat(changed.path("schemas")).hasSize(2);
        assertThat(changed.path("current-schema-id").asInt()).isEqualTo(1);
    }

    @Test
    void rustCommitsPropertiesWithEmptyRequirementsAndEmptySets() {
        caller.create("t");
        String before =
                caller.get(TABLES + "/t").json().path("metadata-location").asText();
        JsonNode same = ok(caller.commit(
                        "t",
                        "",
                        "{\"action\":\"set-properties\",\"updates\":{}}",
                        "{\"action\":\"remove-properties\",\"removals\":[]}"))
                .json();
        assertThat(same.path("metadata-location").asText()).isEqualTo(before);
        ok(caller.commit("t", "", setProperty("k", "v"), "{\"action\":\"remove-properties\",\"removals\":[]}"));
        assertThat(caller.get(TABLES + "/t").json().path("config").has("s3.access-key-id"))
                .as("keys only for who asks")
                .isFalse();
        ok(caller.delete(TABLES + "/t"));
        ok(caller.post(
                CRM + "/register",
                "{\"name\":\"t\",\"metadata-location\":\"%s\",\"overwrite\":false}".formatted(before)));
    }
}
