package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;

/// Takes a view's name away. It can come back while it is kept; its files stay, so that it can be registered again.
public final class DropView {
    private final Views views;
    private final DroppedStore store;
    private final Retention retention;

    public DropView(Views views, DroppedStore store, Retention retention) {
        this.views = views;
        this.store = store;
        this.retention = retention;
    }

    public void drop(Principal who, TableId id, Once once) {
        Table view = views.get(who, Action.DROP, id).table();
        if (!store.recording(once).drop(view, new DroppedStore.Drop(who.name(), Fate.FORGET, retention.undrop()))) {
            throw new Refusal.NotFound(Thing.VIEW, id.inDomain());
        }
    }
}
