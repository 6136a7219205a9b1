package io.icefield.domain;

import java.time.Instant;
import java.util.Optional;

/// Somebody asks for a role. Whether what it is asked on is there, nobody has looked.
///
/// @param wanted the grant that an approval gives
/// @param until how long it is wanted; empty: the owner decides
/// @param decision empty while it is open
public record AccessRequest(
        long id, Grant wanted, String reason, Optional<Instant> until, Instant at, Optional<Decision> decision) {

    /// Each ends once.
    public enum State {
        OPEN,
        APPROVED,
        REFUSED,
        WITHDRAWN
    }

    /// How it ended.
    ///
    /// @param reason empty for one that was withdrawn
    /// @param expiresAt of the grant that was given
    public record Decision(State state, String by, Instant at, Optional<String> reason, Optional<Instant> expiresAt) {}

    public State state() {
        return decision.map(Decision::state).orElse(State.OPEN);
    }

    public String requester() {
        return wanted.grantee().name();
    }
}
