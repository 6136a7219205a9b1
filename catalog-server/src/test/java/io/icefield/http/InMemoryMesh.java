package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.PrincipalStore;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.access.SigningKeyStore;
import io.icefield.domain.AccessRequest;
import io.icefield.domain.AccessRequestStore;
import io.icefield.domain.Domain;
import io.icefield.domain.DomainStore;
import io.icefield.domain.Domains;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.domain.Quota;
import io.icefield.domain.Storage;
import io.icefield.domain.StorageStore;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Finding;
import io.icefield.storage.Location;
import io.icefield.storage.StorageCare;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.StoredFile;
import io.icefield.storage.Upkeep;
import io.icefield.table.Dropped;
import io.icefield.table.DroppedStore;
import io.icefield.table.Metadata;
import io.icefield.table.MetricsStore;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Once;
import io.icefield.table.PlanStore;
import io.icefield.table.ProtectionStore;
import io.icefield.table.PurgeQueue;
import io.icefield.table.RequestKeys;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore;
import io.icefield.table.Usage;
import io.icefield.table.UsageStore;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// All stores of a mesh in one memory, behind one lock.
final class InMemoryMesh {
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final AtomicLong ids = new AtomicLong();
    private final TreeMap<String, Domain> domains = new TreeMap<>();
    private final Map<Grant, Given> grants = new HashMap<>();
    private final TreeMap<Long, AccessRequest> requests = new TreeMap<>(Comparator.reverseOrder());
    private final TreeMap<String, Namespace> namespaces = new TreeMap<>();
    private final TreeMap<String, Table> tables = new TreeMap<>();
    private final Map<Location, byte[]> contents = new ConcurrentHashMap<>();
    private final Map<UUID, Map<Integer, Set<TableStore.Tag>>> tags = new ConcurrentHashMap<>();
    private final TreeMap<String, PrincipalStore.Stored> principals = new TreeMap<>();

    /// How often the object storage was asked for anything.
    final AtomicLong storeCalls = new AtomicLong();

    /// Fails the next call of the object storage.
    volatile boolean storageFails;

    /// Runs before an object is written.
    volatile Runnable writing = () -> {};

    /// Fails what comes after writing: keys and removals.
    volatile boolean keysFail;

    /// Thrown by the next publication of a table, after which nothing is published.
    volatile Optional<Refusal> publishing = Optional.empty();

    /// What changes of tables were to be recorded with, in their order.
    final List<Once> recorded = new CopyOnWriteArrayList<>();

    /// Names of the objects that are there.
    Set<Location> objects() {
        return Set.copyOf(objects.keySet());
    }

    void overwrite(Location at, String content) {
        objects.put(at, content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    void put(Location at, byte[] content) {
        objects.put(at, content);
    }

    /// A metadata file is not kept any more.
    void lose(Location at) {
        contents.remove(at);
        objects.remove(at);
    }

    /// Nothing of what was published can be read any more: every metadata file holds this; empty: it is gone.
    void damage(String content) {
        contents.clear();
        objects.replaceAll((_, _) -> content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        if (content.isEmpty()) {
            objects.clear();
        }
    }

    private final Map<Location, byte[]> objects = new ConcurrentHashMap<>();

    private void maybeRefuse() {
        Optional<Refusal> refusal = publishing;
        publishing = Optional.empty();
        refusal.ifPresent(each -> {
            throw each;
        });
    }

    private Sight sight(Set<Grantee> who, DomainName domain, List<String> namespace, Optional<String> table) {
        Set<Role> roles = new HashSet<>();
        boolean below = false;
        for (Given given : grants.values()) {
            Grant grant = given.grant();
            boolean mine = who.contains(grant.grantee())
                    && !hasExpired(given)
                    && grant.domain().map(domain::equals).orElse(!domain.equals(Grant.APART));
            if (mine) {
                List<String> on = grant.namespace();
                boolean above = on.size() <= namespace.size()
                        && namespace.subList(0, on.size()).equals(on)
                        && (grant.table().isEmpty()
                                || (on.equals(namespace) && grant.table().equals(table)));
                if (above) {
                    roles.add(grant.role());
                } else if (on.size() >= namespace.size()
                        && on.subList(0, namespace.size()).equals(namespace)
                        && table.isEmpty()) {
                    below = true;
                }
            }
        }
        return new Sight(roles, below);
    }

    private static boolean hasExpired(Given given) {
        return given.expiresAt().filter(end -> !end.isAfter(Instant.now())).isPresent();
    }

    private static Given permanent(Grant grant) {
        return new Given(grant, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    void grant(Grant grant) {
        GrantStore.Effect _ = grantStore.give(permanent(grant));
    }

    private static String key(NamespaceId name) {
        return name.domain() + "\u0000" + name.path();
    }

    private static String key(TableId name) {
        return key(name.namespace()) + "\u0000" + name.name();
    }

    private synchronized <T> T locked(java.util.function.Supplier<T> work) {
        return work.get();
    }

    final DomainStore domainStore = new DomainStore() {
        @Override
        public Optional<Domain> add(DomainName name, StorageProfile storage, Set<Grantee> owners) {
            return locked(() -> {
                if (domains.containsKey(name.value())) {
                    return Optional.empty();
                }
                Domain domain = new Domain(ids.incrementAndGet(), name, storage, NOW);
                domains.put(name.value(), domain);
                owners.forEach(
                        owner -> grant(new Grant(owner, Role.OWNER, Optional.of(name), List.of(), Optional.empty())));
                return Optional.of(domain);
            });
        }

        @Override
        public Optional<DomainStore.Seen> find(Set<Grantee> who, DomainName name) {
            return locked(() -> Optional.ofNullable(domains.get(name.value())).map(domain -> seen(who, domain)));
        }

        private DomainStore.Seen seen(Set<Grantee> who, Domain domain) {
            return new DomainStore.Seen(domain, sight(who, domain.name(), List.of(), Optional.empty()));
        }

        @Override
        public List<DomainStore.Seen> list(Set<Grantee> who, String after, int limit) {
            return locked(() -> domains.tailMap(after, false).values().stream()
                    .limit(limit)
                    .map(domain -> seen(who, domain))
                    .toList());
        }

        @Override
        public boolean remove(Domain domain) {
            return locked(() -> {
                Domain now = domains.getOrDefault(domain.name().value(), domain);
                if (now.guarded() || now.storages().stream().anyMatch(Storage::guarded)) {
                    throw Domains.guarded(domain.name());
                }
                if (namespaces.values().stream()
                        .anyMatch(each -> each.domain().name().equals(domain.name()))) {
                    return false;
                }
                grants.keySet().removeIf(grant -> grant.domain().equals(Optional.of(domain.name())));
                return domains.remove(domain.name().value()) != null;
            });
        }

        @Override
        public Map<DomainName, Set<String>> owners(Collection<DomainName> names) {
            return locked(() -> grants.values().stream()
                    .filter(given -> !hasExpired(given))
                    .map(Given::grant)
                    .filter(grant -> grant.role() == Role.OWNER
                            && grant.namespace().isEmpty()
                            && grant.grantee().kind() == Grantee.Kind.GROUP
                            && grant.domain().filter(names::contains).isPresent())
                    .collect(Collectors.groupingBy(
                            grant -> grant.domain().orElseThrow(),
                            Collectors.mapping(grant -> grant.grantee().name(), Collectors.toSet()))));
        }
    };

    final GrantStore grantStore = new GrantStore() {
        @Override
        public Optional<Sight> sight(Set<Grantee> who, Grant on) {
            DomainName domain = on.domain().orElseThrow();
            return locked(() -> Optional.ofNullable(domains.get(domain.value()))
                    .map(_ -> new Sight(
                            InMemoryMesh.this
                                    .sight(who, domain, on.namespace(), on.table())
                                    .roles(),
                            InMemoryMesh.this
                                    .sight(who, domain, List.of(), Optional.empty())
                                    .below())));
        }

        @Override
        public Page<Given> list(Optional<DomainName> domain, List<String> namespace, Page.Request page) {
            return locked(() -> {
                List<Given> found = grants.values().stream()
                        .filter(given -> given.grant().domain().equals(domain))
                        .filter(given -> given.grant().namespace().size() >= namespace.size()
                                && given.grant()
                                        .namespace()
                                        .subList(0, namespace.size())
                                        .equals(namespace))
                        .filter(given -> given.grant().toString().compareTo(page.after()) > 0)
                        .sorted(Comparator.comparing(given -> given.grant().toString()))
                        .limit(page.size())
                        .toList();
                return new Page<>(
                        found,
                        found.size() < page.size()
                                ? Optional.empty()
                                : Optional.of(found.getLast().grant().toString()));
            });
        }

        @Override
        public Effect give(Given given) {
            return locked(() -> {
                if (given.expiresAt().isPresent() && isLastOwner(given.grant())) {
                    return Effect.LAST_OWNER;
                }
                grants.put(given.grant(), given);
                return Effect.DONE;
            });
        }

        @Override
        public Effect revoke(Grant grant) {
            return locked(() -> {
                if (isLastOwner(grant)) {
                    return Effect.LAST_OWNER;
                }
                grants.remove(grant);
                return Effect.DONE;
            });
        }

        private boolean isLastOwner(Grant grant) {
            List<Grantee> owners = grants.values().stream()
                    .filter(given -> given.expiresAt().isEmpty())
                    .map(Given::grant)
                    .filter(each -> each.role() == Role.OWNER
                            && each.domain().equals(grant.domain())
                            && each.namespace().isEmpty())
                    .map(Grant::grantee)
                    .toList();
            return grant.role() == Role.OWNER
                    && grant.domain().isPresent()
                    && grant.namespace().isEmpty()
                    && owners.equals(List.of(grant.grantee()));
        }

        @Override
        public int forget(Duration expiredFor) {
            throw new UnsupportedOperationException("nothing is forgotten here");
        }
    };

    final AccessRequestStore requestStore = new AccessRequestStore() {
        @Override
        public Asked add(Grant wanted, String reason, Optional<Instant> until, Instant at, int openMax) {
            return locked(() -> {
                List<AccessRequest> open = requests.values().stream()
                        .filter(each -> each.state() == AccessRequest.State.OPEN
                                && each.wanted().grantee().equals(wanted.grantee()))
                        .toList();
                Optional<AccessRequest> same = open.stream()
                        .filter(each -> each.wanted().equals(wanted))
                        .findFirst();
                if (same.isPresent()) {
                    return new Asked.Twice(same.get());
                }
                if (open.size() >= openMax) {
                    return new Asked.TooMany();
                }
                AccessRequest added =
                        new AccessRequest(ids.incrementAndGet(), wanted, reason, until, at, Optional.empty());
                requests.put(added.id(), added);
                return new Asked.Done(added);
            });
        }

        private Seen seen(Set<Grantee> who, AccessRequest request) {
            Grant on = request.wanted();
            return new Seen(request, sight(who, on.domain().orElseThrow(), on.namespace(), on.table()));
        }

        @Override
        public Optional<Seen> find(Set<Grantee> who, long id) {
            return locked(() -> Optional.ofNullable(requests.get(id)).map(request -> seen(who, request)));
        }

        @Override
        public List<Seen> list(Set<Grantee> who, Selection wanted, long before, int limit) {
            return locked(() -> requests.values().stream()
                    .filter(each -> each.id() < before)
                    .filter(each -> wanted.state()
                            .filter(state -> state != each.state())
                            .isEmpty())
                    .filter(each -> wanted.domain().isEmpty()
                            || wanted.domain().equals(each.wanted().domain()))
                    .filter(each -> wanted.requester()
                            .filter(name -> !name.equals(each.requester()))
                            .isEmpty())
                    .limit(limit)
                    .map(each -> seen(who, each))
                    .toList());
        }

        @Override
        public Optional<AccessRequest> end(AccessRequest open, AccessRequest.Decision decision) {
            return locked(() -> {
                if (requests.getOrDefault(open.id(), open).state() != AccessRequest.State.OPEN) {
                    return Optional.empty();
                }
                AccessRequest ended = new AccessRequest(
                        open.id(), open.wanted(), open.reason(), open.until(), open.at(), Optional.of(decision));
                requests.put(open.id(), ended);
                if (decision.state() == AccessRequest.State.APPROVED) {
                    grants.putIfAbsent(
                            open.wanted(),
                            new Given(
                                    open.wanted(),
                                    decision.expiresAt(),
                                    Optional.of(decision.by()),
                                    Optional.of(decision.at()),
                                    decision.reason()));
                }
                return Optional.of(ended);
            });
        }

        @Override
        public int forget(Duration endedFor) {
            throw new UnsupportedOperationException("nothing is forgotten here");
        }
    };

    /// Nobody has looked yet, and nobody does.
    static final UsageStore UNCOUNTED = new UsageStore() {
        @Override
        public Map<StorageName, Sum> sums(Domain domain) {
            return domain.storages().stream().collect(Collectors.toMap(Storage::name, _ -> new Sum(0, Usage.NOTHING)));
        }

        @Override
        public Optional<Usage> of(Table table) {
            return Optional.empty();
        }

        @Override
        public Batch unmeasured(long after) {
            return new Batch(List.of(), Optional.empty());
        }

        @Override
        public void measured(Table table, Usage usage) {}

        @Override
        public void note(LocalDate today, LocalDate oldest) {}

        @Override
        public List<Day> days(Domain domain, int limit) {
            return List.of();
        }
    };

    final StorageStore storageStore = new StorageStore() {
        private final Map<Long, Probed> probes = new ConcurrentHashMap<>();

        // Whoever has the domain finds it changed.
        private boolean put(Domain domain, List<Storage> storages, boolean guarded, Quota quota) {
            Domain now = new Domain(domain.id(), domain.name(), storages, quota, guarded, domain.createdAt());
            domains.put(now.name().value(), now);
            namespaces.replaceAll((_, each) -> each.domain().id() == now.id()
                    ? new Namespace(each.id(), now, each.name(), each.properties())
                    : each);
            tables.replaceAll((_, each) -> each.domain().id() == now.id()
                    ? new Table(
                            each.id(),
                            each.kind(),
                            now,
                            each.name(),
                            each.uuid(),
                            each.location(),
                            each.metadata(),
                            each.version())
                    : each);
            return true;
        }

        private Domain now(Domain domain) {
            return Optional.ofNullable(domains.get(domain.name().value())).orElse(domain);
        }

        private boolean put(Domain domain, List<Storage> storages) {
            return put(now(domain), storages, now(domain).guarded(), now(domain).quota());
        }

        @Override
        public StorageStore.Added add(Domain domain, StorageProfile profile, Change settings) {
            return locked(() -> {
                List<Storage> all = new ArrayList<>(now(domain).storages());
                if (all.stream().anyMatch(each -> each.name().equals(profile.name()))) {
                    return StorageStore.Added.NAME_TAKEN;
                }
                if (domains.values().stream()
                        .flatMap(each -> each.storages().stream())
                        .map(each -> each.profile().home())
                        .anyMatch(home ->
                                home.isWithin(profile.home()) || profile.home().isWithin(home))) {
                    return StorageStore.Added.TOUCHES;
                }
                Storage added = new Storage(ids.incrementAndGet(), profile, false, false, Upkeep.NONE, Quota.NONE, NOW);
                all.add(added);
                put(domain, all);
                change(domain, added, settings);
                return StorageStore.Added.DONE;
            });
        }

        @Override
        public boolean change(Domain domain, Storage storage, Change change) {
            return locked(() -> put(
                    domain,
                    now(domain).storages().stream()
                            .map(each -> each.id() == storage.id()
                                    ? new Storage(
                                            each.id(),
                                            change.kmsKey()
                                                    .map(key -> each.profile().encryptedBy(Optional.of(key)))
                                                    .orElse(each.profile()),
                                            each.standard() || change.standard(),
                                            change.guarded().orElse(each.guarded()),
                                            change.upkeep().orElse(each.upkeep()),
                                            change.quota().orElse(each.quota()),
                                            each.createdAt())
                                    : new Storage(
                                            each.id(),
                                            each.profile(),
                                            each.standard() && !change.standard(),
                                            each.guarded(),
                                            each.upkeep(),
                                            each.quota(),
                                            each.createdAt()))
                            .toList()));
        }

        @Override
        public boolean rekey(Domain domain, Storage storage, Credential key) {
            return locked(() -> put(
                    domain,
                    now(domain).storages().stream()
                            .map(each -> each.id() == storage.id()
                                    ? new Storage(
                                            each.id(),
                                            each.profile().with(key),
                                            each.standard(),
                                            each.guarded(),
                                            each.upkeep(),
                                            each.quota(),
                                            each.createdAt())
                                    : each)
                            .toList()));
        }

        @Override
        public Removed remove(Domain domain, Storage storage) {
            return locked(() -> {
                if (storage.guarded()) {
                    return Removed.PROTECTED;
                }
                if (storage.standard()) {
                    return Removed.STANDARD;
                }
                if (tables.values().stream()
                        .anyMatch(each ->
                                each.location().isWithin(storage.profile().home()))) {
                    return Removed.IN_USE;
                }
                put(
                        domain,
                        now(domain).storages().stream()
                                .filter(each -> each.id() != storage.id())
                                .toList());
                return Removed.DONE;
            });
        }

        @Override
        public boolean change(Domain domain, Optional<Boolean> guarded, Optional<Quota> quota) {
            Domain now = now(domain);
            return locked(() -> put(now, now.storages(), guarded.orElse(now.guarded()), quota.orElse(now.quota())));
        }

        @Override
        public List<StorageProfile> inBucket(String bucket) {
            return locked(() -> domains.values().stream()
                    .flatMap(each -> each.storages().stream())
                    .map(Storage::profile)
                    .filter(each -> each.bucket().equals(bucket))
                    .toList());
        }

        @Override
        public List<StorageProfile> ofOthers(Domain domain) {
            return locked(() -> domains.values().stream()
                    .filter(each -> each.id() != domain.id())
                    .map(Domain::storage)
                    .toList());
        }

        @Override
        public void found(Storage storage, Probed probed) {
            probes.put(storage.id(), probed);
        }

        @Override
        public Optional<Probed> probed(Storage storage) {
            return Optional.ofNullable(probes.get(storage.id()));
        }

        @Override
        public Optional<Due> due(Duration since) {
            return Optional.empty();
        }
    };

    /// A store that can everything, and finds nothing wrong but what [#unfit] says.
    final StorageCare care = new StorageCare() {
        @Override
        public void keep(StorageProfile profile, Upkeep wanted) {}

        @Override
        public List<Finding> probe(StorageProfile profile, Upkeep wanted, Collection<StorageProfile> others) {
            return List.of(
                    unfit.isEmpty()
                            ? Finding.passed("root-key", "works")
                            : Finding.failed("root-key", unfit, "another key"));
        }

        @Override
        public boolean same(StorageProfile one, StorageProfile other) {
            return false;
        }

        @Override
        public void tryKey(StorageProfile profile) {
            if (!unfit.isEmpty()) {
                throw new DomainStorage.Unfit(unfit);
            }
        }
    };

    /// What is wrong with the keys of storages.
    volatile String unfit = "";

    final NamespaceStore namespaceStore = new NamespaceStore() {
        @Override
        public NamespaceStore recording(Once requests) {
            return this;
        }

        @Override
        public Optional<NamespaceStore.Seen> find(Set<Grantee> who, NamespaceId name) {
            return locked(() -> Optional.ofNullable(namespaces.get(key(name))).map(each -> seen(who, each)));
        }

        private NamespaceStore.Seen seen(Set<Grantee> who, Namespace namespace) {
            NamespaceId name = namespace.name();
            return new NamespaceStore.Seen(namespace, sight(who, name.domain(), name.levels(), Optional.empty()), 0);
        }

        @Override
        public List<NamespaceStore.Seen> children(
                Set<Grantee> who, Domain domain, Optional<Namespace> parent, String after, int limit) {
            List<String> above = parent.map(each -> each.name().levels()).orElse(List.of());
            return locked(() -> namespaces.values().stream()
                    .filter(each -> each.domain().name().equals(domain.name()))
                    .filter(each -> each.name().levels().size() == above.size() + 1)
                    .filter(each ->
                            each.name().levels().subList(0, above.size()).equals(above))
                    .filter(each -> each.name().levels().getLast().compareTo(after) > 0)
                    .limit(limit)
                    .map(each -> seen(who, new Namespace(each.id(), each.domain(), each.name(), Map.of())))
                    .toList());
        }

        @Override
        public NamespaceStore.Added add(Domain domain, NamespaceId name, Map<String, String> properties) {
            return locked(() -> {
                List<String> levels = name.levels();
                if (levels.size() > 1
                        && !namespaces.containsKey(
                                key(new NamespaceId(name.domain(), levels.subList(0, levels.size() - 1))))) {
                    return NamespaceStore.Added.NO_PARENT;
                }
                Namespace added = new Namespace(ids.incrementAndGet(), domain, name, properties);
                return namespaces.putIfAbsent(key(name), added) == null
                        ? NamespaceStore.Added.DONE
                        : NamespaceStore.Added.EXISTS;
            });
        }

        @Override
        public Optional<Map<String, String>> change(Namespace namespace, Map<String, String> set, Set<String> remove) {
            return locked(() -> Optional.ofNullable(namespaces.get(key(namespace.name())))
                    .map(before -> {
                        Map<String, String> properties = new TreeMap<>(before.properties());
                        properties.putAll(set);
                        properties.keySet().removeAll(remove);
                        namespaces.put(
                                key(namespace.name()),
                                new Namespace(before.id(), before.domain(), before.name(), properties));
                        return properties;
                    }));
        }

        @Override
        public boolean remove(Namespace namespace) {
            NamespaceId name = namespace.name();
            return locked(() -> {
                boolean used = tables.values().stream()
                                .anyMatch(table -> table.name().namespace().equals(name))
                        || namespaces.values().stream()
                                .anyMatch(each -> each.name().domain().equals(name.domain())
                                        && each.name().path().startsWith(name.path() + NamespaceId.SEPARATOR));
                return !used && namespaces.remove(key(name)) != null;
            });
        }
    };

    final TableStore tableStore = new TableStore() {
        @Override
        public TableStore recording(Once requests) {
            recorded.add(requests);
            return this;
        }

        @Override
        public Optional<TableStore.Seen> find(Set<Grantee> who, TableId name) {
            return locked(() -> Optional.ofNullable(tables.get(key(name))).map(table -> seen(who, table)));
        }

        private TableStore.Seen seen(Set<Grantee> who, Table table) {
            NamespaceId in = table.name().namespace();
            return new TableStore.Seen(
                    table,
                    sight(
                            who,
                            in.domain(),
                            in.levels(),
                            Optional.of(table.name().name())));
        }

        @Override
        public List<TableStore.Seen> list(Set<Grantee> who, Namespace namespace, String after, int limit) {
            return list(Table.Kind.TABLE, who, namespace, after, limit);
        }

        @Override
        public List<TableStore.Seen> listViews(Set<Grantee> who, Namespace namespace, String after, int limit) {
            return list(Table.Kind.VIEW, who, namespace, after, limit);
        }

        private List<TableStore.Seen> list(
                Table.Kind kind, Set<Grantee> who, Namespace namespace, String after, int limit) {
            return locked(() -> tables.values().stream()
                    .filter(table -> table.kind() == kind)
                    .filter(table -> table.name().namespace().equals(namespace.name()))
                    .filter(table -> table.name().name().compareTo(after) > 0)
                    .limit(limit)
                    .map(table -> seen(who, table))
                    .toList());
        }

        @Override
        public Optional<byte[]> content(Table table) {
            return Optional.ofNullable(contents.get(table.metadata()));
        }

        @Override
        public Created create(Namespace namespace, String name, UUID uuid, Published published) {
            return create(Table.Kind.TABLE, namespace, name, uuid, published);
        }

        @Override
        public Created createView(Namespace namespace, String name, UUID uuid, Metadata metadata, Location location) {
            return create(Table.Kind.VIEW, namespace, name, uuid, new Published(metadata, location, Map.of()));
        }

        private Created create(Table.Kind kind, Namespace namespace, String name, UUID uuid, Published published) {
            maybeRefuse();
            TableId id = new TableId(namespace.name(), name);
            return locked(() -> {
                if (tables.containsKey(key(id))) {
                    return new Created.NameTaken();
                }
                if (!namespaces.containsKey(key(namespace.name()))) {
                    return new Created.NoNamespace();
                }
                if (taken(published.location(), table -> true)) {
                    return new Created.LocationTaken();
                }
                Table table = new Table(
                        ids.incrementAndGet(),
                        kind,
                        namespace.domain(),
                        id,
                        uuid,
                        published.location(),
                        published.metadata().location(),
                        1);
                publish(table, published);
                return new Created.Done(table);
            });
        }

        @Override
        public boolean isFree(Domain domain, Location folder) {
            return locked(() -> !taken(folder, table -> true));
        }

        private boolean taken(Location location, Predicate<Table> others) {
            return tables.values().stream()
                    .filter(others)
                    .anyMatch(table -> table.location().isWithin(location) || location.isWithin(table.location()));
        }

        private void publish(Table table, Published published) {
            tables.put(key(table.name()), table);
            contents.put(table.metadata(), published.metadata().json());
            if (table.kind() == Table.Kind.TABLE) {
                declare(table.uuid(), published);
            }
        }

        private void declare(UUID table, Published published) {
            Set<Integer> fields = new HashSet<>(published.tags().keySet());
            fields.addAll(tags(table).keySet());
            fields.forEach(field -> keep(
                    table,
                    field,
                    Source.DECLARED,
                    published.tags().getOrDefault(field, Set.of()).stream()
                            .filter(tag -> tag.source() == Source.DECLARED)
                            .collect(Collectors.toSet())));
        }

        @Override
        public Swapped swap(Table seen, Published published) {
            return replace(seen, seen.uuid(), published);
        }

        @Override
        public Swapped replace(Table seen, UUID uuid, Published published) {
            maybeRefuse();
            return locked(() -> {
                Table now = tables.get(key(seen.name()));
                if (now == null || now.id() != seen.id() || now.version() != seen.version()) {
                    return Swapped.LOST;
                }
                if (taken(published.location(), table -> table.id() != seen.id())) {
                    return Swapped.LOCATION_TAKEN;
                }
                publish(
                        new Table(
                                seen.id(),
                                seen.kind(),
                                seen.domain(),
                                seen.name(),
                                uuid,
                                published.location(),
                                published.metadata().location(),
                                seen.version() + 1),
                        published);
                return Swapped.DONE;
            });
        }

        @Override
        public Outcome publish(List<Step> steps) {
            return locked(() -> {
                TreeMap<String, Table> tablesBefore = new TreeMap<>(tables);
                Map<UUID, Map<Integer, Set<Tag>>> tagsBefore = new TreeMap<>(tags);
                for (Step step : steps) {
                    Optional<Outcome> refused = refused(step);
                    if (refused.isPresent()) {
                        tables.clear();
                        tables.putAll(tablesBefore);
                        tags.clear();
                        tags.putAll(tagsBefore);
                        return refused.get();
                    }
                }
                return new Outcome.Done();
            });
        }

        private Optional<Outcome> refused(Step step) {
            return switch (step) {
                case Step.Swap(Table seen, Published next) ->
                    switch (swap(seen, next)) {
                        case DONE -> Optional.empty();
                        case LOST -> Optional.of(new Outcome.Lost());
                        case LOCATION_TAKEN -> Optional.of(new Outcome.LocationTaken(next.location()));
                    };
                case Step.Create(Namespace namespace, String name, UUID uuid, Published first) ->
                    switch (create(namespace, name, uuid, first)) {
                        case Created.Done _ -> Optional.empty();
                        case Created.NameTaken _ ->
                            Optional.of(new Outcome.NameTaken(new TableId(namespace.name(), name)));
                        case Created.LocationTaken _ -> Optional.of(new Outcome.LocationTaken(first.location()));
                        case Created.NoNamespace _ -> Optional.of(new Outcome.NoNamespace(namespace.name()));
                    };
                case Step.Keep(Table seen) ->
                    seen.equals(tables.get(key(seen.name()))) ? Optional.empty() : Optional.of(new Outcome.Lost());
            };
        }

        @Override
        public Renamed rename(Table seen, Namespace to, String name) {
            TableId id = new TableId(to.name(), name);
            return locked(() -> {
                if (!tables.containsKey(key(seen.name())) || !namespaces.containsKey(key(to.name()))) {
                    return Renamed.GONE;
                }
                if (tables.containsKey(key(id))) {
                    return Renamed.NAME_TAKEN;
                }
                tables.remove(key(seen.name()));
                tables.put(
                        key(id),
                        new Table(
                                seen.id(),
                                seen.kind(),
                                seen.domain(),
                                id,
                                seen.uuid(),
                                seen.location(),
                                seen.metadata(),
                                seen.version() + 1));
                return Renamed.DONE;
            });
        }

        @Override
        public boolean drop(Table seen) {
            return locked(() -> tables.remove(key(seen.name()), seen));
        }

        @Override
        public Map<Integer, Set<Tag>> tags(UUID table) {
            return Map.copyOf(tags.getOrDefault(table, Map.of()));
        }

        @Override
        public void classify(UUID table, Map<Integer, Set<String>> answers) {
            answers.forEach((field, names) -> keep(
                    table,
                    field,
                    Source.STEWARD,
                    (names.isEmpty() ? Set.of("") : names)
                            .stream().map(name -> new Tag(name, Source.STEWARD)).collect(Collectors.toSet())));
        }

        private void keep(UUID table, int field, Source source, Set<Tag> wanted) {
            Set<Tag> kept = new HashSet<>(wanted);
            Map<Integer, Set<Tag>> all = tags.computeIfAbsent(table, _ -> new ConcurrentHashMap<>());
            all.getOrDefault(field, Set.of()).stream()
                    .filter(tag -> tag.source() != source)
                    .forEach(kept::add);
            if (kept.isEmpty()) {
                all.remove(field);
            } else {
                all.put(field, kept);
            }
        }
    };

    /// Keeps nothing of what is dropped, as if there were no time to come back.
    final DroppedStore droppedStore = new DroppedStore() {
        @Override
        public DroppedStore recording(Once requests) {
            return this;
        }

        @Override
        public boolean drop(Table seen, Drop drop) {
            return locked(() -> tables.remove(key(seen.name())) != null);
        }

        @Override
        public Optional<DroppedStore.Seen> find(Set<Grantee> who, Domain domain, long id) {
            return Optional.empty();
        }

        @Override
        public List<DroppedStore.Seen> list(Set<Grantee> who, Domain domain, Wanted wanted, long before, int limit) {
            return List.of();
        }

        @Override
        public Restored restore(Dropped dropped, Namespace to, String name) {
            return Restored.GONE;
        }

        @Override
        public void purgeNow(Dropped dropped) {}
    };

    /// Protects nothing.
    final ProtectionStore protectionStore = new ProtectionStore() {
        @Override
        public Protection of(Table table) {
            return new Protection(false, Optional.empty());
        }

        @Override
        public Protection of(Namespace namespace) {
            return new Protection(false, Optional.empty());
        }

        @Override
        public boolean protect(Table table, boolean on) {
            return false;
        }

        @Override
        public boolean protect(Namespace namespace, boolean on) {
            return false;
        }
    };

    /// Has nothing to purge.
    final PurgeQueue purgeQueue = new PurgeQueue() {
        @Override
        public int forget() {
            return 0;
        }

        @Override
        public Optional<Claim> claim(Duration lease) {
            return Optional.empty();
        }

        @Override
        public boolean postpone(Claim claim, Duration wait, String problem) {
            return false;
        }

        @Override
        public boolean release(Claim claim, Duration wait, String problem) {
            return false;
        }

        @Override
        public void done(Claim claim) {}

        @Override
        public Optional<TableId> other(Dropped dropped, Predicate<byte[]> metadata) {
            return Optional.empty();
        }
    };

    /// Knows no keys.
    final RequestKeys requestKeys = new RequestKeys() {
        @Override
        public Optional<Done> find(Once.Key key) {
            return Optional.empty();
        }

        @Override
        public void refused(Once.Key key, Refused answer) {}

        @Override
        public int expire() {
            return 0;
        }
    };

    final PlanStore planStore = new InMemoryPlans();
    final MetricsStore metricsStore = new MetricsStore() {
        private final List<Kept> kept = new CopyOnWriteArrayList<>();

        @Override
        public void add(List<Report> reports, int perTableMax) {
            if (reports.stream().anyMatch(report -> report.body().contains("\\u0000"))) {
                throw new Refusal.Invalid("NUL");
            }
            reports.forEach(report -> kept.add(new Kept(ids.incrementAndGet(), report)));
        }

        @Override
        public void forget(Instant before) {
            kept.removeIf(each -> each.report().receivedAt().isBefore(before));
        }

        @Override
        public List<Kept> list(Table table, long before, int limit) {
            return kept.reversed().stream()
                    .filter(each -> each.report().table().id() == table.id() && each.id() < before)
                    .limit(limit)
                    .toList();
        }
    };

    final PrincipalStore principalStore = new PrincipalStore() {
        @Override
        public boolean add(Principal principal, byte[] secretHash) {
            return locked(() -> principals.putIfAbsent(
                            principal.name(),
                            new Stored(
                                    ids.incrementAndGet(),
                                    principal,
                                    List.of(secret(secretHash, Optional.empty())),
                                    Optional.empty()))
                    == null);
        }

        private Secret secret(byte[] hash, Optional<Instant> expiresAt) {
            return new Secret(Long.toString(ids.incrementAndGet()), hash, NOW, expiresAt);
        }

        @Override
        public Optional<Stored> find(String name) {
            return locked(() -> Optional.ofNullable(principals.get(name)));
        }

        @Override
        public Optional<Stored> recall(String name) {
            return find(name);
        }

        @Override
        public List<Principal> list(String after, int limit) {
            return locked(() -> principals.tailMap(after, false).values().stream()
                    .filter(each -> each.until().isEmpty())
                    .limit(limit)
                    .map(Stored::principal)
                    .toList());
        }

        @Override
        public boolean anyNamed(String prefix) {
            return locked(() -> principals.values().stream()
                    .anyMatch(each ->
                            each.until().isEmpty() && each.principal().name().startsWith(prefix)));
        }

        @Override
        public Optional<Secret> addSecret(
                String name, byte[] secretHash, Optional<Instant> expiresAt, Optional<Instant> othersUntil) {
            return locked(() -> own(name).map(old -> {
                List<Secret> secrets = new ArrayList<>(othersUntil.stream()
                        .flatMap(until -> old.secrets().stream().map(each -> ending(each, until)))
                        .toList());
                Secret added = secret(secretHash, expiresAt);
                secrets.add(added);
                principals.put(name, new Stored(old.id(), old.principal(), secrets, Optional.empty()));
                return added;
            }));
        }

        private static Secret ending(Secret old, Instant until) {
            Instant end = old.expiresAt().filter(until::isAfter).orElse(until);
            return new Secret(old.id(), old.hash(), old.createdAt(), Optional.of(end));
        }

        @Override
        public boolean removeSecret(String name, String id) {
            return locked(() -> own(name)
                    .filter(old ->
                            old.secrets().stream().anyMatch(each -> each.id().equals(id)))
                    .map(old -> principals.put(
                            name,
                            new Stored(
                                    old.id(),
                                    old.principal(),
                                    old.secrets().stream()
                                            .filter(each -> !each.id().equals(id))
                                            .toList(),
                                    Optional.empty())))
                    .isPresent());
        }

        @Override
        public boolean replaceGroups(String name, List<String> groups) {
            return locked(() -> own(name)
                    .map(old -> principals.put(
                            name,
                            new Stored(
                                    old.id(),
                                    new Principal(name, old.principal().kind(), Set.copyOf(groups)),
                                    old.secrets(),
                                    Optional.empty())))
                    .isPresent());
        }

        private Optional<Stored> own(String name) {
            return Optional.ofNullable(principals.get(name))
                    .filter(each -> each.until().isEmpty());
        }

        @Override
        public boolean remove(String name) {
            return locked(() -> principals.remove(name) != null);
        }

        @Override
        public Optional<Stored> remember(Principal external, String issuer, Instant until) {
            return locked(() -> {
                Stored old = principals.get(external.name());
                if (old != null && old.until().isEmpty()) {
                    return Optional.empty();
                }
                Stored now = new Stored(
                        old == null ? ids.incrementAndGet() : old.id(), external, List.of(), Optional.of(until));
                principals.put(external.name(), now);
                return Optional.of(now);
            });
        }
    };

    final DomainStorage storage = new DomainStorage() {
        private void failing() {
            if (keysFail) {
                throw new StorageException("STS of host-17 is away");
            }
        }

        private void maybeFail() {
            if (storageFails) {
                storageFails = false;
                throw new StorageException("the disk of host-17 is full", new java.io.IOException("ENOSPC"));
            }
        }

        // Whoever signs a request needs the secret.
        private void signed(StorageProfile profile) {
            assertThat(profile.root().secretKey()).isNotEmpty();
        }

        @Override
        public void provision(StorageProfile profile) {
            maybeFail();
        }

        @Override
        public boolean remove(StorageProfile profile) {
            failing();
            return objects.keySet().stream().noneMatch(at -> at.isWithin(profile.home()));
        }

        @Override
        public void write(StorageProfile profile, Location at, byte[] bytes) {
            storeCalls.incrementAndGet();
            signed(profile);
            writing.run();
            maybeFail();
            if (objects.putIfAbsent(at, bytes) != null) {
                throw new StorageException("there is one already", new java.io.IOException("exists"));
            }
        }

        @Override
        public Optional<byte[]> read(StorageProfile profile, Location at, int bytesMax) {
            storeCalls.incrementAndGet();
            Optional<byte[]> found = Optional.ofNullable(objects.get(at));
            if (found.filter(bytes -> bytes.length > bytesMax).isPresent()) {
                throw new TooLong("%s is larger than %d bytes".formatted(at, bytesMax));
            }
            return found;
        }

        @Override
        public void delete(StorageProfile profile, Collection<Location> gone) {
            gone.forEach(objects::remove);
        }

        @Override
        public void deleteFiles(StorageProfile profile, Collection<StoredFile> gone) {
            signed(profile);
            gone.forEach(file -> objects.keySet().removeIf(at -> at.toString().equals(file.toString())));
        }

        @Override
        public boolean isEmpty(StorageProfile profile, Location folder) {
            storeCalls.incrementAndGet();
            return objects.keySet().stream().noneMatch(at -> at.isWithin(folder));
        }

        @Override
        public Credential vend(StorageProfile profile, Location table, Reach reach, Duration lifetime) {
            storeCalls.incrementAndGet();
            signed(profile);
            failing();
            return new Credential(
                    "key-" + reach, "vended-secret", Optional.of("session"), Optional.of(NOW.plus(lifetime)));
        }
    };

    final SigningKeyStore signingKeyStore = new SigningKeyStore() {
        private final List<SigningKey> keys = new CopyOnWriteArrayList<>();

        @Override
        public List<SigningKey> keys() {
            return List.copyOf(keys);
        }

        @Override
        public boolean add(SigningKey key, Optional<String> newest) {
            return locked(() -> {
                if (!keys.stream().findFirst().map(SigningKey::id).equals(newest)) {
                    return false;
                }
                keys.addFirst(key);
                return true;
            });
        }

        @Override
        public boolean remove(String id) {
            return keys.removeIf(key -> key.id().equals(id));
        }
    };
}
