package io.icefield.table;

import io.icefield.storage.Credential;
import io.icefield.storage.StorageProfile;
import java.util.Optional;
import java.util.function.Supplier;

/// How a caller reaches the files (header `X-Iceberg-Access-Delegation`).
public enum Delegation {
    /// It has keys of its own.
    NONE,
    /// It wants a short-lived key with the answer.
    VENDED_CREDENTIALS,
    /// It wants its requests to the store signed one by one.
    REMOTE_SIGNING;

    /// What it gets there: a store that issues no keys has its requests signed.
    Delegation on(StorageProfile storage) {
        return this == VENDED_CREDENTIALS && !storage.hasSts() ? REMOTE_SIGNING : this;
    }

    /// The key, if it is wanted.
    Optional<Credential> key(Supplier<Credential> vend) {
        return switch (this) {
            case NONE, REMOTE_SIGNING -> Optional.empty();
            case VENDED_CREDENTIALS -> Optional.of(vend.get());
        };
    }
}
