package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.RunningServer.Reply;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The platform API: domains, principals, grants, classification.
class PlatformRoutesTest {
    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private void assertRefused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.errorType()).isEqualTo(type);
    }

    /// A property stays when its column is dropped, so it holds for the next column of that name.
    @Test
    void aColumnThatComesBackIsWhatThePropertySays() {
        String tables = "/iceberg/v1/sales/namespaces/crm/tables";
        assertThat(mesh.send(
                                "POST",
                                tables,
                                mesh.seller,
                                IcebergRoutesTest.createBody(
                                        "back", ",\"properties\":{\"icefield.tags.email\":\"pii.email\"}"))
                        .status())
                .isEqualTo(200);
        String email = ",{\"id\":3,\"name\":\"email\",\"required\":false,\"type\":\"string\"}";
        for (String rest : List.of("", email)) {
            Reply changed = mesh.send("POST", tables + "/back", mesh.seller, """
                    {"requirements":[],"updates":[
                    {"action":"add-schema","schema":{"type":"struct","fields":[
                    {"id":1,"name":"id","required":false,"type":"long"}%s]},"last-column-id":3},
                    {"action":"set-current-schema","schema-id":-1}]}""".formatted(rest));
            assertThat(changed.status()).as("%s", changed).isEqualTo(200);
        }
        Reply tags =
                mesh.send("GET", "/api/v1/domains/sales/namespaces/crm/tables/back/classification", mesh.seller, "");
        assertThat(tags.text()).isEqualTo("{\"columns\":{\"email\":[\"pii.email\"]}}");
    }

    @Test
    void aDomainIsCreatedShownOwnedAndDeleted() {
        Reply created =
                mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"pay_ments\",\"owners\":[\"payers\"]}");
        assertThat(created.status()).as("%s", created).isEqualTo(201);
        assertThat(created.text())
                .isEqualTo("{\"name\":\"pay_ments\",\"owners\":[\"payers\"],\"bucket\":\"bucket-pay-ments\","
                        + "\"protected\":false,\"created-at\":\"2026-01-02T03:04:05Z\"}");
        assertThat(created.header("Location")).isEqualTo("/api/v1/domains/pay_ments");
        assertThat(mesh.send("GET", "/api/v1/domains/pay_ments", mesh.admin, "").text())
                .isEqualTo(created.text());
        Reply all = mesh.send("GET", "/api/v1/domains", mesh.admin, "");
        assertThat(all.json().path("domains")).hasSize(2);
        assertThat(all.json().path("next-page-token").isNull()).isTrue();
        Reply first = mesh.send("GET", "/api/v1/domains?pageSize=1", mesh.admin, "");
        Reply second = mesh.send(
                "GET",
                "/api/v1/domains?pageSize=1&pageToken="
                        + first.json().path("next-page-token").asText(),
                mesh.admin,
                "");
        assertThat(first.json().at("/domains/0/name").asText()).isEqualTo("pay_ments");
        assertThat(second.json().at("/domains/0/name").asText()).isEqualTo("sales");
        Reply owners = mesh.send("PUT", "/api/v1/domains/pay_ments/owners", mesh.admin, "{\"owners\":[\"b\",\"a\"]}");
        assertThat(owners.json().path("owners").toString()).isEqualTo("[\"a\",\"b\"]");
        Reply storage = mesh.send("GET", "/api/v1/domains/pay_ments/storage", mesh.admin, "");
        assertThat(storage.text()).contains("bucket-pay-ments").doesNotContain("root-secret");
        assertRefused(mesh.send("DELETE", "/api/v1/domains/sales", mesh.admin, ""), 409, "NamespaceNotEmptyException");
        Reply deleted = mesh.send("DELETE", "/api/v1/domains/pay_ments", mesh.admin, "");
        assertThat(deleted.status()).isEqualTo(204);
        assertThat(deleted.header("Content-Type")).isEmpty();
        assertRefused(mesh.send("GET", "/api/v1/domains/pay_ments", mesh.admin, ""), 404, "NoSuchDomainException");
        assertRefused(
                mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"sales\",\"owners\":[\"x\"]}"),
                409,
                "AlreadyExistsException");
        assertRefused(
                mesh.send("POST", "/api/v1/domains", mesh.seller, "{\"name\":\"mine\",\"owners\":[\"x\"]}"),
                403,
                "ForbiddenException");
    }

    @Test
    void badBodiesNameTheFieldThatIsWrong() {
        record Case(String method, String path, String body, String says) {}
        for (Case each : List.of(
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\"}", "`owners` is missing"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\",\"owners\":\"x\"}", "`owners` must be an array"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\",\"owners\":[]}", "`owners` must name"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\",\"owners\":[7]}", "`owners[0]` must be a text"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\",\"owners\":[\"*\"]}", "group"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"A*\",\"owners\":[\"x\"]}", "no domain name"),
                new Case("POST", "/api/v1/domains", "{\"name\":\"a_b\",\"owners\":[\"x\"],\"color\":1}", "[color]"),
                new Case("POST", "/api/v1/principals", "{\"name\":\"x\",\"kind\":\"god\"}", "[engine, job, user]"),
                new Case("POST", "/api/v1/principals", "{\"name\":\"a b\",\"kind\":\"user\"}", "no principal name"),
                new Case("POST", "/api/v1/grants", "{\"grantee\":\"bob\",\"role\":\"reader\"}", "principal:NAME"),
                new Case("POST", "/api/v1/grants", "{\"grantee\":\"group:x\",\"role\":\"king\"}", "`role` must be"),
                new Case(
                        "POST",
                        "/api/v1/grants",
                        "{\"grantee\":\"group:x\",\"role\":\"reader\",\"namespace\":\"crm\"}",
                        "names its namespace"),
                new Case(
                        "POST",
                        "/api/v1/domains/sales/grants",
                        "{\"grantee\":\"group:x\",\"role\":\"reader\",\"namespace\":\"crm..x\"}",
                        "namespace name"),
                new Case("GET", "/api/v1/domains?pageToken=x", "", "pageToken"),
                new Case("PUT", "/api/v1/principals/admin/groups", "{}", "`groups` is missing"))) {
            Reply reply = mesh.send(each.method(), each.path(), mesh.admin, each.body());
            assertRefused(reply, 400, "BadRequestException");
            assertThat(reply.json().at("/error/message").asText())
                    .as("%s", each)
                    .contains(each.says());
        }
    }

    @Test
    void aPrincipalsSecretIsShownOnceAndWorks() {
        Reply created = mesh.send(
                "POST",
                "/api/v1/principals",
                mesh.admin,
                "{\"name\":\"bob\",\"kind\":\"user\",\"groups\":[\"b\",\"a\"]}");
        assertThat(created.status()).as("%s", created).isEqualTo(201);
        assertThat(created.header("Cache-Control")).isEqualTo("no-store");
        assertThat(created.json().path("client-id").asText()).isEqualTo("bob");
        String secret = created.json().path("client-secret").asText();
        Reply shown = mesh.send("GET", "/api/v1/principals/bob", mesh.admin, "");
        assertThat(shown.text()).isEqualTo("{\"name\":\"bob\",\"kind\":\"user\",\"groups\":[\"a\",\"b\"]}");
        Reply rotated = mesh.send("POST", "/api/v1/principals/bob/secret", mesh.admin, "");
        assertThat(rotated.status()).isEqualTo(200);
        assertThat(rotated.json().path("client-secret").asText()).isNotEmpty().isNotEqualTo(secret);
        String form = "grant_type=client_credentials&client_id=bob&client_secret=";
        assertThat(mesh.send("POST", "/iceberg/v1/oauth/tokens", "", form + secret)
                        .status())
                .isEqualTo(401);
        Reply token = mesh.send(
                "POST",
                "/iceberg/v1/oauth/tokens",
                "",
                form + rotated.json().path("client-secret").asText());
        assertThat(token.status()).isEqualTo(200);
        String bob = token.json().path("access_token").asText();
        assertThat(mesh.send("GET", "/api/v1/principals/bob", bob, "").status()).isEqualTo(200);
        assertRefused(mesh.send("GET", "/api/v1/principals", bob, ""), 403, "ForbiddenException");
        Reply grouped = mesh.send("PUT", "/api/v1/principals/bob/groups", mesh.admin, "{\"groups\":[\"c\"]}");
        assertThat(grouped.json().path("groups").toString()).isEqualTo("[\"c\"]");
        Reply all = mesh.send("GET", "/api/v1/principals", mesh.admin, "");
        assertThat(all.json().findValuesAsText("name")).contains("bob").isSorted();
        assertThat(mesh.send("DELETE", "/api/v1/principals/bob", mesh.admin, "").status())
                .isEqualTo(204);
        assertRefused(mesh.send("GET", "/api/v1/principals/bob", mesh.admin, ""), 404, "NoSuchPrincipalException");
    }

    @Test
    void grantsAreGivenListedAndTakenBack() {
        String grant =
                "{\"grantee\":\"principal:stranger\",\"role\":\"reader\",\"namespace\":\"crm\",\"table\":\"customers\"}";
        Reply given = mesh.send("POST", "/api/v1/domains/sales/grants", mesh.seller, grant);
        assertThat(given.status()).as("%s", given).isEqualTo(201);
        assertThat(given.text())
                .startsWith("{\"grantee\":\"principal:stranger\",\"role\":\"reader\",\"domain\":\"sales\","
                        + "\"namespace\":\"crm\",\"table\":\"customers\",\"state\":\"active\","
                        + "\"granted-by\":\"seller\",\"granted-at\":\"");
        assertThat(mesh.send("GET", "/api/v1/domains/sales/grants", mesh.seller, "")
                        .json()
                        .path("grants"))
                .hasSize(2);
        assertThat(mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.stranger, "")
                        .status())
                .isEqualTo(200);
        assertRefused(mesh.send("GET", "/api/v1/grants", mesh.seller, ""), 403, "ForbiddenException");
        assertThat(mesh.send("GET", "/api/v1/grants", mesh.admin, "").json().toString())
                .isEqualTo("{\"grants\":[{\"grantee\":\"group:analysts\",\"role\":\"reader\",\"state\":\"active\","
                        + "\"granted-by\":\"admin\"}],\"next-page-token\":null}");
        assertThat(mesh.send("DELETE", "/api/v1/domains/sales/grants", mesh.seller, grant)
                        .status())
                .isEqualTo(204);
        assertThat(mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.stranger, "")
                        .status())
                .isEqualTo(404);
    }

    @Test
    void columnsAreClassifiedByThoseWhoMay() {
        mesh.send(
                "POST", "/iceberg/v1/sales/namespaces/crm/tables", mesh.seller, IcebergRoutesTest.createBody("t", ""));
        String path = "/api/v1/domains/sales/namespaces/crm/tables/t/classification";
        Reply set = mesh.send("PUT", path, mesh.seller, "{\"columns\":{\"email\":[\"pii.email\"]}}");
        assertThat(set.status()).as("%s", set).isEqualTo(200);
        assertThat(mesh.send("GET", path, mesh.analyst, "")
                        .json()
                        .at("/columns/email/0")
                        .asText())
                .isEqualTo("pii.email");
        assertRefused(mesh.send("PUT", path, mesh.analyst, "{\"columns\":{}}"), 403, "ForbiddenException");
        assertRefused(mesh.send("PUT", path, mesh.seller, "{\"columns\":{\"email\":7}}"), 400, "BadRequestException");
        assertRefused(mesh.send("GET", path.replace("/t/", "/none/"), mesh.analyst, ""), 404, "NoSuchTableException");
    }

    private void declare(String tag) {
        Reply reply = mesh.send("POST", "/iceberg/v1/sales/namespaces/crm/tables/t", mesh.seller, """
                {"requirements":[],"updates":[
                {"action":"set-properties","updates":{"icefield.tags.email":"%s"}}]}""".formatted(tag));
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
    }

    @Test
    void aStewardsAnswerSticksAlsoWhenItIsNone() {
        mesh.send(
                "POST", "/iceberg/v1/sales/namespaces/crm/tables", mesh.seller, IcebergRoutesTest.createBody("t", ""));
        String path = "/api/v1/domains/sales/namespaces/crm/tables/t/classification";
        declare("pii.phone");
        assertThat(mesh.send("GET", path, mesh.seller, "").text())
                .isEqualTo("{\"columns\":{\"email\":[\"pii.phone\"]}}");
        assertThat(mesh.send("PUT", path, mesh.seller, "{\"columns\":{\"email\":[]}}")
                        .text())
                .isEqualTo("{\"columns\":{}}");
        declare("pii.email");
        assertThat(mesh.send("GET", path, mesh.seller, "").text()).isEqualTo("{\"columns\":{}}");
    }

    @Test
    void aColumnThatIsAddedAgainIsWhatItsPropertySays() {
        mesh.send(
                "POST", "/iceberg/v1/sales/namespaces/crm/tables", mesh.seller, IcebergRoutesTest.createBody("t", ""));
        declare("pii.email");
        Reply replaced = mesh.send("POST", "/iceberg/v1/sales/namespaces/crm/tables/t", mesh.seller, """
                {"requirements":[],"updates":[
                {"action":"add-schema","last-column-id":3,"schema":{"type":"struct","schema-id":1,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"},
                {"id":3,"name":"email","required":false,"type":"string"}]}},
                {"action":"set-current-schema","schema-id":-1}]}""");
        assertThat(replaced.status()).as("%s", replaced).isEqualTo(200);
        assertThat(mesh.send("GET", "/api/v1/domains/sales/namespaces/crm/tables/t/classification", mesh.analyst, "")
                        .text())
                .isEqualTo("{\"columns\":{\"email\":[\"pii.email\"]}}");
    }

    @Test
    void aDomainIsGoneAlsoWhenItsBucketCannotBeRemoved() {
        mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"short_lived\",\"owners\":[\"a\"]}");
        mesh.mesh.keysFail = true;
        assertThat(mesh.send("DELETE", "/api/v1/domains/short_lived", mesh.admin, "")
                        .status())
                .isEqualTo(204);
        assertThat(mesh.send("GET", "/api/v1/domains/short_lived", mesh.admin, "")
                        .status())
                .isEqualTo(404);
    }
}
