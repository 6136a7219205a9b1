package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.net.http.HttpRequest;
import java.util.ArrayList;
import java.util.Base64;
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

/// The Iceberg REST catalog as clients use it, and as nobody should.
class IcebergRoutesTest {
    private static final String ROOT = "/iceberg/v1/sales/namespaces";
    private static final String TABLES = ROOT + "/crm/tables";

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
                {"id":1,"name":"id","required":false,"type":"long"},
                {"id":2,"name":"email","required":false,"type":"string"}]}%s}""".formatted(name, more);
    }

    private Reply create(String name) {
        Reply reply = mesh.send("POST", TABLES, mesh.seller, createBody(name, ""));
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply;
    }

    private Reply delegated(String method, String path, String token, String body) {
        return mesh.send(HttpRequest.newBuilder(mesh.uri(path))
                .header("Authorization", "Bearer " + token)
                .header("X-Iceberg-Access-Delegation", "vended-credentials,remote-signing")
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body)));
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    private void assertRefused(Reply reply, int status, String type) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(status);
        assertThat(reply.errorType()).isEqualTo(type);
        assertThat(reply.json().path("error").path("code").asInt()).isEqualTo(status);
        assertThat(reply.header("Content-Type")).startsWith("application/json");
    }

    @Test
    void configNamesThePrefixAndExactlyWhatIsServed() {
        Reply reply = mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.analyst, "");
        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.json().path("overrides").path("prefix").asText()).isEqualTo("sales");
        List<String> endpoints = texts(reply.json().path("endpoints"));
        assertThat(endpoints)
                .hasSize(31)
                .contains("GET /v1/{prefix}/namespaces", "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}")
                .contains("POST /v1/{prefix}/transactions/commit", "POST /v1/{prefix}/views/rename")
                .allMatch(endpoint -> endpoint.matches("(GET|POST|DELETE|HEAD) /v1/\\{prefix}/\\S+"));

        for (String none : List.of("", "?warehouse=", "?warehouse=mesh")) {
            assertThat(mesh.send("GET", "/iceberg/v1/config" + none, mesh.stranger, "")
                            .json()
                            .path("overrides")
                            .path("prefix")
                            .asText())
                    .isEqualTo("mesh");
        }
        assertRefused(
                mesh.send("GET", "/iceberg/v1/config?warehouse=nowhere", mesh.admin, ""),
                404,
                "NoSuchWarehouseException");
        assertRefused(
                mesh.send("GET", "/iceberg/v1/config?warehouse=sales", mesh.stranger, ""),
                404,
                "NoSuchWarehouseException");
        assertRefused(
                mesh.send("GET", "/iceberg/v1/nowhere/namespaces", mesh.admin, ""), 404, "NoSuchNamespaceException");
    }

    private Reply token(String form, String authorization) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mesh.uri("/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form));
        if (!authorization.isEmpty()) {
            request.header("Authorization", authorization);
        }
        return mesh.send(request);
    }

    @Test
    void aSecretBuysATokenInBothForms() {
        Reply form = token(
                "grant_type=client_credentials&client_id=admin&client_secret=admin-secret&scope=PRINCIPAL_ROLE%3AALL",
                "");
        assertThat(form.status()).as("%s", form).isEqualTo(200);
        assertThat(form.json().path("scope").asText()).isEqualTo("PRINCIPAL_ROLE:ALL");
        assertThat(form.json().path("expires_in").asInt()).isEqualTo(3600);
        assertThat(form.header("Cache-Control")).isEqualTo("no-store");
        String basic = "Basic "
                + Base64.getEncoder()
                        .encodeToString("admin:admin-secret".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        Reply header = token("grant_type=client_credentials", basic);
        assertThat(header.status()).isEqualTo(200);
        String bought = header.json().path("access_token").asText();
        assertThat(mesh.send("GET", "/api/v1/domains", bought, "").status()).isEqualTo(200);
    }

    @Test
    void tokenErrorsHaveTheFormOfOAuth() {
        record Case(String form, int status, String error) {}
        for (Case each : new Case[] {
            new Case("grant_type=client_credentials&client_id=admin&client_secret=wrong", 401, "invalid_client"),
            new Case("grant_type=client_credentials&client_id=nobody&client_secret=x", 401, "invalid_client"),
            new Case("grant_type=client_credentials", 400, "invalid_request"),
            new Case("", 400, "invalid_request"),
            new Case("grant_type=client_credentials&client_id=%zz", 400, "invalid_request"),
            new Case("grant_type=client_credentials&client_id=a&client_id=b", 400, "invalid_request"),
            new Case("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", 400, "invalid_request"),
            new Case("grant_type=password", 400, "unsupported_grant_type")
        }) {
            Reply reply = token(each.form(), "");
            assertThat(reply.status()).as("%s %s", each, reply).isEqualTo(each.status());
            assertThat(reply.json().path("error").asText()).isEqualTo(each.error());
        }
        assertThat(token("x".repeat(70_000), "").status()).isEqualTo(413);
    }

    @Test
    void namespacesAreCreatedNestedChangedListedAndDropped() {
        assertThat(mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"a\"],\"properties\":{\"k\":\"v\"}}")
                        .json()
                        .path("properties")
                        .path("k")
                        .asText())
                .isEqualTo("v");
        assertThat(mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"a\",\"b c\"],\"future\":1}")
                        .status())
                .isEqualTo(200);
        assertRefused(mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"a\"]}"), 409, "AlreadyExistsException");
        assertRefused(
                mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"none\",\"x\"]}"),
                404,
                "NoSuchNamespaceException");
        for (String path : List.of("/a%1Fb%20c", "/a%1Fb+c", "/a%1fb%20c")) {
            Reply found = mesh.send("GET", ROOT + path, mesh.analyst, "");
            assertThat(texts(found.json().path("namespace"))).containsExactly("a", "b c");
            Reply head = mesh.send("HEAD", ROOT + path, mesh.analyst, "");
            assertThat(head.status()).isEqualTo(204);
            assertThat(head.header("Content-Type")).isEmpty();
        }
        for (String parent : List.of("a", "a&pageSize=5&pageToken=")) {
            Reply children = mesh.send("GET", ROOT + "?parent=" + parent, mesh.analyst, "");
            assertThat(children.json().path("namespaces").toString()).isEqualTo("[[\"a\",\"b c\"]]");
            assertThat(children.json().has("next-page-token")).isFalse();
        }
        assertThat(mesh.send("GET", ROOT + "?parent=a%251Fb%2520c", mesh.analyst, "")
                        .status())
                .as("a parent that was encoded twice")
                .isEqualTo(200);
        assertRefused(mesh.send("GET", ROOT + "?parent=none", mesh.analyst, ""), 404, "NoSuchNamespaceException");
        Reply changed = mesh.send(
                "POST", ROOT + "/a/properties", mesh.seller, "{\"removals\":[\"k\",\"z\"],\"updates\":{\"n\":\"1\"}}");
        assertThat(changed.json().toString())
                .isEqualTo("{\"updated\":[\"n\"],\"removed\":[\"k\"],\"missing\":[\"z\"]}");
        assertRefused(
                mesh.send(
                        "POST",
                        ROOT + "/a/properties",
                        mesh.seller,
                        "{\"removals\":[\"k\"],\"updates\":{\"k\":\"1\"}}"),
                422,
                "UnprocessableEntityException");
        assertRefused(
                mesh.send("POST", ROOT + "/a/properties", mesh.seller, "{\"updates\":{\"k\":null}}"),
                400,
                "BadRequestException");
        assertRefused(mesh.send("DELETE", ROOT + "/a", mesh.seller, ""), 409, "NamespaceNotEmptyException");
        assertThat(mesh.send("DELETE", ROOT + "/a%1Fb%20c", mesh.seller, "").status())
                .isEqualTo(204);
        Reply gone = mesh.send("HEAD", ROOT + "/a%1Fb%20c", mesh.seller, "");
        assertThat(gone.status()).isEqualTo(404);
        assertThat(gone.text()).isEmpty();
    }

    @Test
    void pagesAreInOrderCompleteAndTheirTokensBelongToOneList() {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            names.add("t" + i);
            create("t" + i);
        }
        List<String> seen = new ArrayList<>();
        String token = "";
        String some = "";
        do {
            JsonNode page = mesh.send("GET", TABLES + "?pageSize=3&pageToken=" + token, mesh.analyst, "")
                    .json();
            page.path("identifiers").forEach(each -> seen.add(each.path("name").asText()));
            token = page.path("next-page-token").asText("");
            some = token.isEmpty() ? some : token;
        } while (!token.isEmpty());
        assertThat(seen).isEqualTo(names);
        assertThat(some).isNotEmpty();
        assertThat(mesh.send("GET", TABLES, mesh.analyst, "").json().path("identifiers"))
                .hasSize(7);
        for (String bad : List.of(
                "pageToken=nonsense",
                "pageToken=%00",
                "pageToken=" + "a".repeat(5_000),
                "pageSize=0",
                "pageSize=-1",
                "pageSize=x",
                "pageSize=1&pageSize=2")) {
            assertRefused(mesh.send("GET", TABLES + "?" + bad, mesh.analyst, ""), 400, "BadRequestException");
        }
        assertRefused(mesh.send("GET", ROOT + "?pageToken=" + some, mesh.analyst, ""), 400, "BadRequestException");
    }

    @Test
    void aTableIsCreatedLoadedCommittedRenamedAndDropped() {
        Reply created = delegated("POST", TABLES, mesh.seller, createBody("orders", ""));
        assertThat(created.status()).as("%s", created).isEqualTo(200);
        JsonNode body = created.json();
        assertThat(body.path("metadata-location").asText()).startsWith("s3://bucket-sales/crm/orders-");
        String location = body.path("metadata").path("location").asText();
        JsonNode config = body.path("config");
        assertThat(config.path("s3.secret-access-key").asText()).isEqualTo("vended-secret");
        assertThat(config.path("client.region").asText()).isEqualTo("us-east-1");
        assertThat(config.path("s3.path-style-access").asText()).isEqualTo("true");
        assertThat(config.path("s3.session-token-expires-at-ms").asLong()).isPositive();
        assertThat(config.path("client.refresh-credentials-endpoint").asText())
                .isEqualTo("v1/sales/namespaces/crm/tables/orders/credentials");
        assertThat(body.path("storage-credentials")).hasSize(1);
        JsonNode credential = body.path("storage-credentials").get(0);
        assertThat(credential.path("prefix").asText()).isEqualTo(location + "/");
        assertThat(credential.path("config").path("s3.session-token").asText()).isEqualTo("session");
        assertThat(created.header("Cache-Control")).isEqualTo("no-store");

        Reply plain = mesh.send("GET", TABLES + "/orders", mesh.seller, "");
        assertThat(plain.json().path("config").has("s3.access-key-id")).isFalse();
        assertThat(plain.json().path("storage-credentials")).isEmpty();
        assertThat(plain.json().path("metadata").path("table-uuid"))
                .isEqualTo(body.path("metadata").path("table-uuid"));
        assertThat(mesh.send("GET", TABLES + "/orders?snapshots=refs", mesh.seller, "")
                        .status())
                .isEqualTo(200);
        assertRefused(mesh.send("GET", TABLES + "/orders?snapshots=some", mesh.seller, ""), 400, "BadRequestException");

        Reply renewed = mesh.send(
                "GET",
                "/iceberg/" + config.path("client.refresh-credentials-endpoint").asText(),
                mesh.seller,
                "");
        assertThat(renewed.json().path("storage-credentials")).hasSize(1);
        assertThat(renewed.header("Cache-Control")).isEqualTo("no-store");

        Reply committed = mesh.send(
                "POST",
                TABLES + "/orders",
                mesh.seller,
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}");
        assertThat(committed.status()).as("%s", committed).isEqualTo(200);
        assertThat(committed
                        .json()
                        .path("metadata")
                        .path("properties")
                        .path("a")
                        .asText())
                .isEqualTo("b");
        assertThat(committed.json().path("metadata-location")).isNotEqualTo(body.path("metadata-location"));

        assertRefused(mesh.send("POST", TABLES, mesh.seller, createBody("orders", "")), 409, "AlreadyExistsException");
        assertThat(mesh.send("POST", TABLES + "/orders/metrics", mesh.analyst, "{\"report-type\":\"odd\"}")
                        .status())
                .isEqualTo(204);
        assertThat(mesh.send(
                                "POST",
                                "/iceberg/v1/sales/tables/rename",
                                mesh.seller,
                                "{\"source\":{\"namespace\":[\"crm\"],\"name\":\"orders\"},"
                                        + "\"destination\":{\"namespace\":[\"crm\"],\"name\":\"sold things\"}}")
                        .status())
                .isEqualTo(204);
        assertThat(mesh.send("HEAD", TABLES + "/sold%20things", mesh.analyst, "")
                        .status())
                .isEqualTo(204);
        assertRefused(mesh.send("GET", TABLES + "/orders", mesh.seller, ""), 404, "NoSuchTableException");
        assertRefused(
                mesh.send("DELETE", TABLES + "/sold+things?purgeRequested=perhaps", mesh.seller, ""),
                400,
                "BadRequestException");
        assertRefused(mesh.send("DELETE", TABLES + "/sold+things", mesh.analyst, ""), 403, "ForbiddenException");
        assertThat(mesh.send("DELETE", TABLES + "/sold+things?purgeRequested=False", mesh.seller, "")
                        .status())
                .isEqualTo(204);
        assertRefused(mesh.send("DELETE", TABLES + "/sold+things", mesh.seller, ""), 404, "NoSuchTableException");
        Reply registered = mesh.send(
                "POST",
                ROOT + "/crm/register",
                mesh.seller,
                "{\"name\":\"again\",\"metadata-location\":\"%s\"}"
                        .formatted(committed.json().path("metadata-location").asText()));
        assertThat(registered.status()).as("%s", registered).isEqualTo(200);
    }

    @Test
    void aRegistrationReplacesATableOnlyWhenItIsToldTo() {
        String before = create("orders").json().path("metadata-location").asText();
        Reply committed = mesh.send(
                "POST",
                TABLES + "/orders",
                mesh.seller,
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}");
        String after = committed.json().path("metadata-location").asText();
        String other = create("other").json().path("metadata-location").asText();

        assertRefused(register(mesh.seller, "orders", before, ""), 409, "AlreadyExistsException");
        assertRefused(register(mesh.seller, "orders", before, ",\"overwrite\":false"), 409, "AlreadyExistsException");
        assertRefused(register(mesh.analyst, "orders", before, ",\"overwrite\":true"), 403, "ForbiddenException");
        assertRefused(register(mesh.seller, "orders", other, ",\"overwrite\":true"), 400, "BadRequestException");
        assertThat(metadataLocation("orders")).isEqualTo(after);

        assertThat(register(mesh.seller, "orders", before, ",\"overwrite\":true")
                        .status())
                .isEqualTo(200);
        assertThat(metadataLocation("orders")).isEqualTo(before);

        mesh.send("DELETE", TABLES + "/other", mesh.seller, "");
        assertThat(register(mesh.seller, "orders", other, ",\"overwrite\":true").status())
                .isEqualTo(200);
        assertThat(metadataLocation("orders")).isEqualTo(other);
        assertThat(register(mesh.seller, "absent", before, ",\"overwrite\":true")
                        .status())
                .isEqualTo(200);
        assertThat(metadataLocation("absent")).isEqualTo(before);
    }

    private Reply register(String token, String name, String metadata, String more) {
        return mesh.send(
                "POST",
                ROOT + "/crm/register",
                token,
                "{\"name\":\"%s\",\"metadata-location\":\"%s\"%s}".formatted(name, metadata, more));
    }

    private String metadataLocation(String table) {
        return mesh.send("GET", TABLES + "/" + table, mesh.seller, "")
                .json()
                .path("metadata-location")
                .asText();
    }

    @Test
    void aStagedTableHasNoMetadataLocationAndIsNotThere() {
        Reply staged = delegated("POST", TABLES, mesh.seller, createBody("orders", ",\"stage-create\":true"));
        assertThat(staged.status()).as("%s", staged).isEqualTo(200);
        assertThat(staged.json().has("metadata-location")).isFalse();
        assertThat(staged.json().path("storage-credentials")).hasSize(1);
        assertThat(staged.json().path("config").has("client.refresh-credentials-endpoint"))
                .isFalse();
        assertRefused(mesh.send("GET", TABLES + "/orders", mesh.seller, ""), 404, "NoSuchTableException");
    }

    @Test
    void aMaskOutlivesItsColumn() {
        create("people");
        String dropEmail = """
                {"requirements":[],"updates":[
                {"action":"add-schema","last-column-id":2,"schema":{"type":"struct","schema-id":1,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"}]}},
                {"action":"set-current-schema","schema-id":-1}]}""";
        Reply dropped = mesh.send("POST", TABLES + "/people", mesh.seller, dropEmail);
        assertThat(dropped.status()).as("%s", dropped).isEqualTo(200);
        assertThat(delegated("GET", TABLES + "/people", mesh.seller, "").status())
                .isEqualTo(200);
        assertRefused(delegated("GET", TABLES + "/people", mesh.analyst, ""), 403, "ForbiddenException");
        assertRefused(mesh.send("GET", TABLES + "/people/credentials", mesh.analyst, ""), 403, "ForbiddenException");
    }

    @Test
    void whoSeesATableMaskedGetsNoKey() {
        create("people");
        assertThat(mesh.send("GET", TABLES + "/people", mesh.analyst, "").status())
                .isEqualTo(200);
        assertRefused(delegated("GET", TABLES + "/people", mesh.analyst, ""), 403, "ForbiddenException");
        assertRefused(mesh.send("GET", TABLES + "/people/credentials", mesh.analyst, ""), 403, "ForbiddenException");
    }

    @Test
    void aBrokenPolicyTellsAllItsReasons() {
        Reply reply = mesh.send("POST", TABLES, mesh.seller, createBody("bad_table", ""));
        assertRefused(reply, 403, "ForbiddenException");
        assertThat(reply.json().path("error").path("message").asText())
                .contains("naming/pattern")
                .contains("call it good")
                .contains("naming/length");
        assertThat(mesh.send("GET", TABLES, mesh.seller, "").json().path("identifiers"))
                .isEmpty();
    }

    @Test
    void badBodiesAreRefusedAndNothingIsWritten() {
        create("orders");
        String before = mesh.send("GET", TABLES + "/orders", mesh.seller, "").text();
        String good = createBody("t", "");
        for (String path :
                List.of(TABLES, TABLES + "/orders", ROOT, ROOT + "/crm/properties", ROOT + "/crm/register")) {
            for (String body : List.of(
                    "",
                    "{",
                    "null",
                    "[]",
                    "1",
                    "\"x\"",
                    "{}{}",
                    "{} x",
                    good.substring(0, good.length() / 2),
                    "{\"name\":",
                    "{\"name\":\"a\",\"name\":\"b\"}",
                    "{\"namespace\":\"crm\",\"name\":7,\"updates\":3,\"requirements\":{},\"schema\":[]}",
                    "{\"namespace\":[7],\"name\":null,\"updates\":{\"a\":{}},\"metadata-location\":1}",
                    "[".repeat(100_000),
                    "{\"a\":".repeat(100_000),
                    "{\"schema\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}",
                    "{\"properties\":{\"a\":null},\"namespace\":[\"n\"],\"updates\":{\"a\":null},\"name\":\"n\"}",
                    "\uFEFF" + good,
                    "{\"name\":\"\\ud800\"}")) {
                Reply reply = mesh.send("POST", path, mesh.seller, body);
                String shown = body.substring(0, Math.min(80, body.length()));
                assertThat(reply.status()).as("%s %s -> %s", path, shown, reply).isEqualTo(400);
                assertThat(reply.errorType()).isEqualTo("BadRequestException");
            }
        }
        Reply latin = mesh.send(HttpRequest.newBuilder(mesh.uri(TABLES))
                .header("Authorization", "Bearer " + mesh.seller)
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {'{', '"', (byte) 0xE9, '"', '}'})));
        assertRefused(latin, 400, "BadRequestException");
        Reply zipped = mesh.send(HttpRequest.newBuilder(mesh.uri(TABLES))
                .header("Authorization", "Bearer " + mesh.seller)
                .header("Content-Encoding", "gzip")
                .POST(HttpRequest.BodyPublishers.ofString(good)));
        assertRefused(zipped, 400, "BadRequestException");
        assertThat(mesh.send("GET", TABLES + "/orders", mesh.seller, "").text()).isEqualTo(before);
        assertThat(mesh.send("GET", TABLES, mesh.seller, "").json().path("identifiers"))
                .hasSize(1);
        assertThat(mesh.send("GET", ROOT, mesh.seller, "").json().path("namespaces"))
                .hasSize(1);
    }

    @Test
    void badNamesAreNowhereAndRefusedInBodies() {
        for (String name : List.of(
                "a/b",
                "a\\b",
                "a\"b",
                "a'b",
                "a*b",
                "a\u001Fb",
                "\uD83D\uDE00",
                "x".repeat(2_000),
                "..",
                ".",
                "a%b",
                "?",
                "a;b",
                "a#b",
                " a",
                "a\nb",
                "\uD83D\uDE00".repeat(1_000))) {
            String encoded = Text.encoded(name);
            String shown = name.substring(0, Math.min(20, name.length()));
            for (String path : List.of(TABLES + "/" + encoded, ROOT + "/" + encoded + "/tables")) {
                Reply reply = mesh.send("GET", path, mesh.seller, "");
                // Engines ask for names that cannot be (Trino for `orders$history`), and need to hear that
                // it is not
                // there.
                assertThat(reply.status()).as("%s -> %s", shown, reply).isEqualTo(404);
                assertThat(reply.errorType())
                        .isEqualTo(path.endsWith("/tables") ? "NoSuchNamespaceException" : "NoSuchTableException");
                assertThat(reply.text()).hasSizeLessThan(1_000);
            }
            String json = new String(Json.bytes(name), java.nio.charset.StandardCharsets.UTF_8);
            assertRefused(
                    mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[%s]}".formatted(json)),
                    400,
                    "BadRequestException");
            assertRefused(
                    mesh.send(
                            "POST", TABLES, mesh.seller, createBody("PLACE", "").replace("\"PLACE\"", json)),
                    400,
                    "BadRequestException");
        }
        assertRefused(mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[]}"), 400, "BadRequestException");
        assertRefused(mesh.send("GET", "/iceberg/v1/Sales/namespaces", mesh.seller, ""), 400, "BadRequestException");
    }

    @Test
    void locationsOutsideTheDomainAreRefused() {
        create("orders");
        for (String location :
                List.of("s3://other/x", "s3://bucket-sales2/x", "file:///etc", "s3://bucket-sales/../x")) {
            String more = ",\"location\":\"" + location + "\"";
            assertRefused(mesh.send("POST", TABLES, mesh.seller, createBody("t", more)), 400, "BadRequestException");
            assertRefused(
                    delegated("POST", TABLES, mesh.seller, createBody("t", more + ",\"stage-create\":true")),
                    400,
                    "BadRequestException");
            assertRefused(
                    mesh.send(
                            "POST",
                            ROOT + "/crm/register",
                            mesh.seller,
                            "{\"name\":\"t\",\"metadata-location\":\"" + location + "\"}"),
                    400,
                    "BadRequestException");
            assertRefused(
                    mesh.send(
                            "POST",
                            TABLES + "/orders",
                            mesh.seller,
                            "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"write.data.path\":\""
                                    + location + "\"}}]}"),
                    400,
                    "BadRequestException");
        }
    }

    private static String setLocation(String location) {
        return "{\"requirements\":[],\"updates\":[{\"action\":\"set-location\",\"location\":\"" + location + "\"}]}";
    }

    @Test
    void noKeyIsGivenToAFolderOfAnotherTable() {
        String theirs = create("orders").json().at("/metadata/location").asText();
        for (String location : List.of(theirs, theirs + "/data", "s3://bucket-sales/crm")) {
            String more = ",\"stage-create\":true,\"location\":\"" + location + "\"";
            assertRefused(delegated("POST", TABLES, mesh.seller, createBody("mine", more)), 400, "BadRequestException");
        }
    }

    @Test
    void whoMayCreateInOneNamespaceStaysInItsFolder() {
        String metadata = create("orders").json().path("metadata-location").asText();
        assertThat(mesh.send("DELETE", TABLES + "/orders", mesh.seller, "").status())
                .isEqualTo(204);
        mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"lab\"]}");
        mesh.grant(new Grant(
                Grantee.parse("group:nobodies"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("lab"),
                Optional.empty()));
        String lab = ROOT + "/lab/tables";
        Reply own = delegated("POST", lab, mesh.stranger, createBody("own", ""));
        assertThat(own.status()).as("%s", own).isEqualTo(200);
        String staged = ",\"stage-create\":true,\"location\":\"%s\"";
        assertThat(delegated("POST", lab, mesh.stranger, createBody("t", staged.formatted("s3://bucket-sales/lab/t")))
                        .status())
                .isEqualTo(200);
        for (String location : List.of("s3://bucket-sales/crm/orders", "s3://bucket-sales/laboratory", metadata)) {
            assertRefused(
                    delegated("POST", lab, mesh.stranger, createBody("t", staged.formatted(location))),
                    403,
                    "ForbiddenException");
            assertRefused(
                    mesh.send("POST", lab + "/own", mesh.stranger, setLocation(location)), 403, "ForbiddenException");
            assertRefused(
                    mesh.send(
                            "POST",
                            ROOT + "/lab/register",
                            mesh.stranger,
                            "{\"name\":\"t\",\"metadata-location\":\"" + location + "\"}"),
                    403,
                    "ForbiddenException");
        }
        assertThat(mesh.send("POST", lab + "/own", mesh.seller, setLocation("s3://bucket-sales/elsewhere"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aFolderIsNeverTooLongForItsKey() {
        List<String> levels = new ArrayList<>();
        for (int depth = 0; depth < 16; depth++) {
            levels.add("level_" + depth + "_" + "x".repeat(90));
            Reply made =
                    mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"" + String.join("\",\"", levels) + "\"]}");
            assertThat(made.status()).as("%s", made).isEqualTo(200);
        }
        String deep = ROOT + "/" + String.join("%1F", levels) + "/tables";
        Reply created = mesh.send("POST", deep, mesh.seller, createBody("t".repeat(200), ""));
        assertThat(created.status()).as("%s", created).isEqualTo(200);
        assertThat(created.json().at("/metadata/location").asText()).hasSizeLessThan(320);
        String more = ",\"location\":\"s3://bucket-sales/crm/" + "x".repeat(400) + "\"";
        assertRefused(mesh.send("POST", TABLES, mesh.seller, createBody("t", more)), 400, "BadRequestException");
    }

    @Test
    void withoutAKeyNothingIsCreatedOrRegistered() {
        mesh.mesh.keysFail = true;
        assertRefused(
                delegated("POST", TABLES, mesh.seller, createBody("orders", "")), 503, "ServiceUnavailableException");
        assertRefused(mesh.send("GET", TABLES + "/orders", mesh.seller, ""), 404, "NoSuchTableException");
        assertThat(mesh.mesh.objects()).isEmpty();

        String metadata = create("orders").json().path("metadata-location").asText();
        mesh.send("DELETE", TABLES + "/orders", mesh.seller, "");
        String register = "{\"name\":\"again\",\"metadata-location\":\"" + metadata + "\"}";
        assertRefused(
                delegated("POST", ROOT + "/crm/register", mesh.seller, register), 503, "ServiceUnavailableException");
        assertRefused(mesh.send("GET", TABLES + "/again", mesh.seller, ""), 404, "NoSuchTableException");
    }

    @Test
    void aFileThatWasSurelyNotPublishedIsRemovedAndAnyOtherIsKept() {
        create("orders");
        String commit = "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}";
        record Case(Refusal refusal, int status, int files) {}
        for (Case each : List.of(
                new Case(new Refusal.Unavailable("away"), 503, 0),
                new Case(new Refusal.Invalid("no"), 400, 0),
                new Case(new Refusal.OutcomeUnknown("who knows"), 500, 1))) {
            for (String path : List.of(TABLES, TABLES + "/orders")) {
                int before = mesh.mesh.objects().size();
                mesh.mesh.publishing = Optional.of(each.refusal());
                String body = path.equals(TABLES) ? createBody("more", "") : commit;
                Reply reply = mesh.send("POST", path, mesh.seller, body);
                assertThat(reply.status()).as("%s %s %s", each, path, reply).isEqualTo(each.status());
                assertThat(mesh.mesh.objects()).as("%s %s", each, path).hasSize(before + each.files());
            }
        }
    }

    private Reply register(String metadata) {
        return mesh.send(
                "POST",
                ROOT + "/crm/register",
                mesh.seller,
                "{\"name\":\"again\",\"metadata-location\":\"" + metadata + "\"}");
    }

    @Test
    void aFileThatWasWrittenOverAndRegisteredAgainIsReadAgain() {
        JsonNode created = create("orders").json();
        String file = created.path("metadata-location").asText();
        mesh.send("DELETE", TABLES + "/orders", mesh.seller, "");
        assertThat(register(file).status()).isEqualTo(200);
        mesh.send("DELETE", TABLES + "/again", mesh.seller, "");
        mesh.mesh.overwrite(
                Location.parse(file), created.path("metadata").toString().replace("email", "phone"));
        assertThat(register(file).json().toString()).contains("phone").doesNotContain("email");
        Reply classified = mesh.send(
                "PUT",
                "/api/v1/domains/sales/namespaces/crm/tables/again/classification",
                mesh.seller,
                "{\"columns\":{\"phone\":[\"pii.phone\"]}}");
        assertThat(classified.status()).as("%s", classified).isEqualTo(200);
    }

    @Test
    void aRegisteredFileIsOneMetadataFileAndNothingElse() {
        JsonNode created = create("orders").json();
        String file = created.path("metadata-location").asText();
        String good = created.path("metadata").toString();
        String tableUuid = created.at("/metadata/table-uuid").asText();
        mesh.send("DELETE", TABLES + "/orders", mesh.seller, "");
        for (String bad : List.of(
                good + ",\"config\":{\"s3.endpoint\":\"http://evil\"}",
                good + "}",
                good + good,
                "{\"location\":\"s3://other/x\"," + good.substring(1),
                good.replace("\"" + tableUuid + "\"", "null"),
                good.replace("\"properties\":{", "\"properties\":{\"write.metadata.compression-codec\":\"odd\","),
                "",
                "[]")) {
            mesh.mesh.overwrite(Location.parse(file), bad);
            assertRefused(register(file), 400, "BadRequestException");
        }
        mesh.mesh.overwrite(Location.parse(file), good.replace("{\"format", "{ \"our-own\" : 1, \"format"));
        Reply registered = register(file);
        assertThat(registered.status()).as("%s", registered).isEqualTo(200);
        assertThat(registered.json().path("metadata").has("our-own")).isFalse();
    }

    @Test
    void noTwoColumnsHaveOnePath() {
        String fields = """
                {"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"a.b","required":false,"type":"string"},
                {"id":2,"name":"a","required":false,"type":{"type":"struct","fields":[
                {"id":3,"name":"b","required":false,"type":"string"}]}}]}""";
        assertRefused(
                mesh.send("POST", TABLES, mesh.seller, "{\"name\":\"t\",\"schema\":" + fields + "}"),
                400,
                "BadRequestException");
        create("orders");
        assertRefused(
                mesh.send(
                        "POST",
                        TABLES + "/orders",
                        mesh.seller,
                        "{\"requirements\":[],\"updates\":[{\"action\":\"add-schema\",\"last-column-id\":3,\"schema\":"
                                + fields + "},{\"action\":\"set-current-schema\",\"schema-id\":-1}]}"),
                400,
                "BadRequestException");
    }

    @Test
    void noTwoNamespacesShareAFolder() {
        List<String> folders = new ArrayList<>();
        for (String name : List.of("a b", "a_b", "a.b", "a-b")) {
            mesh.send("POST", ROOT, mesh.seller, "{\"namespace\":[\"" + name + "\"]}");
            Reply created =
                    mesh.send("POST", ROOT + "/" + Text.encoded(name) + "/tables", mesh.seller, createBody("t", ""));
            assertThat(created.status()).as("%s", created).isEqualTo(200);
            String location = created.json().at("/metadata/location").asText();
            folders.add(location.substring(0, location.lastIndexOf('/')));
        }
        assertThat(folders).doesNotHaveDuplicates().contains("s3://bucket-sales/a_b", "s3://bucket-sales/a-b");
    }

    @Test
    void aBodyOfVeryManyPartsIsRefusedBeforeItFillsTheMemory() {
        create("orders");
        String many = "[" + "{},".repeat(Json.TOKENS_MAX / 2) + "{}]";
        Reply commit = mesh.send(
                "POST", TABLES + "/orders", mesh.seller, "{\"requirements\":[],\"updates\":[],\"more\":" + many + "}");
        assertRefused(commit, 400, "BadRequestException");
        assertThat(commit.text()).contains("Token count");
        assertRefused(
                mesh.send("POST", TABLES, mesh.seller, createBody("t", ",\"more\":" + many)),
                400,
                "BadRequestException");
    }

    @Test
    void aLargeBodyGivesItsPlaceBack() throws Exception {
        create("orders");
        String body = "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\""
                + "x".repeat(2 << 20) + "\"}}]}";
        List<Callable<Integer>> commits = Collections.nCopies(
                8,
                () -> mesh.send("POST", TABLES + "/orders", mesh.seller, body).status());
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(commits)).map(Future::resultNow).containsOnly(200);
        }
    }
}
