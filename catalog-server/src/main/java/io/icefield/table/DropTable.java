package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;

/// Takes a table's name away. It can come back while it is kept; its files are not touched before.
public final class DropTable {
    private final Tables tables;
    private final DroppedStore store;
    private final Retention retention;

    public DropTable(Tables tables, DroppedStore store, Retention retention) {
        this.tables = tables;
        this.store = store;
        this.retention = retention;
    }

    public void drop(Principal who, TableId id, Fate fate, Once once) {
        Table table = tables.get(who, Action.DROP, id).table();
        if (!store.recording(once).drop(table, new DroppedStore.Drop(who.name(), fate, retention.of(fate)))) {
            throw new Refusal.NotFound(Thing.TABLE, id.inDomain());
        }
    }
}
