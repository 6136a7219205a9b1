package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.domain.Domains;
import io.icefield.storage.DomainName;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.Delegation;
import io.icefield.table.DropTable;
import io.icefield.table.LoadTable;
import io.icefield.table.LoadTable.Snapshots;
import io.icefield.table.Loaded;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.RegisterTable;
import io.icefield.table.RegisterTable.Present;
import io.icefield.table.RenameTable;
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// The Iceberg REST catalog. A warehouse is a domain, and so is the prefix.
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
    private final Splices splices = new Splices();
    private final ViewRoutes views;
    private final PlanRoutes plans;
    private final String planning;

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
        this.views = new ViewRoutes(use.onViews(), splices);
        this.planning = use.onFiles().planning();
        this.plans = new PlanRoutes(use.onFiles().planScan(), use.onFiles().signRequest());
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
                Route.get(NAMESPACE, this::loadNamespace, Needs.LOGIN),
                Route.head(NAMESPACE, this::namespaceExists, Needs.LOGIN),
                Route.delete(NAMESPACE, this::dropNamespace, Needs.LOGIN),
                Route.post(NAMESPACE + "/properties", this::changeProperties, Needs.LOGIN),
                Route.get(TABLES, this::listTables, Needs.LOGIN),
                Route.post(TABLES, this::createTable, Needs.LOGIN).limit(COMMIT_BYTES_MAX),
                Route.get(TABLE, this::loadTable, Needs.LOGIN),
                Route.head(TABLE, this::tableExists, Needs.LOGIN),
                Route.post(TABLE, this::commitTable, Needs.LOGIN).limit(COMMIT_BYTES_MAX),
                Route.delete(TABLE, this::dropTable, Needs.LOGIN),
                Route.get(TABLE + "/credentials", this::credentials, Needs.LOGIN),
                Route.post(TABLE + "/metrics", this::metrics, Needs.LOGIN),
                Route.post(NAMESPACE + "/register", this::registerTable, Needs.LOGIN),
                Route.post(PREFIX + "/tables/rename", this::renameTable, Needs.LOGIN),
                Route.post(PREFIX + "/transactions/commit", this::commitTransaction, Needs.LOGIN)
                        .limit(COMMIT_BYTES_MAX));
    }

    // --- Configuration

    private Answer config(Call call) {
        String warehouse = call.query("warehouse").orElse("");
        if (warehouse.isEmpty()) {
            throw new Refusal.Invalid(
                    "`warehouse` is missing: name a domain, as in `/iceberg/v1/config?warehouse=sales`");
        }
        DomainName domain = Refusal.parse(DomainName::new, warehouse);
        domains.get(call.who(), Action.SEE, domain);
        return Answer.json(
                200,
                object(
                        "defaults",
                        object(
                                "header.X-Iceberg-Access-Delegation",
                                "vended-credentials",
                                // The client renews its token with its secret: we do not exchange tokens.
                                "token-exchange-enabled",
                                "false",
                                "scan-planning-mode",
                                planning),
                        "overrides",
                        object("prefix", domain.value()),
                        "endpoints",
                        endpoints()));
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
        DomainName domain = domain(call);
        List<String> parent = call.query("parent")
                .filter(text -> !text.isEmpty())
                .map(IcebergRoutes::levels)
                .orElse(List.of());
        if (!parent.isEmpty()) {
            NamespaceId _ = namespace(domain, parent);
        }
        String list = "namespaces:" + domain + ":" + String.join(NamespaceId.SEPARATOR, parent);
        Page<NamespaceId> page = namespaces.list(call.who(), domain, parent, PageToken.wanted(call, list));
        return Answer.json(
                200,
                page(
                        list,
                        page,
                        "namespaces",
                        page.items().stream().map(NamespaceId::levels).toList()));
    }

    /// PyIceberg encodes the parent twice. No name can contain a percent sign, so a second look is safe.
    private static List<String> levels(String parent) {
        String text = parent.contains("%") ? Text.decoded(parent) : parent;
        return List.of(text.split(NamespaceId.SEPARATOR, -1));
    }

    private Answer createNamespace(Call call) {
        DomainName domain = domain(call);
        Fields body = call.json();
        NamespaceId name = namespace(domain, body.texts("namespace"));
        Map<String, String> properties = namespaces.create(call.who(), name, body.textMap("properties"));
        return Answer.json(200, object("namespace", name.levels(), "properties", properties));
    }

    private Answer loadNamespace(Call call) {
        NamespaceId name = namespace(call);
        Map<String, String> properties = namespaces.properties(call.who(), name);
        return Answer.json(200, object("namespace", name.levels(), "properties", properties));
    }

    private Answer namespaceExists(Call call) {
        var _ = namespaces.get(call.who(), Action.SEE, namespace(call));
        return Answer.noContent();
    }

    private Answer dropNamespace(Call call) {
        namespaces.drop(call.who(), namespace(call));
        return Answer.noContent();
    }

    private Answer changeProperties(Call call) {
        NamespaceId name = namespace(call);
        Fields body = call.json();
        Namespaces.Changed changed = namespaces.change(
                call.who(),
                name,
                body.textMap("updates"),
                new LinkedHashSet<>(body.optionalTexts("removals").orElse(List.of())));
        return Answer.json(
                200, object("updated", changed.updated(), "removed", changed.removed(), "missing", changed.missing()));
    }

    // --- Tables

    private Answer listTables(Call call) {
        NamespaceId in = namespace(call);
        String list = "tables:" + in.domain() + ":" + in.path();
        Page<TableId> page = tables.list(call.who(), in, PageToken.wanted(call, list));
        return Answer.json(200, page(list, page, "identifiers", identifiers(page)));
    }

    static List<Map<String, Object>> identifiers(Page<TableId> page) {
        return page.items().stream()
                .map(id -> object("namespace", id.namespace().levels(), "name", id.name()))
                .toList();
    }

    private Answer createTable(Call call) {
        NamespaceId in = namespace(call);
        String body = call.jsonText();
        TableId table = tableId(in, new Fields(Json.tree(body)).text("name"));
        return loaded(create.create(call.who(), in, body, delegation(call)), table, Snapshots.ALL);
    }

    private Answer loadTable(Call call) {
        TableId table = table(call);
        Snapshots snapshots = snapshots(call);
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
        Loaded committed = commit.commit(call.who(), table, call.jsonText());
        return Answer.json(LoadedBody.committed(splices, committed)).with("ETag", tag(committed, table, Snapshots.ALL));
    }

    private Answer commitTransaction(Call call) {
        transaction.commit(call.who(), domain(call), call.jsonText());
        return Answer.noContent();
    }

    /// Files are never deleted with the name: a purge is the work of maintenance, by reachability.
    private Answer dropTable(Call call) {
        TableId table = table(call);
        switch (call.query("purgeRequested").orElse("").toLowerCase(Locale.ROOT)) {
            case "", "false", "true" -> drop.drop(call.who(), table);
            default -> throw new Refusal.Invalid("`purgeRequested` must be `true` or `false`");
        }
        return Answer.noContent();
    }

    private Answer credentials(Call call) {
        TableId table = table(call);
        Loaded loaded = load.credentials(call.who(), table);
        return Answer.json(200, LoadedBody.credentials(loaded)).secret();
    }

    /// Reports are welcome but nobody reads them yet; a query never fails for them.
    private Answer metrics(Call call) {
        String _ = call.body();
        return Answer.noContent();
    }

    private Answer registerTable(Call call) {
        NamespaceId in = namespace(call);
        Fields body = call.json();
        TableId table = tableId(in, body.text("name"));
        Present present = body.flag("overwrite") ? Present.REPLACED : Present.KEPT;
        return loaded(
                register.register(call.who(), table, body.text("metadata-location"), present, delegation(call)),
                table,
                Snapshots.ALL);
    }

    private Answer renameTable(Call call) {
        DomainName domain = domain(call);
        Fields body = call.json();
        rename.rename(
                call.who(), identifier(domain, body.object("source")), identifier(domain, body.object("destination")));
        return Answer.noContent();
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

    static DomainName domain(Call call) {
        return Refusal.parse(DomainName::new, call.path("prefix"));
    }

    static NamespaceId namespace(Call call) {
        DomainName domain = domain(call);
        return Refusal.parse(
                Refusal.Thing.NAMESPACE,
                path -> new NamespaceId(domain, List.of(path.split(NamespaceId.SEPARATOR, -1))),
                call.path("namespace"));
    }

    private static NamespaceId namespace(DomainName domain, List<String> levels) {
        return Refusal.parse(_ -> new NamespaceId(domain, levels), "");
    }

    static TableId table(Call call) {
        NamespaceId in = namespace(call);
        return Refusal.parse(Refusal.Thing.TABLE, name -> new TableId(in, name), call.path("table"));
    }

    static TableId tableId(NamespaceId namespace, String name) {
        return Refusal.parse(text -> new TableId(namespace, text), name);
    }

    static TableId identifier(DomainName domain, Fields identifier) {
        return tableId(namespace(domain, identifier.texts("namespace")), identifier.text("name"));
    }
}
