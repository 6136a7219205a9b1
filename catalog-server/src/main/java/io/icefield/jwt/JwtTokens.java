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
import io.icefield.access.SigningKeyStore;
import io.icefield.access.SigningKeyStore.SigningKey;
import io.icefield.access.Tokens;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Access tokens as JWTs, signed with ES256 and nothing else. The newest key signs, all keys verify, so a key can be
/// replaced while tokens of the one before live on; keys that another replica added are found within a minute for
/// signing, at once for verifying.
public final class JwtTokens implements Tokens {
    /// Issuer and audience.
    public static final String ICEFIELD = "icefield";

    /// Longer tokens are not looked at.
    public static final int TOKEN_CHARS_MAX = 16_384;

    /// By how much clocks may differ.
    public static final Duration SKEW = Duration.ofSeconds(30);

    private static final int VERIFIED_MAX = 10_000;
    private static final Duration KEYS_KEPT = Duration.ofMinutes(1);

    /// Tokens that name unknown keys make us ask the store no oftener than this.
    private static final Duration KEYS_PAUSE = Duration.ofSeconds(1);

    private final SigningKeyStore store;
    private final Clock clock;
    private final Cache<String, Verified> verified =
            Caffeine.newBuilder().maximumSize(VERIFIED_MAX).build();
    private volatile Keys keys = new Keys(List.of(), Instant.MIN);

    public JwtTokens(SigningKeyStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /// @param keys newest first
    private record Keys(List<ECKey> keys, Instant readAt) {}

    private record Verified(Principal principal, Instant expiresAt) {}

    @Override
    public String issue(Principal who) {
        ECKey key = current().getFirst();
        Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
        JWTClaimsSet claims = new JWTClaimsSet.Builder()
                .issuer(ICEFIELD)
                .audience(ICEFIELD)
                .subject(who.name())
                .issueTime(Date.from(now))
                .expirationTime(Date.from(now.plus(LIFETIME)))
                .jwtID(UUID.randomUUID().toString())
                .claim("kind", who.kind().name().toLowerCase(Locale.ROOT))
                .claim("groups", who.groups().stream().sorted().toList())
                .build();
        JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.ES256)
                .type(JOSEObjectType.JWT)
                .keyID(key.getKeyID())
                .build();
        SignedJWT token = new SignedJWT(header, claims);
        try {
            token.sign(new ECDSASigner(key));
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
        return token.serialize();
    }

    @Override
    public Optional<Principal> verify(String token) {
        Verified known = verified.getIfPresent(token);
        if (known == null && token.length() <= TOKEN_CHARS_MAX) {
            known = proven(token).orElse(null);
            if (known != null) {
                verified.put(token, known);
            }
        }
        if (known == null || !clock.instant().isBefore(known.expiresAt().plus(SKEW))) {
            return Optional.empty();
        }
        return Optional.of(known.principal());
    }

    /// Everything but the expiry, which is looked at each time.
    private Optional<Verified> proven(String token) {
        Optional<SignedJWT> parsed = parsed(token);
        if (parsed.isEmpty()) {
            return Optional.empty();
        }
        SignedJWT jwt = parsed.get();
        JWSHeader header = jwt.getHeader();
        String keyId = header.getKeyID();
        if (!JWSAlgorithm.ES256.equals(header.getAlgorithm()) || keyId == null) {
            return Optional.empty();
        }
        Optional<ECKey> key = key(keyId);
        try {
            if (key.isEmpty() || !jwt.verify(new ECDSAVerifier(key.get().toECPublicKey()))) {
                return Optional.empty();
            }
            return claimed(jwt.getJWTClaimsSet());
        } catch (ParseException | JOSEException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Optional<SignedJWT> parsed(String token) {
        try {
            return Optional.of(SignedJWT.parse(token));
        } catch (ParseException | RuntimeException e) {
            return Optional.empty(); // the parser stumbles over some nonsense, a header `null` for one
        }
    }

    private Optional<Verified> claimed(JWTClaimsSet claims) throws ParseException {
        Optional<Instant> expires =
                Optional.ofNullable(claims.getExpirationTime()).map(Date::toInstant);
        Optional<Instant> issued = Optional.ofNullable(claims.getIssueTime()).map(Date::toInstant);
        Optional<Instant> begins =
                Optional.ofNullable(claims.getNotBeforeTime()).map(Date::toInstant);
        String kind = claims.getStringClaim("kind");
        List<String> groups = claims.getStringListClaim("groups");
        Instant latest = clock.instant().plus(SKEW);
        if (!ICEFIELD.equals(claims.getIssuer())
                || !claims.getAudience().equals(List.of(ICEFIELD))
                || claims.getSubject() == null
                || expires.isEmpty()
                || issued.isEmpty()
                || issued.get().isAfter(latest)
                || begins.orElse(Instant.MIN).isAfter(latest)
                || kind == null
                || groups == null) {
            return Optional.empty();
        }
        return Optional.of(new Verified(
                new Principal(
                        claims.getSubject(), Principal.Kind.valueOf(kind.toUpperCase(Locale.ROOT)), Set.copyOf(groups)),
                expires.get()));
    }

    @Override
    public String publicKeys() {
        return new JWKSet(current().stream().<JWK>map(ECKey::toPublicJWK).toList()).toString(true);
    }

    private Optional<ECKey> key(String id) {
        Optional<ECKey> key = named(id, current());
        return key.isPresent() ? key : named(id, keysOlderThan(KEYS_PAUSE));
    }

    private static Optional<ECKey> named(String id, List<ECKey> keys) {
        return keys.stream().filter(key -> key.getKeyID().equals(id)).findFirst();
    }

    /// All keys; never none.
    private List<ECKey> current() {
        return keysOlderThan(KEYS_KEPT);
    }

    private List<ECKey> keysOlderThan(Duration age) {
        Keys known = keys;
        Instant now = clock.instant();
        if (!known.keys().isEmpty() && now.isBefore(known.readAt().plus(age))) {
            return known.keys();
        }
        List<SigningKey> stored = store.keys();
        if (stored.isEmpty()) {
            boolean _ = store.add(generate(now), Optional.empty());
            stored = store.keys();
        }
        Keys read = new Keys(stored.stream().map(JwtTokens::read).toList(), now);
        keys = read;
        return read.keys();
    }

    private static SigningKey generate(Instant now) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair pair = generator.generateKeyPair();
            return new SigningKey(
                    UUID.randomUUID().toString(),
                    pair.getPrivate().getEncoded(),
                    pair.getPublic().getEncoded(),
                    now.truncatedTo(ChronoUnit.MICROS));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ECKey read(SigningKey stored) {
        try {
            KeyFactory factory = KeyFactory.getInstance("EC");
            ECPublicKey open = (ECPublicKey) factory.generatePublic(new X509EncodedKeySpec(stored.publicKey()));
            ECPrivateKey secret = (ECPrivateKey) factory.generatePrivate(new PKCS8EncodedKeySpec(stored.privateKey()));
            return new ECKey.Builder(Curve.P_256, open)
                    .privateKey(secret)
                    .keyID(stored.id())
                    .keyUse(KeyUse.SIGNATURE)
                    .algorithm(JWSAlgorithm.ES256)
                    .build();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
