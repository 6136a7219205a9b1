package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Trail;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Gives a metadata file that is in the domain's storage a name: locate, read, judge, publish.
public final class RegisterTable {
    /// A longer file is not read: it is held in memory several times.
    public static final int FILE_BYTES_MAX = 16 << 20;

    private final Tables tables;
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final DomainStorage storage;

    public RegisterTable(
            Tables tables,
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            DomainStorage storage) {
        this.tables = tables;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.storage = storage;
    }

    /// What becomes of a table that has the name.
    public enum Present {
        KEPT,
        /// It gives up its name and the grants on it, in the same moment; its files stay.
        REPLACED
    }

    public Loaded register(
            Principal who, TableId id, String metadataLocation, Present present, Delegation wanted, Once once) {
        id.told();
        NamespaceStore.Seen seen = namespaces.get(who, Action.CREATE, id.namespace());
        Namespace namespace = seen.namespace();
        Optional<Table.Kind> taken =
                store.find(Set.of(), id).map(there -> there.table().kind());
        taken.filter(kind -> present == Present.KEPT || kind == Table.Kind.VIEW).ifPresent(kind -> {
            throw Refusal.AlreadyExists.named(Thing.TABLE, kind.thing(), id.inDomain());
        });
        Optional<TableStore.Seen> old =
                taken.isPresent() ? Optional.of(tables.get(who, Action.DROP, id)) : Optional.empty();
        Location at = namespaces.checkFolder(
                who, namespace, Locations.inside(namespace.domain(), "the metadata location", metadataLocation));
        TableFormat.Prepared table = format.adopt(files.read(namespace.domain(), at, FILE_BYTES_MAX));
        Metadata metadata = new Metadata(at, table.json());
        Location location = namespaces.checkFolder(who, namespace, Locations.check(namespace.domain(), table));
        StorageProfile place = namespace.domain().storageAt(location);
        Duration right = Access.lasts(who, seen.sight(), Action.COMMIT);
        Delegation delegation = wanted.on(place).lasting(right);
        // Nothing may fail once the table is there.
        Optional<Credential> key = delegation.key(right, lifetime -> {
            Trail.current().how("keys to read and write");
            return storage.vend(place, location, Reach.READ_WRITE, lifetime);
        });
        if (old.isPresent()) {
            replace(who, id, old.get(), metadata, table, location, once);
        } else {
            create(namespace, id, metadata, table, location, once);
        }
        return new Loaded(Optional.of(at), metadata.json(), location, place, key, delegation);
    }

    private void create(
            Namespace namespace,
            TableId id,
            Metadata metadata,
            TableFormat.Prepared table,
            Location location,
            Once once) {
        Map<Integer, Set<TableStore.Tag>> tags = review.creation(
                        Change.Kind.REGISTER_TABLE, id, table, store.tags(table.uuid()))
                .accepted();
        switch (store.recording(once)
                .create(namespace, id.name(), table.uuid(), published(metadata, location, table, tags))) {
            case TableStore.Created.Done _ -> {}
            case TableStore.Created.NameTaken _ -> throw new Refusal.AlreadyExists(Thing.TABLE, id.inDomain());
            case TableStore.Created.LocationTaken _ -> throw touches(location);
            case TableStore.Created.NoNamespace _ ->
                throw new Refusal.NotFound(Thing.NAMESPACE, id.namespace().inDomain());
        }
    }

    /// Another state of the same table is judged as a commit would be, another table as a new one.
    private void replace(
            Principal who,
            TableId id,
            TableStore.Seen seen,
            Metadata metadata,
            TableFormat.Prepared table,
            Location location,
            Once once) {
        Table old = seen.table();
        Map<Integer, Set<TableStore.Tag>> stored = store.tags(table.uuid());
        Review.Verdict verdict = old.uuid().equals(table.uuid())
                ? review.change(who, seen.sight(), id, format.read(files.of(old)), table, stored)
                : review.creation(Change.Kind.REGISTER_TABLE, id, table, stored);
        Map<Integer, Set<TableStore.Tag>> tags = verdict.accepted();
        switch (store.recording(once).replace(old, table.uuid(), published(metadata, location, table, tags))) {
            case DONE -> {}
            case LOST -> throw new Refusal.Conflict("table `%s` was changed meanwhile: try again".formatted(id));
            case LOCATION_TAKEN -> throw touches(location);
        }
    }

    private TableStore.Published published(
            Metadata metadata, Location location, TableFormat.Prepared table, Map<Integer, Set<TableStore.Tag>> tags) {
        return new TableStore.Published(metadata, location, tags, Optional.of(format.usage(table)));
    }

    private static Refusal touches(Location location) {
        return new Refusal.Invalid(
                "the table's location `%s` touches that of another table, or of a dropped one that can come back, which may own these files"
                        .formatted(location));
    }
}
