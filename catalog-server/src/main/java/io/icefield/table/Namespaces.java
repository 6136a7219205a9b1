package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.Storages;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.policy.TableName;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// The namespaces of the domains, and the door to them.
public final class Namespaces {
    public static final int PROPERTIES_MAX = 1_000;
    public static final int PROPERTY_CHARS_MAX = 100_000;
    /// Of all properties of a namespace together: a load reads them all.
    public static final int PROPERTIES_CHARS_MAX = 1 << 20;

    private final Domains domains;
    private final NamespaceStore store;
    private final Governance governance;

    public Namespaces(Domains domains, NamespaceStore store, Governance governance) {
        this.domains = domains;
        this.store = store;
        this.governance = governance;
    }

    /// No namespace without saying what for.
    public NamespaceStore.Seen get(Principal who, Action action, NamespaceId name) {
        NamespaceStore.Seen seen = store.find(who.grantees(), name)
                .orElseThrow(() -> new Refusal.NotFound(Thing.NAMESPACE, name.inDomain()));
        Access.check(who, seen.sight(), action, Thing.NAMESPACE, name.inDomain());
        return seen;
    }

    /// Lets a caller who may create in the namespace choose this folder of the domain's storage for a table of it: keys
    /// reach whole folders, so whoever may not create in the whole domain stays below the namespace's own.
    Location checkFolder(Principal who, Namespace namespace, Location chosen) {
        Domain domain = namespace.domain();
        Location own = Locations.of(namespace);
        // Of all storages: the namespace's tables stay where they are when it chooses another one.
        boolean below = domain.storages().stream()
                .map(each -> Locations.in(each.profile().home(), namespace.name()))
                .anyMatch(folder -> chosen.isWithin(folder) && !chosen.equals(folder));
        if (!below
                && !Access.allows(
                        who, domains.get(who, Action.SEE, domain.name()).sight(), Action.CREATE)) {
            throw new Refusal.NotAllowed(
                    "`%s` may not choose the location `%s`: use a folder below `%s`, leave it out, or ask an owner of domain `%s` for the role writer on all of it"
                            .formatted(who.name(), chosen, own, domain.name()));
        }
        return chosen;
    }

    /// The namespace's properties. A query engine is also told the folder of its tables: with one it stages a creation,
    /// and
    /// shows its user why the commit was refused.
    public Map<String, String> properties(Principal who, NamespaceId name) {
        Namespace namespace = get(who, Action.SEE, name).namespace();
        Map<String, String> properties = new TreeMap<>(namespace.properties());
        if (who.kind() == Principal.Kind.ENGINE) {
            properties.putIfAbsent("location", Locations.of(namespace).toString());
        }
        return properties;
    }

    /// Direct children that the caller may know of; full names.
    public Page<NamespaceId> list(Principal who, DomainName domainName, List<String> parent, Page.Request page) {
        Domain domain = domains.get(who, Action.SEE, domainName).domain();
        Optional<Namespace> above = parent.isEmpty()
                ? Optional.empty()
                : Optional.of(get(who, Action.SEE, new NamespaceId(domainName, parent))
                        .namespace());
        return Paging.fill(
                page,
                (after, limit) -> store.children(who.grantees(), domain, above, after, limit),
                seen -> Access.allows(who, seen.sight(), Action.SEE),
                seen -> seen.namespace().name().levels().getLast(),
                seen -> seen.namespace().name());
    }

    public Map<String, String> create(Principal who, NamespaceId name, Map<String, String> properties, Once once) {
        Domain domain = check(who, name, properties);
        return switch (store.recording(once).add(domain, name, properties)) {
            case DONE -> properties;
            case EXISTS -> throw new Refusal.AlreadyExists(Thing.NAMESPACE, name.inDomain());
            case NO_PARENT ->
                throw new Refusal.NotFound(Thing.NAMESPACE, parent(name).inDomain());
        };
    }

    /// Where it would be created. Throws what stands against it.
    Domain check(Principal who, NamespaceId name, Map<String, String> properties) {
        Domain domain = mayCreate(who, name);
        checkSize(name, properties);
        checkStorage(domain, properties);
        List<io.icefield.policy.Violation> denied = governance
                .judge(new Change(
                        Change.Kind.CREATE_NAMESPACE,
                        new TableName(name.domain().value(), name.levels(), ""),
                        List.of(),
                        List.of(),
                        properties))
                .denied();
        if (!denied.isEmpty()) {
            throw new Refusal.PolicyBroken(name.toString(), denied);
        }
        return domain;
    }

    private Domain mayCreate(Principal who, NamespaceId name) {
        return name.levels().size() == 1
                ? domains.get(who, Action.CREATE, name.domain()).domain()
                : get(who, Action.CREATE, parent(name)).namespace().domain();
    }

    private static NamespaceId parent(NamespaceId name) {
        return new NamespaceId(
                name.domain(), name.levels().subList(0, name.levels().size() - 1));
    }

    /// What a change of properties did.
    ///
    /// @param missing keys to remove that were not there
    public record Changed(Set<String> updated, Set<String> removed, Set<String> missing) {}

    public Changed change(Principal who, NamespaceId name, Map<String, String> set, Set<String> remove, Once once) {
        Set<String> both = new TreeSet<>(set.keySet());
        both.retainAll(remove);
        if (!both.isEmpty()) {
            throw new Refusal.Contradictory("keys are both set and removed: %s".formatted(both));
        }
        Namespace seen = get(who, Action.CREATE, name).namespace();
        Map<String, String> after = new TreeMap<>(seen.properties());
        after.putAll(set);
        after.keySet().removeAll(remove);
        checkSize(name, after);
        checkStorage(seen.domain(), set);
        Set<String> removed = new TreeSet<>(remove);
        removed.retainAll(seen.properties().keySet());
        Set<String> missing = new TreeSet<>(remove);
        missing.removeAll(removed);
        if (store.recording(once).change(seen, set, remove).isEmpty()) {
            throw new Refusal.NotFound(Thing.NAMESPACE, name.inDomain());
        }
        return new Changed(new TreeSet<>(set.keySet()), removed, missing);
    }

    public void drop(Principal who, NamespaceId name, Once once) {
        Namespace seen = get(who, Action.DROP, name).namespace();
        if (!store.recording(once).remove(seen)) {
            throw new Refusal.NotEmpty(Thing.NAMESPACE, name.toString(), "tables, views or namespaces");
        }
    }

    private static void checkStorage(Domain domain, Map<String, String> properties) {
        Location _ = Storages.home(domain, Optional.ofNullable(properties.get(Namespace.STORAGE)));
    }

    private static void checkSize(NamespaceId name, Map<String, String> properties) {
        if (properties.size() > PROPERTIES_MAX) {
            throw new Refusal.Invalid("namespace `%s` may have at most %d properties".formatted(name, PROPERTIES_MAX));
        }
        properties.forEach((key, value) -> {
            if (key.length() + value.length() > PROPERTY_CHARS_MAX
                    || key.indexOf('\0') >= 0
                    || value.indexOf('\0') >= 0) {
                throw new Refusal.Invalid(
                        "a property has at most %d characters and no NUL".formatted(PROPERTY_CHARS_MAX));
            }
        });
        long chars = properties.entrySet().stream()
                .mapToLong(each -> each.getKey().length() + each.getValue().length())
                .sum();
        if (chars > PROPERTIES_CHARS_MAX) {
            throw new Refusal.Invalid("the properties of namespace `%s` may have at most %d characters together"
                    .formatted(name, PROPERTIES_CHARS_MAX));
        }
    }
}
