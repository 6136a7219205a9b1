package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.storage.DomainName;
import io.icefield.table.Dropped;
import io.icefield.table.DroppedStore;
import io.icefield.table.DroppedTables;
import io.icefield.table.Housekeeping;
import io.icefield.table.NamespaceId;
import io.icefield.table.Protect;
import io.icefield.table.ProtectionStore.Protection;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.UndropTable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The platform API of what was dropped and can come back, and of what must not be dropped.
final class KeepRoutes {
    private static final String DROPPED = PlatformRoutes.DOMAIN + "/dropped";
    private static final String ONE = DROPPED + "/{dropped}";
    private static final String NAMESPACE = PlatformRoutes.DOMAIN + "/namespaces/{namespace}";
    private static final String TABLE = NAMESPACE + "/tables/{table}";
    private static final String VIEW = NAMESPACE + "/views/{view}";
    private static final String PROTECTION = "/protection";
    private static final int ID_DIGITS_MAX = 18;

    private final DroppedTables dropped;
    private final UndropTable undrop;
    private final Protect protect;
    private final Housekeeping housekeeping;

    KeepRoutes(UseCases.Keeping use) {
        this.dropped = use.dropped();
        this.undrop = use.undrop();
        this.protect = use.protect();
        this.housekeeping = use.housekeeping();
    }

    List<Route> routes() {
        return List.of(
                Route.get(DROPPED, this::list, Needs.LOGIN),
                Route.post(ONE + "/undrop", this::undrop, Needs.LOGIN),
                Route.delete(ONE, this::purge, Needs.LOGIN),
                Route.get(TABLE + PROTECTION, this::showTable, Needs.LOGIN),
                Route.put(TABLE + PROTECTION, this::protectTable, Needs.LOGIN),
                Route.get(VIEW + PROTECTION, this::showTable, Needs.LOGIN),
                Route.put(VIEW + PROTECTION, this::protectTable, Needs.LOGIN),
                Route.get(NAMESPACE + PROTECTION, this::showNamespace, Needs.LOGIN),
                Route.put(NAMESPACE + PROTECTION, this::protectNamespace, Needs.LOGIN));
    }

    // --- What was dropped

    private Answer list(Call call) {
        DomainName domain = PlatformRoutes.domainName(call);
        DroppedStore.Wanted wanted = new DroppedStore.Wanted(
                call.query("namespace")
                        .map(text -> PlatformRoutes.namespace(domain, text).path()),
                call.query("name"));
        String list = "dropped:" + domain;
        Page<Dropped> page = dropped.list(call.who(), domain, wanted, PageToken.wanted(call, list));
        Map<String, Object> body =
                object("dropped", page.items().stream().map(KeepRoutes::shown).toList());
        body.put(
                "next-page-token",
                page.next().<Object>map(key -> PageToken.of(key, list)).orElse(Json.NULL));
        return Answer.json(200, body);
    }

    private static Map<String, Object> shown(Dropped dropped) {
        Table table = dropped.table();
        return object(
                "id",
                Long.toString(dropped.id()),
                "kind",
                table.kind().thing().word(),
                "namespace",
                table.name().namespace().inDomain(),
                "name",
                table.name().name(),
                "table-uuid",
                table.uuid().toString(),
                "metadata-location",
                table.metadata().toString(),
                "dropped-by",
                dropped.by(),
                "dropped-at",
                dropped.at().toString(),
                "then",
                dropped.fate().name().toLowerCase(Locale.ROOT),
                "kept-until",
                dropped.due().toString(),
                "state",
                dropped.purging() ? "purging" : "kept",
                "problem",
                Optional.of(dropped.problem()).filter(text -> !text.isEmpty()));
    }

    private Answer undrop(Call call) {
        DomainName domain = PlatformRoutes.domainName(call);
        String text = call.body();
        Fields body = new Fields(Json.tree(text.isBlank() ? "{}" : text));
        Optional<NamespaceId> namespace =
                body.optionalText("namespace").map(levels -> PlatformRoutes.namespace(domain, levels));
        Optional<String> name = body.optionalText("name");
        body.nothingElse();
        // A name is looked at before anything happens; whichever namespace it is for.
        name.ifPresent(wanted -> {
            TableId _ = Refusal.parse(each -> new TableId(new NamespaceId(domain, List.of("any")), each), wanted);
        });
        TableId now = undrop.undrop(call.who(), domain, id(call), new UndropTable.To(namespace, name));
        return Answer.json(200, object("namespace", now.namespace().inDomain(), "name", now.name()));
    }

    private Answer purge(Call call) {
        dropped.purge(call.who(), PlatformRoutes.domainName(call), id(call));
        housekeeping.wake();
        return Answer.noContent();
    }

    private static long id(Call call) {
        String text = call.path("dropped");
        if (!text.matches("[0-9]{1,%d}".formatted(ID_DIGITS_MAX))) {
            throw new Refusal.Invalid("a dropped table is named by its id, a number: see the list of the dropped ones");
        }
        return Long.parseLong(text);
    }

    // --- What must not be dropped

    private Answer showTable(Call call) {
        return shown(protect.table(call.who(), kind(call), table(call)));
    }

    private Answer protectTable(Call call) {
        return shown(protect.table(call.who(), kind(call), table(call), wanted(call)));
    }

    private Answer showNamespace(Call call) {
        return shown(protect.namespace(call.who(), namespace(call)));
    }

    private Answer protectNamespace(Call call) {
        return shown(protect.namespace(call.who(), namespace(call), wanted(call)));
    }

    private static boolean wanted(Call call) {
        Fields body = call.json();
        boolean on = body.requiredFlag("protected");
        body.nothingElse();
        return on;
    }

    private static Answer shown(Protection protection) {
        return Answer.json(
                200,
                object(
                        "protected",
                        protection.on(),
                        "protected-by-namespace",
                        protection.above().map(NamespaceId::inDomain)));
    }

    private static Table.Kind kind(Call call) {
        return call.has("view") ? Table.Kind.VIEW : Table.Kind.TABLE;
    }

    private static TableId table(Call call) {
        NamespaceId namespace = namespace(call);
        return Refusal.parse(name -> new TableId(namespace, name), call.path(call.has("view") ? "view" : "table"));
    }

    private static NamespaceId namespace(Call call) {
        return PlatformRoutes.namespace(PlatformRoutes.domainName(call), call.path("namespace"));
    }
}
