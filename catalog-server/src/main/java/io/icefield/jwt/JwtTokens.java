package io.icefield.jwt;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.icefield.access.Principal;
import io.icefield.access.SigningKeyStore.SigningKey;
import io.icefield.access.SigningKeys;
import io.icefield.access.Tokens;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/// Access tokens as JWTs, signed with ES256 and nothing else. A key that is not (any more) among our own verifies
/// nothing, not even what it verified before.
public final class JwtTokens implements Tokens {
    private static final int VERIFIED_MAX = 10_000;

    /// More keys than live at a time.
    private static final int KEYS_MAX = 200;

    private final SigningKeys keys;
    private final Clock clock;
    private final Cache<String, Verified> verified =
            Caffeine.newBuilder().maximumSize(VERIFIED_MAX).build();
    private final Cache<String, ECKey> parsedKeys =
            Caffeine.newBuilder().maximumSize(KEYS_MAX).build();

    public JwtTokens(SigningKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    /// @param keyId which key proved it
    private record Verified(Proof proof, Instant expiresAt, String keyId) {}

    @Override
    public String issue(Principal who, Session session, Instant expiresAt) {
        ECKey key = parsed(keys.signing());
        Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
        JWTClaimsSet.Builder claims = new JWTClaimsSet.Builder()
                .issuer(ICEFIELD)
                .audience(ICEFIELD)
                .subject(who.name())
                .issueTime(Date.from(now))
                .expirationTime(Date.from(expiresAt))
                .jwtID(UUID.randomUUID().toString())
                .claim("auth_time", session.since().getEpochSecond())
                .claim("pid", session.principal())
                .claim("kind", who.kind().name().toLowerCase(Locale.ROOT))
                .claim("groups", who.groups().stream().sorted().toList());
        session.secret().ifPresent(secret -> claims.claim("credential", secret));
        JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.ES256)
                .type(JOSEObjectType.JWT)
                .keyID(key.getKeyID())
                .build();
        SignedJWT token = new SignedJWT(header, claims.build());
        try {
            token.sign(new ECDSASigner(key));
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
        return token.serialize();
    }

    @Override
    public Optional<Proof> verify(String token) {
        return genuine(token)
                .filter(known -> clock.instant().isBefore(known.expiresAt().plus(SKEW)))
                .map(Verified::proof);
    }

    @Override
    public Optional<Proof> lapsed(String token) {
        return genuine(token).map(Verified::proof);
    }

    private Optional<Verified> genuine(String token) {
        Verified known = verified.getIfPresent(token);
        if (known != null) {
            return named(known.keyId(), keys.verifying()).isPresent() ? Optional.of(known) : Optional.empty();
        }
        Optional<Verified> proven = proven(token);
        proven.ifPresent(fresh -> verified.put(token, fresh));
        return proven;
    }

    /// Everything but the expiry, which is looked at each time.
    private Optional<Verified> proven(String token) {
        // The issuer first: keys of others are not among ours, and we do not look for them.
        return Unproven.read(token)
                .filter(unproven -> ICEFIELD.equals(unproven.issuer()))
                .filter(unproven ->
                        JWSAlgorithm.ES256.equals(unproven.jwt().getHeader().getAlgorithm()))
                .flatMap(this::proven);
    }

    private Optional<Verified> proven(Unproven token) {
        String keyId = token.keyId();
        try {
            Optional<SigningKey> key = named(keyId, keys.verifying()).or(() -> named(keyId, keys.verifyingNow()));
            if (key.isEmpty()
                    || !token.jwt().verify(new ECDSAVerifier(parsed(key.get()).toECPublicKey()))) {
                return Optional.empty();
            }
            return claimed(token.claims(), keyId);
        } catch (ParseException | JOSEException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private Optional<Verified> claimed(JWTClaimsSet claims, String keyId) throws ParseException {
        Optional<Instant> expires =
                Optional.ofNullable(claims.getExpirationTime()).map(Date::toInstant);
        Optional<Instant> issued = Optional.ofNullable(claims.getIssueTime()).map(Date::toInstant);
        Optional<Instant> begins =
                Optional.ofNullable(claims.getNotBeforeTime()).map(Date::toInstant);
        Optional<Long> since = Optional.ofNullable(claims.getLongClaim("auth_time"));
        Optional<Long> principal = Optional.ofNullable(claims.getLongClaim("pid"));
        Instant latest = clock.instant().plus(SKEW);
        if (!claims.getAudience().equals(List.of(ICEFIELD))
                || claims.getSubject() == null
                || expires.isEmpty()
                || issued.isEmpty()
                || issued.get().isAfter(latest)
                || begins.orElse(Instant.MIN).isAfter(latest)
                || since.isEmpty()
                || principal.isEmpty()) {
            return Optional.empty();
        }
        Session session = new Session(
                principal.get(),
                Optional.ofNullable(claims.getStringClaim("credential")),
                Instant.ofEpochSecond(since.get()));
        return Optional.of(new Verified(new Proof(claims.getSubject(), session), expires.get(), keyId));
    }

    @Override
    public String publicKeys() {
        return new JWKSet(keys.verifying().stream()
                        .<JWK>map(key -> parsed(key).toPublicJWK())
                        .toList())
                .toString(true);
    }

    private static Optional<SigningKey> named(String id, List<SigningKey> keys) {
        return keys.stream().filter(key -> key.id().equals(id)).findFirst();
    }

    private ECKey parsed(SigningKey stored) {
        ECKey known = parsedKeys.get(stored.id(), _ -> read(stored));
        if (!known.isPrivate() && stored.privateKey().isPresent()) { // it opens by now
            known = read(stored);
            parsedKeys.put(stored.id(), known);
        }
        return known;
    }

    private static ECKey read(SigningKey stored) {
        try {
            KeyFactory factory = KeyFactory.getInstance("EC");
            ECPublicKey open = (ECPublicKey) factory.generatePublic(new X509EncodedKeySpec(stored.publicKey()));
            ECKey.Builder key = new ECKey.Builder(Curve.P_256, open)
                    .keyID(stored.id())
                    .keyUse(KeyUse.SIGNATURE)
                    .algorithm(JWSAlgorithm.ES256);
            if (stored.privateKey().isPresent()) {
                key.privateKey((ECPrivateKey) factory.generatePrivate(
                        new PKCS8EncodedKeySpec(stored.privateKey().get())));
            }
            return key.build();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
