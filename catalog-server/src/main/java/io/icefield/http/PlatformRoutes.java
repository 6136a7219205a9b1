package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.table.ClassifyTable;
import io.icefield.table.MetricsStore;
import io.icefield.table.NamespaceId;
import io.icefield.table.ReportMetrics;
import io.icefield.table.TableId;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The platform API: domains, principals, grants, classification. `openapi.yaml` describes it.
final class PlatformRoutes {
    private static final String API = "/api/v1";
    private static final String DOMAINS = API + "/domains";
    static final String DOMAIN = DOMAINS + "/{domain}";
    static final String TABLE = DOMAIN + "/namespaces/{namespace}/tables/{table}";
    private static final String CLASSIFICATION = TABLE + "/classification";

    private final Domains domains;
    private final ClassifyTable classify;
    private final ReportMetrics reports;

    PlatformRoutes(UseCases use) {
        this.domains = use.domains();
        this.classify = use.classifyTable();
        this.reports = use.reportMetrics();
    }

    List<Route> routes() {
        return List.of(
                Route.get(API + "/openapi.yaml", this::openApi, Needs.NOTHING),
                Route.get(DOMAINS, this::listDomains, Needs.LOGIN),
                Route.post(DOMAINS, this::createDomain, Needs.LOGIN),
                Route.get(DOMAIN, this::showDomain, Needs.LOGIN),
                Route.delete(DOMAIN, this::deleteDomain, Needs.LOGIN),
                Route.put(DOMAIN + "/owners", this::setOwners, Needs.LOGIN),
                Route.get(DOMAIN + "/grants", this::listGrants, Needs.LOGIN),
                Route.post(DOMAIN + "/grants", this::grant, Needs.LOGIN),
                Route.delete(DOMAIN + "/grants", this::revoke, Needs.LOGIN),
                Route.get(API + "/grants", this::listGrants, Needs.LOGIN),
                Route.post(API + "/grants", this::grant, Needs.LOGIN),
                Route.delete(API + "/grants", this::revoke, Needs.LOGIN),
                Route.get(CLASSIFICATION, this::showClassification, Needs.LOGIN),
                Route.put(CLASSIFICATION, this::setClassification, Needs.LOGIN),
                Route.get(TABLE + "/metrics", this::listReports, Needs.LOGIN));
    }

    private Answer openApi(Call call) throws IOException {
        try (InputStream document = PlatformRoutes.class.getResourceAsStream("/openapi.yaml")) {
            if (document == null) {
                throw new IllegalStateException("openapi.yaml is not among the resources");
            }
            return Answer.text("application/yaml", document.readAllBytes());
        }
    }

    // --- Domains

    private Answer listDomains(Call call) {
        Page<Domain> page = domains.list(call.who(), PageToken.wanted(call, "domains"));
        return Answer.json(
                200,
                page(
                        "domains",
                        page.items().stream()
                                .map(domain -> domain(call.who(), domain))
                                .toList(),
                        page.next()));
    }

    private Answer createDomain(Call call) {
        Fields body = call.json();
        DomainName name = Refusal.parse(DomainName::new, body.text("name"));
        Set<String> owners = groups(body, "owners");
        body.nothingElse();
        if (owners.isEmpty()) {
            throw new Refusal.Invalid("`owners` must name at least one group");
        }
        return Answer.json(201, domain(call.who(), domains.create(call.who(), name, owners)))
                .with("Location", DOMAINS + "/" + name);
    }

    private Answer showDomain(Call call) {
        return Answer.json(
                200,
                domain(
                        call.who(),
                        domains.get(call.who(), Action.SEE, domainName(call)).domain()));
    }

    private Answer deleteDomain(Call call) {
        domains.delete(call.who(), domainName(call));
        return Answer.noContent();
    }

    private Answer setOwners(Call call) {
        DomainName name = domainName(call);
        Fields body = call.json();
        Set<String> owners = groups(body, "owners");
        body.nothingElse();
        domains.setOwners(call.who(), name, owners);
        return showDomain(call);
    }

    private Map<String, Object> domain(Principal who, Domain domain) {
        return object(
                "name",
                domain.name().value(),
                "owners",
                domains.owners(who, domain.name()),
                "bucket",
                domain.storage().bucket(),
                "protected",
                domain.guarded(),
                "created-at",
                domain.createdAt().toString());
    }

    // --- Grants

    private Answer listGrants(Call call) {
        Optional<DomainName> domain = domainOfPath(call);
        String list = "grants:" + domain.map(DomainName::value).orElse("");
        Page<Grant> page = domains.grants(call.who(), domain, PageToken.wanted(call, list));
        return Answer.json(
                200,
                page(
                        "grants",
                        list,
                        page.items().stream().map(PlatformRoutes::grant).toList(),
                        page.next()));
    }

    private Answer grant(Call call) {
        Grant wanted = readGrant(call);
        domains.grant(call.who(), wanted);
        return Answer.json(201, grant(wanted));
    }

    private Answer revoke(Call call) {
        domains.revoke(call.who(), readGrant(call));
        return Answer.noContent();
    }

    private static Grant readGrant(Call call) {
        Optional<DomainName> domain = domainOfPath(call);
        Fields body = call.json();
        Grantee grantee = Refusal.parse(Grantee::parse, body.text("grantee"));
        Role role = oneOf(Role.values(), "role", body.text("role"));
        Optional<String> namespace = body.optionalText("namespace");
        Optional<String> table = body.optionalText("table");
        body.nothingElse();
        List<String> levels = namespace.map(PlatformRoutes::levels).orElse(List.of());
        return Refusal.parse(
                _ -> {
                    Grant wanted = new Grant(grantee, role, domain, levels, table);
                    domain.filter(_ -> !levels.isEmpty())
                            .map(name -> new NamespaceId(name, levels))
                            .ifPresent(id -> table.ifPresent(name -> new TableId(id, name)));
                    return wanted;
                },
                "");
    }

    private static Map<String, Object> grant(Grant grant) {
        return object(
                "grantee",
                grant.grantee().toString(),
                "role",
                grant.role().name().toLowerCase(Locale.ROOT),
                "domain",
                grant.domain().map(DomainName::value),
                "namespace",
                Optional.of(String.join(".", grant.namespace())).filter(text -> !text.isEmpty()),
                "table",
                grant.table());
    }

    // --- Classification

    private Answer showClassification(Call call) {
        return classification(classify.get(call.who(), table(call)));
    }

    private Answer setClassification(Call call) {
        TableId table = table(call);
        Fields body = call.json();
        Map<String, Set<String>> columns = body.setMap("columns");
        body.nothingElse();
        return classification(classify.put(call.who(), table, columns));
    }

    private static Answer classification(Map<String, Set<String>> columns) {
        Map<String, Set<String>> sorted = new TreeMap<>();
        columns.forEach((column, tags) -> sorted.put(column, new TreeSet<>(tags)));
        return Answer.json(200, object("columns", sorted));
    }

    // --- What clients report of a table

    private Answer listReports(Call call) {
        TableId table = table(call);
        String list = "reports:" + table;
        Page<MetricsStore.Kept> page = reports.list(call.who(), table, PageToken.wanted(call, list));
        return Answer.json(
                200,
                page(
                        "reports",
                        list,
                        page.items().stream()
                                .map(MetricsStore.Kept::report)
                                .map(PlatformRoutes::report)
                                .toList(),
                        page.next()));
    }

    private static Map<String, Object> report(MetricsStore.Report report) {
        return object(
                "kind",
                report.kind(),
                "snapshot-id",
                report.snapshot(),
                "principal",
                report.principal(),
                "received-at",
                report.receivedAt().toString(),
                "report",
                Json.tree(report.body()));
    }

    // --- Text to values and back

    static Map<String, Object> page(String list, List<?> items, Optional<String> next) {
        return page(list, list, items, next);
    }

    static Map<String, Object> page(String field, String list, List<?> items, Optional<String> next) {
        Map<String, Object> page = object(field, items);
        page.put(
                "next-page-token",
                next.<Object>map(key -> PageToken.of(key, list)).orElse(Json.NULL));
        return page;
    }

    static Set<String> groups(Fields body, String name) {
        Set<String> groups = new LinkedHashSet<>(body.texts(name));
        groups.forEach(group -> Refusal.parse(text -> new Grantee(Grantee.Kind.GROUP, text), group));
        return groups;
    }

    static <E extends Enum<E>> E oneOf(E[] values, String field, String text) {
        Map<String, E> known = Arrays.stream(values)
                .collect(Collectors.toMap(each -> each.name().toLowerCase(Locale.ROOT), Function.identity()));
        E value = known.get(text);
        if (value == null) {
            throw new Refusal.Invalid("`%s` must be one of %s".formatted(field, new TreeSet<>(known.keySet())));
        }
        return value;
    }

    static DomainName domainName(Call call) {
        return Refusal.parse(DomainName::new, call.path("domain"));
    }

    private static Optional<DomainName> domainOfPath(Call call) {
        return call.has("domain") ? Optional.of(domainName(call)) : Optional.empty();
    }

    /// Levels are separated by dots, or as in the Iceberg API.
    private static List<String> levels(String namespace) {
        return List.of(namespace.split(namespace.contains(NamespaceId.SEPARATOR) ? NamespaceId.SEPARATOR : "\\.", -1));
    }

    static TableId table(Call call) {
        DomainName domain = domainName(call);
        NamespaceId namespace = namespace(domain, call.path("namespace"));
        return Refusal.parse(name -> new TableId(namespace, name), call.path("table"));
    }

    static NamespaceId namespace(DomainName domain, String text) {
        return Refusal.parse(levels -> new NamespaceId(domain, levels(levels)), text);
    }
}
