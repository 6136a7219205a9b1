package io.icefield.audit;

import io.icefield.table.TableFormat;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// Decisions as the rows of a table, in the table's own format.
public interface DecisionFiles {
    /// The body of a request (Iceberg REST) that creates a table for decisions, in partitions of days.
    String creation(String name);

    /// How far a table's rows go, by its metadata: that of a new one, to 0.
    State state(byte[] metadata);

    /// @param through the last decision that the table has
    /// @param at when it was added; empty: none was
    record State(long through, Optional<Instant> at) {}

    /// Writes data files and all that a commit of them needs, and gives its body. It fits only the state of the table
    /// that it was made for, and moves [#state] to the last of these, in one step with the rows.
    String append(byte[] metadata, TableFormat.Files files, List<DecisionStore.Entry> decisions);
}
