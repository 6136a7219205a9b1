package io.icefield.jwt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.icefield.access.Principal;
import io.icefield.access.SigningKeyStore;
import io.icefield.access.Tokens;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

final class JwtTokensTest {
    private static final Principal BOB = new Principal("bob", Principal.Kind.JOB, Set.of("writers", "eu"));

    private final Hand clock = new Hand();
    private final Keys keys = new Keys();
    private final JwtTokens tokens = new JwtTokens(keys, clock);

    @Test
    void aTokenProvesWhomItWasIssuedForUntilItExpires() {
        String token = tokens.issue(BOB);

        assertThat(tokens.verify(token)).contains(BOB);
        assertThat(new JwtTokens(keys, clock).verify(token)).contains(BOB);
        clock.pass(Tokens.LIFETIME.plus(JwtTokens.SKEW).minusSeconds(1));
        assertThat(tokens.verify(token)).contains(BOB);
        clock.pass(Duration.ofSeconds(1));
        assertThat(tokens.verify(token)).as("from the cache").isEmpty();
        assertThat(new JwtTokens(keys, clock).verify(token)).isEmpty();
    }

    @Test
    void othersVerifyItWithThePublishedKeys() throws Exception {
        SignedJWT token = SignedJWT.parse(tokens.issue(BOB));
        JWKSet published = JWKSet.parse(tokens.publicKeys());
        ECKey key = published.getKeyByKeyId(token.getHeader().getKeyID()).toECKey();

        assertThat(token.verify(new ECDSAVerifier(key))).isTrue();
        assertThat(token.getHeader().getAlgorithm()).isEqualTo(JWSAlgorithm.ES256);
        assertThat(token.getJWTClaimsSet().getIssuer()).isEqualTo("icefield");
        assertThat(token.getJWTClaimsSet().getAudience()).containsExactly("icefield");
        assertThat(token.getJWTClaimsSet().getSubject()).isEqualTo("bob");
        assertThat(token.getJWTClaimsSet().getStringListClaim("groups")).containsExactly("eu", "writers");
        assertThat(token.getJWTClaimsSet().getJWTID()).isNotBlank();
        assertThat(published.getKeys()).noneMatch(each -> each.isPrivate());
        assertThat(tokens.publicKeys()).doesNotContain("\"d\"");
    }

    @Test
    void theNewestKeySignsAndAllOfThemVerify() throws Exception {
        String before = tokens.issue(BOB);
        assertThat(new JwtTokens(new Keys(), clock).verify(before)).isEmpty();
        Keys other = new Keys();
        String unused = new JwtTokens(other, clock).issue(BOB);
        SigningKeyStore.SigningKey added = other.keys().getFirst();
        assertThat(keys.add(added, Optional.of(keys.keys().getFirst().id()))).isTrue();

        clock.pass(Duration.ofSeconds(1));
        assertThat(tokens.verify(unused)).as("a key that another replica added").contains(BOB);
        clock.pass(Duration.ofMinutes(1));
        assertThat(SignedJWT.parse(tokens.issue(BOB)).getHeader().getKeyID()).isEqualTo(added.id());
        assertThat(tokens.verify(before)).contains(BOB);
        assertThat(JWKSet.parse(tokens.publicKeys()).getKeys()).hasSize(2);
    }

    @Test
    void unknownKeysDoNotMakeUsAskTheStoreAgainAndAgain() throws Exception {
        String foreign = signed(header -> header, claims -> claims, new ECDSASigner(otherKey()));
        String unknown = foreign.replaceFirst("[^.]*", base64("{\"alg\":\"ES256\",\"kid\":\"unknown\"}"));
        int before = keys.asked;
        for (int i = 0; i < 100; i++) {
            assertThat(tokens.verify(unknown)).isEmpty();
        }
        assertThat(keys.asked - before).isLessThanOrEqualTo(1);
    }

    @Test
    void ourOwnSignatureWithGoodClaimsIsAccepted() throws Exception {
        assertThat(tokens.verify(signed(header -> header, claims -> claims, ours())))
                .contains(BOB);
    }

    @Test
    void whatAnotherKeySignedIsForged() throws Exception {
        refused(signed(header -> header, claims -> claims, new ECDSASigner(otherKey())));
        refused(signed(header -> header.keyID("unknown"), claims -> claims, ours()));
        refused(signed(header -> header.keyID(null), claims -> claims, ours()));
    }

    @Test
    void anotherAlgorithmIsForged() throws Exception {
        String token = tokens.issue(BOB);
        String[] parts = token.split("\\.");
        for (String none : List.of("none", "None", "NONE", "nOnE")) {
            String head = base64("{\"alg\":\"" + none + "\",\"kid\":\"" + kid() + "\"}");
            refused(head + "." + parts[1] + ".");
            refused(head + "." + parts[1] + "." + parts[2]);
        }
        byte[] open = keys.keys().getFirst().publicKey();
        for (byte[] secret : List.of(open, tokens.publicKeys().getBytes(UTF_8))) {
            SignedJWT mac = new SignedJWT(
                    new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(kid()).build(), claims().build());
            mac.sign(new MACSigner(secret));
            refused(mac.serialize());
        }
    }

    @Test
    void wrongClaimsAreRefused() throws Exception {
        Instant now = clock.instant();
        List<UnaryOperator<JWTClaimsSet.Builder>> wrongs = List.of(
                claims -> claims.audience("other"),
                claims -> claims.audience((String) null),
                claims -> claims.audience(List.of("icefield", "other")),
                claims -> claims.issuer("other"),
                claims -> claims.issuer(null),
                claims -> claims.subject(null),
                claims -> claims.subject("not a name"),
                claims -> claims.expirationTime(null),
                claims -> claims.expirationTime(Date.from(now.minusSeconds(31))),
                claims -> claims.issueTime(null),
                claims -> claims.issueTime(Date.from(now.plusSeconds(60))),
                claims -> claims.notBeforeTime(Date.from(now.plusSeconds(60))),
                claims -> claims.claim("kind", "root"),
                claims -> claims.claim("kind", null),
                claims -> claims.claim("kind", 7),
                claims -> claims.claim("groups", null),
                claims -> claims.claim("groups", "platform"),
                claims -> claims.claim("groups", List.of(1)),
                claims -> claims.claim("groups", List.of("no group")));
        for (UnaryOperator<JWTClaimsSet.Builder> wrong : wrongs) {
            refused(signed(header -> header, wrong, ours()));
        }
        refused(signed(header -> header.criticalParams(Set.of("exp")), claims -> claims, ours()));
    }

    @Test
    void everyTruncatedOrAlteredTokenIsRefused() {
        String token = tokens.issue(BOB);
        for (int length = 0; length < token.length(); length++) {
            refused(token.substring(0, length));
        }
        int signature = token.lastIndexOf('.');
        for (int i = 0; i < signature; i++) {
            char other = token.charAt(i) == 'A' ? 'B' : 'A';
            refused(token.substring(0, i) + other + token.substring(i + 1));
        }
    }

    @Test
    void nonsenseIsRefused() {
        String token = tokens.issue(BOB);
        List<String> nonsense = List.of(
                "",
                ".",
                "..",
                "....",
                "a.b.c",
                "😀.\0.\n",
                token + ".",
                "x".repeat(1_000_000),
                token + "A".repeat(1_000_000),
                base64("[".repeat(8_000)) + ".e30.e30",
                base64("{\"alg\":\"ES256\",\"kid\":{}}") + ".e30.e30",
                base64("{\"alg\":null}") + ".e30.e30",
                base64("null") + ".e30.e30");
        nonsense.forEach(this::refused);
    }

    private void refused(String token) {
        assertThat(tokens.verify(token))
                .as(token.length() > 600 ? token.length() + " characters" : token)
                .isEmpty();
    }

    private String signed(
            UnaryOperator<JWSHeader.Builder> header, UnaryOperator<JWTClaimsSet.Builder> claims, JWSSigner signer)
            throws JOSEException {
        SignedJWT token = new SignedJWT(
                header.apply(new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(kid()))
                        .build(),
                claims.apply(claims()).build());
        token.sign(signer);
        return token.serialize();
    }

    private JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .issuer("icefield")
                .audience("icefield")
                .subject("bob")
                .issueTime(Date.from(clock.instant()))
                .expirationTime(Date.from(clock.instant().plusSeconds(60)))
                .claim("kind", "job")
                .claim("groups", List.of("writers", "eu"));
    }

    private String kid() {
        String unused = tokens.issue(BOB);
        assertThat(unused).isNotEmpty();
        return keys.keys().getFirst().id();
    }

    private JWSSigner ours() throws Exception {
        assertThat(kid()).isNotEmpty();
        byte[] secret = keys.keys().getFirst().privateKey();
        return new ECDSASigner(
                (ECPrivateKey) KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(secret)));
    }

    private static ECKey otherKey() throws JOSEException {
        return new ECKeyGenerator(Curve.P_256).generate();
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(UTF_8));
    }

    /// The store's promises, in memory.
    private static final class Keys implements SigningKeyStore {
        private final List<SigningKey> all = new ArrayList<>();
        private int asked;

        @Override
        public List<SigningKey> keys() {
            asked++;
            return List.copyOf(all);
        }

        @Override
        public boolean add(SigningKey key, Optional<String> newest) {
            if (!all.stream().findFirst().map(SigningKey::id).equals(newest)) {
                return false;
            }
            all.addFirst(key);
            return true;
        }
    }

    /// A clock moved by hand.
    private static final class Hand extends Clock {
        private Instant now = Instant.parse("2026-05-01T10:00:00Z");

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }
}
