package io.icefield.table;

import io.icefield.access.Trail;

/// A table's address: `domain.namespace.table`.
public record TableId(NamespaceId namespace, String name) {
    public TableId {
        Names.check("table", name);
    }

    /// The name as clients of the domain's catalog know it.
    public String inDomain() {
        return namespace.inDomain() + "." + name;
    }

    /// The request at hand is about this, though its address does not say so.
    void told() {
        Trail.current().about(namespace.domain().value(), toString());
    }

    @Override
    public String toString() {
        return namespace + "." + name;
    }
}
