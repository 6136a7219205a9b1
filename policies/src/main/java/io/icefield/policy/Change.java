package io.icefield.policy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// What one request would make of one namespace, table or view: everything a policy may look at.
///
/// @param before columns of the table as it is, all levels, parents first; empty when it is new to this name space
/// @param after columns as they would be; empty for a namespace
/// @param properties properties as they would be
public record Change(
        Kind kind, TableName table, List<Column> before, List<Column> after, Map<String, String> properties) {

    /// How the change reached us.
    public enum Kind {
        CREATE_NAMESPACE,
        CREATE_TABLE,
        COMMIT,
        RENAME_TABLE,
        REGISTER_TABLE,
        CREATE_VIEW,
        REPLACE_VIEW,
        RENAME_VIEW,
        REGISTER_VIEW;

        /// A view stores nothing: what it shows is classified in the tables that it reads.
        public boolean ofView() {
            return switch (this) {
                case CREATE_VIEW, REPLACE_VIEW, RENAME_VIEW, REGISTER_VIEW -> true;
                case CREATE_NAMESPACE, CREATE_TABLE, COMMIT, RENAME_TABLE, REGISTER_TABLE -> false;
            };
        }
    }

    public Change {
        before = List.copyOf(before);
        after = List.copyOf(after);
        properties = Map.copyOf(properties);
    }

    /// The columns that are new, or are called, typed or tagged otherwise than before. What did not change is not
    /// judged again.
    public Stream<Column> touched() {
        Map<Integer, Column> known = new HashMap<>();
        before.forEach(column -> known.put(column.fieldId(), column));
        return after.stream().filter(column -> !column.equals(known.get(column.fieldId())));
    }

    /// The column with this field id before the change.
    public Optional<Column> before(int fieldId) {
        return before.stream().filter(column -> column.fieldId() == fieldId).findFirst();
    }
}
