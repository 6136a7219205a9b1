package io.icefield.domain;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Trail;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.StorageProfile;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/// A domain's life, and the door to it.
public final class Domains {
    private static final System.Logger LOG = System.getLogger(Domains.class.getName());

    private final DomainStore store;
    private final DomainStorage storage;
    private final Function<DomainName, StorageProfile> storageOfNew;
    private final EngineSync engine;

    /// @param storageOfNew where a new domain's data goes
    public Domains(
            DomainStore store,
            DomainStorage storage,
            Function<DomainName, StorageProfile> storageOfNew,
            EngineSync engine) {
        this.store = store;
        this.storage = storage;
        this.storageOfNew = storageOfNew;
        this.engine = engine;
    }

    /// Makes a bucket, a domain and its catalog in the query engine, in this order: a domain that is there has its
    /// bucket.
    public Domain create(Principal who, DomainName name, Set<String> owners) {
        Trail.current().about(name.value(), name.value());
        Access.checkPlatform(who, "create domains");
        if (store.find(Set.of(), name).isPresent()) {
            throw new Refusal.AlreadyExists(Thing.DOMAIN, name.value());
        }
        StorageProfile profile = storageOfNew.apply(name);
        try {
            storage.provision(profile);
        } catch (DomainStorage.Unfit e) {
            throw new Refusal.Invalid("domain `%s` is not made: %s".formatted(name, e.getMessage()));
        }
        Domain domain = store.add(name, profile, groups(owners))
                .orElseThrow(() -> new Refusal.AlreadyExists(Thing.DOMAIN, name.value()));
        engine.created(domain);
        return domain;
    }

    /// No domain without saying what for.
    public DomainStore.Seen get(Principal who, Action action, DomainName name) {
        DomainStore.Seen seen =
                store.find(who.grantees(), name).orElseThrow(() -> new Refusal.NotFound(Thing.DOMAIN, name.value()));
        Access.check(who, seen.sight(), action, Thing.DOMAIN, name.value());
        return seen;
    }

    /// New tables go elsewhere from now on: the query engine must reach that store.
    void moved(DomainName name) {
        find(name).ifPresent(engine::created);
    }

    /// For what the server does by itself.
    Optional<Domain> find(DomainName name) {
        return store.find(Set.of(), name).map(DomainStore.Seen::domain);
    }

    /// Those the caller may know of.
    public Page<Domain> list(Principal who, Page.Request page) {
        return Paging.fill(
                page,
                (after, limit) -> store.list(who.grantees(), after, limit),
                seen -> Access.allows(who, seen.sight(), Action.SEE),
                seen -> seen.domain().name().value(),
                DomainStore.Seen::domain);
    }

    /// Those whose classification the caller may decide: stewards, owners.
    public Set<String> stewarded(Principal who) {
        return store.list(who.grantees(), "", Integer.MAX_VALUE).stream()
                .filter(seen -> Access.allows(who, seen.sight(), Action.CLASSIFY))
                .map(seen -> seen.domain().name().value())
                .collect(Collectors.toSet());
    }

    /// Removes an empty domain. Its bucket goes too if nothing is left in it; otherwise it stays as it is.
    public void delete(Principal who, DomainName name) {
        Access.checkPlatform(who, "delete domains");
        Domain domain = get(who, Action.SEE, name).domain();
        if (!store.remove(domain)) {
            throw new Refusal.NotEmpty(Thing.DOMAIN, name.value(), "namespaces, or dropped tables that can come back");
        }
        engine.dropped(domain);
        // Those with a key of another owner are not ours to remove.
        Credential own = storageOfNew.apply(name).root();
        domain.storages().stream()
                .map(Storage::profile)
                .filter(profile -> profile.root().equals(own))
                .forEach(this::removeBucket);
    }

    private void removeBucket(StorageProfile profile) {
        try {
            boolean _ = storage.remove(profile);
        } catch (DomainStorage.StorageException e) { // the domain is gone all the same
            LOG.log(System.Logger.Level.WARNING, "the bucket " + profile.bucket() + " is left behind", e);
        }
    }

    /// What whoever deletes a protected domain or storage is told.
    public static Refusal guarded(DomainName name) {
        return new Refusal.NotAllowed(
                "domain `%s`, or one of its storages, is protected against being deleted: an owner lifts that with `icefield domain unprotect %s` or `icefield storage change`"
                        .formatted(name, name));
    }

    /// The groups that own these domains; for who has seen them.
    public Map<DomainName, Set<String>> owners(Collection<DomainName> names) {
        return names.isEmpty() ? Map.of() : store.owners(names);
    }

    private static Set<Grantee> groups(Set<String> names) {
        return names.stream().map(name -> new Grantee(Grantee.Kind.GROUP, name)).collect(Collectors.toSet());
    }
}
