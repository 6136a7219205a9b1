package io.icefield.local;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;

/// The embedded store, whose session keys age at a word.
public final class AgingS3 implements AutoCloseable {
    private volatile Duration ahead = Duration.ZERO;
    private final EmbeddedS3 s3;

    public AgingS3(Path folder, String accessKey, String secretKey) throws IOException {
        InstantSource clock = () -> Instant.now().plus(ahead);
        s3 = new EmbeddedS3(
                new EmbeddedS3.Settings(folder, 0, accessKey, secretKey, "us-east-1"), clock.withZone(ZoneOffset.UTC));
        s3.start();
    }

    public URI endpoint() {
        return s3.endpoint();
    }

    /// From now on the store's sessions are so much older.
    public void age(Duration time) {
        ahead = time;
    }

    @Override
    public void close() {
        s3.close();
    }
}
