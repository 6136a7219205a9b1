package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.domain.AccessRequest;
import io.icefield.domain.AccessRequestStore;
import io.icefield.domain.AccessRequests;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.Grants;
import io.icefield.storage.DomainName;
import io.icefield.table.NamespaceId;
import io.icefield.table.TableId;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The platform API of grants and of requests for them. `openapi.yaml` describes it.
final class AccessRoutes {
    private static final String ON_MESH = "/api/v1/grants";
    private static final String ON_DOMAIN = PlatformRoutes.DOMAIN + "/grants";
    private static final String REQUESTS = "/api/v1/access-requests";
    private static final String REQUEST = REQUESTS + "/{request}";
    private static final int ID_DIGITS_MAX = 18;

    private final Grants grants;
    private final AccessRequests requests;

    AccessRoutes(Grants grants, AccessRequests requests) {
        this.grants = grants;
        this.requests = requests;
    }

    List<Route> routes() {
        return List.of(
                Route.get(ON_DOMAIN, this::list, Needs.LOGIN),
                Route.post(ON_DOMAIN, this::grant, Needs.LOGIN),
                Route.delete(ON_DOMAIN, this::revoke, Needs.LOGIN),
                Route.get(ON_MESH, this::list, Needs.PLATFORM),
                Route.post(ON_MESH, this::grant, Needs.PLATFORM),
                Route.delete(ON_MESH, this::revoke, Needs.PLATFORM),
                Route.get(REQUESTS, this::listRequests, Needs.LOGIN),
                Route.post(REQUESTS, this::ask, Needs.LOGIN),
                Route.post(REQUEST + "/approve", this::approve, Needs.LOGIN),
                Route.post(REQUEST + "/refuse", this::refuse, Needs.LOGIN),
                Route.post(REQUEST + "/withdraw", this::withdraw, Needs.LOGIN));
    }

    // --- Grants

    private Answer list(Call call) {
        Optional<DomainName> domain = domainOfPath(call);
        List<String> namespace = domain.isPresent()
                ? call.query("namespace").map(AccessRoutes::levels).orElse(List.of())
                : List.of();
        Place _ = place(domain, namespace, Optional.empty());
        String list = "grants:" + domain.map(DomainName::value).orElse("") + ":" + String.join(".", namespace);
        Page<Given> page = grants.list(call.who(), domain, namespace, PageToken.wanted(call, list));
        return Answer.json(
                200,
                PlatformRoutes.page(
                        "grants",
                        list,
                        page.items().stream().map(AccessRoutes::shown).toList(),
                        page.next()));
    }

    private Answer grant(Call call) {
        Fields body = call.json();
        Grant wanted = grant(body, domainOfPath(call));
        Optional<Instant> expiresAt = time(body, "expires-at");
        Optional<String> reason = body.optionalText("reason");
        body.nothingElse();
        return Answer.json(201, shown(parse(() -> grants.grant(call.who(), wanted, expiresAt, reason))));
    }

    /// The words of the grant; what was said of it besides does not count.
    private Answer revoke(Call call) {
        Fields body = call.json();
        Grant unwanted = grant(body, domainOfPath(call));
        body.nothingElse();
        grants.revoke(call.who(), unwanted);
        return Answer.noContent();
    }

    private static Grant grant(Fields body, Optional<DomainName> domain) {
        Grantee grantee = Refusal.parse(Grantee::parse, body.text("grantee"));
        Role role = PlatformRoutes.oneOf(Role.values(), "role", body.text("role"));
        Place place = place(body, domain);
        return new Grant(grantee, role, domain, place.namespace(), place.table());
    }

    /// Something that a role can be given on, whether it is there or not.
    private record Place(List<String> namespace, Optional<String> table) {}

    private static Place place(Fields body, Optional<DomainName> domain) {
        List<String> levels =
                body.optionalText("namespace").map(AccessRoutes::levels).orElse(List.of());
        return place(domain, levels, body.optionalText("table"));
    }

    private static Place place(Optional<DomainName> domain, List<String> levels, Optional<String> table) {
        if (domain.isEmpty() ? !levels.isEmpty() || table.isPresent() : levels.isEmpty() && table.isPresent()) {
            throw new Refusal.Invalid("a grant on a table names its namespace, one on a namespace its domain");
        }
        return parse(() -> {
            domain.filter(_ -> !levels.isEmpty())
                    .map(name -> new NamespaceId(name, levels))
                    .ifPresent(id -> table.ifPresent(name -> new TableId(id, name)));
            return new Place(levels, table);
        });
    }

    private static Map<String, Object> shown(Given given) {
        Grant grant = given.grant();
        boolean over =
                given.expiresAt().filter(end -> !end.isAfter(Instant.now())).isPresent();
        Map<String, Object> shown = object(
                "grantee",
                grant.grantee().toString(),
                "role",
                word(grant.role()),
                "domain",
                grant.domain().map(DomainName::value),
                "namespace",
                namespace(grant),
                "table",
                grant.table());
        shown.putAll(object(
                "state",
                over ? "expired" : "active",
                "expires-at",
                given.expiresAt().map(Instant::toString),
                "granted-by",
                given.by(),
                "granted-at",
                given.at().map(Instant::toString),
                "reason",
                given.reason()));
        return shown;
    }

    // --- Requests

    private Answer ask(Call call) {
        Fields body = call.json();
        DomainName domain = Refusal.parse(DomainName::new, body.text("domain"));
        Role role = PlatformRoutes.oneOf(Role.values(), "role", body.text("role"));
        Place place = place(body, Optional.of(domain));
        String reason = body.text("reason");
        Optional<Instant> until = time(body, "until");
        body.nothingElse();
        AccessRequests.Ask ask =
                parse(() -> new AccessRequests.Ask(role, domain, place.namespace(), place.table(), reason, until));
        return Answer.json(201, shown(requests.ask(call.who(), ask)));
    }

    private Answer listRequests(Call call) {
        Optional<AccessRequest.State> state =
                call.query("state").map(text -> PlatformRoutes.oneOf(AccessRequest.State.values(), "state", text));
        Optional<DomainName> domain = call.query("domain").map(text -> Refusal.parse(DomainName::new, text));
        boolean mine = switch (call.query("mine").orElse("false")) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new Refusal.Invalid("`mine` must be `true` or `false`");
        };
        AccessRequestStore.Selection wanted = new AccessRequestStore.Selection(
                state, domain, mine ? Optional.of(call.who().name()) : Optional.empty());
        String list = "access-requests:" + state + domain + mine;
        Page<AccessRequest> page = requests.list(call.who(), wanted, PageToken.wanted(call, list));
        return Answer.json(
                200,
                PlatformRoutes.page(
                        "access-requests",
                        list,
                        page.items().stream().map(AccessRoutes::shown).toList(),
                        page.next()));
    }

    private Answer approve(Call call) {
        long id = id(call);
        Fields body = call.json();
        String reason = reason(body);
        Optional<Instant> expiresAt = time(body, "expires-at");
        body.nothingElse();
        return Answer.json(200, shown(requests.approve(call.who(), id, reason, expiresAt)));
    }

    private Answer refuse(Call call) {
        long id = id(call);
        Fields body = call.json();
        String reason = reason(body);
        body.nothingElse();
        return Answer.json(200, shown(requests.refuse(call.who(), id, reason)));
    }

    private Answer withdraw(Call call) {
        long id = id(call);
        call.optionalJson().nothingElse();
        return Answer.json(200, shown(requests.withdraw(call.who(), id)));
    }

    private static String reason(Fields body) {
        return Refusal.parse(Given::checkedReason, body.text("reason"));
    }

    private static long id(Call call) {
        String text = call.path("request");
        if (!text.matches("[0-9]{1,%d}".formatted(ID_DIGITS_MAX))) {
            throw new Refusal.NotFound(Refusal.Thing.ACCESS_REQUEST, text);
        }
        return Long.parseLong(text);
    }

    private static Map<String, Object> shown(AccessRequest request) {
        Grant wanted = request.wanted();
        Map<String, Object> shown = object(
                "id",
                Long.toString(request.id()),
                "principal",
                request.requester(),
                "role",
                word(wanted.role()),
                "domain",
                wanted.domain().map(DomainName::value),
                "namespace",
                namespace(wanted),
                "table",
                wanted.table(),
                "reason",
                request.reason());
        shown.putAll(object(
                "until",
                request.until().map(Instant::toString),
                "requested-at",
                request.at().toString(),
                "state",
                word(request.state()),
                "decision",
                request.decision()
                        .map(decision -> object(
                                "by",
                                decision.by(),
                                "at",
                                decision.at().toString(),
                                "reason",
                                decision.reason(),
                                "expires-at",
                                decision.expiresAt().map(Instant::toString)))));
        return shown;
    }

    // --- Text to values and back

    private static Optional<DomainName> domainOfPath(Call call) {
        return call.has("domain") ? Optional.of(PlatformRoutes.domainName(call)) : Optional.empty();
    }

    private static List<String> levels(String namespace) {
        return PlatformRoutes.levels(namespace);
    }

    private static Optional<String> namespace(Grant grant) {
        return Optional.of(String.join(".", grant.namespace())).filter(text -> !text.isEmpty());
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static Optional<Instant> time(Fields body, String name) {
        return body.optionalText(name).map(text -> {
            try {
                return OffsetDateTime.parse(text).toInstant();
            } catch (DateTimeException e) {
                throw new Refusal.Invalid("`%s` must be a time like `2030-01-31T12:00:00Z`".formatted(name));
            }
        });
    }

    /// What a constructor complains of is wrong in the request.
    private static <T> T parse(java.util.function.Supplier<T> value) {
        return Refusal.parse(_ -> value.get(), "");
    }
}
