package io.icefield.escape;

import io.icefield.local.AgingS3;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;

/// The store of the local mesh.
class EmbeddedEscapeIT extends EscapeSuite {
    @TempDir
    private static Path folder;

    private @Nullable AgingS3 s3;

    @Override
    Store store() throws Exception {
        Sigv4.Key root = new Sigv4.Key("root", UUID.randomUUID().toString(), "");
        AgingS3 started = new AgingS3(folder, root.id(), root.secret());
        s3 = started;
        return new Store(
                "embedded",
                started.endpoint(),
                root,
                Optional.of(started::age),
                Set.of("headers: two hosts, writer, vended"),
                Map.of());
    }

    @AfterAll
    void close() {
        if (s3 != null) {
            s3.close();
        }
    }
}
