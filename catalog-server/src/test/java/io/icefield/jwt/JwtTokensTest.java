package io.icefield.jwt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.SigningKeyStore;
import io.icefield.access.SigningKeys;
import io.icefield.access.Tokens;
import java.net.URI;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.text.ParseException;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

final class JwtTokensTest {
    private static final Principal BOB = new Principal("bob", Principal.Kind.JOB, Set.of("writers", "eu"));

    private static final Duration LIFETIME = Duration.ofHours(1);
    private static final Principal ADMIN = new Principal("admin", Principal.Kind.USER, Set.of("platform"));

    private final Hand clock = new Hand();
    private final Keys keys = new Keys();
    private final SigningKeys signing = new SigningKeys(keys, Duration.ofDays(30), clock);
    private final JwtTokens tokens = new JwtTokens(signing, clock);
    private final Tokens.Session session =
            new Tokens.Session(7, Optional.of("3"), clock.instant().minusSeconds(100));
    private final Tokens.Proof proof = new Tokens.Proof("bob", session);

    private String issue() {
        return issue(tokens);
    }

    private String issue(Tokens by) {
        return by.issue(BOB, session, clock.instant().plus(LIFETIME));
    }

    private JwtTokens replica(Keys of) {
        return new JwtTokens(new SigningKeys(of, Duration.ofDays(30), clock), clock);
    }

    @Test
    void aTokenProvesWhomItWasIssuedForUntilItExpires() {
        String token = issue();

        assertThat(tokens.verify(token)).contains(proof);
        assertThat(replica(keys).verify(token)).contains(proof);
        clock.pass(LIFETIME.plus(Tokens.SKEW).minusSeconds(1));
        assertThat(tokens.verify(token)).contains(proof);
        clock.pass(Duration.ofSeconds(1));
        assertThat(tokens.verify(token)).as("from the cache").isEmpty();
        assertThat(replica(keys).verify(token)).isEmpty();
    }

    @Test
    void othersVerifyItWithThePublishedKeys() throws Exception {
        SignedJWT token = SignedJWT.parse(issue());
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
    void aTokenThatHasExpiredStillSaysWhoseItWas() {
        String token = issue();
        clock.pass(Duration.ofDays(1));
        assertThat(tokens.verify(token)).isEmpty();
        assertThat(tokens.lapsed(token)).contains(proof);
        assertThat(tokens.lapsed(token.substring(0, token.length() - 8) + "AAAAAAAA"))
                .isEmpty();
    }

    @Test
    void aNewKeyIsPublishedBeforeItSignsAndTheOldOneVerifiesUntilItsLastTokenHasDied() throws Exception {
        String before = issue();
        String old = kid(before);
        JwtTokens other = replica(keys);
        assertThat(other.verify(before)).contains(proof);

        SigningKeys.Shown next = signing.rotate(ADMIN);
        assertThat(next.state()).isEqualTo(SigningKeys.State.PUBLISHED);
        assertThat(signing.rotate(ADMIN)).as("one is waiting already").isEqualTo(next);
        assertThat(kid(issue())).isEqualTo(old);
        clock.pass(SigningKeys.NOTICED_MAX);
        assertThat(JWKSet.parse(other.publicKeys()).getKeyByKeyId(next.id())).isNotNull();
        clock.pass(SigningKeys.PUBLISHED_BEFORE.minus(SigningKeys.NOTICED_MAX).minusSeconds(1));
        assertThat(kid(issue())).isEqualTo(old);
        clock.pass(Duration.ofSeconds(1));
        String after = issue();
        assertThat(kid(after)).isEqualTo(next.id());
        assertThat(kid(issue(other))).isEqualTo(next.id());
        assertThat(other.verify(after)).contains(proof);
        assertThat(other.verify(before)).contains(proof);

        String last = other.issue(BOB, session, clock.instant().plus(Tokens.LIFETIME_MAX));
        clock.pass(Tokens.LIFETIME_MAX);
        assertThat(JWKSet.parse(tokens.publicKeys()).getKeys()).hasSize(2);
        assertThat(tokens.verify(last)).contains(proof);
        clock.pass(Duration.ofMinutes(4));
        assertThat(signing.list(ADMIN)).hasSize(2);
        clock.pass(SigningKeys.NOTICED_MAX);
        assertThat(JWKSet.parse(tokens.publicKeys()).getKeys())
                .extracting(JWK::getKeyID)
                .containsExactly(next.id());
        assertThat(tokens.lapsed(before)).as("from the cache").isEmpty();
    }

    @Test
    void keysAreReplacedByAgeOnceHoweverManyReplicasThereAre() throws Exception {
        String old = kid(issue());
        List<JwtTokens> replicas = List.of(tokens, replica(keys), replica(keys));
        clock.pass(Duration.ofDays(30).plusSeconds(1));
        for (JwtTokens each : replicas) {
            assertThat(kid(issue(each))).isEqualTo(old);
        }
        assertThat(keys.keys()).hasSize(2);
        clock.pass(SigningKeys.PUBLISHED_BEFORE.plus(SigningKeys.NOTICED_MAX));
        for (JwtTokens each : replicas) {
            assertThat(kid(issue(each))).isEqualTo(keys.keys().getFirst().id()).isNotEqualTo(old);
        }
        assertThat(keys.keys()).hasSize(2);
    }

    @Test
    void whatARevokedKeySignedIsVoidEverywhereAndSigningGoesOn() throws Exception {
        String stolen = issue();
        JwtTokens other = replica(keys);
        assertThat(other.verify(stolen)).contains(proof);

        signing.revoke(ADMIN, kid(stolen));
        assertThat(tokens.verify(stolen)).isEmpty();
        clock.pass(SigningKeys.NOTICED_MAX);
        assertThat(other.verify(stolen)).as("from the cache of another replica").isEmpty();
        String fresh = issue();
        assertThat(kid(fresh)).isNotEqualTo(kid(stolen));
        assertThat(other.verify(fresh)).contains(proof);

        SigningKeys.Shown waiting = signing.rotate(ADMIN);
        signing.revoke(ADMIN, kid(fresh));
        assertThat(kid(issue())).as("its turn comes early").isEqualTo(waiting.id());
        assertThatThrownBy(() -> signing.revoke(ADMIN, "none")).isInstanceOf(Refusal.NotFound.class);
        assertThatThrownBy(() -> signing.revoke(BOB, waiting.id())).isInstanceOf(Refusal.NotAllowed.class);
        assertThatThrownBy(() -> signing.rotate(BOB)).isInstanceOf(Refusal.NotAllowed.class);
        assertThatThrownBy(() -> signing.list(BOB)).isInstanceOf(Refusal.NotAllowed.class);
    }

    @Test
    void whileTheStoreIsAwayTheKeysOfBeforeGoOnForAWhile() {
        String token = issue();
        keys.away = true;
        clock.pass(Duration.ofSeconds(30));
        assertThat(tokens.verify(token)).contains(proof);
        assertThat(tokens.verify(issue())).contains(proof);
        clock.pass(SigningKeys.NOTICED_MAX);
        assertThatThrownBy(() -> tokens.verify(token)).isInstanceOf(Refusal.Unavailable.class);
        keys.away = false;
        assertThat(tokens.verify(token)).contains(proof);
    }

    @Test
    void aKeyIsRotatedWhileRequestsRunAndNoneFails() throws Exception {
        List<JwtTokens> replicas = List.of(tokens, replica(keys), replica(keys));
        AtomicBoolean done = new AtomicBoolean();
        Set<String> signers = ConcurrentHashMap.newKeySet();
        try (var threads = Executors.newCachedThreadPool()) {
            List<Future<?>> callers = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                int from = i;
                callers.add(threads.submit(() -> {
                    while (!done.get()) {
                        String token = replicas.get(from % 3)
                                .issue(BOB, session, clock.instant().plus(Tokens.LIFETIME_MAX));
                        signers.add(kid(token));
                        assertThat(replicas.get((from + 1) % 3).verify(token)).contains(proof);
                    }
                    return null;
                }));
            }
            for (int rotation = 0; rotation < 3; rotation++) {
                String next = signing.rotate(ADMIN).id();
                for (int minute = 0; minute < 30; minute++) {
                    clock.pass(Duration.ofMinutes(1));
                }
                long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
                while (!signers.contains(next)) {
                    assertThat(System.nanoTime()).as("the new key signs").isLessThan(deadline);
                    Thread.onSpinWait();
                }
            }
            done.set(true);
            for (Future<?> caller : callers) {
                caller.get(); // throws what failed
            }
        }
    }

    private static String kid(String token) throws ParseException {
        return SignedJWT.parse(token).getHeader().getKeyID();
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
                .contains(proof);
    }

    @Test
    void whatAnotherKeySignedIsForged() throws Exception {
        refused(signed(header -> header, claims -> claims, new ECDSASigner(otherKey())));
        refused(signed(header -> header.keyID("unknown"), claims -> claims, ours()));
        refused(signed(header -> header.keyID(null), claims -> claims, ours()));
    }

    @Test
    void anotherAlgorithmIsForged() throws Exception {
        String token = issue();
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
                claims -> claims.expirationTime(null),
                claims -> claims.expirationTime(Date.from(now.minus(Tokens.SKEW))),
                claims -> claims.issueTime(null),
                claims -> claims.issueTime(Date.from(now.plus(Tokens.SKEW).plusSeconds(1))),
                claims -> claims.notBeforeTime(Date.from(now.plus(Tokens.SKEW).plusSeconds(1))),
                claims -> claims.claim("pid", null),
                claims -> claims.claim("pid", "7"),
                claims -> claims.claim("auth_time", null),
                claims -> claims.claim("auth_time", "yesterday"),
                claims -> claims.claim("credential", 3));
        for (UnaryOperator<JWTClaimsSet.Builder> wrong : wrongs) {
            refused(signed(header -> header, wrong, ours()));
        }
        refused(signed(header -> header.criticalParams(Set.of("exp")), claims -> claims, ours()));
        refused(signed(header -> header.criticalParams(Set.of("b64")), claims -> claims, ours()));
    }

    @Test
    void whatClocksDifferByIsForgiven() throws Exception {
        Instant now = clock.instant();
        List<UnaryOperator<JWTClaimsSet.Builder>> early = List.of(
                claims -> claims.issueTime(Date.from(now.plus(Tokens.SKEW))),
                claims -> claims.notBeforeTime(Date.from(now.plus(Tokens.SKEW))),
                claims -> claims.expirationTime(Date.from(now.minus(Tokens.SKEW).plusSeconds(1))));
        for (UnaryOperator<JWTClaimsSet.Builder> each : early) {
            assertThat(tokens.verify(signed(header -> header, each, ours()))).contains(proof);
        }
    }

    @Test
    void keysThatATokenBringsAlongAreNotLookedAt() throws Exception {
        ECKey own = new ECKeyGenerator(Curve.P_256).keyID(kid()).generate();
        refused(signed(header -> header.jwk(own.toPublicJWK()), claims -> claims, new ECDSASigner(own)));
        URI nowhere = URI.create("http://127.0.0.1:1/keys");
        refused(signed(header -> header.jwkURL(nowhere), claims -> claims, new ECDSASigner(own)));
        refused(signed(header -> header.x509CertURL(nowhere), claims -> claims, new ECDSASigner(own)));
        assertThat(tokens.verify(signed(header -> header.jwkURL(nowhere), claims -> claims, ours())))
                .as("not even when they do no harm")
                .contains(proof);
    }

    @Test
    void aClaimThatIsThereTwiceCountsForNobody() throws Exception {
        String head = base64("{\"alg\":\"ES256\",\"kid\":\"" + kid() + "\"}");
        String claims = claims().build().toString();
        String twice = base64("{\"sub\":\"admin\"," + claims.substring(1));
        refused(sign(head + "." + twice));
        String header = base64("{\"kid\":\"x\",\"alg\":\"ES256\",\"kid\":\"" + kid() + "\"}");
        refused(sign(header + "." + base64(claims)));
        assertThat(tokens.verify(sign(head + "." + base64(claims)))).contains(proof);
    }

    private String sign(String content) throws Exception {
        return content + "." + ours().sign(new JWSHeader(JWSAlgorithm.ES256), content.getBytes(UTF_8));
    }

    @Test
    void everyTruncatedOrAlteredTokenIsRefused() {
        String token = issue();
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
        String token = issue();
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
                .claim("pid", 7)
                .claim("credential", "3")
                .claim("auth_time", session.since().getEpochSecond())
                .issueTime(Date.from(clock.instant()))
                .expirationTime(Date.from(clock.instant().plusSeconds(60)))
                .claim("kind", "job")
                .claim("groups", List.of("writers", "eu"));
    }

    private String kid() {
        String unused = issue();
        assertThat(unused).isNotEmpty();
        return keys.keys().getFirst().id();
    }

    private JWSSigner ours() throws Exception {
        assertThat(kid()).isNotEmpty();
        byte[] secret = keys.keys().getFirst().privateKey().orElseThrow();
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
        private final List<SigningKey> all = new CopyOnWriteArrayList<>();
        private int asked;
        private volatile boolean away;

        @Override
        public List<SigningKey> keys() {
            asked++;
            if (away) {
                throw new Refusal.Unavailable("away");
            }
            return List.copyOf(all);
        }

        @Override
        public synchronized boolean add(SigningKey key, Optional<String> newest) {
            if (!all.stream().findFirst().map(SigningKey::id).equals(newest)) {
                return false;
            }
            all.addFirst(key);
            return true;
        }

        @Override
        public synchronized boolean remove(String id) {
            return all.removeIf(key -> key.id().equals(id));
        }
    }

    /// A clock moved by hand.
    private static final class Hand extends Clock {
        private volatile Instant now = Instant.parse("2026-05-01T10:00:00Z");

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
