package io.icefield.local;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorageContract;
import io.icefield.storage.RequestSigningContract;
import io.icefield.storage.StorageProfile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/// The embedded store keeps the contract of every store.
class EmbeddedS3StorageTest extends DomainStorageContract {
    private static final Credential ROOT =
            Credential.permanent("root", UUID.randomUUID().toString());
    private static volatile Duration ahead = Duration.ZERO;
    private static final InstantSource CLOCK = () -> Instant.now().plus(ahead);

    @TempDir
    private static Path folder;

    private static EmbeddedS3 s3;

    @BeforeAll
    static void start() throws IOException {
        s3 = new EmbeddedS3(
                new EmbeddedS3.Settings(folder, 0, ROOT.accessKey(), ROOT.secretKey(), "us-east-1"),
                CLOCK.withZone(ZoneOffset.UTC));
        s3.start();
    }

    @AfterAll
    static void stop() {
        s3.close();
    }

    @AfterEach
    void backToNow() {
        ahead = Duration.ZERO;
    }

    @Override
    protected StorageProfile profile(String bucket) {
        return new StorageProfile(
                new DomainName("sales"),
                bucket,
                "",
                Optional.of(s3.endpoint()),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                ROOT);
    }

    @Override
    protected Habits habits() {
        return new Habits("InvalidToken", true);
    }

    @Override
    protected boolean passTime(Duration time) {
        ahead = time;
        return true;
    }

    @Nested
    class Signing extends RequestSigningContract {
        @Override
        protected StorageProfile store(String bucket) {
            return profile(bucket);
        }

        @Override
        protected boolean keepsToSignatures() {
            return true;
        }
    }
}
