package io.icefield.access;

import java.time.Instant;
import java.util.Optional;

/// Companies' own OpenID Connect providers, whose tokens we believe.
public interface IdentityProviders {
    IdentityProviders NONE = _ -> Optional.empty();

    /// Who this token proves; empty when it is forged, expired, not for us, or of nobody we know. A provider that does
    /// not answer proves nobody.
    Optional<External> verify(String token);

    /// Somebody of outside.
    ///
    /// @param principal name and groups with the issuer's prefix
    /// @param expiresAt when the token ends
    record External(Principal principal, String issuer, Instant expiresAt) {}
}
