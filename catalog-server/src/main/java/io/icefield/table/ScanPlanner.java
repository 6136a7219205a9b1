package io.icefield.table;

import java.util.Iterator;

/// Finds the files of a table that hold what a query asks for. Reads manifests, inside the table's folder only: a
/// manifest list may name anything. Throws `Refusal` for what cannot be planned.
public interface ScanPlanner {
    /// Reads a PlanTableScanRequest (Iceberg REST) and fixes the snapshot that it means. Throws `Invalid` when
    /// the table has no such snapshot or column.
    Scan scan(Metadata metadata, String request);

    /// What to plan. Its text says all of it: `scan` reads it again.
    record Scan(String text, Object parsed) {}

    /// How much there is to read at most, from the list of manifests alone.
    Effort effort(Table table, Scan scan);

    /// @param files those that the manifests name
    record Effort(int manifests, long files) {}

    /// The files, found while they are asked for.
    Pages pages(Table table, Scan scan);

    /// JSON objects with `file-scan-tasks` and the `delete-files` that these refer to, each of them fit for one
    /// answer. There is at least one.
    interface Pages extends Iterator<byte[]>, AutoCloseable {
        @Override
        void close();
    }
}
