package io.icefield.http;

import static io.icefield.http.Json.object;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import io.icefield.access.Tokens;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Tokens for client id and secret (OAuth 2.0 client credentials), and the keys that prove them.
final class LoginRoutes {
    private static final int BODY_BYTES_MAX = 64 << 10;
    private static final String ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

    private final Principals principals;
    private final Tokens tokens;

    LoginRoutes(Principals principals, Tokens tokens) {
        this.principals = principals;
        this.tokens = tokens;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/iceberg/v1/oauth/tokens", this::token, Needs.NOTHING)
                        .limit(BODY_BYTES_MAX),
                Route.get("/oauth/jwks", this::keys, Needs.NOTHING));
    }

    private record Login(String id, String secret) {
        @Override
        public String toString() {
            return "Login[%s]".formatted(id);
        }
    }

    private Answer token(Call call) {
        try {
            Map<String, String> form = call.form();
            String grant = form.getOrDefault("grant_type", "");
            if (!grant.equals("client_credentials")) {
                return grant.isEmpty()
                        ? error(400, "invalid_request", "`grant_type` is missing")
                        : error(400, "unsupported_grant_type", "only `client_credentials` is supported");
            }
            Optional<Login> login = login(call.header("Authorization"), form);
            if (login.isEmpty()) {
                return error(
                        400, "invalid_request", "give `client_id` and `client_secret`, in the form or as HTTP Basic");
            }
            Principal who =
                    principals.authenticate(login.get().id(), login.get().secret());
            return Answer.json(
                            200,
                            object(
                                    "access_token",
                                    tokens.issue(who),
                                    "token_type",
                                    "bearer",
                                    "expires_in",
                                    Tokens.LIFETIME.toSeconds(),
                                    "issued_token_type",
                                    ACCESS_TOKEN,
                                    "scope",
                                    Optional.ofNullable(form.get("scope"))))
                    .secret();
        } catch (Refusal.NotAuthenticated e) {
            return error(401, "invalid_client", String.valueOf(e.getMessage()))
                    .with("WWW-Authenticate", "Basic realm=\"icefield\", charset=\"UTF-8\"");
        } catch (Refusal.Invalid e) {
            return error(400, "invalid_request", String.valueOf(e.getMessage()));
        }
    }

    private static Optional<Login> login(Optional<String> header, Map<String, String> form) {
        if (header.isPresent() && header.get().regionMatches(true, 0, "Basic ", 0, 6)) {
            return basic(header.get().substring(6).strip());
        }
        String id = form.getOrDefault("client_id", "");
        String secret = form.getOrDefault("client_secret", "");
        return id.isEmpty() || secret.isEmpty() ? Optional.empty() : Optional.of(new Login(id, secret));
    }

    private static Optional<Login> basic(String encoded) {
        try {
            String pair = new String(Base64.getDecoder().decode(encoded), UTF_8);
            int colon = pair.indexOf(':');
            return colon < 1
                    ? Optional.empty()
                    : Optional.of(new Login(pair.substring(0, colon), pair.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /// RFC 6749 §5.2, not Iceberg's form: token endpoints have their own.
    private static Answer error(int status, String error, String description) {
        return Answer.json(status, object("error", error, "error_description", description))
                .secret();
    }

    private Answer keys(Call call) {
        return Answer.json(200, tokens.publicKeys().getBytes(UTF_8));
    }
}
