package io.icefield.table;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
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

    /// The same for a caller who wants it of a domain. A query engine knows one address of a store for a whole domain.
    Delegation on(StorageProfile storage, Domain domain, Principal who) {
        if (this != NONE
                && who.kind() == Principal.Kind.ENGINE
                && !storage.endpoint().equals(domain.storage().endpoint())) {
            throw new Refusal.NotAllowed(
                    "the query engine reaches the store of domain `%s` only, not that of its storage `%s`, which is elsewhere: read it with another client, or move the table"
                            .formatted(domain.name(), storage.name()));
        }
        return on(storage);
    }

    /// The key, if it is wanted.
    Optional<Credential> key(Supplier<Credential> vend) {
        return switch (this) {
            case NONE, REMOTE_SIGNING -> Optional.empty();
            case VENDED_CREDENTIALS -> Optional.of(vend.get());
        };
    }
}
