package io.icefield.domain;

import java.time.Instant;
import java.util.Optional;

/// A grant as it was given.
///
/// @param expiresAt from then on it gives nothing; empty: it does not expire
/// @param by who gave it; this and `at` are empty for what was given before they were kept
public record Given(
        Grant grant, Optional<Instant> expiresAt, Optional<String> by, Optional<Instant> at, Optional<String> reason) {
    public static final int REASON_CHARS_MAX = 1_000;

    public Given {
        reason.ifPresent(Given::checkedReason);
    }

    public static String checkedReason(String reason) {
        if (reason.isBlank() || reason.length() > REASON_CHARS_MAX || reason.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "a reason has 1 to %d characters, no NUL, and is not blank".formatted(REASON_CHARS_MAX));
        }
        return reason;
    }
}
