package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.policy.Restrictions;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import java.time.Duration;
import java.util.Optional;
import java.util.TreeSet;

/// Loads a table: get, may its files be read raw?, vend.
public final class LoadTable {
    /// How long a vended key lives. Clients renew theirs five minutes before the end.
    public static final Duration CREDENTIAL_LIFETIME = Duration.ofHours(1);

    private final Tables tables;
    private final MetadataSource files;
    private final TableFormat format;
    private final Restricted restricted;
    private final DomainStorage storage;

    public LoadTable(
            Tables tables, MetadataSource files, TableFormat format, Restricted restricted, DomainStorage storage) {
        this.tables = tables;
        this.files = files;
        this.format = format;
        this.restricted = restricted;
        this.storage = storage;
    }

    /// Which snapshots the answer lists.
    public enum Snapshots {
        ALL,
        /// Those that a branch or tag names.
        REFS
    }

    public Loaded load(Principal who, TableId id, Snapshots snapshots, Delegation delegation) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        Metadata metadata = files.of(seen.table());
        Optional<Credential> credential =
                delegation == Delegation.VENDED_CREDENTIALS ? Optional.of(vend(who, seen, metadata)) : Optional.empty();
        return answer(
                seen.table(),
                switch (snapshots) {
                    case ALL -> metadata.json();
                    case REFS -> format.refsOnly(metadata);
                },
                credential);
    }

    /// A new key for a table that the caller is already working on.
    public Loaded credentials(Principal who, TableId id) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        return answer(seen.table(), new byte[0], Optional.of(vend(who, seen, files.of(seen.table()))));
    }

    /// Keys reach whole files, so whoever is to see less than all of a table gets none (invariant 5).
    private Credential vend(Principal who, TableStore.Seen seen, Metadata metadata) {
        Restrictions restrictions = restricted.of(who, seen, metadata);
        if (!restrictions.none()) {
            throw new Refusal.NotAllowed(
                    "`%s` sees table `%s` only %s, so its files cannot be read directly: query it in Trino, or ask a steward of the domain"
                            .formatted(who.name(), seen.table().name(), how(restrictions)));
        }
        Reach reach = Access.allows(who, seen.sight(), Action.COMMIT) ? Reach.READ_WRITE : Reach.READ;
        Table table = seen.table();
        return storage.vend(table.domain().storage(), table.location(), reach, CREDENTIAL_LIFETIME);
    }

    private static String how(Restrictions restrictions) {
        if (restrictions.masks().isEmpty()) {
            return "filtered by rows";
        }
        return "with the columns %s masked"
                .formatted(new TreeSet<>(restrictions.masks().keySet()));
    }

    private static Loaded answer(Table table, byte[] metadata, Optional<Credential> credential) {
        return new Loaded(
                Optional.of(table.metadata()),
                metadata,
                table.location(),
                table.domain().storage(),
                credential);
    }
}
