package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Creates a view, or gives a metadata file that is in the domain's storage a name: prepare, judge, write, publish.
public final class CreateView {
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

    public Metadata create(Principal who, NamespaceId in, String body) {
        Namespace namespace = namespaces.get(who, Action.CREATE, in).namespace();
        ViewFormat.CreateRequest request = format.createRequest(body);
        TableId name = free(in, request.name());
        UUID uuid = UUID.randomUUID();
        Location location = request.location()
                .map(uri -> Locations.inside(namespace.domain(), "the location", uri))
                .orElseGet(() -> Locations.of(namespace.domain(), name, uuid));
        TableFormat.Prepared view = format.create(request, uuid, location);
        Locations.check(namespace.domain(), view);
        review.view(Change.Kind.CREATE_VIEW, name, List.of(), view);

        Metadata metadata = files.write(namespace.domain(), Locations.metadataFolder(location, view), view);
        Optional<Refusal> refusal = publish(namespace, name, uuid, metadata, location);
        if (refusal.isPresent()) {
            files.discard(namespace.domain(), metadata);
            throw refusal.get();
        }
        cache.remember(metadata);
        return metadata;
    }

    public Metadata register(Principal who, NamespaceId in, String name, String metadataLocation) {
        Namespace namespace = namespaces.get(who, Action.CREATE, in).namespace();
        TableId id = free(in, name);
        Location at = Locations.inside(namespace.domain(), "the metadata location", metadataLocation);
        Metadata metadata = files.read(namespace.domain(), at);
        TableFormat.Prepared view = format.read(metadata);
        Location location = Locations.check(namespace.domain(), view);
        review.view(Change.Kind.REGISTER_VIEW, id, List.of(), view);
        publish(namespace, id, view.uuid(), metadata, location).ifPresent(refusal -> {
            throw refusal;
        });
        return new Metadata(at, view.json());
    }

    private TableId free(NamespaceId in, String name) {
        TableId id = Refusal.parse(text -> new TableId(in, text), name);
        store.find(Set.of(), id).ifPresent(there -> {
            throw Refusal.AlreadyExists.named(Thing.VIEW, there.table().kind().thing(), id.inDomain());
        });
        return id;
    }

    /// Empty: it is there. A refusal means that it surely is not.
    private Optional<Refusal> publish(
            Namespace namespace, TableId name, UUID uuid, Metadata metadata, Location location) {
        try {
            return switch (store.createView(namespace, name.name(), uuid, metadata, location)) {
                case TableStore.Created.Done _ -> Optional.empty();
                case TableStore.Created.NameTaken _ ->
                    Optional.of(new Refusal.AlreadyExists(Thing.VIEW, name.inDomain()));
                case TableStore.Created.LocationTaken _ ->
                    Optional.of(new Refusal.Invalid(
                            "the location `%s` touches that of another table or view: choose another, or leave it out"
                                    .formatted(location)));
                case TableStore.Created.NoNamespace _ ->
                    Optional.of(new Refusal.NotFound(
                            Thing.NAMESPACE, name.namespace().inDomain()));
            };
        } catch (Refusal.Conflict e) {
            return Optional.of(e);
        }
    }
}
