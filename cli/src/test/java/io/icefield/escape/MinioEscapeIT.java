package io.icefield.escape;

import io.icefield.local.Minio;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
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

    /// No UTF-8: what MinIO signs it as nobody can send.
    private static final String OVERLONG =
            "/alpha/core/orders/%c0%ae%c0%ae/orders2/data/secret-sibling, writer, vended";

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
                Set.of(
                        "spellings of a path: GET " + OVERLONG,
                        "spellings of a path: PUT " + OVERLONG,
                        "spellings of a path: DELETE " + OVERLONG),
                gaps(started));
    }

    private static Map<String, String> gaps(Minio minio) {
        Map<String, String> gaps = new HashMap<>();
        String listing =
                "it takes a header or parameter of that name, in whatever case, for the prefix of its policies:"
                        + " a writer sees the names of all objects of the domain's bucket";
        for (String prefix : List.of("", "&prefix=", "&prefix=core%2F", "&prefix=core%2Forders2%2F")) {
            gaps.put("listings: a header named prefix" + prefix + ", writer, vended", listing);
        }
        gaps.put("listings: /alpha?list-type=2&Prefix=core%2Forders%2F, writer, vended", listing);
        String accounts = "a session key may list and delete the access keys of its own user, whatever its policy:"
                + " the catalog's user must have none";
        gaps.put("more keys: administration: list-service-accounts, writer, vended", accounts);
        gaps.put("more keys: ends an account of the root's, writer, vended", accounts);
        String unsigned = "CVE-2026-41145 and CVE-2026-40344: whoever knows the name of a user writes as that user";
        gaps.put("signatures: none, a name in the query and a trailer, nobody, bare", unsigned);
        gaps.put("signatures: invented, with an archive, nobody, bare", unsigned);
        if (minio.isContainer()) {
            String older = "CVE-2025-62506, mended in RELEASE.2025-10-15, of which there is no image";
            gaps.put("more keys: a service account, writer, admin", older);
            gaps.put("more keys: the service account reads, nobody, admin", older);
        }
        return gaps;
    }

    @AfterAll
    void close() throws Exception {
        if (minio != null) {
            minio.close();
        }
    }
}
