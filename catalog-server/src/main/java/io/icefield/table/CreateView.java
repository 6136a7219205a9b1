package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// Creates a view, or gives a metadata file that is in the domain's storage a name: prepare, judge, write, publish.
public final class CreateView {
    /// A longer file is not read: it is held in memory several times.
    public static final int FILE_BYTES_MAX = 16 << 20;

    private final Namespaces namespaces;
    private final TableStore store;
    private final ViewFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final MetadataSource cache;

    public CreateView(
            Namespaces namespaces,
            TableStore store,
            ViewFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache) {
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
    }

    public Metadata create(Principal who, NamespaceId in, String body, Once once) {
        Namespace namespace = namespaces.get(who, Action.CREATE, in).namespace();
        ViewFormat.CreateRequest request = format.createRequest(body);
        TableId name = free(in, request.name());
        name.told();
        UUID uuid = UUID.randomUUID();
        Location location = request.location()
                .map(uri -> Locations.inside(namespace.domain(), "the location", uri))
                .map(folder -> namespaces.checkFolder(who, namespace, folder))
                .orElseGet(() -> Locations.of(namespace, name.name(), uuid));
        TableFormat.Prepared view = format.create(request, uuid, location);
        Locations.check(namespace.domain(), view);
        review.view(Change.Kind.CREATE_VIEW, name, List.of(), view);

        Metadata metadata = files.write(namespace.domain(), Locations.metadataFolder(location, view), view);
        try {
            cache.remember(publish(namespace, name, uuid, metadata, location, once), metadata);
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // it may be in use
        } catch (Refusal e) {
            files.discard(namespace.domain(), metadata);
            throw e;
        }
        return metadata;
    }

    /// Throws what stands against a new view of this name, whatever it shows; changes nothing.
    void check(Principal who, TableId name) {
        var _ = namespaces.get(who, Action.CREATE, name.namespace());
        if (store.find(Set.of(), name).isEmpty()) {
            review.viewName(Change.Kind.CREATE_VIEW, name);
        }
    }

    public Metadata register(Principal who, NamespaceId in, String name, String metadataLocation, Once once) {
        Namespace namespace = namespaces.get(who, Action.CREATE, in).namespace();
        TableId id = free(in, name);
        id.told();
        Location at = namespaces.checkFolder(
                who, namespace, Locations.inside(namespace.domain(), "the metadata location", metadataLocation));
        TableFormat.Prepared view = format.adopt(files.read(namespace.domain(), at, FILE_BYTES_MAX));
        Metadata metadata = new Metadata(at, view.json());
        Location location = namespaces.checkFolder(who, namespace, Locations.check(namespace.domain(), view));
        review.view(Change.Kind.REGISTER_VIEW, id, List.of(), view);
        cache.remember(publish(namespace, id, view.uuid(), metadata, location, once), metadata);
        return metadata;
    }

    private TableId free(NamespaceId in, String name) {
        TableId id = Refusal.parse(text -> new TableId(in, text), name);
        store.find(Set.of(), id).ifPresent(there -> {
            throw Refusal.AlreadyExists.named(Thing.VIEW, there.table().kind().thing(), id.inDomain());
        });
        return id;
    }

    private Table publish(
            Namespace namespace, TableId name, UUID uuid, Metadata metadata, Location location, Once once) {
        return switch (store.recording(once).createView(namespace, name.name(), uuid, metadata, location)) {
            case TableStore.Created.Done(Table view) -> view;
            case TableStore.Created.NameTaken _ -> throw new Refusal.AlreadyExists(Thing.VIEW, name.inDomain());
            case TableStore.Created.LocationTaken _ ->
                throw new Refusal.Invalid(
                        "the location `%s` touches that of another table or view, or of a dropped one that can come back: choose another, or leave it out"
                                .formatted(location));
            case TableStore.Created.NoNamespace _ ->
                throw new Refusal.NotFound(Thing.NAMESPACE, name.namespace().inDomain());
        };
    }
}
