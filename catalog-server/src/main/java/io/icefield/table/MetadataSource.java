package io.icefield.table;

/// Reads current metadata files.
public interface MetadataSource {
    /// The file that this table points to. Throws `Refusal.Unavailable` when it cannot be read now.
    Metadata of(Table table);

    /// A file that was just published, and the table as it is now: the next load will ask for it.
    void remember(Table table, Metadata metadata);
}
