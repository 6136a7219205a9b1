package io.icefield.access;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// Access tokens: signed, expiring, verifiable by others with the published keys (RFC 7519, RFC 7517). That a token is
/// genuine says who somebody was when it was issued; whether that still holds is for [Logins].
public interface Tokens {
    /// Issuer and audience.
    String ICEFIELD = "icefield";

    /// How they are signed.
    String ALGORITHM = "ES256";

    /// By how much clocks may differ.
    Duration SKEW = Duration.ofSeconds(60);

    /// No token lives longer, whatever the settings say: so long a key that signs no more goes on verifying.
    Duration LIFETIME_MAX = Duration.ofHours(24);

    /// What a token was issued upon.
    ///
    /// @param principal id of the principal's row: another one of the same name is another principal
    /// @param secret id of the secret that was shown; empty: none was
    /// @param since when the secret, or the token of somebody else, was shown
    record Session(long principal, Optional<String> secret, Instant since) {}

    /// What a genuine token says.
    record Proof(String name, Session session) {}

    /// @param expiresAt at most [#LIFETIME_MAX] from now
    String issue(Principal who, Session session, Instant expiresAt);

    /// Empty when the token is forged, expired, foreign or malformed.
    Optional<Proof> verify(String token);

    /// The same for a token that may have expired.
    Optional<Proof> lapsed(String token);

    /// The public keys, as a JSON Web Key Set.
    String publicKeys();
}
