package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import java.util.Set;

/// Gives a view another name in its domain. Its files stay where they are.
public final class RenameView {
    private final Views views;
    private final Namespaces namespaces;
    private final TableStore store;
    private final ViewFormat format;
    private final MetadataSource files;
    private final Review review;

    public RenameView(
            Views views,
            Namespaces namespaces,
            TableStore store,
            ViewFormat format,
            MetadataSource files,
            Governance governance) {
        this.views = views;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.files = files;
        this.review = new Review(governance);
    }

    public void rename(Principal who, TableId from, TableId to, Once once) {
        from.told();
        to.told();
        Table view = views.get(who, Action.DROP, from).table();
        if (!to.namespace().domain().equals(from.namespace().domain())) {
            throw new Refusal.Invalid(
                    "a view cannot be renamed into another domain: its files are in this one's storage");
        }
        Namespace namespace = namespaces.get(who, Action.CREATE, to.namespace()).namespace();
        TableFormat.Prepared current = format.read(files.of(view));
        review.view(Change.Kind.RENAME_VIEW, to, current.columns(), current);
        switch (store.recording(once).rename(view, namespace, to.name())) {
            case DONE -> {}
            case NAME_TAKEN ->
                throw Refusal.AlreadyExists.renamed(
                        from.inDomain(),
                        to.inDomain(),
                        store.find(Set.of(), to)
                                .map(there -> there.table().kind().thing())
                                .orElse(Thing.VIEW));
            case GONE -> throw new Refusal.NotFound(Thing.VIEW, from.inDomain());
        }
    }
}
