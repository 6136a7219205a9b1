package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import java.util.List;

/// The door to the views.
public final class Views {
    private final Namespaces namespaces;
    private final TableStore store;

    public Views(Namespaces namespaces, TableStore store) {
        this.namespaces = namespaces;
        this.store = store;
    }

    /// No view without saying what for.
    public TableStore.Seen get(Principal who, Action action, TableId id) {
        TableStore.Seen seen = store.find(who.grantees(), id)
                .filter(found -> found.table().kind() == Table.Kind.VIEW)
                .orElseThrow(() -> new Refusal.NotFound(Thing.VIEW, id.inDomain()));
        Access.check(who, seen.sight(), action, Thing.VIEW, id.inDomain());
        return seen;
    }

    /// Lets a caller pass who may read each of these views: those through which it says that it reads something. What
    /// it may read of that is asked of that: a view gives nobody more.
    public void checkChain(Principal who, List<TableId> chain) {
        chain.forEach(view -> get(who, Action.READ, view));
    }

    /// A view or a table, for those who know only the name.
    public TableStore.Seen relation(Principal who, Action action, TableId id) {
        TableStore.Seen seen =
                store.find(who.grantees(), id).orElseThrow(() -> new Refusal.NotFound(Thing.TABLE, id.inDomain()));
        Access.check(who, seen.sight(), action, seen.table().kind().thing(), id.inDomain());
        return seen;
    }

    /// The views of a namespace that the caller may know of.
    public Page<TableId> list(Principal who, NamespaceId name, Page.Request page) {
        Namespace namespace = namespaces.get(who, Action.SEE, name).namespace();
        return Paging.fill(
                page,
                (after, limit) -> store.listViews(who.grantees(), namespace, after, limit),
                seen -> Access.allows(who, seen.sight(), Action.SEE),
                seen -> seen.table().name().name(),
                seen -> seen.table().name());
    }
}
