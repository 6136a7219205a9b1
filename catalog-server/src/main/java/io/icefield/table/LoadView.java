package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;

/// Loads a view: get, read. There are no keys: what it reads are tables, each with its own door.
public final class LoadView {
    private final Views views;
    private final ViewFormat format;
    private final MetadataSource files;

    public LoadView(Views views, ViewFormat format, MetadataSource files) {
        this.views = views;
        this.format = format;
        this.files = files;
    }

    public Metadata load(Principal who, TableId id) {
        Metadata metadata = files.of(views.get(who, Action.READ, id).table());
        return new Metadata(metadata.location(), format.read(metadata).json());
    }
}
