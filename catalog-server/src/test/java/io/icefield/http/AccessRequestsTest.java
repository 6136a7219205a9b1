package io.icefield.http;

import static io.icefield.http.Caller.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Principal;
import io.icefield.domain.AccessRequests;
import io.icefield.http.RunningServer.Reply;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Asking for access, deciding it, and grants with an end; on PostgreSQL.
class AccessRequestsTest {
    private static final String REQUESTS = "/api/v1/access-requests";
    private static final String GRANTS = "/api/v1/domains/sales/grants";
    private static final String CRM = "/iceberg/v1/sales/namespaces/crm";

    private final Database database = Database.open(TestDatabase.fresh());
    private final RunningServer mesh = new RunningServer(_ -> RunningServer.Stores.in(database));
    private final String bob = mesh.token("bob", Principal.Kind.USER);
    private final String owner = mesh.token("olga", Principal.Kind.USER, "sellers");
    private final String namespaceOwner = mesh.token("nina", Principal.Kind.USER);

    @BeforeEach
    void fill() {
        ok(mesh.send("POST", "/iceberg/v1/sales/namespaces", owner, "{\"namespace\":[\"other\"]}"));
        ok(mesh.send("POST", CRM + "/tables", owner, Caller.createBody("orders", "")));
        ok(mesh.send("POST", CRM + "/views", owner, ViewRoutesTest.createBody("best", "")));
        ok(grant(owner, "\"grantee\":\"principal:nina\",\"role\":\"owner\",\"namespace\":\"crm\""));
    }

    @AfterEach
    void stop() {
        mesh.close();
        database.close();
    }

    private static Reply ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isBetween(200, 204);
        return reply;
    }

    private Reply grant(String token, String fields) {
        return mesh.send("POST", GRANTS, token, "{" + fields + "}");
    }

    private Reply ask(String token, String place) {
        return mesh.send(
                "POST", REQUESTS, token, "{\"role\":\"reader\",\"reason\":\"the yearly report\"," + place + "}");
    }

    private Reply decide(String token, String id, String how, String body) {
        return mesh.send("POST", REQUESTS + "/" + id + "/" + how, token, body);
    }

    private int status(String token, String path) {
        return mesh.send("GET", path, token, "").status();
    }

    private List<String> listed(String token, String query) {
        return ok(mesh.send("GET", REQUESTS + query, token, ""))
                .json()
                .path("access-requests")
                .findValuesAsText("id");
    }

    @Test
    void whatIsApprovedIsGrantedAndEndsAsSaid() {
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(404);
        JsonNode asked = ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"crm\",\"table\":\"orders\""))
                .json();
        String id = asked.path("id").asText();
        assertThat(asked.path("state").asText()).isEqualTo("open");
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(404);

        // who may not decide does not know of it; who asked may not decide
        refused(decide(mesh.stranger, id, "approve", "{\"reason\":\"why not\"}"), 404, "NoSuchAccessRequestException");
        refused(decide(mesh.analyst, id, "refuse", "{\"reason\":\"why not\"}"), 404, "NoSuchAccessRequestException");
        refused(decide(bob, id, "approve", "{\"reason\":\"why not\"}"), 403, "ForbiddenException");
        refused(decide(owner, id, "withdraw", ""), 403, "ForbiddenException");
        refused(decide(owner, id, "approve", "{}"), 400, "BadRequestException");
        refused(decide(owner, id, "approve", "{\"reason\":\" \"}"), 400, "BadRequestException");
        refused(
                decide(owner, id, "approve", "{\"reason\":\"x\",\"expires-at\":\"2001-01-01T00:00:00Z\"}"),
                400,
                "BadRequestException");

        // the owner of the namespace decides
        String end = "2100-01-02T03:04:05Z";
        JsonNode approved = ok(decide(
                        namespaceOwner, id, "approve", "{\"reason\":\"he needs it\",\"expires-at\":\"" + end + "\"}"))
                .json();
        assertThat(approved.path("state").asText()).isEqualTo("approved");
        assertThat(approved.path("decision").path("by").asText()).isEqualTo("nina");
        assertThat(approved.path("decision").path("reason").asText()).isEqualTo("he needs it");
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(200);
        assertThat(status(bob, CRM + "/views/best")).isEqualTo(404);
        JsonNode grant = grantOf("principal:bob");
        assertThat(grant.path("expires-at").asText()).isEqualTo(end);
        assertThat(grant.path("granted-by").asText()).isEqualTo("nina");
        assertThat(grant.path("reason").asText()).isEqualTo("he needs it");

        // and it ends once
        refused(decide(owner, id, "refuse", "{\"reason\":\"no\"}"), 409, "CommitFailedException");
        refused(decide(bob, id, "withdraw", ""), 409, "CommitFailedException");
        assertThat(listed(bob, "?state=approved")).containsExactly(id);
        assertThat(listed(bob, "?state=open")).isEmpty();
    }

    private JsonNode grantOf(String grantee) {
        for (JsonNode grant : ok(mesh.send("GET", GRANTS, owner, "")).json().path("grants")) {
            if (grant.path("grantee").asText().equals(grantee)) {
                return grant;
            }
        }
        throw new AssertionError("no grant of " + grantee);
    }

    @Test
    void askingTellsNothingOfWhatIsThere() {
        Reply there = ask(bob, "\"domain\":\"sales\",\"namespace\":\"crm\",\"table\":\"orders\"");
        Reply nowhere = ask(bob, "\"domain\":\"salesx\",\"namespace\":\"crm\",\"table\":\"orders\"");
        assertThat(there.status()).isEqualTo(201);
        assertThat(nowhere.status()).isEqualTo(201);
        assertThat(names(nowhere.json())).isEqualTo(names(there.json()));

        String id = nowhere.json().path("id").asText();
        assertThat(listed(owner, "")).doesNotContain(id);
        assertThat(listed(mesh.admin, "")).contains(id);
        refused(decide(mesh.admin, id, "approve", "{\"reason\":\"x\"}"), 404, "NoSuchDomainException");
        assertThat(listed(bob, "?state=open")).contains(id);
        ok(decide(mesh.admin, id, "refuse", "{\"reason\":\"there is no such domain\"}"));
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void ownersSeeTheRequestsForWhatTheyOwn() {
        String inCrm = ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"crm\""))
                .json()
                .path("id")
                .asText();
        String beside = ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"other\""))
                .json()
                .path("id")
                .asText();
        String all = ok(ask(bob, "\"domain\":\"sales\"")).json().path("id").asText();
        String own = ok(ask(namespaceOwner, "\"domain\":\"sales\",\"namespace\":\"crm\",\"table\":\"orders\""))
                .json()
                .path("id")
                .asText();

        assertThat(listed(owner, "?domain=sales")).containsExactly(own, all, beside, inCrm);
        assertThat(listed(owner, "?domain=payments")).isEmpty();
        assertThat(listed(namespaceOwner, "")).containsExactly(own, inCrm);
        assertThat(listed(namespaceOwner, "?mine=true")).containsExactly(own);
        assertThat(listed(bob, "")).containsExactly(all, beside, inCrm);
        assertThat(listed(mesh.stranger, "")).isEmpty();
        Reply first = ok(mesh.send("GET", REQUESTS + "?pageSize=2", owner, ""));
        String token = first.json().path("next-page-token").asText();
        assertThat(listed(owner, "?pageSize=2&pageToken=" + token)).containsExactly(beside, inCrm);
        refused(mesh.send("GET", REQUESTS + "?state=lost", owner, ""), 400, "BadRequestException");
    }

    @Test
    void thereIsABoundAndTheSameIsAskedOnce() {
        ok(ask(bob, "\"domain\":\"sales\""));
        refused(ask(bob, "\"domain\":\"sales\""), 409, "AlreadyExistsException");
        for (int i = 1; i < AccessRequests.OPEN_MAX; i++) {
            ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"n" + i + "\""));
        }
        refused(ask(bob, "\"domain\":\"hr\""), 403, "ForbiddenException");
        String one = listed(bob, "?mine=true").getFirst();
        assertThat(ok(decide(bob, one, "withdraw", "")).json().path("state").asText())
                .isEqualTo("withdrawn");
        ok(ask(bob, "\"domain\":\"hr\""));
    }

    @Test
    void ofManyWhoDecideAtTheSameTimeOneDoes() throws Exception {
        String id = ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"crm\""))
                .json()
                .path("id")
                .asText();
        List<Callable<Integer>> race = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String how = i % 2 == 0 ? "approve" : "refuse";
            race.add(() -> decide(owner, id, how, "{\"reason\":\"first\"}").status());
        }
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow))
                    .containsOnly(200, 409)
                    .containsOnlyOnce(200);
        }
        boolean approved = listed(bob, "?state=approved").contains(id);
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(approved ? 200 : 404);
    }

    /// What somebody has for longer is not taken by an approval.
    @Test
    void anApprovalTakesNothing() {
        ok(grant(owner, "\"grantee\":\"principal:bob\",\"role\":\"reader\",\"namespace\":\"crm\""));
        String id = ok(ask(bob, "\"domain\":\"sales\",\"namespace\":\"crm\""))
                .json()
                .path("id")
                .asText();
        ok(decide(owner, id, "approve", "{\"reason\":\"x\",\"expires-at\":\"2100-01-01T00:00:00Z\"}"));
        assertThat(grantOf("principal:bob").has("expires-at")).isFalse();
    }

    /// The grant is used all the time, so every cache knows it, and is gone when it says.
    @Test
    void aGrantGivesNothingFromItsEndOn() {
        Instant end = Instant.now().plus(Duration.ofSeconds(3));
        ok(grant(
                owner,
                "\"grantee\":\"principal:bob\",\"role\":\"reader\",\"namespace\":\"crm\",\"reason\":\"three seconds\","
                        + "\"expires-at\":\"" + end + "\""));
        List<String> paths = List.of(
                CRM + "/tables/orders",
                CRM + "/tables",
                CRM,
                CRM + "/views/best",
                "/iceberg/v1/sales/namespaces",
                "/api/v1/domains/sales");
        for (String path : paths) {
            assertThat(status(bob, path)).as(path).isEqualTo(200);
        }
        Instant deadline = end.plus(RunningServer.PATIENCE);
        while (status(bob, CRM + "/tables/orders") == 200 && Instant.now().isBefore(deadline)) {
            Thread.onSpinWait();
        }
        assertThat(Instant.now()).isAfterOrEqualTo(end);
        for (String path : paths) {
            assertThat(status(bob, path)).as(path).isEqualTo(404);
        }
        JsonNode expired = grantOf("principal:bob");
        assertThat(expired.path("state").asText()).isEqualTo("expired");
        assertThat(expired.path("reason").asText()).isEqualTo("three seconds");

        // given again it counts again, and for ever
        ok(grant(owner, "\"grantee\":\"principal:bob\",\"role\":\"reader\",\"namespace\":\"crm\""));
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(200);
        assertThat(grantOf("principal:bob").path("state").asText()).isEqualTo("active");
    }

    @Test
    void anOwnerOfANamespaceGrantsInItAndNotAbove() {
        String grantee = "\"grantee\":\"principal:bob\",\"role\":\"reader\"";
        ok(grant(namespaceOwner, grantee + ",\"namespace\":\"crm\",\"table\":\"best\""));
        assertThat(status(bob, CRM + "/views/best")).isEqualTo(200);
        assertThat(status(bob, CRM + "/tables/orders")).isEqualTo(404);
        ok(grant(namespaceOwner, grantee + ",\"namespace\":\"crm.below\""));
        refused(grant(namespaceOwner, grantee), 403, "ForbiddenException");
        refused(grant(namespaceOwner, grantee + ",\"namespace\":\"other\""), 403, "ForbiddenException");
        refused(grant(namespaceOwner, grantee + ",\"namespace\":\"crmx\""), 403, "ForbiddenException");
        refused(mesh.send("GET", GRANTS, namespaceOwner, ""), 403, "ForbiddenException");
        assertThat(ok(mesh.send("GET", GRANTS + "?namespace=crm", namespaceOwner, ""))
                        .json()
                        .path("grants"))
                .hasSize(3);
        ok(mesh.send("DELETE", GRANTS, namespaceOwner, "{" + grantee + ",\"namespace\":\"crm\",\"table\":\"best\"}"));
        assertThat(status(bob, CRM + "/views/best")).isEqualTo(404);
        refused(grant(bob, grantee), 403, "ForbiddenException"); // he still knows of `crm.below`
        refused(grant(mesh.stranger, grantee), 404, "NoSuchDomainException");
    }

    @Test
    void theLastOwnerStays() {
        String sellers = "\"grantee\":\"group:sellers\",\"role\":\"owner\"";
        String others = "\"grantee\":\"group:others\",\"role\":\"owner\"";
        refused(mesh.send("DELETE", GRANTS, owner, "{" + sellers + "}"), 403, "ForbiddenException");
        // nor by giving it an end, nor when the other one has an end
        String soon = ",\"expires-at\":\"2100-01-01T00:00:00Z\"";
        refused(grant(owner, sellers + soon), 403, "ForbiddenException");
        ok(grant(owner, others + soon));
        refused(mesh.send("DELETE", GRANTS, owner, "{" + sellers + "}"), 403, "ForbiddenException");
        ok(grant(owner, others));
        ok(mesh.send("DELETE", GRANTS, owner, "{" + sellers + "}"));
        assertThat(status(owner, "/api/v1/domains/sales")).isEqualTo(404);
    }

    @Test
    void ofTwoOwnersWhoTakeEachOtherBackOneStays() throws Exception {
        for (int round = 0; round < 5; round++) {
            ok(grant(mesh.admin, "\"grantee\":\"group:a\",\"role\":\"owner\""));
            ok(grant(mesh.admin, "\"grantee\":\"group:b\",\"role\":\"owner\""));
            Reply _ = mesh.send("DELETE", GRANTS, mesh.admin, "{\"grantee\":\"group:sellers\",\"role\":\"owner\"}");
            List<Callable<Integer>> race = List.of(
                    () -> mesh.send("DELETE", GRANTS, mesh.admin, "{\"grantee\":\"group:a\",\"role\":\"owner\"}")
                            .status(),
                    () -> mesh.send("DELETE", GRANTS, mesh.admin, "{\"grantee\":\"group:b\",\"role\":\"owner\"}")
                            .status());
            try (var threads = Executors.newCachedThreadPool()) {
                assertThat(threads.invokeAll(race).stream().map(Future::resultNow))
                        .containsExactlyInAnyOrder(204, 403);
            }
        }
    }

    @Test
    void givingAndTakingTwiceIsOnce() {
        String body = "{\"grantee\":\"principal:bob\",\"role\":\"reader\",\"reason\":\"a\"}";
        ok(mesh.send("POST", GRANTS, owner, body));
        JsonNode first = grantOf("principal:bob");
        ok(mesh.send("POST", GRANTS, mesh.admin, body));
        assertThat(grantOf("principal:bob")).isEqualTo(first);
        String same = "{\"grantee\":\"principal:bob\",\"role\":\"reader\"}";
        ok(mesh.send("DELETE", GRANTS, owner, same));
        ok(mesh.send("DELETE", GRANTS, owner, same));
        assertThat(status(bob, CRM)).isEqualTo(404);
    }
}
