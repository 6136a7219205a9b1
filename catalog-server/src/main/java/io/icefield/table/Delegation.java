package io.icefield.table;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.Credential;
import io.icefield.storage.StorageProfile;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// How a caller reaches the files (header `X-Iceberg-Access-Delegation`).
public enum Delegation {
    /// It has keys of its own.
    NONE,
    /// It wants a short-lived key with the answer.
    VENDED_CREDENTIALS,
    /// It wants its requests to the store signed one by one.
    REMOTE_SIGNING;

    /// Longest first.
    private static final List<Duration> LIFETIMES =
            List.of(LoadTable.CREDENTIAL_LIFETIME, Duration.ofMinutes(30), Duration.ofMinutes(15));

    /// From looking at the grants to the key that the store issues, and by how much clocks may differ.
    private static final Duration LATE_MAX = Duration.ofSeconds(30);

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

    /// The same for a caller whose right ends: no key may outlive it, and no store issues one for less than 15 minutes.
    /// Then requests are signed, each of which is asked for anew.
    Delegation lasting(Duration right) {
        return this == VENDED_CREDENTIALS && lifetime(right).isEmpty() ? REMOTE_SIGNING : this;
    }

    /// How long a key lives for somebody whose right lasts so long. Only a few lifetimes, so that keys can be handed
    /// out again; one that was, ends even earlier.
    static Optional<Duration> lifetime(Duration right) {
        return LIFETIMES.stream()
                .filter(each -> each.plus(LATE_MAX).compareTo(right) <= 0)
                .findFirst();
    }

    /// The key, if it is wanted.
    Optional<Credential> key(Duration right, Function<Duration, Credential> vend) {
        return switch (this) {
            case NONE, REMOTE_SIGNING -> Optional.empty();
            case VENDED_CREDENTIALS -> lifetime(right).map(vend);
        };
    }
}
