package io.icefield.table;

import java.util.List;
import java.util.function.Consumer;

/// What the metadata of a dropped table reaches.
public interface ReachableFiles {
    /// Does the table ask that nobody deletes its files?
    boolean areKept(Table table, Metadata metadata);

    /// All files, in batches that can be deleted one after the other: no file comes before what is found
    /// through it, and the metadata file comes last. A batch of some thousand; a file may come twice. What
    /// is found through a file that is gone is taken as gone. Throws `RuntimeException` when a file cannot be read.
    void forEach(Table table, Metadata metadata, Consumer<List<String>> batch);
}
