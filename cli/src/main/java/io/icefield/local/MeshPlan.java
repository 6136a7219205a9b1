package io.icefield.local;

import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Everything that is decided before the first process starts: where each part is, which are embedded, all
/// secrets. `external` holds the `ICEFIELD_…` settings of the caller's environment: a part named there is not
/// started.
public record MeshPlan(
        MeshHome home, Ports ports, MeshSecrets secrets, Optional<Path> policies, Map<String, String> external) {
    public static final String DATABASE_URL = "ICEFIELD_DATABASE_URL";
    public static final String S3_ENDPOINT = "ICEFIELD_S3_ENDPOINT";
    public static final String TRINO_URI = "ICEFIELD_TRINO_URI";

    /// A file: the catalog server records its start and its work there.
    private static final String RECORD = "ICEFIELD_RECORD";

    /// Of the launcher and its commands; the catalog server refuses names that it does not know.
    private static final Set<String> NOT_FOR_THE_CATALOG = Set.of(
            "ICEFIELD_HOME",
            RECORD,
            Detached.MARK,
            "ICEFIELD_CACHE",
            "ICEFIELD_MAVEN_REPOSITORY",
            "ICEFIELD_URI",
            "ICEFIELD_TOKEN",
            "ICEFIELD_CLIENT_ID",
            "ICEFIELD_CLIENT_SECRET");

    public MeshPlan {
        external = Map.copyOf(new TreeMap<>(external));
    }

    @Override
    public String toString() {
        return "MeshPlan[%s, %s]".formatted(home, ports);
    }

    public boolean embedsPostgres() {
        return !external.containsKey(DATABASE_URL);
    }

    public boolean embedsS3() {
        return !external.containsKey(S3_ENDPOINT);
    }

    public boolean embedsTrino() {
        return !external.containsKey(TRINO_URI);
    }

    Optional<String> recording() {
        return Optional.ofNullable(external.get(RECORD));
    }

    public URI catalogUri() {
        return URI.create("http://127.0.0.1:" + ports.port(Ports.Service.CATALOG));
    }

    public String jdbcUrl() {
        return external.getOrDefault(
                DATABASE_URL,
                "jdbc:postgresql://127.0.0.1:%d/%s"
                        .formatted(ports.port(Ports.Service.POSTGRES), EmbeddedPostgres.DATABASE));
    }

    public String s3Endpoint() {
        return external.getOrDefault(S3_ENDPOINT, "http://127.0.0.1:" + ports.port(Ports.Service.S3));
    }

    public String s3Region() {
        return external.getOrDefault("ICEFIELD_S3_REGION", "us-east-1");
    }

    public boolean s3PathStyle() {
        return Boolean.parseBoolean(external.getOrDefault("ICEFIELD_S3_PATH_STYLE", "true"));
    }

    public String trinoUri() {
        return external.getOrDefault(TRINO_URI, "https://localhost:" + ports.port(Ports.Service.TRINO));
    }

    /// The certificate to trust; the embedded Trino writes it here before anything starts.
    public Optional<Path> trinoTrustStore() {
        return embedsTrino()
                ? Optional.of(trinoFolder().resolve("trino.pem"))
                : Optional.ofNullable(external.get("ICEFIELD_TRINO_TRUST_STORE"))
                        .map(Path::of);
    }

    public Path trinoFolder() {
        return home.file("trino");
    }

    public Path s3Folder() {
        return home.file("s3");
    }

    /// Downloads and unpacked programs; not part of the home, so that meshes share them.
    public Path cache() {
        return cache(external);
    }

    static Path cache(Map<String, String> environment) {
        return Optional.ofNullable(environment.get("ICEFIELD_CACHE"))
                .map(Path::of)
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "icefield"))
                .toAbsolutePath();
    }

    /// The catalog server's settings: the caller's own, completed by what is embedded.
    public Map<String, String> catalogSettings() {
        Map<String, String> settings = new HashMap<>(external);
        settings.keySet().removeAll(NOT_FOR_THE_CATALOG);
        settings.put("ICEFIELD_HOST", "127.0.0.1");
        settings.put("ICEFIELD_PORT", Integer.toString(ports.port(Ports.Service.CATALOG)));
        settings.put("ICEFIELD_PUBLIC_URI", catalogUri().toString());
        settings.putIfAbsent("ICEFIELD_ADMIN_SECRET", secrets.admin());
        if (!settings.containsKey("ICEFIELD_KEY")) {
            settings.putIfAbsent("ICEFIELD_KEY_FILE", home.file("catalog.key").toString());
        }
        if (embedsPostgres()) {
            settings.put(DATABASE_URL, jdbcUrl());
            settings.put("ICEFIELD_DATABASE_USER", EmbeddedPostgres.USER);
            settings.put("ICEFIELD_DATABASE_PASSWORD", secrets.database());
        }
        if (embedsS3()) {
            settings.put(S3_ENDPOINT, s3Endpoint());
            settings.put("ICEFIELD_S3_REGION", s3Region());
            settings.put("ICEFIELD_S3_ACCESS_KEY", secrets.s3AccessKey());
            settings.put("ICEFIELD_S3_SECRET_KEY", secrets.s3SecretKey());
            settings.put("ICEFIELD_S3_PATH_STYLE", "true");
            settings.put("ICEFIELD_S3_MOVED", "true"); // its port may not be the one of last time
        }
        // A MinIO beside the mesh is on this machine too; only the platform team adds one.
        settings.putIfAbsent("ICEFIELD_STORAGE_ALLOW", "localhost,127.0.0.0/8,::1/128");
        settings.put(TRINO_URI, trinoUri());
        trinoTrustStore().ifPresent(path -> settings.put("ICEFIELD_TRINO_TRUST_STORE", path.toString()));
        policies.ifPresent(folder -> settings.put("ICEFIELD_POLICIES", folder.toString()));
        return settings;
    }
}
