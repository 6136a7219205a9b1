package io.icefield.table;

/// A table's address: `domain.namespace.table`.
public record TableId(NamespaceId namespace, String name) {
    public TableId {
        Names.check("table", name);
    }

    @Override
    public String toString() {
        return namespace + "." + name;
    }
}
