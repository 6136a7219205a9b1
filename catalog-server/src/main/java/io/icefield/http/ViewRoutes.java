package io.icefield.http;

import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.table.CreateView;
import io.icefield.table.DropView;
import io.icefield.table.LoadView;
import io.icefield.table.Metadata;
import io.icefield.table.NamespaceId;
import io.icefield.table.RenameView;
import io.icefield.table.ReplaceView;
import io.icefield.table.TableId;
import io.icefield.table.Views;
import io.icefield.table.Warehouse;
import java.util.List;

/// The views of the Iceberg REST catalog.
final class ViewRoutes {
    /// SQL in several dialects and a wide schema.
    static final int BODY_BYTES_MAX = 8 << 20;

    private static final String VIEWS = IcebergRoutes.NAMESPACE + "/views";
    private static final String VIEW = VIEWS + "/{view}";

    /// Of views that read one another.
    private static final int CHAIN_MAX = 32;

    private final Views views;
    private final CreateView create;
    private final LoadView load;
    private final ReplaceView replace;
    private final RenameView rename;
    private final DropView drop;
    private final Splices splices;
    private final Retries retries;
    private final IcebergRoutes.OnDomain listOfDomain;
    private final IcebergRoutes.OnDomain newInDomain;

    ViewRoutes(
            UseCases.OnViews use,
            Splices splices,
            Retries retries,
            IcebergRoutes.OnDomain listOfDomain,
            IcebergRoutes.OnDomain newInDomain) {
        this.views = use.views();
        this.create = use.createView();
        this.load = use.loadView();
        this.replace = use.replaceView();
        this.rename = use.renameView();
        this.drop = use.dropView();
        this.splices = splices;
        this.retries = retries;
        this.listOfDomain = listOfDomain;
        this.newInDomain = newInDomain;
    }

    List<Route> routes() {
        return List.of(
                Route.get(VIEWS, IcebergRoutes.orDomain(this::listViews, listOfDomain), Needs.LOGIN),
                Route.post(VIEWS, IcebergRoutes.orDomain(this::createView, newInDomain), Needs.LOGIN)
                        .limit(BODY_BYTES_MAX),
                Route.get(VIEW, this::loadView, Needs.LOGIN),
                Route.head(VIEW, this::viewExists, Needs.LOGIN),
                Route.post(VIEW, this::replaceView, Needs.LOGIN).limit(BODY_BYTES_MAX),
                Route.delete(VIEW, this::dropView, Needs.LOGIN),
                Route.post(IcebergRoutes.NAMESPACE + "/register-view", this::registerView, Needs.LOGIN),
                Route.post(IcebergRoutes.PREFIX + "/views/rename", this::renameView, Needs.LOGIN));
    }

    private Answer listViews(Call call) {
        NamespaceId in = IcebergRoutes.namespace(call);
        String list = "views:" + in.domain() + ":" + in.path();
        Page<TableId> page = views.list(call.who(), in, PageToken.wanted(call, list));
        return Answer.json(200, IcebergRoutes.page(list, page, "identifiers", IcebergRoutes.identifiers(call, page)));
    }

    private Answer createView(Call call) {
        NamespaceId in = IcebergRoutes.namespace(call);
        String body = call.jsonText();
        TableId view = IcebergRoutes.tableId(in, new Fields(Json.tree(body)).text("name"));
        return retries.once(
                call, once -> loaded(create.create(call.who(), in, body, once)), () -> loadedAgain(call, view));
    }

    /// The answer to who made or changed a view and asks again.
    private Answer loadedAgain(Call call, TableId view) {
        return loaded(load.load(call.who(), view));
    }

    /// The views through which something is read, the outermost first, as `referenced-by` names them.
    static List<TableId> chain(Call call) {
        String raw = call.rawQuery("referenced-by").orElse("");
        if (raw.isEmpty()) {
            return List.of();
        }
        List<String> names = List.of(raw.split(",", CHAIN_MAX + 1));
        if (names.size() > CHAIN_MAX) {
            throw new Refusal.Invalid("`referenced-by` names at most %d views".formatted(CHAIN_MAX));
        }
        Warehouse warehouse = IcebergRoutes.warehouse(call);
        return names.stream().map(name -> viewOf(warehouse, Text.decoded(name))).toList();
    }

    private static TableId viewOf(Warehouse warehouse, String name) {
        int last = name.lastIndexOf(NamespaceId.SEPARATOR);
        if (last < 0) {
            throw new Refusal.Invalid(
                    "`referenced-by` names views with their namespaces, as in `crm%1Fbest_customers`");
        }
        List<String> levels = List.of(name.substring(0, last).split(NamespaceId.SEPARATOR, -1));
        return Refusal.parse(view -> new TableId(warehouse.namespace(levels), view), name.substring(last + 1));
    }

    private Answer loadView(Call call) {
        views.checkChain(call.who(), chain(call));
        return loaded(load.load(call.who(), view(call)));
    }

    private Answer viewExists(Call call) {
        var _ = views.get(call.who(), Action.SEE, view(call));
        return Answer.noContent();
    }

    private Answer replaceView(Call call) {
        TableId view = view(call);
        String body = call.jsonText();
        return retries.once(
                call, once -> loaded(replace.replace(call.who(), view, body, once)), () -> loadedAgain(call, view));
    }

    private Answer dropView(Call call) {
        TableId view = view(call);
        return retries.once(
                call,
                once -> {
                    drop.drop(call.who(), view, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    private Answer registerView(Call call) {
        NamespaceId in = IcebergRoutes.namespace(call);
        Fields body = call.json();
        TableId view = IcebergRoutes.tableId(in, body.text("name"));
        String metadata = body.text("metadata-location");
        return retries.once(
                call,
                once -> loaded(create.register(call.who(), in, view.name(), metadata, once)),
                () -> loadedAgain(call, view));
    }

    private Answer renameView(Call call) {
        Warehouse in = IcebergRoutes.warehouse(call);
        Fields body = call.json();
        TableId from = IcebergRoutes.identifier(in, body.object("source"));
        TableId to = IcebergRoutes.identifier(in, body.object("destination"));
        return retries.once(
                call,
                once -> {
                    rename.rename(call.who(), from, to, once);
                    return Answer.noContent();
                },
                Answer::noContent);
    }

    private Answer loaded(Metadata view) {
        return Answer.json(LoadedBody.view(splices, view));
    }

    private static TableId view(Call call) {
        return IcebergRoutes.relation(call, Refusal.Thing.VIEW, call.path("view"));
    }
}
