package io.icefield.http;

import static io.icefield.http.Json.object;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Logins;
import io.icefield.access.Logins.Credentials;
import io.icefield.access.Logins.Issued;
import io.icefield.access.Refusal;
import io.icefield.access.Tokens;
import io.icefield.access.Trail;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Tokens for client id and secret (OAuth 2.0 client credentials) or for another token (RFC 8693), and the keys that
/// prove them.
final class LoginRoutes {
    private static final int BODY_BYTES_MAX = 64 << 10;
    private static final String TOKEN = "/oauth/token";
    private static final String KEYS = "/oauth/jwks";
    private static final String TYPE = "urn:ietf:params:oauth:token-type:";
    private static final String ACCESS_TOKEN = TYPE + "access_token";
    private static final Set<String> SUBJECTS = Set.of(ACCESS_TOKEN, TYPE + "id_token", TYPE + "jwt");
    private static final String EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

    private final Logins logins;
    private final Supplier<URI> address;

    /// @param address how clients reach us
    LoginRoutes(Logins logins, Supplier<URI> address) {
        this.logins = logins;
        this.address = address;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/iceberg/v1/oauth/tokens", this::token, Needs.NOTHING)
                        .limit(BODY_BYTES_MAX)
                        .reads(),
                Route.post(TOKEN, this::token, Needs.NOTHING)
                        .limit(BODY_BYTES_MAX)
                        .reads(),
                Route.get(KEYS, this::keys, Needs.NOTHING),
                Route.get("/.well-known/openid-configuration", this::discovery, Needs.NOTHING));
    }

    private Answer token(Call call) {
        try {
            Map<String, String> form = call.form();
            return switch (form.getOrDefault("grant_type", "")) {
                case "client_credentials" -> issued(signedIn(call, form), form);
                case EXCHANGE -> issued(exchanged(call, form), form);
                case "" -> error(400, "invalid_request", "`grant_type` is missing");
                default -> error(400, "unsupported_grant_type", "use `client_credentials` or `%s`".formatted(EXCHANGE));
            };
        } catch (Refusal.NotAuthenticated e) {
            Trail.current().refused(e);
            return error(401, "invalid_client", String.valueOf(e.getMessage()))
                    .with("WWW-Authenticate", "Basic realm=\"icefield\", charset=\"UTF-8\"");
        } catch (Refusal.TooManyAttempts e) {
            Trail.current().refused(e);
            return error(429, "slow_down", String.valueOf(e.getMessage()))
                    .with("Retry-After", Errors.seconds(e.waiting()));
        } catch (Refusal.Invalid e) {
            return error(400, "invalid_request", String.valueOf(e.getMessage()));
        }
    }

    private Issued signedIn(Call call, Map<String, String> form) {
        return logins.signIn(credentials(call, form)
                .orElseThrow(() ->
                        new Refusal.Invalid("give `client_id` and `client_secret`, in the form or as HTTP Basic")));
    }

    private Issued exchanged(Call call, Map<String, String> form) {
        String subject = form.getOrDefault("subject_token", "");
        if (subject.isEmpty()) {
            throw new Refusal.Invalid("`subject_token` is missing");
        }
        if (!SUBJECTS.contains(form.getOrDefault("subject_token_type", ""))) {
            throw new Refusal.Invalid(
                    "`subject_token_type` must be one of `%saccess_token`, `…id_token`, `…jwt`".formatted(TYPE));
        }
        if (!form.getOrDefault("actor_token", "").isEmpty()) {
            throw new Refusal.Invalid("`actor_token` is not supported: nobody acts for somebody else here");
        }
        if (!Set.of(ACCESS_TOKEN, TYPE + "jwt").contains(form.getOrDefault("requested_token_type", ACCESS_TOKEN))) {
            throw new Refusal.Invalid("only access tokens are issued");
        }
        return credentials(call, form)
                .map(credentials -> logins.exchange(subject, credentials))
                .orElseGet(() -> logins.exchange(subject));
    }

    private static Answer issued(Issued issued, Map<String, String> form) {
        return Answer.json(
                        200,
                        object(
                                "access_token",
                                issued.token(),
                                "token_type",
                                "bearer",
                                "expires_in",
                                issued.lifetime().toSeconds(),
                                "issued_token_type",
                                ACCESS_TOKEN,
                                "scope",
                                Optional.ofNullable(form.get("scope"))))
                .secret();
    }

    private static Optional<Credentials> credentials(Call call, Map<String, String> form) {
        Optional<String> header = call.header("Authorization");
        if (header.isPresent() && header.get().regionMatches(true, 0, "Basic ", 0, 6)) {
            return basic(header.get().substring(6).strip(), call.caller());
        }
        String id = form.getOrDefault("client_id", "");
        String secret = form.getOrDefault("client_secret", "");
        return id.isEmpty() || secret.isEmpty()
                ? Optional.empty()
                : Optional.of(new Credentials(id, secret, call.caller()));
    }

    private static Optional<Credentials> basic(String encoded, String caller) {
        try {
            String pair = new String(Base64.getDecoder().decode(encoded), UTF_8);
            int colon = pair.indexOf(':');
            return colon < 1
                    ? Optional.empty()
                    : Optional.of(
                            new Credentials(plain(pair.substring(0, colon)), plain(pair.substring(colon + 1)), caller));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /// RFC 6749 §2.3.1 wants both encoded as in a form; most clients leave that out.
    private static String plain(String sent) {
        try {
            return sent.contains("%") ? Text.decoded(sent) : sent;
        } catch (Refusal.Invalid _) {
            return sent;
        }
    }

    /// RFC 6749 §5.2, not Iceberg's form: token endpoints have their own.
    private static Answer error(int status, String error, String description) {
        return Answer.json(status, object("error", error, "error_description", description))
                .secret();
    }

    /// OpenID Connect Discovery, RFC 8414: what verifies our tokens finds what it needs.
    private Answer discovery(Call call) {
        String base = address.get().toString().replaceAll("/+$", "");
        return Answer.json(
                200,
                object(
                        "issuer",
                        Tokens.ICEFIELD,
                        "jwks_uri",
                        base + KEYS,
                        "token_endpoint",
                        base + TOKEN,
                        "grant_types_supported",
                        List.of("client_credentials", EXCHANGE),
                        "token_endpoint_auth_methods_supported",
                        List.of("client_secret_basic", "client_secret_post"),
                        "response_types_supported",
                        List.of(),
                        "subject_types_supported",
                        List.of("public"),
                        "id_token_signing_alg_values_supported",
                        List.of(Tokens.ALGORITHM)));
    }

    private Answer keys(Call call) {
        return Answer.json(200, logins.publicKeys().getBytes(UTF_8));
    }
}
