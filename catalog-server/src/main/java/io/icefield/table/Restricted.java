package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.access.Trail;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import java.time.Duration;
import java.util.ArrayList;
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
    /// other names since: their masks count too, also when no schema tells of them any more. A name that several
    /// columns had takes the strictest of their masks.
    Restrictions of(Principal who, TableStore.Seen seen, Metadata metadata) {
        Restrictions hidden = hidden(who, seen, metadata);
        Trail trail = Trail.current();
        trail.masked(hidden.masks().keySet());
        hidden.filters().forEach(filter -> trail.filtered(filter.column()));
        return hidden;
    }

    private Restrictions hidden(Principal who, TableStore.Seen seen, Metadata metadata) {
        if (Access.readsClear(who, seen.sight())) {
            return Restrictions.NONE;
        }
        Table table = seen.table();
        Map<Integer, Set<TableStore.Tag>> tags = store.tags(seen);
        List<Column> columns = format.read(metadata).columns();
        Restrictions now = restrict(who, table.name(), columns, tags);
        Map<String, Mask> masks = new HashMap<>(now.masks());
        List<List<Column>> before = new ArrayList<>(format.pastColumns(metadata));
        before.add(forgotten(tags.keySet(), columns, before));
        for (List<Column> past : before) {
            restrict(who, table.name(), past, tags)
                    .masks()
                    .forEach((column, mask) -> masks.merge(column, mask, Mask::stricter));
        }
        return new Restrictions(masks, now.filters());
    }

    /// Columns that only files and tags know: clean-ups remove the schemas of snapshots that have expired, while files
    /// of that time are still read. Their names and types are lost.
    private static List<Column> forgotten(Set<Integer> tagged, List<Column> now, List<List<Column>> past) {
        Set<Integer> forgotten = new TreeSet<>(tagged);
        now.forEach(column -> forgotten.remove(column.fieldId()));
        past.forEach(columns -> columns.forEach(column -> forgotten.remove(column.fieldId())));
        return forgotten.stream()
                .map(id -> new Column(id, "#" + id, "string", false, "", Set.of()))
                .toList();
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

    /// How long a caller who sees the whole table sees it: until it becomes one of those from whom something is hidden.
    Duration lasts(Principal who, TableStore.Seen seen, Metadata metadata) {
        Duration clear = Access.readsClearFor(who, seen.sight()); // zero: in its last second
        if (!Access.readsClear(who, seen.sight()) || clear.equals(Sight.FOREVER)) {
            return Sight.FOREVER;
        }
        TableStore.Seen later =
                new TableStore.Seen(seen.table(), new Sight(Set.of(Role.READER), false), seen.tagsVersion());
        return hidden(who, later, metadata).none() ? Sight.FOREVER : clear;
    }

    /// Metadata as this caller may see it.
    ///
    /// @param json all of the metadata, or some of its snapshots
    byte[] shown(Principal who, TableStore.Seen seen, Metadata metadata, byte[] json) {
        boolean hides = !Access.readsClear(who, seen.sight())
                && format.tellsPartitions(metadata)
                && !of(who, seen, metadata).none();
        return hides ? format.withoutPartitions(json) : json;
    }

    boolean tellsPartitions(Metadata metadata) {
        return format.tellsPartitions(metadata);
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
