package io.icefield.jwt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.icefield.access.IdentityProviders.External;
import io.icefield.access.Issuer;
import io.icefield.access.Principal;
import io.icefield.access.Tokens;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Tokens of others: those of a real OIDC server, and what somebody would forge.
final class OidcProvidersTest {
    private static final OidcProviders.Fetching EAGER = new OidcProviders.Fetching(
            Duration.ofMinutes(15), Duration.ofSeconds(30), Duration.ofHours(4), Duration.ofSeconds(5));

    private final MockOAuth2Server oidc = new MockOAuth2Server();
    private final KeyServer keyServer = new KeyServer();
    private final Instant now = Instant.now();

    OidcProvidersTest() throws Exception {}

    @BeforeEach
    void start() throws IOException {
        oidc.start(InetAddress.getLoopbackAddress(), 0);
    }

    @AfterEach
    void stop() {
        oidc.shutdown();
        keyServer.close();
    }

    // --- A real server

    private String real(String name) {
        return oidc.issuerUrl(name).toString();
    }

    private static Issuer issuer(String name, String prefix) {
        return new Issuer(name, Set.of("mesh"), Optional.empty(), Set.of("RS256"), "sub", "groups", prefix);
    }

    private static OidcProviders believing(Issuer... issuers) {
        return new OidcProviders(List.of(issuers), EAGER, Clock.systemUTC());
    }

    @Test
    void aTokenOfARealServerProvesItsUserUnderTheIssuersPrefix() {
        OidcProviders providers = believing(issuer(real("acme"), "acme."), issuer(real("other"), "other-"));
        String token = oidc.issueToken("acme", "admin", "mesh", Map.of("groups", List.of("platform", "no group", "a")))
                .serialize();

        External external = providers.verify(token).orElseThrow();
        assertThat(external.principal())
                .isEqualTo(new Principal("acme.admin", Principal.Kind.USER, Set.of("acme.platform", "acme.a")));
        assertThat(external.principal().isPlatform()).isFalse();
        assertThat(external.issuer()).isEqualTo(real("acme"));
        assertThat(providers.verify(oidc.issueToken("other", "admin", "mesh").serialize()))
                .map(External::principal)
                .contains(new Principal("other-admin", Principal.Kind.USER, Set.of()));
    }

    @Test
    void tokensForOthersAndOfOthersAreRefused() {
        OidcProviders providers = believing(issuer(real("acme"), "acme."));
        assertThat(providers.verify(oidc.issueToken("acme", "bob", "other").serialize()))
                .as("another audience")
                .isEmpty();
        assertThat(providers.verify(oidc.issueToken("stranger", "bob", "mesh").serialize()))
                .as("an issuer we do not know")
                .isEmpty();
        assertThat(providers.verify(
                        oidc.issueToken("acme", "bob", "mesh", Map.of(), -61L).serialize()))
                .as("expired")
                .isEmpty();
        assertThat(providers.verify(
                        oidc.issueToken("acme", "not a name", "mesh").serialize()))
                .isEmpty();
        assertThat(believing().verify(oidc.issueToken("acme", "bob", "mesh").serialize()))
                .isEmpty();
    }

    @Test
    void anIssuersNameIsComparedLetterByLetter() {
        OidcProviders providers = believing(issuer(real("acme") + "/", "acme."));
        assertThat(providers.verify(oidc.issueToken("acme", "bob", "mesh").serialize()))
                .isEmpty();
    }

    @Test
    void namesComeFromTheClaimsThatTheFileNames() {
        OidcProviders providers = believing(new Issuer(
                real("acme"),
                Set.of("mesh", "more"),
                Optional.of(URI.create(oidc.jwksUrl("acme").toString())),
                Set.of("RS256"),
                "preferred_username",
                "realm_access.roles",
                "acme_"));
        Map<String, Object> claims =
                Map.of("preferred_username", "al@acme", "realm_access", Map.of("roles", List.of("a", 7, "b")));
        assertThat(providers.verify(oidc.issueToken("acme", "x", "more", claims).serialize()))
                .map(External::principal)
                .contains(new Principal("acme_al@acme", Principal.Kind.USER, Set.of("acme_a", "acme_b")));
        assertThat(providers.verify(oidc.issueToken("acme", "x", "more").serialize()))
                .as("no user in it")
                .isEmpty();
    }

    @Test
    void whoIsInTooManyGroupsIsRefusedNotCutDown() {
        List<String> many = IntStream.rangeClosed(0, OidcProviders.GROUPS_MAX)
                .mapToObj(i -> "g" + i)
                .toList();
        OidcProviders providers = believing(issuer(real("acme"), "acme."));
        assertThat(providers.verify(oidc.issueToken(
                                "acme", "bob", "mesh", Map.of("groups", many.subList(1, many.size())))
                        .serialize()))
                .isPresent();
        // Longer than any token that is looked at, or in too many: either way it proves nobody.
        assertThat(providers.verify(oidc.issueToken("acme", "bob", "mesh", Map.of("groups", many))
                        .serialize()))
                .isEmpty();
    }

    // --- Forgeries, with an issuer whose keys we hold

    private OidcProviders providers() {
        return believing(keyServer.issuer("acme."));
    }

    private JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .issuer(keyServer.name())
                .audience("mesh")
                .subject("bob")
                .issueTime(Date.from(now))
                .expirationTime(Date.from(now.plusSeconds(600)));
    }

    private static String signed(
            RSAKey key,
            UnaryOperator<JWSHeader.Builder> header,
            UnaryOperator<JWTClaimsSet.Builder> change,
            JWTClaimsSet.Builder claims)
            throws Exception {
        return signed(new RSASSASigner(key), header.apply(head(key)).build(), change.apply(claims));
    }

    private static JWSHeader.Builder head(RSAKey key) {
        return new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID());
    }

    private static String signed(JWSSigner signer, JWSHeader header, JWTClaimsSet.Builder claims) throws Exception {
        SignedJWT token = new SignedJWT(header, claims.build());
        token.sign(signer);
        return token.serialize();
    }

    private void refused(String token) {
        assertThat(providers().verify(token))
                .as(token.length() > 600 ? token.length() + " characters" : token)
                .isEmpty();
    }

    @Test
    void whatAnotherKeySignedProvesNobody() throws Exception {
        RSAKey ours = keyServer.key;
        assertThat(providers().verify(signed(ours, head -> head, claims -> claims, claims())))
                .isPresent();
        RSAKey other = new RSAKeyGenerator(2048).keyID(ours.getKeyID()).generate();
        refused(signed(other, head -> head, claims -> claims, claims()));
        refused(signed(other, head -> head.jwk(other.toPublicJWK()), claims -> claims, claims()));
        URI keys = URI.create("http://127.0.0.1:1/keys");
        refused(signed(other, head -> head.jwkURL(keys), claims -> claims, claims()));
        refused(signed(other, head -> head.x509CertURL(keys), claims -> claims, claims()));
        refused(signed(ours, head -> head.keyID("unknown"), claims -> claims, claims()));
        refused(signed(ours, head -> head.keyID(null), claims -> claims, claims()));
        refused(signed(ours, head -> head.criticalParams(Set.of("exp")), claims -> claims, claims()));
        refused(signed(ours, head -> head.type(new com.nimbusds.jose.JOSEObjectType("logout+jwt")), c -> c, claims()));
    }

    @Test
    void aKeyOfAnotherIssuerProvesNothingHere() throws Exception {
        try (KeyServer second = new KeyServer()) {
            OidcProviders both = believing(keyServer.issuer("acme."), second.issuer("other."));
            assertThat(both.verify(signed(second.key, head -> head, claims -> claims.issuer(second.name()), claims())))
                    .isPresent();
            assertThat(both.verify(signed(second.key, head -> head, claims -> claims, claims())))
                    .isEmpty();
        }
    }

    @Test
    void anotherAlgorithmProvesNobody() throws Exception {
        String good = signed(keyServer.key, head -> head, claims -> claims, claims());
        String kid = keyServer.key.getKeyID();
        for (String none : List.of("none", "None", "NONE")) {
            String head = base64("{\"alg\":\"" + none + "\",\"kid\":\"" + kid + "\"}");
            refused(head + "." + good.split("\\.")[1] + ".");
            refused(head + "." + good.split("\\.")[1] + "." + good.split("\\.")[2]);
        }
        byte[] open = keyServer.key.toRSAPublicKey().getEncoded();
        for (byte[] secret :
                List.of(open, keyServer.key.toPublicJWK().toJSONString().getBytes(UTF_8))) {
            refused(signed(
                    new MACSigner(secret),
                    new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(kid).build(),
                    claims()));
        }
        refused(signed(
                new RSASSASigner(keyServer.key),
                new JWSHeader.Builder(JWSAlgorithm.RS512).keyID(kid).build(),
                claims()));
    }

    @Test
    void wrongClaimsProveNobodyAndSkewIsForgiven() throws Exception {
        Duration beyond = Tokens.SKEW.plusSeconds(30);
        List<UnaryOperator<JWTClaimsSet.Builder>> wrongs = List.of(
                claims -> claims.audience("other"),
                claims -> claims.audience((String) null),
                claims -> claims.issuer(keyServer.name() + "/"),
                claims -> claims.issuer("icefield"),
                claims -> claims.issuer(null),
                claims -> claims.subject(null),
                claims -> claims.subject(""),
                claims -> claims.claim("sub", List.of("bob")),
                claims -> claims.expirationTime(null),
                claims -> claims.expirationTime(Date.from(now.minus(beyond))),
                claims -> claims.notBeforeTime(Date.from(now.plus(beyond))),
                claims -> claims.issueTime(Date.from(now.plus(beyond))));
        for (UnaryOperator<JWTClaimsSet.Builder> wrong : wrongs) {
            refused(signed(keyServer.key, head -> head, wrong, claims()));
        }
        List<UnaryOperator<JWTClaimsSet.Builder>> forgiven = List.of(
                claims -> claims.audience(List.of("other", "mesh")),
                claims -> claims.expirationTime(Date.from(now.minusSeconds(20))),
                claims -> claims.notBeforeTime(Date.from(now.plusSeconds(50))),
                claims -> claims.issueTime(Date.from(now.plusSeconds(50))));
        for (UnaryOperator<JWTClaimsSet.Builder> each : forgiven) {
            assertThat(providers().verify(signed(keyServer.key, head -> head, each, claims())))
                    .isPresent();
        }
    }

    @Test
    void whatIsThereTwiceOrTooLongProvesNobody() throws Exception {
        String head = base64("{\"alg\":\"RS256\",\"kid\":\"" + keyServer.key.getKeyID() + "\"}");
        String content = head + "."
                + base64("{\"sub\":\"admin\"," + claims().build().toString().substring(1));
        refused(content + "."
                + new RSASSASigner(keyServer.key).sign(new JWSHeader(JWSAlgorithm.RS256), content.getBytes(UTF_8)));
        refused(signed(keyServer.key, h -> h, claims -> claims.claim("more", "x".repeat(20_000)), claims()));
        refused("x".repeat(1_000_000));
        refused("");
        refused("a.b.c");
    }

    // --- The issuer's keys

    @Test
    void keysAreFetchedOnceAndAgainWhenTheIssuerRotatesThemButNotOnEveryUnknownOne() throws Exception {
        OidcProviders.Fetching quick = new OidcProviders.Fetching(
                Duration.ofMinutes(15), Duration.ofMillis(1), Duration.ofHours(4), Duration.ofSeconds(5));
        OidcProviders providers = new OidcProviders(List.of(keyServer.issuer("a.")), quick, Clock.systemUTC());
        for (int i = 0; i < 20; i++) {
            String subject = "bob" + i;
            assertThat(providers.verify(signed(keyServer.key, head -> head, c -> c.subject(subject), claims())))
                    .isPresent();
        }
        assertThat(keyServer.asked.get()).isEqualTo(1);
        RSAKey old = keyServer.key;
        keyServer.key = new RSAKeyGenerator(2048).keyID("next").generate();
        assertThat(providers.verify(signed(keyServer.key, head -> head, claims -> claims, claims())))
                .isPresent();
        assertThat(providers.verify(signed(old, head -> head, claims -> claims.subject("late"), claims())))
                .as("taken out of the set")
                .isEmpty();

        OidcProviders patient = providers();
        int before = keyServer.asked.get();
        for (int i = 0; i < 50; i++) {
            String unknown = "unknown" + i;
            assertThat(patient.verify(signed(old, head -> head.keyID(unknown), claims -> claims, claims())))
                    .isEmpty();
        }
        assertThat(keyServer.asked.get() - before).isLessThanOrEqualTo(3);
    }

    @Test
    void anOutageIsToleratedWithTheKeysOfBefore() throws Exception {
        OidcProviders.Fetching impatient = new OidcProviders.Fetching(
                Duration.ofSeconds(20), Duration.ofMillis(1), Duration.ofHours(4), Duration.ofSeconds(2));
        OidcProviders.Fetching forgetful = new OidcProviders.Fetching(
                Duration.ofMillis(20), Duration.ofMillis(1), Duration.ofHours(4), Duration.ofSeconds(2));
        OidcProviders providers = new OidcProviders(List.of(keyServer.issuer("a.")), forgetful, Clock.systemUTC());
        OidcProviders fresh = new OidcProviders(List.of(keyServer.issuer("a.")), impatient, Clock.systemUTC());
        assertThat(providers.verify(signed(keyServer.key, head -> head, claims -> claims, claims())))
                .isPresent();
        keyServer.away = true;
        int before = keyServer.asked.get();
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        for (int i = 0; keyServer.asked.get() == before; i++) {
            String subject = "eve" + i;
            assertThat(providers.verify(signed(keyServer.key, head -> head, c -> c.subject(subject), claims())))
                    .isPresent();
            assertThat(System.nanoTime()).as("the server is asked again").isLessThan(deadline);
        }
        assertThat(providers.verify(signed(keyServer.key, head -> head, c -> c.subject("late"), claims())))
                .isPresent();
        assertThat(fresh.verify(signed(keyServer.key, head -> head, claims -> claims, claims())))
                .as("without keys nobody is proved")
                .isEmpty();
        keyServer.away = false;
        assertThat(fresh.verify(signed(keyServer.key, head -> head, claims -> claims, claims())))
                .isPresent();
    }

    @Test
    void aDiscoveryDocumentOfAnotherIssuerIsNotBelieved() throws Exception {
        Issuer discovered =
                new Issuer(keyServer.name(), Set.of("mesh"), Optional.empty(), Set.of("RS256"), "sub", "groups", "a.");
        String token = signed(keyServer.key, head -> head, claims -> claims, claims());
        assertThat(believing(discovered).verify(token)).isPresent();
        keyServer.discovery.put("issuer", "https://other.example");
        assertThat(believing(discovered).verify(token)).isEmpty();
        keyServer.discovery.put("issuer", keyServer.name());
        keyServer.discovery.put("jwks_uri", "file:///etc/hostname");
        assertThat(believing(discovered).verify(token)).isEmpty();
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(UTF_8));
    }

    /// An issuer's documents, for as long as it is not away.
    private static final class KeyServer implements AutoCloseable {
        private final HttpServer server;
        private final AtomicInteger asked = new AtomicInteger();
        private final Map<String, String> discovery = Collections.synchronizedMap(new HashMap<>());
        private volatile RSAKey key = new RSAKeyGenerator(2048).keyID("first").generate();
        private volatile boolean away;

        KeyServer() throws Exception {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/keys", exchange -> {
                asked.incrementAndGet();
                answer(exchange, new JWKSet(key.toPublicJWK()).toString());
            });
            server.createContext(
                    "/.well-known/openid-configuration",
                    exchange -> answer(
                            exchange,
                            "{\"issuer\":\"%s\",\"jwks_uri\":\"%s\"}"
                                    .formatted(discovery.get("issuer"), discovery.get("jwks_uri"))));
            server.start();
            discovery.put("issuer", name());
            discovery.put("jwks_uri", name() + "/keys");
        }

        private void answer(com.sun.net.httpserver.HttpExchange exchange, String text) throws IOException {
            byte[] body = text.getBytes(UTF_8);
            exchange.sendResponseHeaders(away ? 503 : 200, body.length);
            try (exchange) {
                exchange.getResponseBody().write(body);
            }
        }

        String name() {
            return "http://127.0.0.1:" + server.getAddress().getPort();
        }

        Issuer issuer(String prefix) {
            return new Issuer(
                    name(),
                    Set.of("mesh"),
                    Optional.of(URI.create(name() + "/keys")),
                    Set.of("RS256"),
                    "sub",
                    "groups",
                    prefix);
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }
}
