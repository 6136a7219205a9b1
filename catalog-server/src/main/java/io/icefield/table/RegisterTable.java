package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Gives a metadata file that is in the domain's storage a name: locate, read, judge, publish.
public final class RegisterTable {
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final DomainStorage storage;

    public RegisterTable(
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            DomainStorage storage) {
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.storage = storage;
    }

    public Loaded register(Principal who, NamespaceId in, String name, String metadataLocation, Delegation delegation) {
        Namespace namespace = namespaces.get(who, Action.CREATE, in).namespace();
        TableId id = Refusal.parse(text -> new TableId(in, text), name);
        if (store.find(Set.of(), id).isPresent()) {
            throw new Refusal.AlreadyExists(Thing.TABLE, id.inDomain());
        }
        Location at = Locations.inside(namespace.domain(), "the metadata location", metadataLocation);
        Metadata metadata = files.read(namespace.domain(), at);
        TableFormat.Prepared table = format.read(metadata);
        Location location = Locations.check(namespace.domain(), table);
        Map<Integer, Set<TableStore.Tag>> tags =
                review.creation(Change.Kind.REGISTER_TABLE, id, table, store.tags(table.uuid()));
        return switch (store.create(
                namespace, id.name(), table.uuid(), new TableStore.Published(metadata, location, tags))) {
            case TableStore.Created.Done _ ->
                new Loaded(
                        Optional.of(at),
                        metadata.json(),
                        location,
                        namespace.domain().storage(),
                        delegation.key(() -> storage.vend(
                                namespace.domain().storage(),
                                location,
                                Reach.READ_WRITE,
                                LoadTable.CREDENTIAL_LIFETIME)));
            case TableStore.Created.NameTaken _ -> throw new Refusal.AlreadyExists(Thing.TABLE, id.inDomain());
            case TableStore.Created.LocationTaken _ ->
                throw new Refusal.Invalid(
                        "the table's location `%s` touches that of another table, which may own these files"
                                .formatted(location));
            case TableStore.Created.NoNamespace _ -> throw new Refusal.NotFound(Thing.NAMESPACE, in.inDomain());
        };
    }
}
