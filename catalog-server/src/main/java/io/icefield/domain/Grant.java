package io.icefield.domain;

import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.storage.DomainName;
import java.util.List;
import java.util.Optional;

/// A role, given to somebody on a part of the mesh.
///
/// @param domain empty: the whole mesh
/// @param namespace levels; empty: the whole domain
/// @param table empty: the whole namespace and those below it
public record Grant(
        Grantee grantee, Role role, Optional<DomainName> domain, List<String> namespace, Optional<String> table) {
    /// Grants on the whole mesh do not reach this domain: it holds what everybody was allowed. Grants on it do.
    public static final DomainName APART = new DomainName("governance");

    public Grant {
        namespace = List.copyOf(namespace);
        if ((domain.isEmpty() && !namespace.isEmpty()) || (namespace.isEmpty() && table.isPresent())) {
            throw new IllegalArgumentException("a grant on a table names its namespace, one on a namespace its domain");
        }
    }
}
