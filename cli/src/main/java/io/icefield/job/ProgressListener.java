package io.icefield.job;

/// Hears how far an ingest is. Called often and from the ingesting thread: must be quick.
@FunctionalInterface
public interface ProgressListener {
    ProgressListener SILENT = (bytesRead, bytesTotal, rows) -> {};

    /// `bytesRead` of `bytesTotal` bytes are done, both passes over a CSV file counted (compressed bytes where
    /// the file is compressed); `rows` have been written so far, 0 while the types are still being found out.
    void progress(long bytesRead, long bytesTotal, long rows);
}
