package io.icefield.table;

import io.icefield.access.Grantee;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The namespaces, with what the grants say about a caller.
public interface NamespaceStore {
    /// A namespace as one caller sees it.
    ///
    /// @param namesVersion another one whenever a table or view in it came, went or changed its name
    record Seen(Namespace namespace, Sight sight, long namesVersion) {}

    /// The same store. What is changed through it is recorded with the keys of these requests, in one
    /// transaction; it throws `Refusal.Repeated`, and nothing has changed, when one of them is there already.
    NamespaceStore recording(Once requests);

    Optional<Seen> find(Set<Grantee> who, NamespaceId name);

    /// Direct children of the parent, or of the domain without one: at most `limit` after this last level, in the order
    /// of their paths (code points). Without their properties, which are longer than any list should be.
    List<Seen> children(Set<Grantee> who, Domain domain, Optional<Namespace> parent, String after, int limit);

    /// Adds one below its parent, atomically against a drop of the parent.
    Added add(Domain domain, NamespaceId name, Map<String, String> properties);

    /// What became of an addition.
    enum Added {
        DONE,
        EXISTS,
        NO_PARENT
    }

    /// Sets and removes properties in one statement; empty when the namespace is gone. Returns the properties
    /// afterwards.
    Optional<Map<String, String>> change(Namespace namespace, Map<String, String> set, Set<String> remove);

    /// Removes it; `false` and nothing changed while there are namespaces or tables in it; dropped ones do
    /// not count. Throws `Refusal.NotAllowed` when it or one around it is protected.
    boolean remove(Namespace namespace);
}
