package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import io.icefield.access.IdentityProviders.External;
import io.icefield.access.Principal;
import io.icefield.http.RunningServer.Reply;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Tokens, secrets and keys over HTTP.
final class IdentityRoutesTest {
    private static final String BOB = "/api/v1/principals/bob";
    private static final String EXCHANGE = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
    private static final String JWT = "&subject_token_type=urn:ietf:params:oauth:token-type:jwt";
    private static final List<String> ENDPOINTS = List.of("/iceberg/v1/oauth/tokens", "/oauth/token");

    private final RunningServer mesh = new RunningServer();

    @AfterEach
    void stop() {
        mesh.close();
    }

    private Reply admin(String method, String path, String body) {
        return mesh.send(method, path, mesh.admin, body);
    }

    private String bobsSecret() {
        return admin("POST", "/api/v1/principals", "{\"name\":\"bob\",\"kind\":\"job\"}")
                .json()
                .path("client-secret")
                .asText();
    }

    private Reply signIn(String name, String secret) {
        return mesh.send(
                "POST",
                "/oauth/token",
                "",
                "grant_type=client_credentials&client_id=" + name + "&client_secret=" + secret);
    }

    private int asks(String token) {
        return mesh.send("GET", "/api/v1/domains", token, "").status();
    }

    private static String token(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        assertThat(reply.header("Cache-Control")).isEqualTo("no-store");
        return reply.json().path("access_token").asText();
    }

    @Test
    void secretsAreListedWithoutTheirValueAndRevokedOneByOne() {
        String first = bobsSecret();
        String token = token(signIn("bob", first));
        Reply rotated = admin("POST", BOB + "/secret", "{\"overlap\":\"PT1H\",\"lifetime\":\"P30D\"}");
        assertThat(rotated.json().path("expires-at").asText()).isNotEmpty();
        String second = rotated.json().path("client-secret").asText();
        String others = token(signIn("bob", second));
        Reply listed = mesh.send("GET", BOB + "/secrets", token, "");
        assertThat(listed.text()).doesNotContain(first, second);
        List<JsonNode> secrets =
                List.copyOf(listed.json().path("secrets").valueStream().toList());
        assertThat(secrets).hasSize(2).allMatch(each -> each.path("expires-at").isTextual());

        String address = BOB + "/secrets/" + secrets.getFirst().path("id").asText();
        assertThat(mesh.send("DELETE", address, mesh.stranger, "").status()).isEqualTo(403);
        assertThat(admin("DELETE", address, "").status()).isEqualTo(204);
        assertThat(admin("DELETE", address, "").status()).isEqualTo(404);
        assertThat(asks(token)).isEqualTo(401);
        assertThat(asks(others)).isEqualTo(200);
        assertThat(signIn("bob", first).status()).isEqualTo(401);
        for (String wrong : List.of(
                "{\"overlap\":\"P31D\"}",
                "{\"overlap\":\"-PT1S\"}",
                "{\"overlap\":\"soon\"}",
                "{\"overlap\":5}",
                "{\"lifetime\":\"PT0S\"}",
                "{\"lifetime\":\"P9999999D\"}",
                "{\"more\":1}",
                "[]")) {
            assertThat(admin("POST", BOB + "/secret", wrong).status()).as(wrong).isEqualTo(400);
        }
        assertThat(asks(others)).as("nothing was done").isEqualTo(200);
    }

    @Test
    void aRemovedPrincipalsTokenFailsOnTheNextRequest() {
        String token = token(signIn("bob", bobsSecret()));
        assertThat(asks(token)).isEqualTo(200);
        admin("DELETE", BOB, "");
        assertThat(asks(token)).isEqualTo(401);
    }

    @Test
    void guessesAreSlowedDownAndTellNothing() {
        Set<String> answers = new HashSet<>();
        for (String name : List.of("admin", "nobody", "%00", "x".repeat(3_000))) {
            for (int i = 0; i < 6; i++) {
                Reply reply = signIn(name, "wrong");
                answers.add(i + " " + reply.status() + " " + reply.text() + " " + reply.header("Retry-After"));
            }
        }
        assertThat(answers).as("the same for all").hasSize(6);
        assertThat(answers).anyMatch(each -> each.startsWith("5 429 {\"error\":\"slow_down\"") && each.endsWith(" 1"));
        assertThat(signIn("nobody", "wrong").status()).isEqualTo(429);
    }

    @Test
    void aTokenOfAProviderWorksItselfAndIsExchangedAtBothEndpoints() {
        Principal alice = new Principal("acme.alice", Principal.Kind.USER, Set.of("acme.analysts"));
        mesh.providers = token -> token.equals("theirs")
                ? Optional.of(new External(alice, "https://acme", Instant.now().plusSeconds(60)))
                : Optional.empty();
        admin("POST", "/api/v1/grants", "{\"grantee\":\"group:acme.analysts\",\"role\":\"reader\"}");
        String question = """
                {"input":{"context":{"identity":{"user":"acme.alice","groups":[]},"softwareStack":{}},
                "action":{"operation":"AccessCatalog","resource":{"catalog":{"name":"sales"}}}}}""";
        assertThat(mesh.send("GET", "/iceberg/v1/sales/namespaces", "theirs", "")
                        .status())
                .isEqualTo(200);
        assertThat(mesh.send("POST", "/opa/v1/allow", mesh.engine, question).text())
                .isEqualTo("{\"result\":false}");
        for (String endpoint : ENDPOINTS) {
            Reply reply = mesh.send("POST", endpoint, "", EXCHANGE + JWT + "&subject_token=theirs");
            String ours = token(reply);
            assertThat(reply.json().path("issued_token_type").asText())
                    .isEqualTo("urn:ietf:params:oauth:token-type:access_token");
            assertThat(reply.json().path("expires_in").asInt()).isEqualTo(3600);
            assertThat(mesh.send("GET", "/iceberg/v1/sales/namespaces", ours, "")
                            .status())
                    .isEqualTo(200);
        }
        assertThat(mesh.send("POST", "/opa/v1/allow", mesh.engine, question).text())
                .as("the engine knows only the name")
                .isEqualTo("{\"result\":true}");
        assertThat(admin("GET", "/api/v1/principals", "").text()).doesNotContain("acme.alice");
        assertThat(admin("DELETE", "/api/v1/principals/acme.alice", "").status())
                .isEqualTo(204);
        assertThat(mesh.send("POST", "/opa/v1/allow", mesh.engine, question).text())
                .isEqualTo("{\"result\":false}");
    }

    @Test
    void anIcebergClientsOwnRefreshWorks() {
        String token = token(signIn("bob", bobsSecret()));
        String form = EXCHANGE + "&scope=catalog&subject_token=" + token
                + "&subject_token_type=urn:ietf:params:oauth:token-type:access_token";
        Reply renewed = mesh.send("POST", "/iceberg/v1/oauth/tokens", token, form);
        assertThat(asks(token(renewed))).isEqualTo(200);
        assertThat(renewed.json().path("scope").asText()).isEqualTo("catalog");
        String basic = "Basic " + Base64.getEncoder().encodeToString("admin:admin-secret".getBytes(UTF_8));
        Reply withSecret = mesh.send(HttpRequest.newBuilder(mesh.uri("/iceberg/v1/oauth/tokens"))
                .header("Authorization", basic)
                .POST(HttpRequest.BodyPublishers.ofString(form)));
        assertThat(asks(token(withSecret))).isEqualTo(200);
    }

    @Test
    void badExchangesAreRefusedInOauthsWords() {
        String unsigned = Base64.getUrlEncoder().withoutPadding().encodeToString("{\"alg\":\"none\"}".getBytes(UTF_8))
                + "."
                + Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString("{\"iss\":\"icefield\",\"sub\":\"admin\"}".getBytes(UTF_8))
                + ".";
        for (String form : List.of(
                EXCHANGE + JWT,
                EXCHANGE + "&subject_token=x",
                EXCHANGE + JWT + "&subject_token=x",
                EXCHANGE + JWT + "&subject_token=" + unsigned,
                EXCHANGE + JWT + "&subject_token=" + mesh.admin + "&actor_token=" + mesh.engine,
                EXCHANGE + "&subject_token=" + mesh.admin
                        + "&subject_token_type=urn:ietf:params:oauth:token-type:saml2",
                EXCHANGE + JWT + "&subject_token=" + mesh.admin
                        + "&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token")) {
            Reply reply = mesh.send("POST", "/oauth/token", "", form);
            assertThat(reply.status()).as(form).isEqualTo(400);
            assertThat(reply.json().path("error").asText()).isEqualTo("invalid_request");
        }
        assertThat(mesh.send("POST", "/oauth/token", "", "grant_type=password")
                        .json()
                        .path("error")
                        .asText())
                .isEqualTo("unsupported_grant_type");
    }

    @Test
    void whoVerifiesTokensFindsWhatItNeeds() throws Exception {
        Reply found = mesh.send("GET", "/.well-known/openid-configuration", "", "");
        assertThat(found.status()).isEqualTo(200);
        JsonNode discovery = found.json();
        String secret = bobsSecret();
        SignedJWT token = SignedJWT.parse(token(mesh.send(
                "POST",
                URI.create(discovery.path("token_endpoint").asText()).getPath(),
                "",
                "grant_type=%s&client_id=bob&client_secret=%s"
                        .formatted(discovery.at("/grant_types_supported/0").asText(), secret))));
        assertThat(token.getJWTClaimsSet().getIssuer())
                .isEqualTo(discovery.path("issuer").asText());
        assertThat(token.getHeader().getAlgorithm().getName())
                .isEqualTo(
                        discovery.at("/id_token_signing_alg_values_supported/0").asText());
        JWKSet keys =
                JWKSet.load(URI.create(discovery.path("jwks_uri").asText()).toURL());
        assertThat(token.verify(new ECDSAVerifier(
                        keys.getKeyByKeyId(token.getHeader().getKeyID()).toECKey())))
                .isTrue();
    }

    @Test
    void thePlatformTeamRotatesAndRevokesSigningKeys() {
        String token = token(signIn("bob", bobsSecret()));
        assertThat(mesh.send("GET", "/api/v1/signing-keys", token, "").status()).isEqualTo(403);
        assertThat(mesh.send("POST", "/api/v1/signing-keys", token, "").status())
                .isEqualTo(403);
        JsonNode signing = admin("GET", "/api/v1/signing-keys", "").json().at("/signing-keys/0");
        assertThat(signing.path("state").asText()).isEqualTo("signing");
        Reply rotated = admin("POST", "/api/v1/signing-keys", "");
        assertThat(rotated.status()).isEqualTo(201);
        assertThat(rotated.json().path("state").asText()).isEqualTo("published");
        Reply published = mesh.send("GET", "/oauth/jwks", "", "");
        assertThat(published.json().path("keys").findValuesAsText("kid"))
                .containsExactly(
                        rotated.json().path("id").asText(), signing.path("id").asText());
        assertThat(asks(token)).isEqualTo(200);

        String address = "/api/v1/signing-keys/" + signing.path("id").asText();
        assertThat(mesh.send("DELETE", address, token, "").status()).isEqualTo(403);
        assertThat(admin("DELETE", address, "").status()).isEqualTo(204);
        assertThat(asks(token)).isEqualTo(401);
        assertThat(asks(token(signIn("admin", "admin-secret")))).isEqualTo(200);
    }
}
