package io.icefield.http;

import static io.icefield.http.Json.object;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.storage.DomainName;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.Delegation;
import io.icefield.table.DropTable;
import io.icefield.table.Fate;
import io.icefield.table.LoadTable;
import io.icefield.table.LoadTable.Snapshots;
import io.icefield.table.Loaded;
import io.icefield.table.Metadata;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.RegisterTable;
import io.icefield.table.RegisterTable.Present;
import io.icefield.table.RenameTable;
import io.icefield.table.ReportMetrics;
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import io.icefield.table.UnregisterTable;
import io.icefield.table.Views;
import io.icefield.table.Warehouse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/// The Iceberg REST catalog. A warehouse is a domain, or the whole mesh, and so is the prefix.
final class IcebergRoutes {
    /// A commit of a wide table with a long history is megabytes.
    static final int COMMIT_BYTES_MAX = 16 << 20;

    private static final String ROOT = "/iceberg";
    static final String PREFIX = ROOT + "/v1/{prefix}";
    private static final String NAMESPACES = PREFIX + "/namespaces";
    static final String NAMESPACE = NAMESPACES + "/{namespace}";
    private static final String TABLES = NAMESPACE + "/tables";
    static final String TABLE = TABLES + "/{table}";

    private final Domains domains;
    private final Namespaces namespaces;
    private final Tables tables;
    private final LoadTable load;
    private final CreateTable create;
    private final CommitTable commit;
    private final CommitTransaction transaction;
    private final RegisterTable register;
    private final RenameTable rename;
    private final DropTable drop;
    private final UnregisterTable unregister;
    private final Retries retries;
    private final ReportMetrics reports;
    private final Splices splices = new Splices();
    private final ViewRoutes views;
    private final Views viewDoor;
    private final PlanRoutes plans;
    private final String planning;

    /// By identity: while a list stays the same, so does its text in each catalog that shows it.
    private final Cache<Page<TableId>, Map<String, byte[]>> lists =
            Caffeine.newBuilder().weakKeys().build();

    IcebergRoutes(UseCases use) {
        this.domains = use.domains();
        this.namespaces = use.namespaces();
        this.tables = use.tables();
        this.load = use.loadTable();
        this.create = use.createTable();
        this.commit = use.commitTable();
        this.transaction = use.commitTransaction();
        this.register = use.registerTable();
        this.rename = use.renameTable();
        this.drop = use.dropTable();
        this.unregister = use.keeping().unregister();
        this.retries = new Retries(use.keeping().keys(), use.keeping().keyLifetime());
        this.planning = use.onFiles().planning();
        this.plans = new PlanRoutes(use.onFiles().planScan(), use.onFiles().signRequest());
        this.reports = use.reportMetrics();
        this.viewDoor = use.onViews().views();
        this.views = new ViewRoutes(use.onViews(), splices, retries, this::domainHasNone, this::domainTakesNone);
    }

    List<Route> routes() {
        return Stream.of(ofTables(), plans.routes(), views.routes())
                .flatMap(List::stream)
                .toList();
    }

    private List<Route> ofTables() {
        return List.of(
                Route.get(ROOT + "/v1/config", this::config, Needs.LOGIN),
                Route.get(NAMESPACES, this::listNamespaces, Needs.LOGIN),
                Route.post(NAMESPACES, this::createNamespace, Needs.LOGIN),
                Route.get(NAMESPACE, orDomain(this::loadNamespace, this::loadDomain), Needs.LOGIN),
                Route.head(NAMESPACE, orDomain(this::namespaceExists, this::domainExists), Needs.LOGIN),
                Route.delete(NAMESPACE, orDomain(this::dropNamespace, this::domainStays), Needs.LOGIN),
                Route.post(NAMESPACE + "/properties", orDomain(this::changeProperties, this::domainStays), Needs.LOGIN),
                Route.get(TABLES, orDomain(this::listTables, this::domainHasNone), Needs.LOGIN),
                Route.post(TABLES, orDomain(this::createTable, this::domainTakesNone), Needs.LOGIN)
                        .limit(COMMIT_BYTES_MAX),
                Route.get(TABLE, this::loadTable, Needs.LOGIN),
                Route.head(TABLE, this::tableExists, Needs.LOGIN),
                Route.post(TABLE, this::commitTable, Needs.LOGIN).limit(COMMIT_BYTES_MAX),
                Route.delete(TABLE, this::dropTable, Needs.LOGIN),
                Route.get(TABLE + "/credentials", this::credentials, Needs.LOGIN),
                Route.post(TABLE + "/metrics", this::metrics, Needs.LOGIN).reads(),
                Route.post(NAMESPACE + "/register", this::registerTable, Needs.LOGIN),
                Route.post(TABLE + "/unregister", this::unregisterTable, Needs.LOGIN),
                Route.post(PREFIX + "/tables/rename", this::renameTable, Needs.LOGIN),
                Route.post(PREFIX + "/transactions/commit", this::commitTransaction, Needs.LOGIN)
                        .limit(COMMIT_BYTES_MAX));
    }

    // --- Configuration

    private Answer config(Call call) {
        String wanted = call.query("warehouse").filter(text -> !text.isEmpty()).orElse(Warehouse.MESH);
        Warehouse warehouse = Refusal.parse(Refusal.Thing.DOMAIN, Warehouse::of, wanted);
        warehouse.domain(List.of()).ifPresent(domain -> domains.get(call.who(), Action.SEE, domain));
        return Answer.json(
                200,
                object(
                        "defaults",
                        object(
                                "header.X-Iceberg-Access-Delegation",
                                "vended-credentials",
                                // A client renews its token with its secret, which has no end; a session of exchanged
                                // tokens has. One that was given a token only may set this to true.
                                "token-exchange-enabled",
                                "false",
                                "scan-planning-mode",
                                planning),
                        "overrides",
                        object("prefix", warehouse.prefix()),
                        "endpoints",
                        endpoints(),
                        "idempotency-key-lifetime",
                        retries.lifetime().map(Duration::toString)));
    }

    /// What is served, as the specification writes it: nothing else is advertised.
    private List<String> endpoints() {
        return routes().stream()
                .filter(route -> route.path().startsWith(PREFIX))
                .map(route -> route.method() + " " + route.path().substring(ROOT.length()))
                .toList();
    }

    // --- Namespaces

    private Answer listNamespaces(Call call) {
        Warehouse warehouse = warehouse(call);
        List<String> parent = call.query("parent")
                .filter(text -> !text.isEmpty())
                .map(IcebergRoutes::levels)
                .orElse(List.of());
        Optional<DomainName> domain =
                Refusal.parse(Refusal.Thing.NAMESPACE, _ -> warehouse.domain(parent), shown(parent));
        if (parent.isEmpty() && domain.isEmpty()) {
            return listDomains(call);
        }
        Optional<NamespaceId> above = domain.isPresent() ? Optional.empty() : Optional.of(namespace(warehouse, parent));
        DomainName in = domain.orElseGet(() -> above.orElseThrow().domain());
        List<String> levels = above.map(NamespaceId::levels).orElse(List.of());
        String list = "namespaces:" + in + ":" + String.join(NamespaceId.SEPARATOR, levels);
        Page<NamespaceId> page = namespaces.list(call.who(), in, levels, PageToken.wanted(call, list));
        return Answer.json(
                200,
                page(
                        list,
                        page,
                        "namespaces",
                        page.items().stream().map(warehouse::levels).toList()));
    }

    /// PyIceberg encodes the parent twice. No name can contain a percent sign, so a second look is safe.
    private static List<String> levels(String parent) {
        String text = parent.contains("%") ? Text.decoded(parent) : parent;
        return List.of(text.split(NamespaceId.SEPARATOR, -1));
    }

    private Answer createNamespace(Call call) {
        Warehouse warehouse = warehouse(call);
        Fields body = call.json();
        List<String> levels = body.texts("namespace");
        if (!levels.isEmpty()) {
            Optional<DomainName> domain = Refusal.parse(_ -> warehouse.domain(levels), "");
            domain.ifPresent(name -> refuseNewDomain(call, name));
        }
        NamespaceId name = namespace(warehouse, levels);
        Map<String, String> properties = body.textMap("properties");
        return retries.once(
                call,
                once -> created(levels, namespaces.create(call.who(), name, properties, once)),
                () -> created(levels, properties));
    }

    private static Answer created(List<String> levels, Map<String, String> properties) {
        return Answer.json(200, object("namespace", levels, "properties", properties));
    }

    private Answer loadNamespace(Call call) {
        NamespaceId name = namespace(call);
        Map<String, String> properties = namespaces.properties(call.who(), name);
        return Answer.json(200, object("namespace", warehouse(call).levels(name), "properties", properties));
    }

    private Answer namespaceExists(Call call) {
        var _ = namespaces.get(call.who(), Action.SEE, namespace(call));
        return Answer.noContent();
    }

    private Answer dropNamespace(Call call) {
        NamespaceId name = namespace(call);
        return retries.once(
                call,
                once -> {
                    namespaces.drop(call.who(), name, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    private Answer changeProperties(Call call) {
        NamespaceId name = namespace(call);
        Fields body = call.json();
        Map<String, String> updates = body.textMap("updates");
        Set<String> removals =
                new LinkedHashSet<>(body.optionalTexts("removals").orElse(List.of()));
        return retries.once(
                call,
                once -> changed(namespaces.change(call.who(), name, updates, removals, once)),
                () -> changed(new Namespaces.Changed(updates.keySet(), removals, Set.of())));
    }

    private static Answer changed(Namespaces.Changed changed) {
        return Answer.json(
                200, object("updated", changed.updated(), "removed", changed.removed(), "missing", changed.missing()));
    }

    // --- Domains, which are the first level of names in the catalog of the whole mesh

    /// What is done with a domain itself.
    interface OnDomain {
        Answer answer(Call call, DomainName domain);
    }

    /// A route whose path may lead to a namespace or, in the catalog of the whole mesh, to a domain.
    static Route.Handler orDomain(Route.Handler onNamespace, OnDomain onDomain) {
        return call -> {
            List<String> levels = levelsOfPath(call);
            Warehouse warehouse = warehouse(call);
            Optional<DomainName> domain =
                    Refusal.parse(Refusal.Thing.NAMESPACE, _ -> warehouse.domain(levels), shown(levels));
            return domain.isPresent() ? onDomain.answer(call, domain.get()) : onNamespace.answer(call);
        };
    }

    private Answer listDomains(Call call) {
        String list = "namespaces";
        Page<Domain> page = domains.list(call.who(), PageToken.wanted(call, list));
        List<List<String>> names = page.items().stream()
                .map(domain -> List.of(domain.name().value()))
                .toList();
        return Answer.json(200, page(list, page, "namespaces", names));
    }

    private Answer loadDomain(Call call, DomainName name) {
        domains.get(call.who(), Action.SEE, name);
        return Answer.json(200, object("namespace", List.of(name.value()), "properties", Map.of()));
    }

    private Answer domainExists(Call call, DomainName name) {
        domains.get(call.who(), Action.SEE, name);
        return Answer.noContent();
    }

    /// Its namespaces have tables and views.
    Answer domainHasNone(Call call, DomainName name) {
        domains.get(call.who(), Action.SEE, name);
        return Answer.json(200, object("identifiers", List.of()));
    }

    Answer domainTakesNone(Call call, DomainName name) {
        domains.get(call.who(), Action.SEE, name);
        throw new Refusal.Invalid("`%s` is a domain: tables and views are in its namespaces, as in `%s.crm.customers`"
                .formatted(name, name));
    }

    private Answer domainStays(Call call, DomainName name) {
        domains.get(call.who(), Action.SEE, name);
        throw new Refusal.NotAllowed(
                "`%s` is a domain and no namespace: it is changed and deleted at `/api/v1/domains/%s`"
                        .formatted(name, name));
    }

    private void refuseNewDomain(Call call, DomainName name) {
        try {
            domains.get(call.who(), Action.SEE, name);
        } catch (Refusal.NotFound e) {
            throw new Refusal.NotAllowed(
                    "`%s` would be a domain and no namespace: domains are made at `/api/v1/domains`".formatted(name));
        }
        throw new Refusal.AlreadyExists(Refusal.Thing.NAMESPACE, name.value());
    }

    // --- Tables

    private Answer listTables(Call call) {
        NamespaceId in = namespace(call);
        String list = "tables:" + in.domain() + ":" + in.path();
        Page<TableId> page = tables.list(call.who(), in, PageToken.wanted(call, list));
        byte[] body = lists.get(page, _ -> new ConcurrentHashMap<>())
                .computeIfAbsent(
                        warehouse(call).prefix(),
                        _ -> Json.bytes(page(list, page, "identifiers", identifiers(call, page))));
        return Answer.json(splices.of(new byte[0], body, new byte[0]));
    }

    static List<Map<String, Object>> identifiers(Call call, Page<TableId> page) {
        Warehouse warehouse = warehouse(call);
        return page.items().stream()
                .map(id -> object("namespace", warehouse.levels(id.namespace()), "name", id.name()))
                .toList();
    }

    private Answer createTable(Call call) {
        NamespaceId in = namespace(call);
        String body = call.jsonText();
        TableId table = tableId(in, new Fields(Json.tree(body)).text("name"));
        return retries.once(
                call,
                once -> loaded(create.create(call.who(), in, body, delegation(call), once), table, Snapshots.ALL),
                () -> loadedAgain(call, table));
    }

    /// The answer to who made a table and asks again.
    private Answer loadedAgain(Call call, TableId table) {
        return loaded(load.load(call.who(), table, Snapshots.ALL, delegation(call)), table, Snapshots.ALL);
    }

    private Answer loadTable(Call call) {
        TableId table = table(call);
        Snapshots snapshots = snapshots(call);
        viewDoor.checkChain(call.who(), ViewRoutes.chain(call));
        Loaded loaded = load.load(call.who(), table, snapshots, delegation(call));
        String tag = tag(loaded, table, snapshots);
        boolean known = call.headers("If-None-Match")
                .filter(tags -> EntityTag.isAmong(tags, tag))
                .isPresent();
        return known ? Answer.notModified().with("ETag", tag) : loaded(loaded, table, snapshots);
    }

    private static Snapshots snapshots(Call call) {
        return switch (call.query("snapshots").orElse("")) {
            case "", "all" -> Snapshots.ALL;
            case "refs" -> Snapshots.REFS;
            default -> throw new Refusal.Invalid("`snapshots` must be `all` or `refs`");
        };
    }

    private Answer tableExists(Call call) {
        var _ = tables.get(call.who(), Action.SEE, table(call));
        return Answer.noContent();
    }

    private Answer commitTable(Call call) {
        TableId table = tableId(namespace(call), call.path("table")); // perhaps one that was staged
        String body = call.jsonText();
        return retries.once(
                call,
                once -> committed(commit.commit(call.who(), table, body, once), table),
                () -> committed(load.load(call.who(), table, Snapshots.ALL, Delegation.NONE), table));
    }

    private Answer committed(Loaded committed, TableId table) {
        return Answer.json(LoadedBody.committed(splices, committed)).with("ETag", tag(committed, table, Snapshots.ALL));
    }

    private Answer commitTransaction(Call call) {
        Warehouse in = warehouse(call);
        String body = call.jsonText();
        return retries.once(
                call,
                once -> {
                    transaction.commit(call.who(), in, body, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    /// Files are never deleted with the name: a purge comes later, by reachability.
    private Answer dropTable(Call call) {
        TableId table = table(call);
        Fate fate = switch (call.query("purgeRequested").orElse("").toLowerCase(Locale.ROOT)) {
            case "", "false" -> Fate.FORGET;
            case "true" -> Fate.PURGE;
            default -> throw new Refusal.Invalid("`purgeRequested` must be `true` or `false`");
        };
        return retries.once(
                call,
                once -> {
                    drop.drop(call.who(), table, fate, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    private Answer unregisterTable(Call call) {
        TableId table = table(call);
        return retries.noted(
                call,
                once -> unregistered(unregister.unregister(call.who(), table, once)),
                noted -> unregistered(unregister.unregistered(call.who(), table, noted)));
    }

    private Answer unregistered(Metadata last) {
        return Answer.json(LoadedBody.view(splices, last));
    }

    private Answer credentials(Call call) {
        TableId table = table(call);
        viewDoor.checkChain(call.who(), ViewRoutes.chain(call));
        Loaded loaded = load.credentials(call.who(), table);
        return Answer.json(200, LoadedBody.credentials(loaded)).secret();
    }

    /// Of reports we know no more than this: clients send new kinds of them, with new fields.
    private Answer metrics(Call call) {
        TableId table = table(call);
        JsonNode report = Json.tree(call.body());
        JsonNode snapshot = report.path("snapshot-id");
        reports.report(
                call.who(),
                table,
                report.path("report-type").asText("unknown"),
                snapshot.isIntegralNumber() && snapshot.canConvertToLong()
                        ? Optional.of(snapshot.longValue())
                        : Optional.empty(),
                // Not as it came: the database would write `1e100000` out, digit by digit.
                report.toString());
        return Answer.noContent();
    }

    private Answer registerTable(Call call) {
        NamespaceId in = namespace(call);
        Fields body = call.json();
        TableId table = tableId(in, body.text("name"));
        Present present = body.flag("overwrite") ? Present.REPLACED : Present.KEPT;
        String metadata = body.text("metadata-location");
        return retries.once(
                call,
                once -> loaded(
                        register.register(call.who(), table, metadata, present, delegation(call), once),
                        table,
                        Snapshots.ALL),
                () -> loadedAgain(call, table));
    }

    private Answer renameTable(Call call) {
        Warehouse in = warehouse(call);
        Fields body = call.json();
        TableId from = identifier(in, body.object("source"));
        TableId to = identifier(in, body.object("destination"));
        return retries.once(
                call,
                once -> {
                    rename.rename(call.who(), from, to, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    // --- Bodies, paths, headers

    private String tag(Loaded loaded, TableId table, Snapshots snapshots) {
        return EntityTag.of(table, loaded, splices.sum(loaded.metadata()), snapshots);
    }

    private Answer loaded(Loaded loaded, TableId table, Snapshots snapshots) {
        // A staged table has no address yet.
        Optional<String> address = loaded.metadataLocation().map(_ -> address(table));
        Answer plain = Answer.json(LoadedBody.loaded(splices, loaded, address));
        Answer answer =
                loaded.metadataLocation().isPresent() ? plain.with("ETag", tag(loaded, table, snapshots)) : plain;
        return loaded.credential().isPresent() ? answer.secret() : answer;
    }

    /// Relative to the catalog's URI, which clients reach by more names than we know.
    static String address(TableId table) {
        return "v1/%s/namespaces/%s/tables/%s"
                .formatted(
                        table.namespace().domain(),
                        Text.encoded(table.namespace().path()),
                        Text.encoded(table.name()));
    }

    static Map<String, Object> page(String list, Page<?> page, String name, List<?> items) {
        Map<String, Object> body = new LinkedHashMap<>(object(name, items));
        page.next().ifPresent(key -> body.put("next-page-token", PageToken.of(key, list)));
        return body;
    }

    static Delegation delegation(Call call) {
        String wanted = call.headers("X-Iceberg-Access-Delegation").orElse("");
        return wanted.contains("vended-credentials")
                ? Delegation.VENDED_CREDENTIALS
                : wanted.contains("remote-signing") ? Delegation.REMOTE_SIGNING : Delegation.NONE;
    }

    static Warehouse warehouse(Call call) {
        return Refusal.parse(Warehouse::of, call.path("prefix"));
    }

    static NamespaceId namespace(Call call) {
        Warehouse warehouse = warehouse(call);
        List<String> levels = levelsOfPath(call);
        return Refusal.parse(Refusal.Thing.NAMESPACE, _ -> warehouse.namespace(levels), shown(levels));
    }

    private static NamespaceId namespace(Warehouse warehouse, List<String> levels) {
        return Refusal.parse(_ -> warehouse.namespace(levels), "");
    }

    private static List<String> levelsOfPath(Call call) {
        return List.of(call.path("namespace").split(NamespaceId.SEPARATOR, -1));
    }

    private static String shown(List<String> levels) {
        return String.join(".", levels);
    }

    static TableId table(Call call) {
        return relation(call, Refusal.Thing.TABLE, call.path("table"));
    }

    /// A table or view that should be there. Engines ask for a table where no namespace can be, and want to hear
    /// of the table.
    static TableId relation(Call call, Refusal.Thing thing, String name) {
        Warehouse warehouse = warehouse(call);
        List<String> levels = levelsOfPath(call);
        return Refusal.parse(thing, _ -> new TableId(warehouse.namespace(levels), name), shown(levels) + "." + name);
    }

    static TableId tableId(NamespaceId namespace, String name) {
        return Refusal.parse(text -> new TableId(namespace, text), name);
    }

    static TableId identifier(Warehouse in, Fields identifier) {
        return tableId(namespace(in, identifier.texts("namespace")), identifier.text("name"));
    }
}
