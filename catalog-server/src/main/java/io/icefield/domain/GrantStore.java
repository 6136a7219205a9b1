package io.icefield.domain;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Sight;
import io.icefield.storage.DomainName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Who was granted what. What has expired, by the store's clock, gives nothing from that moment on.
public interface GrantStore {
    /// What became of a change. A domain always has an owner whose grant does not expire, so the last of them stays.
    enum Effect {
        DONE,
        LAST_OWNER
    }

    /// What these were granted on the part of a domain that a grant is on, and above it; `below` says of the whole
    /// domain. Whether the part itself is there is not asked. Empty: there is no such domain.
    Optional<Sight> sight(Set<Grantee> who, Grant on);

    /// Grants on this domain, or on a namespace of it, and below; without a domain those on the whole mesh. Expired
    /// ones
    /// too. Always in the same order.
    Page<Given> list(Optional<DomainName> domain, List<String> namespace, Page.Request page);

    /// Idempotent: the same again changes nothing, another expiry or reason replaces what was there. Throws `NotFound`
    /// when there is no such domain.
    Effect give(Given given);

    /// Idempotent: one that is not there is done.
    Effect revoke(Grant grant);

    /// Removes those that expired so long ago; how many.
    int forget(Duration expiredFor);
}
