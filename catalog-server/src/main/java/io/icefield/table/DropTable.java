package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;

/// Forgets a table's name. Its files stay in the bucket, also when a purge was asked for: deleting them by reachability
/// is
/// the work of a later step, and deleting them by prefix would be wrong.
public final class DropTable {
    private final Tables tables;
    private final TableStore store;

    public DropTable(Tables tables, TableStore store) {
        this.tables = tables;
        this.store = store;
    }

    public void drop(Principal who, TableId id) {
        Table table = tables.get(who, Action.DROP, id).table();
        if (!store.drop(table)) {
            throw new Refusal.NotFound(Thing.TABLE, id.inDomain());
        }
    }
}
