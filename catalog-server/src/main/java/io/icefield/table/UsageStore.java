package io.icefield.table;

import io.icefield.domain.Domain;
import io.icefield.storage.StorageName;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How much the tables weigh. Publications note it themselves; this is for what they did not, and for sums.
public interface UsageStore {
    /// Of all tables that are there, by storage; a storage without tables is there too.
    Map<StorageName, Sum> sums(Domain domain);

    record Sum(long tables, Usage usage) {}

    /// Of one table; empty: nobody has looked yet.
    Optional<Usage> of(Table table);

    /// Some tables after this id that nobody has looked at, in the order of their ids, and where to go on; empty: that
    /// was the end.
    Batch unmeasured(long after);

    record Batch(List<TableId> tables, Optional<Long> next) {
        public Batch {
            tables = List.copyOf(tables);
        }
    }

    /// Notes the usage of a table as it was seen; nothing happens if it has changed since.
    void measured(Table table, Usage usage);

    /// Notes today's sums of all storages, and forgets days that are older.
    void note(LocalDate today, LocalDate oldest);

    /// The days that were noted, newest first, at most so many.
    List<Day> days(Domain domain, int limit);

    record Day(LocalDate day, StorageName storage, Sum sum) {}
}
