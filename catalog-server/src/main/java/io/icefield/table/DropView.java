package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;

/// Forgets a view's name. Its files stay, so that it can be registered again.
public final class DropView {
    private final Views views;
    private final TableStore store;

    public DropView(Views views, TableStore store) {
        this.views = views;
        this.store = store;
    }

    public void drop(Principal who, TableId id) {
        Table view = views.get(who, Action.DROP, id).table();
        if (!store.drop(view)) {
            throw new Refusal.NotFound(Thing.VIEW, id.inDomain());
        }
    }
}
