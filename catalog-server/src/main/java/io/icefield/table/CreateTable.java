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
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Creates a table: prepare, judge, write, publish. A staged creation ends after the judging: nothing is there until
/// it is committed.
public final class CreateTable {
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final MetadataSource cache;
    private final DomainStorage storage;

    public CreateTable(
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache,
            DomainStorage storage) {
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
        this.storage = storage;
    }

    public Loaded create(Principal who, NamespaceId in, String body, Delegation wanted, Once once) {
        NamespaceStore.Seen seen = namespaces.get(who, Action.CREATE, in);
        Namespace namespace = seen.namespace();
        TableFormat.CreateRequest request = format.createRequest(body);
        TableId name = Refusal.parse(text -> new TableId(in, text), request.name());
        name.told();
        store.find(Set.of(), name).ifPresent(there -> {
            throw Refusal.AlreadyExists.named(Thing.TABLE, there.table().kind().thing(), name.inDomain());
        });
        UUID uuid = request.staged() ? once.uuid() : UUID.randomUUID();
        Location location = request.location()
                .map(uri -> Locations.inside(namespace.domain(), "the location", uri))
                .map(folder -> namespaces.checkFolder(who, namespace, folder))
                .orElseGet(() -> Locations.of(namespace, name.name(), uuid));
        Duration right = Access.lasts(who, seen.sight(), Action.COMMIT);
        Delegation delegation = wanted.on(namespace.domain().storageAt(location), namespace.domain(), who)
                .lasting(right);
        TableFormat.Prepared prepared = format.create(request, uuid, location);
        if (request.staged()) {
            Locations.check(namespace.domain(), prepared);
            if (!store.isFree(namespace.domain(), location)) { // else the key would open another table's files
                throw touches(location);
            }
            // Trino shows its user why a commit was refused, not why a staging was.
            if (who.kind() != Principal.Kind.ENGINE) {
                review.creation(Change.Kind.CREATE_TABLE, name, prepared, Map.of())
                        .accepted();
            }
            return answer(
                    namespace,
                    Optional.empty(),
                    prepared.json(),
                    location,
                    key(namespace, location, delegation, right),
                    delegation);
        }
        return publish(namespace, name, prepared, delegation, right, once);
    }

    private Loaded publish(
            Namespace namespace,
            TableId name,
            TableFormat.Prepared prepared,
            Delegation delegation,
            Duration right,
            Once once) {
        Location location = Locations.check(namespace.domain(), prepared);
        Map<Integer, Set<TableStore.Tag>> tags = review.creation(Change.Kind.CREATE_TABLE, name, prepared, Map.of())
                .accepted();
        Optional<Credential> key =
                key(namespace, location, delegation, right); // nothing may fail once the table is there
        Metadata metadata = files.write(namespace.domain(), Locations.metadataFolder(location, prepared), prepared);
        TableStore.Created created;
        try {
            created = store.recording(once)
                    .create(
                            namespace,
                            name.name(),
                            prepared.uuid(),
                            new TableStore.Published(metadata, location, tags, Optional.of(Usage.NOTHING)));
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // it may be in use
        } catch (Refusal e) {
            files.discard(namespace.domain(), metadata);
            throw e;
        }
        return switch (created) {
            case TableStore.Created.Done(Table table) -> {
                cache.remember(table, metadata);
                yield answer(namespace, Optional.of(table.metadata()), metadata.json(), location, key, delegation);
            }
            case TableStore.Created.NameTaken _ -> {
                files.discard(namespace.domain(), metadata);
                throw new Refusal.AlreadyExists(Thing.TABLE, name.inDomain());
            }
            case TableStore.Created.LocationTaken _ -> {
                files.discard(namespace.domain(), metadata);
                throw touches(location);
            }
            case TableStore.Created.NoNamespace _ -> {
                files.discard(namespace.domain(), metadata);
                throw new Refusal.NotFound(Thing.NAMESPACE, name.namespace().inDomain());
            }
        };
    }

    private static Refusal touches(Location location) {
        return new Refusal.Invalid(
                "the location `%s` touches that of another table or view, or of a dropped one that can come back: choose another, or leave it out"
                        .formatted(location));
    }

    /// Whoever creates a table may write it.
    private Optional<Credential> key(Namespace namespace, Location location, Delegation delegation, Duration right) {
        return delegation.key(right, lifetime -> {
            Trail.current().how("keys to read and write");
            return storage.vend(namespace.domain().storageAt(location), location, Reach.READ_WRITE, lifetime);
        });
    }

    private static Loaded answer(
            Namespace namespace,
            Optional<Location> metadataLocation,
            byte[] metadata,
            Location location,
            Optional<Credential> key,
            Delegation given) {
        return new Loaded(
                metadataLocation, metadata, location, namespace.domain().storageAt(location), key, given);
    }
}
