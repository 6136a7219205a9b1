package io.icefield.policy;

import java.util.List;

/// Where a table or namespace is in the mesh: `domain.namespace.table`.
///
/// @param table empty when the namespace itself is meant
public record TableName(String domain, List<String> namespace, String table) {
    public TableName {
        namespace = List.copyOf(namespace);
    }

    @Override
    public String toString() {
        String path = domain + "." + String.join(".", namespace);
        return table.isEmpty() ? path : path + "." + table;
    }
}
