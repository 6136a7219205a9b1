package io.icefield.access;

import java.util.List;

/// Where the keys are that seal secrets in the database: a file, the environment, or a key service that unwraps
/// them. It is asked again whenever something is sealed and whenever a key is missed, so that keys can change
/// while the server runs.
public interface SealingKeySource {
    /// The first one seals, all of them open. Empty: none has been made yet. Throws `IllegalStateException`,
    /// for the operator, when they cannot be read.
    List<SealingKey> keys();

    /// Makes the first key if there is none. Of several servers that do this at once, one does, and all of them
    /// find its key afterwards; a key that is there is never replaced. Throws `IllegalStateException` when it
    /// cannot be done.
    void make();
}
