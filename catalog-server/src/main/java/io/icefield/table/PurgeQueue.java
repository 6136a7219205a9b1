package io.icefield.table;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/// The dropped tables whose time has come, shared by all replicas.
public interface PurgeQueue {
    /// One that is to be purged, with the content of its metadata if it was kept.
    ///
    /// @param attempt 1 for the first
    record Claim(Dropped dropped, Optional<byte[]> metadata, int attempt) {}

    /// Forgets those that are to be forgotten, and returns how many.
    int forget();

    /// The next one to purge: nobody else gets it before the lease has ended, and it does not come back.
    Optional<Claim> claim(Duration lease);

    /// It is still being worked on, or tried again after that.
    ///
    /// @param problem empty: none
    void postpone(Dropped dropped, Duration wait, String problem);

    /// The same, and none of its files was deleted: until then it may come back.
    void release(Dropped dropped, Duration wait, String problem);

    /// Its files are gone or stay for good: it is forgotten, and so are its tags if nobody else has its UUID.
    void done(Dropped dropped);

    /// Another table or view in the same bucket, dropped or not, whose metadata is of this kind, or not known.
    Optional<TableId> other(Dropped dropped, Predicate<byte[]> metadata);
}
