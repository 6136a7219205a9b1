package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;

/// Forgets a table and leaves its files to whoever registers it next: it cannot come back here otherwise,
/// and is never purged.
public final class UnregisterTable {
    /// How often it is tried again because a commit was faster: the answer has all commits.
    public static final int ATTEMPTS_MAX = 20;

    private final Tables tables;
    private final TableStore store;
    private final MetadataSource cache;

    public UnregisterTable(Tables tables, TableStore store, MetadataSource cache) {
        this.tables = tables;
        this.store = store;
        this.cache = cache;
    }

    /// The last metadata of the table.
    public Metadata unregister(Principal who, TableId id) {
        for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
            Table table = tables.get(who, Action.DROP, id).table();
            Metadata last = cache.of(table);
            if (store.drop(table)) {
                return last;
            }
        }
        throw new Refusal.Conflict(
                "table `%s` is changed by others faster than it can be unregistered: try again".formatted(id));
    }
}
