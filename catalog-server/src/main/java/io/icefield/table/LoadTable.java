package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import java.time.Duration;
import java.util.Optional;

/// Loads a table: get, may its files be read raw?, vend.
public final class LoadTable {
    /// How long a vended key lives at most. Clients renew theirs five minutes before the end.
    public static final Duration CREDENTIAL_LIFETIME = Duration.ofHours(1);

    private static final int LOOKS_MAX = 5;

    private final Tables tables;
    private final TableStore store;
    private final MetadataSource files;
    private final TableFormat format;
    private final Restricted restricted;
    private final DomainStorage storage;

    public LoadTable(
            Tables tables,
            TableStore store,
            MetadataSource files,
            TableFormat format,
            Restricted restricted,
            DomainStorage storage) {
        this.tables = tables;
        this.store = store;
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
        Found found = find(who, id);
        TableStore.Seen seen = found.seen();
        Metadata metadata = found.metadata();
        Delegation wanted = delegation.on(seen.table().storage(), seen.table().domain(), who);
        Duration right = Duration.ZERO;
        if (wanted != Delegation.NONE) {
            restricted.requireWhole(who, seen, metadata);
            right = lasts(who, seen, metadata, restricted);
        }
        Delegation given = wanted.lasting(right);
        Optional<Credential> credential = given.key(right, lifetime -> vend(who, seen, lifetime));
        return answer(
                seen,
                restricted.shown(
                        who,
                        seen,
                        metadata,
                        switch (snapshots) {
                            case ALL -> metadata.json();
                            case REFS -> format.refsOnly(metadata);
                        }),
                credential,
                given);
    }

    /// A new key for a table that the caller is already working on.
    public Loaded credentials(Principal who, TableId id) {
        Found found = find(who, id);
        TableStore.Seen seen = found.seen();
        restricted.requireWhole(who, seen, found.metadata());
        Delegation given = Delegation.VENDED_CREDENTIALS.on(seen.table().storage());
        if (given != Delegation.VENDED_CREDENTIALS) {
            throw new Refusal.Unsupported("the store of domain `%s` issues no keys: have your requests to it signed"
                    .formatted(id.namespace().domain()));
        }
        Duration right = lasts(who, seen, found.metadata(), restricted);
        Optional<Credential> key = given.key(right, lifetime -> vend(who, seen, lifetime));
        if (key.isEmpty()) {
            throw new Refusal.NotAllowed(
                    "what `%s` was granted on table `%s` ends in %s, and no key lives so short: load the table again to have requests signed, or ask an owner for more time"
                            .formatted(who.name(), id.inDomain(), right));
        }
        return answer(seen, new byte[0], key, given);
    }

    private record Found(TableStore.Seen seen, Metadata metadata) {}

    /// Between a look at the pointer and one at what it names, others may commit so often that this is not kept
    /// any more. Then the pointer has moved, and is looked at again.
    private Found find(Principal who, TableId id) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        for (int look = 1; ; look++) {
            try {
                return new Found(seen, files.of(seen.table()));
            } catch (Refusal.Unavailable e) {
                TableStore.Seen now = tables.get(who, Action.READ, id);
                if (look == LOOKS_MAX
                        || now.table().metadata().equals(seen.table().metadata())) {
                    throw e;
                }
                seen = now;
            }
        }
    }

    private Credential vend(Principal who, TableStore.Seen seen, Duration lifetime) {
        Table table = seen.table();
        Reach reach = reach(who, seen);
        Trail.current().how(reach == Reach.READ ? "keys to read" : "keys to read and write");
        return storage.vend(table.storage(), table.location(), reach, lifetime);
    }

    /// How long a caller may do with the files what it may do now, and sees all of them.
    static Duration lasts(Principal who, TableStore.Seen seen, Metadata metadata, Restricted restricted) {
        Action action = reach(who, seen) == Reach.READ_WRITE ? Action.COMMIT : Action.READ;
        Duration may = Access.lasts(who, seen.sight(), action);
        Duration whole = restricted.lasts(who, seen, metadata);
        return may.compareTo(whole) < 0 ? may : whole;
    }

    /// What a caller may do to the files.
    static Reach reach(Principal who, TableStore.Seen seen) {
        return Access.allows(who, seen.sight(), Action.COMMIT) ? Reach.READ_WRITE : Reach.READ;
    }

    private Loaded answer(TableStore.Seen seen, byte[] metadata, Optional<Credential> credential, Delegation given) {
        Table table = seen.table();
        return new Loaded(
                Optional.of(table.metadata()),
                metadata,
                table.location(),
                table.storage(),
                credential,
                given,
                Classification.names(store.tags(seen)));
    }
}
