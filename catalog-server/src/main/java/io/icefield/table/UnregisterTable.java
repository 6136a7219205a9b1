package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domains;
import io.icefield.storage.Location;

/// Forgets a table and leaves its files to whoever registers it next: it cannot come back here otherwise,
/// and is never purged.
public final class UnregisterTable {
    /// How often it is tried again because a commit was faster: the answer has all commits.
    public static final int ATTEMPTS_MAX = 20;

    private final Domains domains;
    private final Tables tables;
    private final TableStore store;
    private final MetadataFiles files;
    private final MetadataSource cache;

    public UnregisterTable(
            Domains domains, Tables tables, TableStore store, MetadataFiles files, MetadataSource cache) {
        this.domains = domains;
        this.tables = tables;
        this.store = store;
        this.files = files;
        this.cache = cache;
    }

    /// The last metadata of the table.
    public Metadata unregister(Principal who, TableId id, Once once) {
        for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
            Table table = tables.get(who, Action.DROP, id).table();
            Metadata last = cache.of(table);
            if (store.recording(once.noting(last.location().toString())).drop(table)) {
                return last;
            }
        }
        throw new Refusal.Conflict(
                "table `%s` is changed by others faster than it can be unregistered: try again".formatted(id));
    }

    /// The same answer later.
    ///
    /// @param noted where the metadata is, as it was noted
    public Metadata unregistered(Principal who, TableId id, String noted) {
        return files.read(
                domains.get(who, Action.SEE, id.namespace().domain()).domain(),
                Location.parse(noted),
                RegisterTable.FILE_BYTES_MAX);
    }
}
