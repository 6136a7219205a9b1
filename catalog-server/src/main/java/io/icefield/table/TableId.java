package io.icefield.table;

/// A table's address: `domain.namespace.table`.
public record TableId(NamespaceId namespace, String name) {
    public TableId {
        Names.check("table", name);
    }

    /// The name as clients of the domain's catalog know it.
    public String inDomain() {
        return namespace.inDomain() + "." + name;
    }

    @Override
    public String toString() {
        return namespace + "." + name;
    }
}
