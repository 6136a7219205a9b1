package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Gives a metadata file that is in the domain's storage a name: locate, read, judge, publish.
public final class RegisterTable {
    /// A longer file is not read: it is held in memory several times.
    public static final int FILE_BYTES_MAX = 64 << 20;

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
            throw new Refusal.AlreadyExists(Thing.TABLE, id.toString());
        }
        Location at = namespaces.checkFolder(
                who, namespace, Locations.inside(namespace.domain(), "the metadata location", metadataLocation));
        TableFormat.Prepared table = format.adopt(files.read(namespace.domain(), at, FILE_BYTES_MAX));
        Metadata metadata = new Metadata(at, table.json());
        Location location = namespaces.checkFolder(who, namespace, Locations.check(namespace.domain(), table));
        Map<Integer, Set<TableStore.Tag>> tags = review.creation(
                        Change.Kind.REGISTER_TABLE, id, table, store.tags(table.uuid()))
                .accepted();
        Optional<Credential> key = delegation.key(() -> storage.vend( // nothing may fail once the table is there
                namespace.domain().storage(), location, Reach.READ_WRITE, LoadTable.CREDENTIAL_LIFETIME));
        return switch (store.create(
                namespace, id.name(), table.uuid(), new TableStore.Published(metadata, location, tags))) {
            case TableStore.Created.Done _ ->
                new Loaded(
                        Optional.of(at),
                        metadata.json(),
                        location,
                        namespace.domain().storage(),
                        key);
            case TableStore.Created.NameTaken _ -> throw new Refusal.AlreadyExists(Thing.TABLE, id.toString());
            case TableStore.Created.LocationTaken _ ->
                throw new Refusal.Invalid(
                        "the table's location `%s` touches that of another table, which may own these files"
                                .formatted(location));
            case TableStore.Created.NoNamespace _ -> throw new Refusal.NotFound(Thing.NAMESPACE, in.toString());
        };
    }
}
