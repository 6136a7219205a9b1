package io.icefield.table;

import io.icefield.storage.Credential;
import java.util.Optional;
import java.util.function.Supplier;

/// How a caller wants to reach the files (header `X-Iceberg-Access-Delegation`).
public enum Delegation {
    /// It has keys of its own.
    NONE,
    /// It wants a short-lived key with the answer.
    VENDED_CREDENTIALS;

    /// The key, if it is wanted.
    Optional<Credential> key(Supplier<Credential> vend) {
        return switch (this) {
            case NONE -> Optional.empty();
            case VENDED_CREDENTIALS -> Optional.of(vend.get());
        };
    }
}
