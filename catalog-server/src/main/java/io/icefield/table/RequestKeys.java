package io.icefield.table;

import java.util.Optional;

/// What became of requests that have a key. Those that changed something are recorded by the stores: see
/// `recording`.
public interface RequestKeys {
    Optional<Done> find(Once.Key key);

    /// A request that has its answer for good.
    ///
    /// @param digest of what was asked with this key
    /// @param note what was noted with it
    /// @param refusal empty: it was done
    record Done(String digest, String note, Optional<Refused> refusal) {}

    /// @param body the answer's, JSON
    record Refused(int status, String body) {}

    /// Remembers that it was refused. If it was done or refused meanwhile, that counts.
    void refused(Once.Key key, Refused answer);

    /// Forgets those whose time is over.
    int expire();
}
