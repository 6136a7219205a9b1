package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.DomainName;
import java.util.Optional;
import java.util.Set;

/// Gives a dropped table or view its name back, or another one: who may drop it may do that. It is what it
/// was, with its tags and the grants on it.
public final class UndropTable {
    private final DroppedTables dropped;
    private final Namespaces namespaces;
    private final NamespaceStore namespaceStore;
    private final DroppedStore store;
    private final TableStore tables;
    private final TableFormat format;
    private final ViewFormat viewFormat;
    private final MetadataFiles files;
    private final Review review;

    public UndropTable(
            DroppedTables dropped,
            Namespaces namespaces,
            NamespaceStore namespaceStore,
            DroppedStore store,
            TableStore tables,
            TableFormat format,
            ViewFormat viewFormat,
            MetadataFiles files,
            Governance governance) {
        this.dropped = dropped;
        this.namespaces = namespaces;
        this.namespaceStore = namespaceStore;
        this.store = store;
        this.tables = tables;
        this.format = format;
        this.viewFormat = viewFormat;
        this.files = files;
        this.review = new Review(governance);
    }

    /// Where it is to be.
    ///
    /// @param namespace empty: where it was
    /// @param name empty: as it was called
    public record To(Optional<NamespaceId> namespace, Optional<String> name) {}

    /// Answers the name that it has now.
    public TableId undrop(Principal who, DomainName domain, long id, To wanted) {
        Dropped seen = dropped.get(who, Action.DROP, domain, id);
        Table table = seen.table();
        TableId to = new TableId(
                wanted.namespace().orElse(table.name().namespace()),
                wanted.name().orElse(table.name().name()));
        to.told();
        Namespace namespace = namespace(who, table, to);
        // Also says so when somebody deleted the files: an engine that purges by itself.
        Metadata metadata = files.read(table.domain(), table.metadata(), MetadataFiles.FILE_BYTES_MAX);
        if (!to.equals(table.name())) {
            judge(table, to, metadata);
        }
        return switch (store.restore(seen, namespace, to.name())) {
            case DONE -> to;
            case NAME_TAKEN ->
                throw Refusal.AlreadyExists.restored(
                        to.inDomain(),
                        tables.find(Set.of(), to)
                                .map(there -> there.table().kind().thing())
                                .orElse(Thing.TABLE));
            case UUID_TAKEN ->
                throw new Refusal.Conflict("`%s` was registered elsewhere since it was dropped: drop that one first"
                        .formatted(table.name()));
            case GONE -> throw DroppedTables.gone(id);
            case NO_NAMESPACE -> throw gone(to.namespace());
        };
    }

    /// A name that it did not have before takes what a renaming takes.
    private Namespace namespace(Principal who, Table table, TableId to) {
        return to.equals(table.name())
                ? namespaceStore
                        .find(who.grantees(), to.namespace())
                        .map(NamespaceStore.Seen::namespace)
                        .orElseThrow(() -> gone(to.namespace()))
                : namespaces.get(who, Action.CREATE, to.namespace()).namespace();
    }

    private static Refusal gone(NamespaceId namespace) {
        return new Refusal.Conflict("namespace `%s` is gone: create it again, or undrop into another namespace"
                .formatted(namespace.inDomain()));
    }

    private void judge(Table table, TableId to, Metadata metadata) {
        switch (table.kind()) {
            case TABLE -> review.renaming(to, format.read(metadata), tables.tags(table.uuid()));
            case VIEW -> {
                TableFormat.Prepared current = viewFormat.read(metadata);
                review.view(Change.Kind.RENAME_VIEW, to, current.columns(), current);
            }
        }
    }
}
