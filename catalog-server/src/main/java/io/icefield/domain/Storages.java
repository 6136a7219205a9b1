package io.icefield.domain;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Trail;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Endpoints;
import io.icefield.storage.Finding;
import io.icefield.storage.Location;
import io.icefield.storage.StorageCare;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// The storages of a domain: their life, and the door to them. An owner gets storage without a ticket, within what the
/// platform offers: its own store, or another one that the platform has named, with a key of the owner's.
public final class Storages {
    /// Of one domain.
    public static final int STORAGES_MAX = 50;

    /// Every storage is probed again after that.
    public static final Duration PROBE_EVERY = Duration.ofDays(1);

    private static final int BUCKET_CHARS_MAX = 63;
    private static final System.Logger LOG = System.getLogger(Storages.class.getName());

    private final Domains domains;
    private final StorageStore store;
    private final DomainStorage storage;
    private final StorageCare care;
    private final Offer offer;
    private final Clock clock;

    public Storages(
            Domains domains, StorageStore store, DomainStorage storage, StorageCare care, Offer offer, Clock clock) {
        this.domains = domains;
        this.store = store;
        this.storage = storage;
        this.care = care;
        this.offer = offer;
        this.clock = clock;
    }

    /// What the platform gives.
    ///
    /// @param own the platform's own store, as a new domain gets it
    /// @param endpoints which addresses the server speaks to
    /// @param stores addresses of other stores that owners may choose
    public record Offer(Function<DomainName, StorageProfile> own, Endpoints endpoints, Set<URI> stores) {
        public Offer {
            stores = Set.copyOf(stores);
        }
    }

    /// A storage to be made. What is empty is as in the platform's own store, or usual.
    ///
    /// @param bucket empty: a new one with the names of domain and storage
    /// @param key empty: the platform's
    public record Wanted(
            StorageName name,
            Optional<String> bucket,
            Optional<String> prefix,
            Optional<URI> endpoint,
            Optional<URI> sts,
            Optional<String> region,
            Optional<Boolean> pathStyle,
            Optional<String> roleArn,
            Optional<Credential> key,
            StorageStore.Change settings) {}

    /// A storage and what the last probe of it has found.
    public record Shown(Storage storage, Optional<StorageStore.Probed> probed) {}

    public List<Shown> list(Principal who, DomainName name) {
        return domains.get(who, Action.READ, name).domain().storages().stream()
                .map(each -> new Shown(each, store.probed(each)))
                .toList();
    }

    /// No storage without saying what for.
    public Storage get(Principal who, Action action, DomainName name, StorageName wanted) {
        return get(domains.get(who, action, name).domain(), wanted);
    }

    public Shown show(Principal who, DomainName name, StorageName wanted) {
        Storage found = get(who, Action.READ, name, wanted);
        return new Shown(found, store.probed(found));
    }

    private static Storage get(Domain domain, StorageName wanted) {
        return domain.storage(wanted)
                .orElseThrow(() -> new Refusal.NotFound(Thing.STORAGE, domain.name() + "/" + wanted));
    }

    /// Makes a bucket or adopts one, proves the key, and adds the storage.
    public Shown create(Principal who, DomainName name, Wanted wanted) {
        Trail.current().about(name.value(), name + "/" + wanted.name());
        Domain domain = domains.get(who, Action.KEEP, name).domain();
        if (domain.storages().size() >= STORAGES_MAX) {
            throw new Refusal.Invalid("domain `%s` has %d storages already".formatted(name, STORAGES_MAX));
        }
        if (domain.storage(wanted.name()).isPresent()) {
            throw new Refusal.AlreadyExists(Thing.STORAGE, name + "/" + wanted.name());
        }
        checkQuota(who, wanted.settings());
        StorageProfile profile = profile(who, domain, wanted);
        checkApart(domain, profile);
        try {
            if (isGiven(who, wanted)) {
                requireNew(profile);
            }
            storage.provision(profile);
            wanted.settings().upkeep().ifPresent(upkeep -> care.keep(profile, upkeep));
            care.tryKey(profile);
        } catch (DomainStorage.Unfit e) {
            throw unfit(profile, e);
        } catch (DomainStorage.StorageException e) {
            LOG.log(System.Logger.Level.INFO, "a storage was not made", e);
            throw new Refusal.Invalid("storage `%s` is not made, %s".formatted(wanted.name(), e.getMessage()));
        }
        return switch (store.add(domain, profile, wanted.settings())) {
            case DONE -> told(who, name, wanted.name(), wanted.settings());
            case NAME_TAKEN -> throw new Refusal.AlreadyExists(Thing.STORAGE, name + "/" + wanted.name());
            case TOUCHES -> throw touches(profile);
        };
    }

    private static Refusal unfit(StorageProfile profile, DomainStorage.Unfit e) {
        return new Refusal.Invalid(
                "storage `%s` is not as it was asked for: %s".formatted(profile.name(), e.getMessage()));
    }

    private static Refusal touches(StorageProfile profile) {
        return new Refusal.Invalid(
                "`%s` touches another storage, which may own these files: choose another bucket or prefix"
                        .formatted(profile.home()));
    }

    // --- Where it may be

    private StorageProfile profile(Principal who, Domain domain, Wanted wanted) {
        StorageProfile own = offer.own().apply(domain.name());
        Optional<URI> endpoint = address(who, "endpoint", wanted.endpoint(), own.endpoint());
        boolean ours = endpoint.equals(own.endpoint());
        Optional<URI> sts = address(who, "sts-endpoint", wanted.sts(), ours ? own.sts() : Optional.empty());
        if (wanted.key().isEmpty()) {
            if (!ours || !sts.equals(own.sts())) {
                throw new Refusal.Invalid(
                        "a store that is not the platform's own needs a key: `access-key` and `secret-key`");
            }
            if (wanted.bucket().isPresent()
                    || wanted.prefix().isPresent()
                    || wanted.roleArn().isPresent()) {
                Access.checkPlatform(
                        who, "choose the bucket, prefix or role of a storage that uses the platform's key");
            }
        }
        return Refusal.parse(
                _ -> new StorageProfile(
                        domain.name(),
                        wanted.name(),
                        wanted.bucket().orElseGet(() -> bucket(own, wanted.name())),
                        wanted.prefix().orElse(""),
                        endpoint,
                        sts,
                        wanted.region().orElse(own.region()),
                        wanted.pathStyle().orElse(ours ? own.pathStyle() : true),
                        wanted.roleArn().orElse(own.roleArn()),
                        wanted.settings().kmsKey().filter(key -> !key.isEmpty()),
                        wanted.key().orElse(own.root())),
                "");
    }

    private static String bucket(StorageProfile own, StorageName name) {
        String bucket = own.bucket() + "-" + name;
        if (bucket.length() > BUCKET_CHARS_MAX) {
            throw new IllegalArgumentException(
                    "`%s` is too long for a bucket: choose a shorter name for the storage".formatted(bucket));
        }
        return bucket;
    }

    /// Only the platform lets the server speak to an address; owners choose among those that it has named.
    private Optional<URI> address(Principal who, String field, Optional<URI> wanted, Optional<URI> own) {
        if (wanted.isEmpty()) {
            return own;
        }
        URI address = Refusal.parse(_ -> Endpoints.normal(wanted.get()), "");
        if (own.map(Endpoints::normal).filter(address::equals).isPresent()) {
            return own;
        }
        if (!offer.stores().contains(address)) {
            Access.checkPlatform(
                    who, "choose the `%s` of a storage beyond those offered, %s,".formatted(field, offer.stores()));
        }
        Refusal.parse(
                _ -> {
                    offer.endpoints().check(address);
                    return address;
                },
                "");
        return Optional.of(address);
    }

    /// Did the platform's key make this for somebody who may not choose?
    private static boolean isGiven(Principal who, Wanted wanted) {
        return wanted.key().isEmpty() && !who.isPlatform();
    }

    /// The platform's key opens every bucket of its store: what is in one already is somebody else's.
    private void requireNew(StorageProfile profile) {
        try {
            if (!storage.isEmpty(profile, profile.home())) {
                throw new Refusal.NotAllowed(
                        "the bucket `%s` is there already and not empty: choose another name for the storage, or ask the platform team"
                                .formatted(profile.bucket()));
            }
        } catch (DomainStorage.StorageException _) {
            // there is none yet; what else stands against it shows when it is made
        }
    }

    /// Two names may lead to one store: whoever has a bucket of that name elsewhere must not find our files in it.
    private void checkApart(Domain domain, StorageProfile profile) {
        for (StorageProfile other : store.inBucket(profile.bucket())) {
            boolean overlap =
                    other.home().isWithin(profile.home()) || profile.home().isWithin(other.home());
            boolean oneAddress = other.endpoint().equals(profile.endpoint());
            if (overlap && (oneAddress || other.domain().equals(domain.name()) || isSame(profile, other))) {
                throw touches(profile);
            }
        }
    }

    private boolean isSame(StorageProfile profile, StorageProfile other) {
        try {
            return care.same(other, profile);
        } catch (DomainStorage.StorageException _) {
            return false; // no bucket there yet, or the other store is away
        }
    }

    // --- What becomes of it

    public Shown change(Principal who, DomainName name, StorageName wanted, StorageStore.Change change) {
        Domain domain = domains.get(who, Action.KEEP, name).domain();
        Storage found = get(domain, wanted);
        checkQuota(who, change);
        StorageProfile profile = change.kmsKey()
                .map(key -> Refusal.parse(
                        _ -> found.profile().encryptedBy(Optional.of(key).filter(text -> !text.isEmpty())), ""))
                .orElse(found.profile());
        try {
            change.upkeep().ifPresent(upkeep -> care.keep(profile, upkeep));
            if (!profile.equals(found.profile())) {
                care.tryKey(profile);
            }
        } catch (DomainStorage.Unfit e) {
            throw unfit(profile, e);
        }
        if (!store.change(domain, found, change)) {
            throw new Refusal.NotFound(Thing.STORAGE, name + "/" + wanted);
        }
        return told(who, name, wanted, change);
    }

    private Shown told(Principal who, DomainName name, StorageName wanted, StorageStore.Change change) {
        if (change.standard() || change.kmsKey().isPresent()) {
            domains.moved(name);
        }
        return show(who, name, wanted);
    }

    private static void checkQuota(Principal who, StorageStore.Change change) {
        if (change.quota().isPresent()) {
            Access.checkPlatform(who, "set a quota");
        }
    }

    /// Another key to the same place, tried before it is taken. What was vended lives on; whoever works with the old
    /// key at this moment ends with it.
    public Shown rekey(Principal who, DomainName name, StorageName wanted, Credential key) {
        Domain domain = domains.get(who, Action.KEEP, name).domain();
        Storage found = get(domain, wanted);
        try {
            care.tryKey(found.profile().with(key));
        } catch (DomainStorage.Unfit e) {
            throw new Refusal.Invalid("storage `%s` keeps its key: %s".formatted(wanted, e.getMessage()));
        }
        if (!store.rekey(domain, found, key)) {
            throw new Refusal.NotFound(Thing.STORAGE, name + "/" + wanted);
        }
        return show(who, name, wanted);
    }

    /// Forgets a storage that holds no tables. A bucket of the platform goes too if nothing is left in it.
    public void delete(Principal who, DomainName name, StorageName wanted) {
        Domain domain = domains.get(who, Action.KEEP, name).domain();
        Storage found = get(domain, wanted);
        String full = name + "/" + wanted;
        switch (store.remove(domain, found)) {
            case DONE -> {}
            case IN_USE ->
                throw new Refusal.NotEmpty(Thing.STORAGE, full, "tables, or dropped ones that can come back");
            case PROTECTED ->
                throw new Refusal.NotAllowed(
                        "storage `%s` is protected against being deleted: an owner lifts that with `icefield storage change %s %s --unprotect`"
                                .formatted(full, name, wanted));
            case STANDARD ->
                throw new Refusal.Invalid(
                        "storage `%s` takes the domain's new tables: make another one the default first"
                                .formatted(full));
        }
        if (found.profile().root().equals(offer.own().apply(name).root())) {
            try {
                boolean _ = storage.remove(found.profile());
            } catch (DomainStorage.StorageException e) { // the storage is gone all the same
                LOG.log(System.Logger.Level.WARNING, "the bucket of storage " + full + " is left behind", e);
            }
        }
    }

    // --- Probes

    public StorageStore.Probed validate(Principal who, DomainName name, StorageName wanted) {
        Domain domain = domains.get(who, Action.KEEP, name).domain();
        return probe(domain, get(domain, wanted));
    }

    /// Probes one storage whose turn it is; `false` when there is none.
    public boolean probeNext() {
        Optional<StorageStore.Due> due = store.due(PROBE_EVERY);
        due.flatMap(each -> domains.find(each.domain())
                        .flatMap(domain -> domain.storage(each.storage()).map(found -> probe(domain, found))))
                .filter(probed -> !probed.isGood())
                .ifPresent(probed -> LOG.log(
                        System.Logger.Level.WARNING,
                        "storage {0}/{1} is not as it must be: {2}",
                        due.get().domain(),
                        due.get().storage(),
                        probed.findings().stream()
                                .filter(each -> each.outcome() == Finding.Outcome.FAILED)
                                .map(each -> each.check() + " (" + each.detail() + ")")
                                .toList()));
        return due.isPresent();
    }

    private StorageStore.Probed probe(Domain domain, Storage found) {
        List<StorageProfile> others = store.ofOthers(domain).stream()
                .filter(each -> each.root().shut().isEmpty())
                .toList();
        List<Finding> findings = found.profile()
                .root()
                .shut()
                .map(why -> List.of(Finding.failed(
                        "root-key",
                        why,
                        "until then nothing of this storage is read or written; `icefield storage rotate %s %s` gives it another key"
                                .formatted(domain.name(), found.name()))))
                .orElseGet(() -> care.probe(found.profile(), found.upkeep(), others));
        StorageStore.Probed probed = new StorageStore.Probed(clock.instant().truncatedTo(ChronoUnit.MILLIS), findings);
        store.found(found, probed);
        return probed;
    }

    // --- The domain as a whole

    public Domain protect(Principal who, DomainName name, boolean on) {
        return change(domains.get(who, Action.KEEP, name).domain(), Optional.of(on), Optional.empty());
    }

    public Domain limit(Principal who, DomainName name, Quota quota) {
        Access.checkPlatform(who, "set a quota");
        return change(domains.get(who, Action.SEE, name).domain(), Optional.empty(), Optional.of(quota));
    }

    private Domain change(Domain domain, Optional<Boolean> guarded, Optional<Quota> quota) {
        if (!store.change(domain, guarded, quota)) {
            throw new Refusal.NotFound(Thing.DOMAIN, domain.name().value());
        }
        return domains.find(domain.name())
                .orElseThrow(
                        () -> new Refusal.NotFound(Thing.DOMAIN, domain.name().value()));
    }

    /// What a namespace may say of where its tables go.
    public static Location home(Domain domain, Optional<String> chosen) {
        return chosen.map(text -> Refusal.parse(StorageName::new, text))
                .map(wanted -> domain.storage(wanted)
                        .orElseThrow(() -> new Refusal.Invalid(
                                "domain `%s` has no storage `%s`".formatted(domain.name(), wanted))))
                .map(Storage::profile)
                .orElseGet(domain::storage)
                .home();
    }
}
