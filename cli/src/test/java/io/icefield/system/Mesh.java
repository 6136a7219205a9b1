package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import org.apache.iceberg.rest.RESTCatalog;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/// The local mesh, started by its launcher as a user starts it: one for all system tests of this JVM, stopped
/// with it. Its policies are the starter pack and one row filter.
final class Mesh {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();

    /// Analysts see only the rows of tables `filtered` whose column `region` is `EU`.
    static final String FILTERED_TABLE = "filtered";

    private static final Duration COMMAND_PATIENCE = Duration.ofMinutes(5);
    /// The first start downloads Trino.
    private static final Duration START_PATIENCE = Duration.ofMinutes(15);

    /// A company's own provider, whose users' names begin with `acme.` here.
    static final MockOAuth2Server OIDC = new MockOAuth2Server();

    static final String ISSUER = "acme";

    private static final FutureTask<Mesh> SHARED = new FutureTask<>(Mesh::start);

    private final Path home;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, String> tokens = new ConcurrentHashMap<>();
    private volatile @Nullable JsonNode status;

    private Mesh(Path home) {
        this.home = home;
    }

    /// A principal of the local mesh, with its secret.
    record Identity(String clientId, String clientSecret) {
        String credential() {
            return clientId + ":" + clientSecret;
        }

        @Override
        public String toString() {
            return "Identity[" + clientId + "]";
        }
    }

    /// The mesh of this JVM, started at the first call. All callers fail alike when it does not start.
    static Mesh shared() throws Exception {
        SHARED.run();
        return SHARED.get();
    }

    private static Mesh start() throws Exception {
        Path folder = Files.createDirectories(CHECKOUT.resolve("cli/target/system"));
        Path home = Files.createTempDirectory(folder, "mesh");
        Path policies = Files.createDirectory(home.resolveSibling(home.getFileName() + "-policies"));
        try (Stream<Path> starter =
                Files.list(CHECKOUT.resolve("policies/src/main/resources/io/icefield/policy/file/starter"))) {
            for (Path file : starter.toList()) {
                Files.copy(file, policies.resolve(file.getFileName()));
            }
        }
        Files.writeString(policies.resolve("rows.yaml"), """
                apiVersion: icefield.io/v1
                kind: RowFilter
                metadata: {name: european-rows}
                spec:
                  scope: {tables: [%s]}
                  column: region
                  values: [EU]
                  except: {groups: [stewards]}
                """.formatted(FILTERED_TABLE));
        // Maven has just built what the launcher would build; a second build would pull the jars from under us.
        Files.writeString(CHECKOUT.resolve("cli/target/launcher.stamp"), "");

        Mesh mesh = new Mesh(home);
        OIDC.start(InetAddress.getLoopbackAddress(), 0);
        Path issuers = Files.writeString(
                policies.resolveSibling(home.getFileName() + "-issuers.yaml"), """
                issuers:
                  - issuer: %s
                    audience: mesh
                    prefix: acme.
                """.formatted(OIDC.issuerUrl(ISSUER)));
        Runtime.getRuntime().addShutdownHook(new Thread(mesh::stop, "stop the mesh"));
        Instant begin = Instant.now();
        mesh.command(
                        START_PATIENCE,
                        Map.of("ICEFIELD_ISSUERS", issuers.toString()),
                        "up",
                        "--detach",
                        "--policies",
                        policies.toString())
                .ok();
        System.out.printf(
                "mesh in %s, up after %d s%n",
                home, Duration.between(begin, Instant.now()).toSeconds());
        return mesh;
    }

    private void stop() {
        try {
            icefield("down");
            OIDC.shutdown();
        } catch (IOException | InterruptedException e) {
            System.err.println("the mesh was not stopped: " + e);
        }
    }

    /// Runs the launcher: `icefield --home HOME …`.
    Ran icefield(String... arguments) throws IOException, InterruptedException {
        return command(COMMAND_PATIENCE, Map.of(), arguments);
    }

    private Ran command(Duration patience, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(CHECKOUT.resolve("icefield").toString(), "--home", home.toString()));
        command.addAll(List.of(arguments));
        return Ran.command(command, CHECKOUT, environment, "", patience);
    }

    Path home() {
        return home;
    }

    /// What `icefield status --output json` says now.
    JsonNode status() throws IOException, InterruptedException {
        JsonNode now = JSON.readTree(icefield("status", "--output", "json").ok().out());
        status = now;
        return now;
    }

    private JsonNode known() throws IOException, InterruptedException {
        JsonNode last = status;
        return last == null ? status() : last;
    }

    private URI uri(String part) throws IOException, InterruptedException {
        return URI.create(known().path(part).path("uri").asText());
    }

    /// `path` begins with `/iceberg`, `/api/v1`, …: all of it is the catalog server.
    URI catalog(String path) throws IOException, InterruptedException {
        return URI.create(uri("api").toString().replaceFirst("/api/v1/?$", "") + path);
    }

    URI trino() throws IOException, InterruptedException {
        return uri("trino");
    }

    Identity identity(String principal) throws IOException, InterruptedException {
        for (JsonNode found : List.of(known(), status())) {
            for (JsonNode each : found.path("principals")) {
                if (each.path("name").asText().equals(principal)) {
                    return new Identity(
                            each.path("client-id").asText(),
                            each.path("client-secret").asText());
                }
            }
        }
        throw new AssertionError("no principal `" + principal + "` in the status");
    }

    /// Makes a domain, and its job with it.
    void domain(String name, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("domain", "create", name));
        command.addAll(List.of(options));
        icefield(command.toArray(String[]::new)).ok();
        status();
    }

    String bucket(String domain) throws IOException, InterruptedException {
        for (JsonNode found : List.of(known(), status())) {
            for (JsonNode each : found.path("domains")) {
                if (each.path("name").asText().equals(domain)) {
                    return each.path("bucket").asText();
                }
            }
        }
        throw new AssertionError("no domain `" + domain + "` in the status");
    }

    // ---- HTTP

    /// An answer of the catalog server.
    record Answer(int status, String body, HttpResponse<String> response) {
        JsonNode json() throws IOException {
            return JSON.readTree(body);
        }

        String message() throws IOException {
            return json().path("error").path("message").asText();
        }
    }

    /// An access token of a principal; asked for once.
    String token(String principal) throws IOException, InterruptedException {
        String kept = tokens.get(principal);
        if (kept != null) {
            return kept;
        }
        String token = token(identity(principal));
        tokens.put(principal, token);
        return token;
    }

    String token(Identity identity) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(catalog("/iceberg/v1/oauth/tokens"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials&client_id=%s&client_secret=%s"
                        .formatted(
                                URLEncoder.encode(identity.clientId(), UTF_8),
                                URLEncoder.encode(identity.clientSecret(), UTF_8))))
                .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        String token = JSON.readTree(answer.body()).path("access_token").asText();
        if (answer.statusCode() != 200 || token.isEmpty()) {
            throw new AssertionError("no token for %s: %d".formatted(identity, answer.statusCode()));
        }
        return token;
    }

    /// A principal that is no part of the local mesh's own: a user without any grant.
    Identity stranger(String name) throws IOException, InterruptedException {
        Answer answer = call("admin", "POST", "/api/v1/principals", """
                {"name":"%s","kind":"user","groups":[]}""".formatted(name));
        if (answer.status() != 201) {
            throw new AssertionError(answer.body());
        }
        return new Identity(
                answer.json().path("client-id").asText(),
                answer.json().path("client-secret").asText());
    }

    /// One request as a principal; an empty body means none.
    Answer call(String principal, String method, String path, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(catalog(path))
                .header("Authorization", "Bearer " + token(principal))
                .timeout(Duration.ofMinutes(2));
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        return send(request.method(method, HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    Answer send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString(UTF_8));
        return new Answer(response.statusCode(), response.body(), response);
    }

    // ---- Iceberg

    /// Iceberg's own client, with nothing but the principal's secret: keys to the files come from the server.
    RESTCatalog iceberg(String domain, String principal) throws IOException, InterruptedException {
        Map<String, String> properties = new HashMap<>();
        properties.put("uri", uri("iceberg").toString());
        properties.put("warehouse", domain);
        properties.put("credential", identity(principal).credential());
        properties.put(
                "oauth2-server-uri",
                known().path("iceberg").path("oauth2-server-uri").asText());
        properties.put("header.X-Iceberg-Access-Delegation", "vended-credentials");
        properties.put("io-impl", "org.apache.iceberg.aws.s3.S3FileIO");
        properties.put("http-client.type", "urlconnection");
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize(domain, properties);
        return catalog;
    }

    // ---- SQL

    /// A connection to Trino, proven by the principal's token.
    Connection sql(String principal) throws IOException, InterruptedException, SQLException {
        return sqlWithToken(token(principal));
    }

    Connection sqlWithToken(String token) throws IOException, InterruptedException, SQLException {
        Properties properties = new Properties();
        properties.setProperty("SSL", "true");
        properties.setProperty("SSLTrustStorePath", trinoCertificate().toString());
        properties.setProperty("accessToken", token);
        return DriverManager.getConnection("jdbc:trino://" + trino().getAuthority(), properties);
    }

    /// The rows of a query as text, `null` as `∅`.
    List<List<String>> rows(String principal, String query) throws IOException, InterruptedException, SQLException {
        try (Connection connection = sql(principal);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            return texts(result);
        }
    }

    static List<List<String>> texts(ResultSet result) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (int column = 1; column <= result.getMetaData().getColumnCount(); column++) {
                String value = result.getString(column);
                row.add(value == null ? "∅" : value);
            }
            rows.add(row);
        }
        return rows;
    }

    void execute(String principal, String statement) throws IOException, InterruptedException, SQLException {
        try (Connection connection = sql(principal);
                Statement run = connection.createStatement()) {
            run.execute(statement);
        }
    }

    /// The certificate that the mesh made for its Trino.
    Path trinoCertificate() throws IOException {
        try (Stream<Path> files = Files.walk(home, 3)) {
            return files.filter(file -> file.endsWith("trino.pem"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no trino.pem in " + home));
        }
    }

    /// An HTTP client that trusts Trino's certificate.
    HttpClient trinoHttp() throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream pem = Files.newInputStream(trinoCertificate())) {
            trusted.setCertificateEntry(
                    "trino", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return HttpClient.newBuilder()
                .sslContext(context)
                .version(HttpClient.Version.HTTP_1_1) // over HTTP/2, Trino resets a stream that it refuses early
                .build();
    }

    // ---- objects

    /// An S3 client of the embedded store with any credentials.
    S3Client s3(AwsCredentials credentials) throws IOException, InterruptedException {
        JsonNode at = known().path("s3");
        return S3Client.builder()
                .endpointOverride(URI.create(at.path("endpoint").asText()))
                .region(Region.of(at.path("region").asText()))
                .forcePathStyle(at.path("path-style-access").asBoolean())
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .credentialsProvider(StaticCredentialsProvider.create(credentials))
                .build();
    }

    /// With the store's own key, which only the mesh's home has.
    S3Client s3AsRoot() throws IOException, InterruptedException {
        JsonNode secrets = JSON.readTree(home.resolve("secrets.json").toFile());
        return s3(AwsBasicCredentials.create(
                secrets.path("s3-access-key").asText(),
                secrets.path("s3-secret-key").asText()));
    }

    /// The keys of all objects in a domain's bucket.
    NavigableSet<String> objects(String domain) throws IOException, InterruptedException {
        try (S3Client s3 = s3AsRoot()) {
            NavigableSet<String> keys = new TreeSet<>();
            String bucket = bucket(domain);
            s3.listObjectsV2Paginator(list -> list.bucket(bucket)).contents().stream()
                    .map(S3Object::key)
                    .forEach(keys::add);
            return keys;
        }
    }

    // ---- processes

    /// `kill -9` for a part of the mesh: `catalog`, `postgres`, …
    void kill(String part) throws IOException, InterruptedException {
        JsonNode process = StreamSupport.stream(status().path("processes").spliterator(), false)
                .filter(each -> each.path("name").asText().equals(part))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no process `" + part + "` in the status"));
        ProcessHandle.of(process.path("pid").asLong())
                .orElseThrow(() -> new AssertionError("`" + part + "` does not run"))
                .destroyForcibly();
    }

    /// Waits until the catalog server says that it is ready.
    void awaitReady(Duration patience) throws IOException, InterruptedException {
        Instant deadline = Instant.now().plus(patience);
        HttpRequest probe = HttpRequest.newBuilder(catalog("/health/ready"))
                .timeout(Duration.ofSeconds(5))
                .build();
        while (true) {
            try {
                if (send(probe).status() == 200) {
                    return;
                }
            } catch (IOException e) {
                // not up yet
            }
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("the catalog server is not ready after " + patience);
            }
            Thread.sleep(100);
        }
    }
}
