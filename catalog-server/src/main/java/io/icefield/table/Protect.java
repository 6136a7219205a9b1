package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.table.ProtectionStore.Protection;

/// Protects tables, views and namespaces against being dropped and renamed. A protected namespace protects
/// all that is in it.
public final class Protect {
    private final Tables tables;
    private final Views views;
    private final Namespaces namespaces;
    private final ProtectionStore store;

    public Protect(Tables tables, Views views, Namespaces namespaces, ProtectionStore store) {
        this.tables = tables;
        this.views = views;
        this.namespaces = namespaces;
        this.store = store;
    }

    public Protection table(Principal who, Table.Kind kind, TableId id) {
        return store.of(get(who, Action.SEE, kind, id));
    }

    public Protection table(Principal who, Table.Kind kind, TableId id, boolean on) {
        Table table = get(who, Action.KEEP, kind, id);
        if (!store.protect(table, on)) {
            throw new Refusal.NotFound(kind.thing(), id.inDomain());
        }
        return store.of(table);
    }

    private Table get(Principal who, Action action, Table.Kind kind, TableId id) {
        return switch (kind) {
            case TABLE -> tables.get(who, action, id).table();
            case VIEW -> views.get(who, action, id).table();
        };
    }

    public Protection namespace(Principal who, NamespaceId id) {
        return store.of(namespaces.get(who, Action.SEE, id).namespace());
    }

    public Protection namespace(Principal who, NamespaceId id, boolean on) {
        Namespace namespace = namespaces.get(who, Action.KEEP, id).namespace();
        if (!store.protect(namespace, on)) {
            throw new Refusal.NotFound(Thing.NAMESPACE, id.inDomain());
        }
        return store.of(namespace);
    }

    /// What whoever drops or renames a protected thing is told.
    public static Refusal refusal(Table table) {
        return new Refusal.NotAllowed(
                "%s `%s` is protected against being dropped, renamed or replaced: an owner lifts that with `icefield %s unprotect %s`"
                        .formatted(
                                table.kind().thing().word(),
                                table.name().inDomain(),
                                table.kind().thing().word(),
                                table.name()));
    }

    /// The same for all in a protected namespace, itself included.
    public static Refusal refusal(NamespaceId namespace) {
        return new Refusal.NotAllowed(
                "namespace `%s` is protected, and so is all that is in it, against being dropped, renamed or replaced: an owner lifts that with `icefield namespace unprotect %s`"
                        .formatted(namespace.inDomain(), namespace));
    }
}
