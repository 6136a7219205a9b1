package io.icefield.storage;

import java.time.Instant;
import java.util.Optional;

/// An S3 key. Prints without its secret: records get logged by accident.
///
/// @param sessionToken empty for a key that lives until it is revoked
/// @param expiresAt empty for the same
public record Credential(
        String accessKey, String secretKey, Optional<String> sessionToken, Optional<Instant> expiresAt) {
    public static Credential permanent(String accessKey, String secretKey) {
        return new Credential(accessKey, secretKey, Optional.empty(), Optional.empty());
    }

    @Override
    public String toString() {
        return "Credential[%s, expires %s]"
                .formatted(accessKey, expiresAt.map(Instant::toString).orElse("never"));
    }
}
