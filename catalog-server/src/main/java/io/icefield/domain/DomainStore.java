package io.icefield.domain;

import io.icefield.access.Grantee;
import io.icefield.access.Sight;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The domains, their storage and their owners.
public interface DomainStore {
    /// A domain as one caller sees it.
    record Seen(Domain domain, Sight sight) {}

    /// Adds a domain and makes these groups its owners (a grant of OWNER each), in one transaction; empty and nothing
    /// changed when the name or the bucket folder is taken. The root key is stored sealed.
    Optional<Domain> add(DomainName name, StorageProfile storage, Set<Grantee> owners);

    Optional<Seen> find(Set<Grantee> who, DomainName name);

    /// At most `limit` domains after this name, in the order of their names.
    List<Seen> list(Set<Grantee> who, String after, int limit);

    /// Removes a domain, its storages and the grants on it; `false` and nothing changed while it has namespaces. Throws
    /// `NotAllowed` when it or one of its storages is protected.
    boolean remove(Domain domain);

    /// The groups that own these domains, by grants that have not expired.
    Map<DomainName, Set<String>> owners(Collection<DomainName> domains);
}
