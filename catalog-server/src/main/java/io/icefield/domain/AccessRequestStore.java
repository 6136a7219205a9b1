package io.icefield.domain;

import io.icefield.access.Grantee;
import io.icefield.access.Sight;
import io.icefield.storage.DomainName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Requests for access, open and ended.
public interface AccessRequestStore {
    /// A request, and what the grants say of a caller and of what is asked for.
    record Seen(AccessRequest request, Sight sight) {}

    /// What became of a new request.
    sealed interface Asked {
        record Done(AccessRequest request) implements Asked {}

        /// The same is open already.
        record Twice(AccessRequest request) implements Asked {}

        record TooMany() implements Asked {}
    }

    /// Atomic: of two at the same time the second one counts the first.
    ///
    /// @param openMax open requests that one principal may have
    Asked add(Grant wanted, String reason, Optional<Instant> until, Instant at, int openMax);

    Optional<Seen> find(Set<Grantee> who, long id);

    /// Which are wanted.
    ///
    /// @param requester empty: of anybody
    record Selection(Optional<AccessRequest.State> state, Optional<DomainName> domain, Optional<String> requester) {}

    /// At most `limit` requests before this id, newest first.
    List<Seen> list(Set<Grantee> who, Selection wanted, long before, int limit);

    /// Ends an open one; an approval gives the grant in the same transaction, and takes nothing from who has the role
    /// for longer. Empty, and nothing has changed: it had ended. Throws `NotFound` when there is no such domain.
    Optional<AccessRequest> end(AccessRequest open, AccessRequest.Decision decision);

    /// Removes what ended so long ago; how many.
    int forget(Duration endedFor);
}
