package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.query.QueryEngine;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.function.Supplier;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/// Trino as one process of the local mesh: HTTPS with a certificate of its own, users proven by the catalog's tokens,
/// every decision asked of the catalog, catalogs created at run time.
public final class TrinoProcess {
    private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));
    private static final String PLUGIN = "io/icefield/query/plugin";
    private static final String SERVICE = "META-INF/services/io.trino.spi.Plugin";

    /// @param distribution what [TrinoDistribution#assemble] returned
    /// @param folder of this process alone, made when absent; holds its configuration, key and certificate
    /// @param catalog the catalog server's URI; it must be up before Trino starts, which reads the token keys first
    /// @param engineCredential `id:secret` of the engine principal
    public record Settings(
            Path distribution, Path folder, int port, URI catalog, String engineCredential, int heapMegabytes) {
        public static final int HEAP_MEGABYTES = 1024;

        @Override
        public String toString() {
            return "Settings[%s on port %d, catalog %s]".formatted(folder, port, catalog);
        }
    }

    private final Settings settings;

    public TrinoProcess(Settings settings) {
        this.settings = settings;
    }

    /// Where clients connect.
    public URI uri() {
        return URI.create("https://localhost:" + settings.port());
    }

    /// The certificate that clients must trust, PEM. Exists after [#prepare].
    public Path certificate() {
        return settings.folder().resolve("trino.pem");
    }

    /// Makes the key and the certificate, if they are not there yet: clients and the catalog may read the latter before
    /// the start.
    public void certify() throws IOException {
        Files.createDirectories(settings.folder());
        keyStore(settings.folder());
    }

    /// The folder made ready, and the command that starts Trino in it; input and output are for the caller to connect.
    public ProcessBuilder prepare() throws IOException {
        Path folder = settings.folder();
        Files.createDirectories(folder);
        Path etc = Files.createDirectories(folder.resolve("etc"));
        String keyPassword = keyStore(folder);
        Files.writeString(etc.resolve("config.properties"), config());
        Files.writeString(etc.resolve("access-control.properties"), """
                access-control.name=icefield
                icefield.uri=%s
                icefield.credential=${ENV:ICEFIELD_ENGINE_CREDENTIAL}
                """.formatted(settings.catalog()));
        plugins(folder.resolve("plugin"));

        ProcessBuilder process = new ProcessBuilder(command()).directory(folder.toFile());
        // What is in the environment can be named in CREATE CATALOG: no more than Trino needs.
        process.environment().keySet().removeIf(name -> name.startsWith("ICEFIELD_"));
        process.environment().put("ICEFIELD_ENGINE_CREDENTIAL", settings.engineCredential());
        process.environment().put("ICEFIELD_TRINO_KEY_PASSWORD", keyPassword);
        process.environment().put("ICEFIELD_TRINO_SHARED_SECRET", random());
        return process;
    }

    /// Returns when a query was answered, asked with a token of any user; throws `IOException` when that takes longer
    /// than `patience`. Then the catalog `tpch` is there too.
    public void awaitReady(Supplier<String> token, Duration patience) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(patience);
        while (true) {
            try {
                // `/v1/info` says ready some seconds before a query can run.
                query(token.get());
                return;
            } catch (SQLException e) {
                if (Instant.now().isAfter(end)) {
                    throw new IOException(
                            "Trino answers no query at %s after %d s: %s"
                                    .formatted(uri(), patience.toSeconds(), e.getMessage()),
                            e);
                }
                Thread.sleep(100);
            }
        }
    }

    private void query(String token) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("SSL", "true");
        properties.setProperty("SSLTrustStorePath", certificate().toString());
        properties.setProperty("accessToken", token);
        try (Connection connection = DriverManager.getConnection("jdbc:trino://" + uri().getAuthority(), properties);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE CATALOG IF NOT EXISTS tpch USING tpch");
            try (ResultSet rows = statement.executeQuery("SELECT count(*) FROM tpch.tiny.nation")) {
                rows.next();
            }
        }
    }

    private String config() {
        return """
                node.environment=icefield
                node.id=local
                node.bind-ip=127.0.0.1
                node.internal-address=127.0.0.1
                coordinator=true
                node-scheduler.include-coordinator=true
                discovery.uri=https://127.0.0.1:%1$d
                plugin.dir=plugin
                catalog.management=dynamic
                catalog.store=memory
                web-ui.enabled=false
                http-server.http.enabled=false
                http-server.https.enabled=true
                http-server.https.port=%1$d
                http-server.https.keystore.path=trino.p12
                http-server.https.keystore.key=${ENV:ICEFIELD_TRINO_KEY_PASSWORD}
                http-server.authentication.type=JWT
                http-server.authentication.jwt.key-file=%2$s/oauth/jwks
                http-server.authentication.jwt.required-issuer=icefield
                http-server.authentication.jwt.required-audience=icefield
                internal-communication.shared-secret=${ENV:ICEFIELD_TRINO_SHARED_SECRET}
                internal-communication.https.required=true
                """.formatted(settings.port(), settings.catalog());
    }

    private List<String> command() {
        Path trino = settings.distribution();
        List<String> command = new ArrayList<>();
        command.add(JAVA_HOME.resolve("bin", "java").toString());
        command.addAll(List.of(
                "-Xms256M",
                "-Xmx" + settings.heapMegabytes() + "M",
                "-XX:+UseG1GC",
                "-XX:+ExitOnOutOfMemoryError",
                "-XX:-OmitStackTraceInFastThrow",
                "-XX:ReservedCodeCacheSize=256M",
                "-XX:TieredStopAtLevel=1",
                "-XX:+EnableDynamicAgentLoading",
                "-Djdk.attach.allowAttachSelf=true",
                "-Dfile.encoding=UTF-8",
                "--add-modules=jdk.incubator.vector",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(
                "-Dconfig=etc/config.properties",
                "-cp",
                trino.resolve("classes") + ":" + trino.resolve("lib") + "/*",
                TrinoDistribution.MAIN_CLASS));
        return List.copyOf(command);
    }

    /// Trino's connectors as they are in the distribution, and our access control as it is on our own class path, so
    /// that it always is the one this launcher was built with.
    private void plugins(Path folder) throws IOException {
        Files.createDirectories(folder.resolve("icefield"));
        for (String name : List.of("iceberg", "tpch")) {
            Path link = folder.resolve(name);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, settings.distribution().resolve("plugin", name));
        }
        Path jar = folder.resolve("icefield", "icefield.jar");
        Path home;
        try {
            home = Path.of(QueryEngine.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            if (Files.isDirectory(home)) {
                add(home, out);
            } else {
                try (FileSystem inside = FileSystems.newFileSystem(home)) {
                    add(inside.getPath("/"), out);
                }
            }
        }
    }

    private static void add(Path root, JarOutputStream out) throws IOException {
        List<Path> files = new ArrayList<>(List.of(root.resolve(SERVICE)));
        try (Stream<Path> classes = Files.list(root.resolve(PLUGIN))) {
            classes.filter(Files::isRegularFile).sorted().forEach(files::add);
        }
        for (Path file : files) {
            out.putNextEntry(new JarEntry(root.relativize(file).toString()));
            Files.copy(file, out);
        }
    }

    /// Makes the key and the certificate once, so that clients may keep it; returns the key's password.
    private String keyStore(Path folder) throws IOException {
        Path store = folder.resolve("trino.p12");
        Path password = folder.resolve("trino.p12.password");
        if (Files.exists(certificate())) {
            return Files.readString(password);
        }
        Files.deleteIfExists(store);
        Files.deleteIfExists(password);
        Files.createFile(password, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(password, random());
        keytool(
                password,
                "-genkeypair",
                "-alias",
                "trino",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "3650",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost,ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString());
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rw-------"));
        Path exported = folder.resolve("trino.pem.part");
        keytool(
                password,
                "-exportcert",
                "-alias",
                "trino",
                "-rfc",
                "-file",
                exported.toString(),
                "-keystore",
                store.toString());
        Files.move(exported, certificate());
        return Files.readString(password);
    }

    private static void keytool(Path password, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(JAVA_HOME.resolve("bin", "keytool").toString(), "-storepass:file", password.toString()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException("keytool made no certificate for Trino: " + output.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the certificate for Trino was made", e);
        }
    }

    private static String random() {
        byte[] bytes = new byte[32];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
