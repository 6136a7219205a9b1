package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;

/// The door to the tables.
public final class Tables {
    private final Namespaces namespaces;
    private final TableStore store;

    public Tables(Namespaces namespaces, TableStore store) {
        this.namespaces = namespaces;
        this.store = store;
    }

    /// No table without saying what for.
    public TableStore.Seen get(Principal who, Action action, TableId id) {
        TableStore.Seen seen = store.find(who.grantees(), id)
                .filter(found -> found.table().kind() == Table.Kind.TABLE)
                .orElseThrow(() -> new Refusal.NotFound(Thing.TABLE, id.inDomain()));
        Access.check(who, seen.sight(), action, Thing.TABLE, id.inDomain());
        return seen;
    }

    /// The tables of a namespace that the caller may know of.
    public Page<TableId> list(Principal who, NamespaceId name, Page.Request page) {
        NamespaceStore.Seen seen = namespaces.get(who, Action.SEE, name);
        if (Access.allows(who, seen.sight(), Action.READ)) {
            return store.tables(seen, page);
        }
        return Paging.fill(
                page,
                (after, limit) -> store.list(who.grantees(), seen.namespace(), after, limit),
                table -> Access.allows(who, table.sight(), Action.SEE),
                table -> table.table().name().name(),
                table -> table.table().name());
    }
}
