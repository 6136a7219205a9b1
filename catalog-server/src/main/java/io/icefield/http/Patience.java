package io.icefield.http;

import java.time.Duration;

/// How long the server waits for its clients' bytes.
///
/// @param idle nothing at all is sent or taken
/// @param grace a body or an answer has so long, whatever its length
/// @param bytesPerSecondMin and so much longer as its length is at this pace
public record Patience(Duration idle, Duration grace, int bytesPerSecondMin) {
    public static final Patience USUAL = new Patience(Duration.ofSeconds(30), Duration.ofSeconds(20), 32 << 10);

    /// Of a body or an answer, in nanoseconds.
    long nanos(long bytes) {
        return grace.toNanos() + bytes * 1_000_000_000L / bytesPerSecondMin;
    }
}
