package io.icefield.system;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import io.icefield.local.EmbeddedPostgres;
import io.icefield.local.EmbeddedS3;
import io.icefield.local.Part;
import io.icefield.local.Running;
import io.icefield.local.Supervisor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.iceberg.rest.RESTCatalog;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/// Several catalog servers on one PostgreSQL and one S3, no engine and no policies. One that is killed comes back.
final class Replicas implements AutoCloseable {
    private static final String REGION = "us-east-1";
    private static final String S3_USER = "root";
    private static final Duration COMMAND_PATIENCE = Duration.ofMinutes(1);

    private final Supervisor parts;
    private final String database;
    private final EmbeddedS3 s3;
    private final String s3Secret;
    private final List<URI> uris;
    private final String adminSecret;
    private final Path keyFile;

    private Replicas(
            Supervisor parts,
            String database,
            EmbeddedS3 s3,
            String s3Secret,
            List<URI> uris,
            String adminSecret,
            Path keyFile) {
        this.parts = parts;
        this.database = database;
        this.s3 = s3;
        this.s3Secret = s3Secret;
        this.uris = List.copyOf(uris);
        this.adminSecret = adminSecret;
        this.keyFile = keyFile;
    }

    static Replicas start(int count) throws Exception {
        return start(count, Map.of());
    }

    /// @param more settings
    static Replicas start(int count, Map<String, String> more) throws Exception {
        Path home = Files.createTempDirectory(Files.createDirectories(Path.of("target/replicas")), "mesh")
                .toAbsolutePath();
        System.out.println("the replicas' logs are in " + home);
        Supervisor parts = new Supervisor(home, new Quiet());
        Runtime.getRuntime().addShutdownHook(new Thread(parts::stop, "stop the replicas"));

        String password = UUID.randomUUID().toString();
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "icefield-test-cache");
        EmbeddedPostgres postgres = new EmbeddedPostgres(
                new EmbeddedPostgres.Settings(home.resolve("postgres"), freePort(), password, cache));
        parts.start(postgres);
        String s3Secret = UUID.randomUUID().toString();
        EmbeddedS3 s3 = new EmbeddedS3(new EmbeddedS3.Settings(home.resolve("s3"), 0, S3_USER, s3Secret, REGION));
        s3.start();

        String adminSecret = UUID.randomUUID().toString();
        Path noPolicies = Files.createDirectory(home.resolve("no-policies"));
        List<URI> uris = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            URI uri = URI.create("http://127.0.0.1:" + freePort());
            Map<String, String> environment = new TreeMap<>(Map.ofEntries(
                    Map.entry("CLASSPATH", System.getProperty("java.class.path")),
                    Map.entry("ICEFIELD_PORT", Integer.toString(uri.getPort())),
                    Map.entry("ICEFIELD_DATABASE_URL", postgres.jdbcUrl()),
                    Map.entry("ICEFIELD_DATABASE_USER", EmbeddedPostgres.USER),
                    Map.entry("ICEFIELD_DATABASE_PASSWORD", password),
                    Map.entry("ICEFIELD_S3_ENDPOINT", s3.endpoint().toString()),
                    Map.entry("ICEFIELD_S3_ACCESS_KEY", S3_USER),
                    Map.entry("ICEFIELD_S3_SECRET_KEY", s3Secret),
                    Map.entry("ICEFIELD_POLICIES", noPolicies.toString()),
                    Map.entry("ICEFIELD_KEY_FILE", home.resolve("catalog.key").toString()),
                    Map.entry("ICEFIELD_ADMIN_SECRET", adminSecret)));
            environment.putAll(more);
            parts.start(new Server("catalog-" + number, uri, home, environment));
            uris.add(uri);
        }
        String database = postgres.jdbcUrl() + "?user=" + EmbeddedPostgres.USER + "&password=" + password;
        return new Replicas(parts, database, s3, s3Secret, uris, adminSecret, home.resolve("catalog.key"));
    }

    List<URI> uris() {
        return uris;
    }

    /// Of the keys that seal secrets; all replicas read it.
    Path keyFile() {
        return keyFile;
    }

    EmbeddedS3 store() {
        return s3;
    }

    /// Our command line, speaking to the first replica as the administrator.
    Ran icefield(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "io.icefield.cli.Icefield"));
        command.addAll(List.of(arguments));
        return Ran.command(
                command,
                keyFile.resolveSibling(""),
                Map.of(
                        "CLASSPATH",
                        System.getProperty("java.class.path"),
                        "ICEFIELD_URI",
                        uris.getFirst().toString(),
                        "ICEFIELD_CLIENT_ID",
                        "admin",
                        "ICEFIELD_CLIENT_SECRET",
                        adminSecret),
                "",
                COMMAND_PATIENCE);
    }

    ApiClient admin() {
        return ApiClient.withCredential(uris.getFirst(), new Credential("admin", adminSecret));
    }

    /// A token of the administrator; all replicas take it.
    String token(HttpClient http) throws IOException, InterruptedException {
        String form = "grant_type=client_credentials&client_id=admin&client_secret="
                + URLEncoder.encode(adminSecret, StandardCharsets.UTF_8);
        HttpRequest request = HttpRequest.newBuilder(uris.getFirst().resolve("/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        JsonNode answer = Mesh.JSON.readTree(
                http.send(request, HttpResponse.BodyHandlers.ofString()).body());
        return answer.path("access_token").asText();
    }

    /// Iceberg's own client of the first replica, as the administrator.
    RESTCatalog iceberg(String warehouse) {
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize(
                warehouse,
                Map.of(
                        "uri",
                        uris.getFirst().resolve("/iceberg").toString(),
                        "warehouse",
                        warehouse,
                        "credential",
                        "admin:" + adminSecret,
                        "oauth2-server-uri",
                        uris.getFirst().resolve("/iceberg/v1/oauth/tokens").toString(),
                        "header.X-Iceberg-Access-Delegation",
                        "vended-credentials",
                        "io-impl",
                        "org.apache.iceberg.aws.s3.S3FileIO",
                        "http-client.type",
                        "urlconnection"));
        return catalog;
    }

    /// The servers' database.
    Connection database() throws SQLException {
        return DriverManager.getConnection(database);
    }

    /// The store, with its own key.
    S3Client bucket() {
        return S3Client.builder()
                .endpointOverride(s3.endpoint())
                .region(Region.of(REGION))
                .forcePathStyle(true)
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(S3_USER, s3Secret)))
                .build();
    }

    /// `kill -9`.
    void kill(int replica) {
        Optional<ProcessHandle> process = parts.running().stream()
                .filter(part -> part.name().equals("catalog-" + (replica + 1)))
                .findFirst()
                .flatMap(Running::alive);
        process.orElseThrow(() -> new AssertionError("replica %d does not run".formatted(replica)))
                .destroyForcibly();
    }

    @Override
    public void close() {
        parts.stop();
        s3.close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /// What `icefield server` runs.
    private record Server(String name, URI uri, Path folder, Map<String, String> environment) implements Part {
        @Override
        public Launch launch() {
            return new Launch(
                    List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:+UseSerialGC",
                            "-Xmx512m",
                            "io.icefield.Main"),
                    environment,
                    folder,
                    StopSignal.TERM);
        }

        @Override
        public boolean ready() throws InterruptedException {
            HttpRequest probe = HttpRequest.newBuilder(uri.resolve("/health/ready"))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            try (HttpClient http = HttpClient.newHttpClient()) {
                return http.send(probe, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException _) {
                return false;
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final class Quiet implements Supervisor.Listener {
        @Override
        public void changed(List<Running> running) {}

        @Override
        public void say(String line) {
            System.out.println(line);
        }
    }
}
