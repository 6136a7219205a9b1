package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Role;
import io.icefield.audit.DecisionStore;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What requests leave in the log of decisions, and who may read it.
class AuditTest {
    private static final String TABLES = "/iceberg/v1/sales/namespaces/crm/tables";
    private static final String PEOPLE = TABLES + "/people";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private RunningServer mesh = new RunningServer();
    private InMemoryDecisions log = (InMemoryDecisions) mesh.stores.decisions();

    @BeforeEach
    void table() {
        created("people");
    }

    @AfterEach
    void stop() {
        log.away = false;
        mesh.close();
    }

    private void created(String table) {
        Reply made = mesh.send("POST", TABLES, mesh.seller, Caller.createBody(table, ""));
        assertThat(made.status()).as("%s", made).isEqualTo(200);
    }

    private List<JsonNode> found(String token, String query) {
        Reply reply = mesh.send("GET", "/api/v1/decisions" + query, token, "");
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        List<JsonNode> found = new ArrayList<>();
        reply.json().path("decisions").forEach(found::add);
        return found;
    }

    /// The decision of a request that was just answered; reads are written a little later.
    private JsonNode of(Reply reply, String token) {
        String id = reply.header("X-Request-Id");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() - deadline < 0) {
            List<JsonNode> found = found(token, "?request-id=" + id);
            if (!found.isEmpty()) {
                assertThat(found).hasSize(1);
                return found.getFirst();
            }
        }
        throw new AssertionError("there is no decision of request " + id);
    }

    private static String text(JsonNode decision, String field) {
        return decision.path(field).asText();
    }

    @Test
    void aCommitIsLoggedBeforeItIsAnswered() {
        Reply done = mesh.send("POST", PEOPLE, mesh.seller, Caller.commitBody("", Caller.setProperty("a", "b")));
        assertThat(done.status()).isEqualTo(200);
        DecisionStore.Entry last = log.after(0, 1_000).getLast();
        assertThat(last.decision().asked().request()).isEqualTo(done.header("X-Request-Id"));

        JsonNode decision = of(done, mesh.admin);
        assertThat(text(decision, "who")).isEqualTo("seller");
        assertThat(text(decision, "action"))
                .isEqualTo("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}");
        assertThat(text(decision, "right")).isEqualTo("commit");
        assertThat(text(decision, "domain")).isEqualTo("sales");
        assertThat(text(decision, "thing")).isEqualTo("sales.crm.people");
        assertThat(text(decision, "outcome")).isEqualTo("allowed");
        assertThat(text(decision, "grounds")).isEqualTo("owner");
        assertThat(text(decision, "policies")).isEqualTo("rules-1");
        assertThat(text(decision, "replica")).isEqualTo("replica-1");
        assertThat(text(decision, "because")).isEqualTo("`seller` has: owner");
    }

    @Test
    void aChangeNamesWhatItsBodyNames() {
        Reply grant = mesh.send(
                "POST",
                "/api/v1/domains/sales/grants",
                mesh.seller,
                "{\"grantee\":\"principal:bob\",\"role\":\"reader\",\"namespace\":\"crm\"}");
        assertThat(text(of(grant, mesh.admin), "thing")).isEqualTo("sales.crm");
        assertThat(text(of(grant, mesh.admin), "detail")).isEqualTo("reader for principal:bob");

        Reply rename = mesh.send("POST", "/iceberg/v1/sales/tables/rename", mesh.seller, """
                {"source":{"namespace":["crm"],"name":"people"},"destination":{"namespace":["crm"],"name":"folk"}}""");
        assertThat(found(mesh.admin, "?request-id=" + rename.header("X-Request-Id")))
                .extracting(each -> text(each, "thing"))
                .containsExactly("sales.crm.folk", "sales.crm.people");

        Reply principal =
                mesh.send("POST", "/api/v1/principals", mesh.admin, "{\"name\":\"new-one\",\"kind\":\"user\"}");
        assertThat(text(of(principal, mesh.admin), "thing")).isEqualTo("new-one");
        assertThat(text(of(principal, mesh.admin), "grounds")).isEqualTo("platform team");
    }

    @Test
    void whatPoliciesRefuseIsLoggedWithTheirRules() {
        Reply refused = mesh.send("POST", TABLES, mesh.seller, Caller.createBody("bad_table", ""));
        assertThat(refused.status()).isEqualTo(403);
        JsonNode decision = of(refused, mesh.admin);
        assertThat(text(decision, "outcome")).isEqualTo("denied");
        assertThat(text(decision, "thing")).isEqualTo("sales.crm.bad_table");
        assertThat(decision.path("rules").toString()).isEqualTo("[\"deny:naming/length\",\"deny:naming/pattern\"]");
        assertThat(text(decision, "because")).contains("naming/pattern").contains("must not be bad; call it good");
        assertThat(text(decision, "remedy")).contains("mend");
    }

    @Test
    void equalReadsAreSummedUpAndRefusedOnesAreNot() {
        IntStream.range(0, 20)
                .forEach(_ -> assertThat(
                                mesh.send("GET", PEOPLE, mesh.analyst, "").status())
                        .isEqualTo(200));
        List<Reply> denied = IntStream.range(0, 5)
                .mapToObj(_ -> mesh.send("DELETE", PEOPLE, mesh.analyst, ""))
                .toList();
        denied.forEach(each -> assertThat(text(of(each, mesh.admin), "outcome")).isEqualTo("denied"));
        mesh.decisionLog.close();
        List<JsonNode> loads = found(mesh.admin, "?who=analyst&thing=sales.crm.people&outcome=allowed");
        assertThat(loads).hasSize(2);
        assertThat(loads.stream().mapToLong(each -> each.path("count").asLong()).sum())
                .isEqualTo(20);
        assertThat(loads.getFirst().path("rules").toString())
                .as("what a reader did not see")
                .isEqualTo("[]");
        assertThat(found(mesh.admin, "?who=analyst&outcome=denied")).hasSize(5);
    }

    @Test
    void whoIsNotAllowedIsToldWhatIsMissing() {
        Reply denied = mesh.send("DELETE", PEOPLE, mesh.analyst, "");
        assertThat(denied.status()).isEqualTo(403);
        JsonNode decision = of(denied, mesh.analyst);
        assertThat(text(decision, "because"))
                .startsWith("`analyst` has: reader; ")
                .contains("ask an owner of its domain for the role writer");
    }

    /// The log tells a stranger nothing that the answer did not.
    @Test
    void whatIsHiddenLooksLikeWhatIsNotThere() {
        Reply hidden = mesh.send("GET", PEOPLE, mesh.stranger, "");
        Reply absent = mesh.send("GET", TABLES + "/nobody", mesh.stranger, "");
        assertThat(List.of(hidden.status(), absent.status())).containsExactly(404, 404);

        assertThat(ofTheirKind(of(hidden, mesh.stranger))).isEqualTo(ofTheirKind(of(absent, mesh.stranger)));
        JsonNode seen = of(hidden, mesh.seller);
        assertThat(text(seen, "grounds")).isEqualTo("no role");
        assertThat(text(seen, "because")).contains("was told that there is no such thing");
        assertThat(text(of(absent, mesh.seller), "because")).isEqualTo("Table does not exist: crm.nobody");
    }

    private static String ofTheirKind(JsonNode decision) {
        return decision.toString()
                .replaceAll("\"(id|count)\":[0-9]+", "$1")
                .replaceAll("\"(at|until|request-id|hash)\":\"[^\"]*\"", "$1")
                .replace("nobody", "people");
    }

    @Test
    void everybodySeesTheirOwnStewardsTheirDomainsAndThePlatformAll() {
        mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"hr\",\"owners\":[\"hr-team\"]}");
        String steward = mesh.token("sam", Principal.Kind.USER, "stewards");
        mesh.grant(new Grant(
                Grantee.parse("group:stewards"),
                Role.STEWARD,
                Optional.of(new DomainName("sales")),
                List.of(),
                Optional.empty()));
        Reply denied = mesh.send("DELETE", PEOPLE, mesh.analyst, "");
        String id = of(denied, mesh.admin).path("id").asText();
        for (String token : List.of(mesh.admin, mesh.seller, steward, mesh.analyst)) {
            assertThat(mesh.send("GET", "/api/v1/decisions/" + id, token, "").status())
                    .isEqualTo(200);
        }
        String hr = mesh.token("harry", Principal.Kind.USER, "hr-team");
        Reply none = mesh.send("GET", "/api/v1/decisions/" + id, hr, "");
        assertThat(none.status()).isEqualTo(404);
        assertThat(none.text()).contains("NoSuchDecisionException");
        assertThat(found(hr, "?domain=sales")).isEmpty();
        assertThat(found(hr, "?domain=hr")).isNotEmpty();
        assertThat(found(mesh.analyst, "?domain=sales"))
                .allMatch(each -> text(each, "who").equals("analyst"));
        assertThat(mesh.send("POST", "/api/v1/decisions/verify", mesh.seller, "")
                        .status())
                .isEqualTo(403);
    }

    /// A steward learns nothing of another domain from what somebody asked for in both.
    @Test
    void whyItWasRefusedInOneDomainIsNotToldInAnother() {
        mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"hr\",\"owners\":[\"hr-team\"]}");
        String harry = mesh.token("harry", Principal.Kind.USER, "hr-team");
        mesh.send("POST", "/iceberg/v1/hr/namespaces", harry, "{\"namespace\":[\"staff\"]}");
        mesh.grant(new Grant(
                Grantee.parse("principal:clara"),
                Role.WRITER,
                Optional.of(new DomainName("hr")),
                List.of(),
                Optional.empty()));
        String clara = mesh.token("clara", Principal.Kind.USER, "clerks");
        Reply hidden = mesh.send("POST", "/iceberg/v1/mesh/tables/rename", clara, moved("people"));
        Reply absent = mesh.send("POST", "/iceberg/v1/mesh/tables/rename", clara, moved("nobody"));
        assertThat(List.of(hidden.status(), absent.status())).containsExactly(404, 404);

        for (String token : List.of(harry, clara)) {
            List<JsonNode> told = found(token, "?request-id=" + hidden.header("X-Request-Id"));
            assertThat(told).isNotEmpty();
            assertThat(told.stream().map(AuditTest::ofTheirKind).toList())
                    .isEqualTo(found(token, "?request-id=" + absent.header("X-Request-Id")).stream()
                            .map(AuditTest::ofTheirKind)
                            .toList());
        }
        assertThat(found(mesh.admin, "?request-id=" + hidden.header("X-Request-Id")))
                .extracting(each -> text(each, "grounds"))
                .contains("no role");
    }

    private static String moved(String source) {
        return """
                {"source":{"namespace":["sales","crm"],"name":"%s"},"destination":{"namespace":["hr","staff"],"name":"t"}}""".formatted(source);
    }

    @Test
    void theLogIsPagedAndIntact() {
        IntStream.range(0, 7).forEach(i -> created("t" + i));
        List<String> ids = new ArrayList<>();
        String token = "";
        do {
            Reply page = mesh.send("GET", "/api/v1/decisions?pageSize=3&who=seller&pageToken=" + token, mesh.admin, "");
            page.json()
                    .path("decisions")
                    .forEach(each -> ids.add(each.path("id").asText()));
            token = page.json().path("next-page-token").asText("");
        } while (!token.equals("null") && !token.isEmpty());
        assertThat(ids).hasSizeGreaterThanOrEqualTo(9).doesNotHaveDuplicates();
        JsonNode verified =
                mesh.send("POST", "/api/v1/decisions/verify", mesh.admin, "").json();
        assertThat(verified.path("intact").asBoolean()).isTrue();
        assertThat(verified.path("done").asBoolean()).isTrue();
        assertThat(verified.path("verified").asLong())
                .isEqualTo(verified.path("head").path("id").asLong());
    }

    @Test
    void queriesOfAnEngineAreFoundByTheirIds() {
        String question = """
                {"input":{"context":{"identity":{"user":"eve","groups":["%s"]},"queryId":"q_1",
                "softwareStack":{"trinoVersion":"483"}},"action":{"operation":"%s","resource":{"table":{
                "catalogName":"sales","schemaName":"crm","tableName":"people","columns":["id","name"]}}}}}""";
        Reply yes =
                mesh.send("POST", "/opa/v1/allow", mesh.engine, question.formatted("analysts", "SelectFromColumns"));
        assertThat(yes.text()).isEqualTo("{\"result\":true}");
        Reply no = mesh.send("POST", "/opa/v1/allow", mesh.engine, question.formatted("analysts", "DropTable"));
        assertThat(no.text()).isEqualTo("{\"result\":false}");
        of(no, mesh.admin);
        of(yes, mesh.admin);

        List<JsonNode> of = found(mesh.admin, "?query-id=q_1");
        assertThat(of).hasSize(2).allMatch(each -> text(each, "who").equals("eve"));
        assertThat(of).allMatch(each -> text(each, "engine").equals("trino"));
        assertThat(of).allMatch(each -> text(each, "thing").equals("sales.crm.people"));
        JsonNode refused = of.stream()
                .filter(each -> text(each, "outcome").equals("denied"))
                .findFirst()
                .orElseThrow();
        assertThat(text(refused, "action")).isEqualTo("DropTable");
        assertThat(text(refused, "because")).contains("writer");
        JsonNode select = of.stream()
                .filter(each -> text(each, "outcome").equals("allowed"))
                .findFirst()
                .orElseThrow();
        assertThat(text(select, "detail")).isEqualTo("columns id, name");
        String eve = mesh.token("eve", Principal.Kind.USER, "analysts");
        assertThat(found(eve, "?query-id=q_1")).hasSize(2);
        assertThat(found(mesh.stranger, "?query-id=q_1")).isEmpty();
    }

    @Test
    void signingInIsADecisionAndNoSecretIsKept() {
        Reply right = mesh.send(
                "POST", "/oauth/token", "", "grant_type=client_credentials&client_id=admin&client_secret=admin-secret");
        assertThat(right.status()).isEqualTo(200);
        Reply wrong = mesh.send(
                "POST", "/oauth/token", "", "grant_type=client_credentials&client_id=admin&client_secret=hunter2");
        Reply mixed = mesh.send(
                "POST", "/oauth/token", "", "grant_type=client_credentials&client_id=hunter2&client_secret=admin");
        assertThat(List.of(wrong.status(), mixed.status())).containsExactly(401, 401);
        assertThat(mesh.send("GET", PEOPLE, "hunter2", "").status()).isEqualTo(401);

        assertThat(text(of(right, mesh.admin), "who")).isEqualTo("admin");
        JsonNode decision = of(wrong, mesh.admin);
        assertThat(text(decision, "who")).isEqualTo("admin");
        assertThat(text(decision, "outcome")).isEqualTo("denied");
        assertThat(text(decision, "detail")).startsWith("from 127.0.0.1");
        assertThat(of(mixed, mesh.admin).has("who")).isFalse();
        assertThat(log.after(0, 10_000).toString()).doesNotContain("hunter2").doesNotContain("admin-secret");
    }

    @Test
    void whoHasProvenNothingCannotFillTheLog() {
        IntStream.range(0, 50)
                .forEach(i -> assertThat(
                                mesh.send("DELETE", TABLES + "/t" + i, "", "").status())
                        .isEqualTo(401));
        mesh.decisionLog.close();
        List<DecisionStore.Entry> refused = log.after(0, 10_000).stream()
                .filter(each -> each.decision().ruling().reason().startsWith("no token"))
                .toList();
        assertThat(refused).hasSize(2);
        assertThat(refused.stream().mapToLong(each -> each.decision().count()).sum())
                .isEqualTo(50);
    }

    /// Done or not, the client is told what is true.
    @Test
    void aChangeThatCannotBeLoggedIsNotAnswered() {
        log.away = true;
        Reply done = mesh.send("POST", PEOPLE, mesh.seller, Caller.commitBody("", Caller.setProperty("a", "b")));
        assertThat(done.status()).isEqualTo(500);
        assertThat(done.text()).contains("CommitStateUnknownException").contains("delete nothing");
        Reply refused = mesh.send("POST", TABLES, mesh.seller, Caller.createBody("bad_table", ""));
        assertThat(refused.status()).isEqualTo(503);
        assertThat(mesh.send("GET", PEOPLE, mesh.seller, "").status()).isEqualTo(200);

        log.away = false;
        assertThat(text(of(done, mesh.admin), "outcome")).isEqualTo("allowed");
        assertThat(text(of(refused, mesh.admin), "outcome")).isEqualTo("denied");
    }

    @Test
    void whenTheLogIsFullRequestsAreRefusedBeforeAnythingIsDone() {
        log.away = true;
        int status = 404;
        for (int i = 0; i < 2_000 && status == 404; i++) {
            status = mesh.send("GET", TABLES + "/t" + i, mesh.stranger, "").status();
        }
        assertThat(status).isEqualTo(503);
        assertThat(mesh.send("GET", "/health/live", "", "").status()).isEqualTo(200);
        assertThat(mesh.send("GET", "/metrics", mesh.admin, "").text()).contains("icefield_decisions_queued 1000");
        log.away = false;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (mesh.send("GET", PEOPLE, mesh.seller, "").status() != 200) {
            assertThat(System.nanoTime() - deadline).isNegative();
        }
    }
}
