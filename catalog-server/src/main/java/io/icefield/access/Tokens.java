package io.icefield.access;

import java.time.Duration;
import java.util.Optional;

/// Access tokens: signed, expiring, verifiable by others with the published keys (RFC 7519, RFC 7517).
public interface Tokens {
    Duration LIFETIME = Duration.ofHours(1);

    /// A token that proves to us, and to Trino, who this is for [#LIFETIME].
    String issue(Principal who);

    /// Who this token proves; empty when it is forged, expired, foreign or malformed.
    Optional<Principal> verify(String token);

    /// The public keys, as a JSON Web Key Set.
    String publicKeys();
}
