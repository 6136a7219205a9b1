package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.system.Mesh.Answer;
import io.icefield.system.Mesh.Identity;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Users of a company's own OpenID Connect provider, in the catalog and in a real Trino; secrets and keys that change.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdentityIT {
    private static final String DOMAIN = "identities";
    private static final String JOB = DOMAIN + "-job";
    private static final String PEOPLE = DOMAIN + ".core.people";

    private Mesh mesh;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.execute(JOB, "CREATE SCHEMA " + DOMAIN + ".core");
        mesh.execute(JOB, """
                CREATE TABLE %s
                WITH (extra_properties = MAP(ARRAY['icefield.tags.email'], ARRAY['pii.email']))
                AS SELECT * FROM (VALUES (BIGINT '1', 'ann@example.com')) AS t (id, email)""".formatted(PEOPLE));
        Answer granted = mesh.call(
                "admin",
                "POST",
                "/api/v1/domains/" + DOMAIN + "/grants",
                "{\"grantee\":\"group:acme.readers\",\"role\":\"reader\"}");
        assertThat(granted.status()).as(granted.body()).isEqualTo(201);
    }

    /// What the provider says.
    private static String theirs(String user, String... groups) {
        return Mesh.OIDC
                .issueToken(Mesh.ISSUER, user, "mesh", Map.of("groups", List.of(groups)))
                .serialize();
    }

    private Answer exchange(String token) throws IOException, InterruptedException {
        String form = "grant_type=%s&subject_token_type=%s&subject_token=%s"
                .formatted(
                        URLEncoder.encode("urn:ietf:params:oauth:grant-type:token-exchange", UTF_8),
                        URLEncoder.encode("urn:ietf:params:oauth:token-type:access_token", UTF_8),
                        token);
        return mesh.send(HttpRequest.newBuilder(mesh.catalog("/oauth/token"))
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build());
    }

    private String ours(String user, String... groups) throws IOException, InterruptedException {
        Answer answer = exchange(theirs(user, groups));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json().path("access_token").asText();
    }

    private List<List<String>> rows(String token, String query) throws IOException, InterruptedException, SQLException {
        try (Connection connection = mesh.sqlWithToken(token);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            return Mesh.texts(result);
        }
    }

    @Test
    void aUserOfTheProviderQueriesTrinoUnderTheirProvenName() throws Exception {
        String query = "SELECT current_user, id, email FROM " + PEOPLE;
        List<String> row = rows(ours("alice", "readers"), query).getFirst();
        assertThat(row.subList(0, 2)).containsExactly("acme.alice", "1");
        assertThat(row.get(2)).as("masked as for any analyst").doesNotContain("ann");

        String admin = ours("admin", "platform");
        assertThatThrownBy(() -> rows(admin, query))
                .as("their admin is not ours")
                .isInstanceOf(SQLException.class);
        assertThatThrownBy(() -> rows(theirs("alice", "readers"), "SELECT 1"))
                .as("Trino knows our keys only")
                .isInstanceOf(SQLException.class);
    }

    @Test
    void trinoSeesNothingForAUserWhoWasSentAway() throws Exception {
        String token = ours("zoe", "readers");
        assertThat(rows(token, "SELECT id FROM " + PEOPLE)).hasSize(1);
        assertThat(mesh.call("admin", "DELETE", "/api/v1/principals/acme.zoe", "")
                        .status())
                .isEqualTo(204);
        assertThatThrownBy(() -> rows(token, "SELECT id FROM " + PEOPLE)).isInstanceOf(SQLException.class);
    }

    @Test
    void icebergsClientTakesTheProvidersTokenAndOurs() throws Exception {
        for (String token : List.of(theirs("carol", "readers"), ours("carol", "readers"))) {
            Map<String, String> properties = new HashMap<>();
            properties.put("uri", mesh.catalog("/iceberg").toString());
            properties.put("warehouse", DOMAIN);
            properties.put("token", token);
            try (RESTCatalog catalog = new RESTCatalog()) {
                catalog.initialize(DOMAIN, properties);
                assertThat(catalog.listTables(Namespace.of("core")))
                        .containsExactly(TableIdentifier.of("core", "people"));
            }
        }
    }

    @Test
    void aSecretIsRotatedAndRevokedOnTheCommandLineWhileItsJobRuns() throws Exception {
        mesh.icefield("principal", "create", "nightly", "--kind", "job").ok();
        Identity first = mesh.identity("nightly");
        String token = mesh.token(first);
        mesh.icefield("principal", "rotate", "nightly", "--overlap", "PT1H", "--lifetime", "P90D")
                .ok();
        mesh.status();
        Identity second = mesh.identity("nightly");
        assertThat(second).isNotEqualTo(first);
        assertThat(mesh.token(first)).isNotEmpty();
        assertThat(mesh.token(second)).isNotEmpty();

        JsonNode secrets = Mesh.JSON
                .readTree(mesh.icefield("principal", "secrets", "nightly", "--output", "json")
                        .ok()
                        .out())
                .path("secrets");
        assertThat(secrets).hasSize(2);
        assertThat(secrets.toString()).doesNotContain(first.clientSecret(), second.clientSecret());
        mesh.icefield(
                        "principal",
                        "revoke",
                        "nightly",
                        secrets.path(0).path("id").asText())
                .ok();
        assertThatThrownBy(() -> mesh.token(first)).isInstanceOf(AssertionError.class);
        assertThat(mesh.token(second)).isNotEmpty();
        Answer late = mesh.send(HttpRequest.newBuilder(mesh.catalog("/api/v1/domains"))
                .header("Authorization", "Bearer " + token)
                .build());
        assertThat(late.status()).isEqualTo(401);
    }

    @Test
    void aSigningKeyIsRotatedWhileTrinoAndTheCatalogGoOn() throws Exception {
        String before = ours("dave", "readers");
        mesh.icefield("signing-key", "rotate").ok();
        JsonNode keys = Mesh.JSON
                .readTree(mesh.icefield("signing-key", "list", "--output", "json")
                        .ok()
                        .out())
                .path("signing-keys");
        assertThat(keys.findValuesAsText("state")).containsExactly("published", "signing");
        Answer published =
                mesh.send(HttpRequest.newBuilder(mesh.catalog("/oauth/jwks")).build());
        assertThat(published.json().path("keys").findValuesAsText("kid")).isEqualTo(keys.findValuesAsText("id"));
        assertThat(rows(before, "SELECT id FROM " + PEOPLE)).hasSize(1);
        assertThat(rows(ours("dave", "readers"), "SELECT id FROM " + PEOPLE)).hasSize(1);
    }
}
