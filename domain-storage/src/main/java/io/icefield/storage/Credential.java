package io.icefield.storage;

import java.time.Instant;
import java.util.Optional;

/// An S3 key. Prints without its secret: records get logged by accident.
///
/// @param sessionToken empty for a key that lives until it is revoked
/// @param expiresAt empty for the same
/// @param shut why nobody here knows its secret; empty: it is known
public record Credential(
        String accessKey,
        String secretKey,
        Optional<String> sessionToken,
        Optional<Instant> expiresAt,
        Optional<String> shut) {
    public Credential(String accessKey, String secretKey, Optional<String> sessionToken, Optional<Instant> expiresAt) {
        this(accessKey, secretKey, sessionToken, expiresAt, Optional.empty());
    }

    public static Credential permanent(String accessKey, String secretKey) {
        return new Credential(accessKey, secretKey, Optional.empty(), Optional.empty());
    }

    /// A key of which only the name is known.
    ///
    /// @param why and what to do about it
    public static Credential shut(String accessKey, String why) {
        return new Credential(accessKey, "", Optional.empty(), Optional.empty(), Optional.of(why));
    }

    /// Throws [DomainStorage.Shut] when nobody here knows it.
    @Override
    public String secretKey() {
        if (shut.isPresent()) {
            throw new DomainStorage.Shut(shut.get());
        }
        return secretKey;
    }

    @Override
    public String toString() {
        return "Credential[%s, expires %s]"
                .formatted(accessKey, expiresAt.map(Instant::toString).orElse("never"));
    }
}
