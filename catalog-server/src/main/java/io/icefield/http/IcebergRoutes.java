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
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import io.icefield.table.UnregisterTable;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    private static final String TABLE = TABLES + "/{table}";

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
    private final Splices splices = new Splices();
    private final ViewRoutes views;

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
        this.views = new ViewRoutes(use.onViews(), splices, retries);
    }

    List<Route> routes() {
        return Stream.concat(ofTables().stream(), views.routes().stream()).toList();
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
                Route.post(TABLE + "/unregister", this::unregisterTable, Needs.LOGIN),
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
                                "false"),
                        "overrides",
                        object("prefix", domain.value()),
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
        Map<String, String> properties = body.textMap("properties");
        return retries.once(
                call,
                once -> created(name, namespaces.create(call.who(), name, properties, once)),
                () -> created(name, properties));
    }

    private static Answer created(NamespaceId name, Map<String, String> properties) {
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
        DomainName domain = domain(call);
        String body = call.jsonText();
        return retries.once(
                call,
                once -> {
                    transaction.commit(call.who(), domain, body, once);
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
        DomainName domain = domain(call);
        Fields body = call.json();
        TableId from = identifier(domain, body.object("source"));
        TableId to = identifier(domain, body.object("destination"));
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
        // A staged table has no address yet to renew keys at.
        Optional<String> refresh = loaded.metadataLocation().map(_ -> refreshPath(table));
        Answer plain = Answer.json(LoadedBody.loaded(splices, loaded, refresh));
        Answer answer =
                loaded.metadataLocation().isPresent() ? plain.with("ETag", tag(loaded, table, snapshots)) : plain;
        return loaded.credential().isPresent() ? answer.secret() : answer;
    }

    /// Relative to the catalog's URI, which clients reach by more names than we know.
    private static String refreshPath(TableId table) {
        return "v1/%s/namespaces/%s/tables/%s/credentials"
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

    private static Delegation delegation(Call call) {
        return call.header("X-Iceberg-Access-Delegation").orElse("").contains("vended-credentials")
                ? Delegation.VENDED_CREDENTIALS
                : Delegation.NONE;
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

    private static TableId table(Call call) {
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
