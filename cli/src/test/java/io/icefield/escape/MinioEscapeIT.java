package io.icefield.escape;

import io.icefield.local.Minio;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;

/// A real MinIO.
class MinioEscapeIT extends EscapeSuite {
    @TempDir
    private static Path folder;

    private @Nullable Minio minio;

    @Override
    Store store() throws Exception {
        Minio started = new Minio(folder);
        minio = started;
        return new Store(
                "minio",
                started.endpoint(),
                new Sigv4.Key(started.accessKey(), started.secretKey(), ""),
                Optional.empty(),
                Set.of(),
                Map.of());
    }

    @AfterAll
    void close() throws Exception {
        if (minio != null) {
            minio.close();
        }
    }
}
