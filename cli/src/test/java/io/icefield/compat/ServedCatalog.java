package io.icefield.compat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
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
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import org.apache.iceberg.rest.RESTCatalog;

/// A catalog server with its PostgreSQL and S3, no engine and no policies: one for all tests of this JVM, and it
/// ends with it.
final class ServedCatalog {
    private static final FutureTask<ServedCatalog> SHARED = new FutureTask<>(ServedCatalog::start);
    private static final String OWNERS = "testers";

    private final URI uri;
    private final ApiClient admin;
    private final Credential tester;
    private final Supervisor parts;
    private final Map<String, String> settings;
    private final Path home;
    private final String adminSecret;

    private ServedCatalog(
            URI uri,
            ApiClient admin,
            Credential tester,
            Supervisor parts,
            Map<String, String> settings,
            Path home,
            String adminSecret) {
        this.uri = uri;
        this.admin = admin;
        this.tester = tester;
        this.parts = parts;
        this.settings = settings;
        this.home = home;
        this.adminSecret = adminSecret;
    }

    /// Another server on the same database.
    ServedCatalog replica(String name, Map<String, String> more) throws Exception {
        URI at = URI.create("http://127.0.0.1:" + freePort());
        Map<String, String> own = new HashMap<>(settings);
        own.put("ICEFIELD_PORT", Integer.toString(at.getPort()));
        own.putAll(more);
        parts.start(new Server(name, at, home, own));
        ApiClient client = ApiClient.withCredential(at, new Credential("admin", adminSecret));
        return new ServedCatalog(at, client, tester, parts, settings, home, adminSecret);
    }

    URI uri() {
        return uri;
    }

    /// Started at the first call. All callers fail alike when it does not start.
    static ServedCatalog shared() throws Exception {
        SHARED.run();
        return SHARED.get();
    }

    private static ServedCatalog start() throws Exception {
        Path home = Files.createTempDirectory(Files.createDirectories(Path.of("target/compat")), "served")
                .toAbsolutePath();
        System.out.println("the catalog's logs are in " + home);
        Supervisor parts = new Supervisor(home, new Quiet());
        Runtime.getRuntime().addShutdownHook(new Thread(parts::stop, "stop the catalog"));

        String password = UUID.randomUUID().toString();
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "icefield-test-cache");
        EmbeddedPostgres postgres = new EmbeddedPostgres(
                new EmbeddedPostgres.Settings(home.resolve("postgres"), freePort(), password, cache));
        parts.start(postgres);
        String s3Secret = UUID.randomUUID().toString();
        EmbeddedS3 s3 = new EmbeddedS3(new EmbeddedS3.Settings(home.resolve("s3"), 0, "root", s3Secret, "us-east-1"));
        s3.start();

        URI uri = URI.create("http://127.0.0.1:" + freePort());
        String adminSecret = UUID.randomUUID().toString();
        Map<String, String> settings = Map.ofEntries(
                Map.entry("ICEFIELD_PORT", Integer.toString(uri.getPort())),
                Map.entry("ICEFIELD_DATABASE_URL", postgres.jdbcUrl()),
                Map.entry("ICEFIELD_DATABASE_USER", EmbeddedPostgres.USER),
                Map.entry("ICEFIELD_DATABASE_PASSWORD", password),
                Map.entry("ICEFIELD_S3_ENDPOINT", s3.endpoint().toString()),
                Map.entry("ICEFIELD_S3_ACCESS_KEY", "root"),
                Map.entry("ICEFIELD_S3_SECRET_KEY", s3Secret),
                Map.entry(
                        "ICEFIELD_POLICIES",
                        Files.createDirectory(home.resolve("no-policies")).toString()),
                Map.entry("ICEFIELD_KEY_FILE", home.resolve("catalog.key").toString()),
                Map.entry("ICEFIELD_ADMIN_SECRET", adminSecret));
        parts.start(new Server("catalog", uri, home, settings));

        ApiClient admin = ApiClient.withCredential(uri, new Credential("admin", adminSecret));
        return new ServedCatalog(uri, admin, user(admin, "tester", OWNERS), parts, settings, home, adminSecret);
    }

    /// Makes a domain that the client's principal owns. Answers the location of its files.
    String domain(String name) {
        JsonNode domain = admin.post(
                ApiClient.path("domains"),
                JsonNodeFactory.instance
                        .objectNode()
                        .put("name", name)
                        .set("owners", JsonNodeFactory.instance.arrayNode().add(OWNERS)));
        return "s3://" + domain.path("bucket").asText();
    }

    /// The principal of `client`, an owner of every domain made here.
    Credential tester() {
        return tester;
    }

    /// A new user who owns nothing and may nothing.
    Credential stranger(String name) {
        return user(admin, name, "strangers");
    }

    private static Credential user(ApiClient admin, String name, String group) {
        JsonNode user = admin.post(
                ApiClient.path("principals"),
                JsonNodeFactory.instance
                        .objectNode()
                        .put("name", name)
                        .put("kind", "user")
                        .set("groups", JsonNodeFactory.instance.arrayNode().add(group)));
        return new Credential(
                user.path("client-id").asText(), user.path("client-secret").asText());
    }

    /// A GET of something of a table, as the client's principal.
    JsonNode get(String domain, String namespace, String table, String what) throws IOException, InterruptedException {
        return call(HttpRequest.newBuilder(at(domain, namespace, table, what)));
    }

    JsonNode post(String domain, String namespace, String table, String what, String body)
            throws IOException, InterruptedException {
        return call(HttpRequest.newBuilder(at(domain, namespace, table, what))
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private URI at(String domain, String namespace, String table, String what) {
        return uri.resolve("/iceberg/v1/%s/namespaces/%s/tables/%s%s".formatted(domain, namespace, table, what));
    }

    private JsonNode call(HttpRequest.Builder request) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpRequest token = HttpRequest.newBuilder(uri.resolve("/iceberg/v1/oauth/tokens"))
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString(
                            "grant_type=client_credentials&client_id=%s&client_secret=%s"
                                    .formatted(tester.clientId(), tester.clientSecret())))
                    .build();
            ObjectMapper json = new ObjectMapper();
            String bearer = json.readTree(http.send(token, HttpResponse.BodyHandlers.ofString())
                            .body())
                    .path("access_token")
                    .asText();
            return json.readTree(http.send(
                            request.header("Authorization", "Bearer " + bearer).build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body());
        }
    }

    /// Iceberg's client with a principal's secret and nothing else: keys to the files come from the server.
    RESTCatalog client(String name, String domain, Map<String, String> more) {
        Map<String, String> properties = new HashMap<>(Map.of(
                "uri",
                uri.resolve("/iceberg").toString(),
                "warehouse",
                domain,
                "credential",
                tester.clientId() + ":" + tester.clientSecret(),
                "oauth2-server-uri",
                uri.resolve("/iceberg/v1/oauth/tokens").toString(),
                "io-impl",
                "org.apache.iceberg.aws.s3.S3FileIO",
                "http-client.type",
                "urlconnection"));
        properties.putAll(more);
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize(name, properties);
        return catalog;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /// What `icefield server` runs.
    private record Server(String name, URI uri, Path folder, Map<String, String> settings) implements Part {
        @Override
        public Launch launch() {
            Map<String, String> environment = new HashMap<>(settings);
            environment.put("CLASSPATH", System.getProperty("java.class.path"));
            return new Launch(
                    List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
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
