package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.Grants;
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

/// The platform API: domains, classification. `openapi.yaml` describes it.
final class PlatformRoutes {
    private static final String API = "/api/v1";
    private static final String DOMAINS = API + "/domains";
    static final String DOMAIN = DOMAINS + "/{domain}";
    static final String TABLE = DOMAIN + "/namespaces/{namespace}/tables/{table}";
    private static final String CLASSIFICATION = TABLE + "/classification";

    private final Domains domains;
    private final Grants grants;
    private final ClassifyTable classify;
    private final ReportMetrics reports;

    PlatformRoutes(UseCases use) {
        this.domains = use.domains();
        this.grants = use.onAccess().grants();
        this.classify = use.classifyTable();
        this.reports = use.reportMetrics();
    }

    List<Route> routes() {
        return List.of(
                Route.get(API + "/openapi.yaml", this::openApi, Needs.NOTHING),
                Route.get(DOMAINS, this::listDomains, Needs.LOGIN),
                Route.post(DOMAINS, this::createDomain, Needs.PLATFORM),
                Route.get(DOMAIN, this::showDomain, Needs.LOGIN),
                Route.delete(DOMAIN, this::deleteDomain, Needs.PLATFORM),
                Route.put(DOMAIN + "/owners", this::setOwners, Needs.LOGIN),
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
        Map<DomainName, Set<String>> owners =
                domains.owners(page.items().stream().map(Domain::name).toList());
        return Answer.json(
                200,
                page(
                        "domains",
                        page.items().stream()
                                .map(domain -> domain(domain, owners.getOrDefault(domain.name(), Set.of())))
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
        return Answer.json(201, domain(domains.create(call.who(), name, owners)))
                .with("Location", DOMAINS + "/" + name);
    }

    private Answer showDomain(Call call) {
        return Answer.json(
                200,
                domain(domains.get(call.who(), Action.SEE, domainName(call)).domain()));
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
        grants.setOwners(call.who(), name, owners);
        return showDomain(call);
    }

    private Map<String, Object> domain(Domain domain) {
        return domain(domain, domains.owners(List.of(domain.name())).getOrDefault(domain.name(), Set.of()));
    }

    private static Map<String, Object> domain(Domain domain, Set<String> owners) {
        return object(
                "name",
                domain.name().value(),
                "owners",
                new TreeSet<>(owners),
                "bucket",
                domain.storage().bucket(),
                "protected",
                domain.guarded(),
                "created-at",
                domain.createdAt().toString());
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

    /// Levels are separated by dots, or as in the Iceberg API.
    static List<String> levels(String namespace) {
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
