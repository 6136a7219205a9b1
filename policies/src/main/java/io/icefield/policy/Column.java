package io.icefield.policy;

import java.util.Set;

/// One column of a table's schema, nested fields included.
///
/// @param fieldId Iceberg field id; stays the same when the column is renamed
/// @param path names from the root, joined by dots (`address.zip`)
/// @param type Iceberg type as text (`string`, `decimal(9, 2)`, `struct`, `list`, `map`)
/// @param doc comment, empty when there is none
/// @param tags classification (`pii.email`, `public`), empty when nobody classified it
public record Column(int fieldId, String path, String type, boolean required, String doc, Set<String> tags) {
    public Column {
        tags = Set.copyOf(tags);
    }

    /// The last step of the path.
    public String name() {
        return path.substring(path.lastIndexOf('.') + 1);
    }
}
