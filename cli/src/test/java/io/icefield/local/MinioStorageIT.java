package io.icefield.local;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorageContract;
import io.icefield.storage.RequestSigningContract;
import io.icefield.storage.StorageProfile;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/// A real MinIO keeps the contract of every store, but for what docs/storage.md says it cannot.
class MinioStorageIT extends DomainStorageContract {
    @TempDir
    private static Path folder;

    private static @Nullable Minio running;

    @BeforeAll
    static void start() throws Exception {
        running = new Minio(folder);
    }

    @AfterAll
    static void stop() throws Exception {
        if (running != null) {
            running.close();
        }
    }

    /// Every build that the public has.
    @Override
    protected boolean writesUnsigned() {
        return true;
    }

    @Override
    protected StorageProfile profile(String bucket) {
        Minio minio = Objects.requireNonNull(running);
        return new StorageProfile(
                new DomainName("sales"),
                bucket,
                "",
                Optional.of(minio.endpoint()),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                Credential.permanent(minio.accessKey(), minio.secretKey()));
    }

    @Override
    protected Habits habits() {
        return new Habits("InvalidTokenId", false);
    }

    @Nested
    class Signing extends RequestSigningContract {
        @Override
        protected StorageProfile store(String bucket) {
            return profile(bucket);
        }

        @Override
        protected boolean keepsToSignatures() {
            return false;
        }
    }
}
