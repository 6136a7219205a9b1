package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Governance;
import java.util.Set;

/// Gives a table another name in its domain. Its files stay where they are.
public final class RenameTable {
    private final Tables tables;
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final MetadataSource files;
    private final Review review;

    public RenameTable(
            Tables tables,
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            MetadataSource files,
            Governance governance) {
        this.tables = tables;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.files = files;
        this.review = new Review(governance);
    }

    public void rename(Principal who, TableId from, TableId to, Once once) {
        from.told();
        to.told();
        Ready ready = prepare(who, from, to);
        switch (store.recording(once).rename(ready.table(), ready.to(), to.name())) {
            case DONE -> {}
            case NAME_TAKEN ->
                throw Refusal.AlreadyExists.renamed(
                        from.inDomain(),
                        to.inDomain(),
                        store.find(Set.of(), to)
                                .map(there -> there.table().kind().thing())
                                .orElse(Thing.TABLE));
            case GONE -> throw new Refusal.NotFound(Thing.TABLE, from.inDomain());
        }
    }

    /// Throws what stands against it, and changes nothing.
    void check(Principal who, TableId from, TableId to) {
        prepare(who, from, to);
    }

    private record Ready(Table table, Namespace to) {}

    private Ready prepare(Principal who, TableId from, TableId to) {
        Table table = tables.get(who, Action.DROP, from).table();
        if (!to.namespace().domain().equals(from.namespace().domain())) {
            throw new Refusal.Invalid(
                    "a table cannot be renamed into another domain: its files are in this one's storage");
        }
        Namespace namespace = namespaces.get(who, Action.CREATE, to.namespace()).namespace();
        review.renaming(to, format.read(files.of(table)), store.tags(table.uuid()));
        return new Ready(table, namespace);
    }
}
