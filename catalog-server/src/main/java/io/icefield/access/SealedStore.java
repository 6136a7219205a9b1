package io.icefield.access;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The secrets in the database, as they are sealed.
public interface SealedStore {
    /// How many secrets each key has sealed, by its id; those of a time before keys had ids under the empty
    /// one.
    Map<String, Long> counts();

    /// Seals secrets anew that are not sealed under the first key, at most `limit` of them, beginning after
    /// this place. Each is replaced by itself, in one step, and only if nobody has changed it since: whatever
    /// happens in between, all of them can be opened as before.
    ///
    /// @param after where the batch before it ended; empty: nowhere
    Batch reseal(String after, int limit);

    /// What became of some secrets.
    ///
    /// @param next where the next batch begins; empty: this was the last one
    record Batch(int resealed, List<Shut> shut, Optional<String> next) {
        public Batch {
            shut = List.copyOf(shut);
        }
    }

    /// A secret that no key of ours opens. It stays as it is.
    ///
    /// @param secret what it is the secret of
    /// @param why and what to do about it
    record Shut(String secret, String why) {}
}
