package io.icefield.table;

import java.time.Instant;

/// A table or view that was dropped and can come back.
///
/// @param id names it; its name may belong to others by now
/// @param table as it was
/// @param by who dropped it
/// @param due when its fate strikes; what is being purged is tried again then
/// @param purging its files are being deleted: it does not come back
/// @param problem why it could not be purged; empty: nothing went wrong
public record Dropped(
        long id, Table table, String by, Instant at, Fate fate, Instant due, boolean purging, String problem) {}
