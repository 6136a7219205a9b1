package io.icefield.table;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/// The dropped tables whose time has come, shared by all replicas.
public interface PurgeQueue {
    /// One that is to be purged, with the content of its metadata if it was kept. Whoever else claims it ends this
    /// claim.
    ///
    /// @param attempt 1 for the first; each claim has its own
    /// @param begun somebody had claimed it before and may have deleted some of its files
    record Claim(Dropped dropped, Optional<byte[]> metadata, int attempt, boolean begun) {}

    /// Forgets those that are to be forgotten, and returns how many.
    int forget();

    /// The next one to purge: nobody else gets it before the lease has ended, and it does not come back.
    Optional<Claim> claim(Duration lease);

    /// It is still being worked on, or tried again after that. `false`: the claim has ended, and whoever had it leaves
    /// the files alone.
    ///
    /// @param problem empty: none
    boolean postpone(Claim claim, Duration wait, String problem);

    /// The same; this claim has deleted nothing. Until then it may come back, if no other claim had begun.
    boolean release(Claim claim, Duration wait, String problem);

    /// Its files are gone or stay for good: it is forgotten, and so are its tags if nobody else has its UUID. Nothing
    /// happens when the claim has ended.
    void done(Claim claim);

    /// Another table or view in the same bucket, dropped or not, whose metadata is of this kind, or not known.
    Optional<TableId> other(Dropped dropped, Predicate<byte[]> metadata);
}
