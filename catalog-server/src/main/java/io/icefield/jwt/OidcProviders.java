package io.icefield.jwt;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSetCacheRefreshEvaluator;
import com.nimbusds.jose.jwk.source.JWKSetSource;
import com.nimbusds.jose.jwk.source.JWKSetUnavailableException;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jose.util.ResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.icefield.access.IdentityProviders;
import io.icefield.access.Issuer;
import io.icefield.access.Principal;
import io.icefield.access.Tokens;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tokens of OpenID Connect providers. Which provider is asked says the token's `iss`, letter by letter; with which
/// keys
/// and algorithms, our own configuration and that provider's key set: nothing else that stands in a token is followed.
public final class OidcProviders implements IdentityProviders {
    /// A user in more groups is refused.
    public static final int GROUPS_MAX = 500;

    private static final int VERIFIED_MAX = 10_000;

    /// So long is a token believed without another look at the issuer's keys.
    private static final Duration VERIFIED_KEPT = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(OidcProviders.class);

    private final Map<String, Provider> providers;
    private final Clock clock;
    private final Cache<String, External> verified = Caffeine.newBuilder()
            .maximumSize(VERIFIED_MAX)
            .expireAfterWrite(VERIFIED_KEPT)
            .build();

    /// How keys are fetched.
    ///
    /// @param kept how long a key set is good; an unknown key id fetches it anew before that
    /// @param pause unknown key ids fetch it no oftener
    /// @param outage how long the last one goes on while the provider does not answer
    /// @param patience for one request
    public record Fetching(Duration kept, Duration pause, Duration outage, Duration patience) {
        public static final Fetching USUAL = new Fetching(
                Duration.ofMinutes(15), Duration.ofSeconds(30), Duration.ofHours(4), Duration.ofSeconds(5));

        private static final int BYTES_MAX = 1 << 20;

        private ResourceRetriever retriever() {
            int millis = (int) patience.toMillis();
            return new DefaultResourceRetriever(millis, millis, BYTES_MAX);
        }
    }

    public OidcProviders(List<Issuer> issuers, Fetching fetching, Clock clock) {
        this.clock = clock;
        this.providers = issuers.stream()
                .collect(Collectors.toUnmodifiableMap(Issuer::name, issuer -> new Provider(issuer, fetching)));
    }

    @Override
    public Optional<External> verify(String token) {
        External known = verified.getIfPresent(token);
        if (known == null) {
            known = proven(token).orElse(null);
            if (known != null) {
                verified.put(token, known);
            }
        }
        return Optional.ofNullable(known).filter(each -> isLive(each.expiresAt()));
    }

    private boolean isLive(Instant expiresAt) {
        return clock.instant().isBefore(expiresAt.plus(Tokens.SKEW));
    }

    private Optional<External> proven(String token) {
        return Unproven.read(token).flatMap(unproven -> {
            Provider provider = providers.get(unproven.issuer());
            return provider == null ? Optional.empty() : provider.proven(unproven.jwt());
        });
    }

    private final class Provider {
        private final Issuer issuer;
        private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

        Provider(Issuer issuer, Fetching fetching) {
            this.issuer = issuer;
            Set<JWSAlgorithm> algorithms =
                    issuer.algorithms().stream().map(JWSAlgorithm::parse).collect(Collectors.toSet());
            processor.setJWSKeySelector(new JWSVerificationKeySelector<>(
                    algorithms,
                    JWKSourceBuilder.<SecurityContext>create(new Published(issuer, fetching.retriever()))
                            .cache(
                                    fetching.kept().toMillis(),
                                    fetching.patience().toMillis() * 3)
                            .refreshAheadCache(false)
                            .rateLimited(fetching.pause().toMillis())
                            .outageTolerant(fetching.outage().toMillis())
                            .build()));
            processor.setJWSTypeVerifier(
                    new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
            processor.setJWTClaimsSetVerifier((_, _) -> {});
        }

        Optional<External> proven(SignedJWT jwt) {
            try {
                return claimed(processor.process(jwt, null));
            } catch (RateLimitReachedException e) {
                LOG.debug("issuer {} was asked for its keys a moment ago", issuer.name());
                return Optional.empty();
            } catch (KeySourceException e) {
                LOG.warn("the keys of issuer {} cannot be had: {}", issuer.name(), e.getMessage());
                return Optional.empty();
            } catch (BadJOSEException | JOSEException | ParseException | IllegalArgumentException e) {
                LOG.debug("a token of issuer {} proves nobody: {}", issuer.name(), e.getMessage());
                return Optional.empty();
            }
        }

        private Optional<External> claimed(JWTClaimsSet claims) throws ParseException {
            Instant latest = clock.instant().plus(Tokens.SKEW);
            Optional<Instant> expires =
                    Optional.ofNullable(claims.getExpirationTime()).map(Date::toInstant);
            boolean early = Optional.ofNullable(claims.getNotBeforeTime())
                            .filter(begins -> begins.toInstant().isAfter(latest))
                            .isPresent()
                    || Optional.ofNullable(claims.getIssueTime())
                            .filter(issued -> issued.toInstant().isAfter(latest))
                            .isPresent();
            Optional<String> user = claim(claims, issuer.userClaim())
                    .filter(String.class::isInstance)
                    .map(String.class::cast);
            if (early
                    || expires.filter(OidcProviders.this::isLive).isEmpty()
                    || !issuer.name().equals(claims.getIssuer())
                    || Collections.disjoint(claims.getAudience(), issuer.audiences())
                    || user.filter(name -> !name.isEmpty()).isEmpty()) {
                return Optional.empty();
            }
            Set<String> groups = groups(claims);
            if (groups.size() > GROUPS_MAX) {
                LOG.warn("a user of issuer {} is in more than {} groups", issuer.name(), GROUPS_MAX);
                return Optional.empty();
            }
            Principal who = new Principal(issuer.prefix() + user.get(), Principal.Kind.USER, groups);
            return Optional.of(new External(who, issuer.name(), expires.get()));
        }

        /// Names that are no names of groups here are left out: a group only ever adds to what one may do.
        private Set<String> groups(JWTClaimsSet claims) {
            List<?> named = claim(claims, issuer.groupsClaim())
                    .<List<?>>map(value -> value instanceof List<?> list ? list : List.of(value))
                    .orElse(List.of());
            Set<String> groups = new HashSet<>();
            for (Object each : named) {
                if (each instanceof String name
                        && Principal.NAME.matcher(issuer.prefix() + name).matches()) {
                    groups.add(issuer.prefix() + name);
                }
            }
            return groups;
        }

        /// A claim of that name, or the one that the dots lead to.
        private static Optional<Object> claim(JWTClaimsSet claims, String path) {
            Object whole = claims.getClaim(path);
            if (whole != null) {
                return Optional.of(whole);
            }
            Object at = claims.getClaims();
            for (String name : path.split("\\.", -1)) {
                at = at instanceof Map<?, ?> object ? object.get(name) : null;
            }
            return Optional.ofNullable(at);
        }
    }

    /// An issuer's key set, where its discovery document says unless we know.
    private record Published(Issuer issuer, ResourceRetriever retriever) implements JWKSetSource<SecurityContext> {
        @Override
        public JWKSet getJWKSet(JWKSetCacheRefreshEvaluator refresh, long now, SecurityContext context)
                throws KeySourceException {
            try {
                URL at = issuer.keys().orElseGet(this::discovered).toURL();
                return JWKSet.parse(retriever.retrieveResource(at).getContent());
            } catch (IOException | ParseException | IllegalArgumentException e) {
                throw new JWKSetUnavailableException(e.getMessage(), e);
            }
        }

        private URI discovered() {
            String base = issuer.name().endsWith("/")
                    ? issuer.name().substring(0, issuer.name().length() - 1)
                    : issuer.name();
            try {
                URL at = URI.create(base + "/.well-known/openid-configuration").toURL();
                Map<String, Object> document =
                        JSONObjectUtils.parse(retriever.retrieveResource(at).getContent());
                if (!issuer.name().equals(document.get("issuer"))) {
                    throw new IllegalArgumentException("the discovery document is another issuer's");
                }
                URI keys = URI.create(String.valueOf(document.get("jwks_uri")));
                return Issuer.checked(keys);
            } catch (IOException | ParseException e) {
                throw new IllegalArgumentException(e.getMessage(), e);
            }
        }

        @Override
        public void close() {}
    }
}
