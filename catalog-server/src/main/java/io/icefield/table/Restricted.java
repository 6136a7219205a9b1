package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// What one caller does not see of one table: one decision for Trino, REST and credentials (invariant 6).
public final class Restricted {
    private final Governance governance;
    private final TableFormat format;
    private final TableStore store;

    public Restricted(Governance governance, TableFormat format, TableStore store) {
        this.governance = governance;
        this.format = format;
        this.store = store;
    }

    /// Time travel reads a table with the schema of that time, and its old files hold columns that are gone or had
    /// other
    /// names since: their masks count too. A name that several columns had takes the strictest of their masks.
    Restrictions of(Principal who, TableStore.Seen seen, Metadata metadata) {
        if (Access.readsClear(who, seen.sight())) {
            return Restrictions.NONE;
        }
        Table table = seen.table();
        Map<Integer, Set<TableStore.Tag>> tags = store.tags(seen);
        Restrictions now = restrict(who, table.name(), format.read(metadata).columns(), tags);
        Map<String, Mask> masks = new HashMap<>(now.masks());
        for (List<Column> past : format.pastColumns(metadata)) {
            restrict(who, table.name(), past, tags)
                    .masks()
                    .forEach((column, mask) -> masks.merge(column, mask, Mask::stricter));
        }
        return new Restrictions(masks, now.filters());
    }

    /// Keys, signatures and plans reach whole files and their bounds, so whoever is to see less than all of a
    /// table gets none (invariant 5).
    void requireWhole(Principal who, TableStore.Seen seen, Metadata metadata) {
        Restrictions restrictions = of(who, seen, metadata);
        if (!restrictions.none()) {
            throw new Refusal.NotAllowed(
                    "`%s` sees table `%s` only %s, so its files cannot be read directly: query it in Trino, or ask a steward of the domain"
                            .formatted(who.name(), seen.table().name(), how(restrictions)));
        }
    }

    private static String how(Restrictions restrictions) {
        return restrictions.masks().isEmpty()
                ? "filtered by rows"
                : "with the columns %s masked"
                        .formatted(new TreeSet<>(restrictions.masks().keySet()));
    }

    private Restrictions restrict(
            Principal who, TableId name, List<Column> columns, Map<Integer, Set<TableStore.Tag>> tags) {
        return governance.restrict(
                new TableName(
                        name.namespace().domain().value(), name.namespace().levels(), name.name()),
                Classification.tagged(columns, tags),
                who.groups());
    }
}
