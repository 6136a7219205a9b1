package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.PrincipalStore.Secret;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import io.icefield.access.SigningKeys;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Principals, their secrets, and the keys that sign tokens. `openapi.yaml` describes it.
final class IdentityRoutes {
    private static final String PRINCIPALS = "/api/v1/principals";
    private static final String PRINCIPAL = PRINCIPALS + "/{principal}";
    private static final String KEYS = "/api/v1/signing-keys";

    private final Principals principals;
    private final SigningKeys keys;

    IdentityRoutes(Principals principals, SigningKeys keys) {
        this.principals = principals;
        this.keys = keys;
    }

    List<Route> routes() {
        return List.of(
                Route.get(PRINCIPALS, this::listPrincipals, Needs.PLATFORM),
                Route.post(PRINCIPALS, this::createPrincipal, Needs.PLATFORM),
                Route.get(PRINCIPAL, this::showPrincipal, Needs.LOGIN),
                Route.delete(PRINCIPAL, this::removePrincipal, Needs.PLATFORM),
                Route.post(PRINCIPAL + "/secret", this::rotateSecret, Needs.LOGIN),
                Route.get(PRINCIPAL + "/secrets", this::listSecrets, Needs.LOGIN),
                Route.delete(PRINCIPAL + "/secrets/{secret}", this::revokeSecret, Needs.LOGIN),
                Route.put(PRINCIPAL + "/groups", this::setGroups, Needs.PLATFORM),
                Route.get(KEYS, this::listKeys, Needs.PLATFORM),
                Route.post(KEYS, this::rotateKeys, Needs.PLATFORM),
                Route.delete(KEYS + "/{key}", this::revokeKey, Needs.PLATFORM));
    }

    // --- Principals

    private Answer listPrincipals(Call call) {
        Page.Request wanted = PageToken.wanted(call, "principals");
        List<Principal> found = principals.list(call.who(), wanted.after(), wanted.size());
        return Answer.json(
                200,
                PlatformRoutes.page(
                        "principals",
                        found.stream().map(IdentityRoutes::principal).toList(),
                        found.size() < wanted.size()
                                ? Optional.empty()
                                : Optional.of(found.getLast().name())));
    }

    private Answer createPrincipal(Call call) {
        Fields body = call.json();
        String name = body.text("name");
        Principal.Kind kind = PlatformRoutes.oneOf(Principal.Kind.values(), "kind", body.text("kind"));
        Set<String> groups = new HashSet<>(body.optionalTexts("groups").orElse(List.of()));
        body.nothingElse();
        Principal wanted = Refusal.parse(text -> new Principal(text, kind, groups), name);
        return created(201, principals.create(call.who(), wanted))
                .with("Location", PRINCIPALS + "/" + Text.encoded(name));
    }

    private Answer showPrincipal(Call call) {
        return Answer.json(200, principal(principals.get(call.who(), call.path("principal"))));
    }

    private Answer removePrincipal(Call call) {
        principals.remove(call.who(), call.path("principal"));
        return Answer.noContent();
    }

    private Answer setGroups(Call call) {
        Fields body = call.json();
        List<String> groups = List.copyOf(PlatformRoutes.groups(body, "groups"));
        body.nothingElse();
        return Answer.json(200, principal(principals.regroup(call.who(), call.path("principal"), groups)));
    }

    // --- Secrets

    private Answer rotateSecret(Call call) {
        Fields body = call.optionalJson();
        Duration overlap = duration(body, "overlap").orElse(Duration.ZERO);
        Optional<Duration> lifetime = duration(body, "lifetime");
        body.nothingElse();
        Principals.Rotation how = Refusal.parse(_ -> new Principals.Rotation(overlap, lifetime), "");
        return created(200, principals.rotate(call.who(), call.path("principal"), how));
    }

    private Answer listSecrets(Call call) {
        return Answer.json(
                200,
                object(
                        "secrets",
                        principals.secrets(call.who(), call.path("principal")).stream()
                                .map(IdentityRoutes::secret)
                                .toList()));
    }

    private Answer revokeSecret(Call call) {
        principals.revoke(call.who(), call.path("principal"), call.path("secret"));
        return Answer.noContent();
    }

    private static Optional<Duration> duration(Fields body, String name) {
        try {
            return body.optionalText(name).map(Duration::parse);
        } catch (DateTimeParseException e) {
            throw new Refusal.Invalid("`%s` must be a time like `PT24H` or `P30D`".formatted(name));
        }
    }

    private static Map<String, Object> secret(Secret secret) {
        return object(
                "id",
                secret.id(),
                "created-at",
                secret.createdAt().toString(),
                "expires-at",
                secret.expiresAt().map(Instant::toString));
    }

    private static Answer created(int status, Principals.Created created) {
        Map<String, Object> answer = principal(created.principal());
        answer.putAll(object(
                "client-id",
                created.principal().name(),
                "client-secret",
                created.secret(),
                "expires-at",
                created.expiresAt().map(Instant::toString)));
        return Answer.json(status, answer).secret();
    }

    private static Map<String, Object> principal(Principal principal) {
        return object(
                "name",
                principal.name(),
                "kind",
                principal.kind().name().toLowerCase(Locale.ROOT),
                "groups",
                new TreeSet<>(principal.groups()));
    }

    // --- Signing keys

    private Answer listKeys(Call call) {
        return Answer.json(
                200,
                object(
                        "signing-keys",
                        keys.list(call.who()).stream().map(IdentityRoutes::key).toList()));
    }

    private Answer rotateKeys(Call call) {
        call.optionalJson().nothingElse();
        return Answer.json(201, key(keys.rotate(call.who())));
    }

    private Answer revokeKey(Call call) {
        keys.revoke(call.who(), call.path("key"));
        return Answer.noContent();
    }

    private static Map<String, Object> key(SigningKeys.Shown key) {
        return object(
                "id",
                key.id(),
                "state",
                key.state().name().toLowerCase(Locale.ROOT),
                "created-at",
                key.createdAt().toString(),
                "signs-from",
                key.signsFrom().toString());
    }
}
