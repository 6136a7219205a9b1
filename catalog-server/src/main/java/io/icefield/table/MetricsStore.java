package io.icefield.table;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// Reports of clients about their scans of tables and their commits to them.
public interface MetricsStore {
    /// What one client told.
    ///
    /// @param kind as the client calls it: `scan-report`, `commit-report`, or whatever will be
    /// @param snapshot which it read or made
    /// @param body the whole report, JSON
    record Report(
            Table table, String kind, Optional<Long> snapshot, String principal, Instant receivedAt, String body) {}

    /// A report that is kept.
    ///
    /// @param id later reports have higher ones
    record Kept(long id, Report report) {}

    /// Keeps these reports, all or none, and of each of their tables the newest `perTableMax`.
    void add(List<Report> reports, int perTableMax);

    /// Forgets what was received before.
    void forget(Instant before);

    /// At most `limit` reports of the table with lower ids than this one, newest first.
    List<Kept> list(Table table, long before, int limit);
}
