package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Principal;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import java.util.ArrayList;
import java.util.List;

/// What one caller does not see of one table: one decision for Trino, REST and credentials (invariant 6). Columns of
/// earlier schemas count: old files have their values, and a query can go back in time to their names.
public final class Restricted {
    private final Governance governance;
    private final TableFormat format;
    private final TableStore store;

    public Restricted(Governance governance, TableFormat format, TableStore store) {
        this.governance = governance;
        this.format = format;
        this.store = store;
    }

    Restrictions of(Principal who, TableStore.Seen seen, Metadata metadata) {
        if (Access.readsClear(who, seen.sight())) {
            return Restrictions.NONE;
        }
        Table table = seen.table();
        TableId name = table.name();
        TableFormat.Prepared current = format.read(metadata);
        List<Column> columns = new ArrayList<>(current.columns());
        columns.addAll(current.past());
        return governance.restrict(
                new TableName(
                        name.namespace().domain().value(), name.namespace().levels(), name.name()),
                Classification.tagged(columns, store.tags(table.uuid())),
                who.groups());
    }
}
