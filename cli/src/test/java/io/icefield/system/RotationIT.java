package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/// Readers and writers work on two servers, with vended keys and tokens that end, while every key there is
/// changes: the store's, the one that signs tokens, the secrets of the callers, the one that seals all of
/// these. Nobody tries again, and nothing may fail.
class RotationIT {
    private static final int ROUNDS = Integer.parseInt(System.getenv().getOrDefault("ICEFIELD_ROTATIONS", "3"));
    private static final int WORKERS = 4;

    /// Domains that are there to be sealed: more than one batch of secrets.
    private static final int OTHER_DOMAINS = 120;

    /// Longer than a token lives.
    private static final Duration LASTS = Duration.ofSeconds(75);

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /// Between two turns of a worker: many keys at once are to be tried, not how much a machine can do.
    private static final Duration PAUSE = Duration.ofMillis(20);

    /// Some clients sign in for each of their short jobs.
    private static final Duration SHORT_JOB = Duration.ofSeconds(3);

    private static final String DOMAIN = "turning";
    private static final String TABLES = "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables";
    private static final String CONTENT = "what is read again and again";

    private record RootKey(String name, String secret) {}

    private static final RootKey FIRST = new RootKey("root", "");

    private final Random random = new Random();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final Map<String, String> secrets = new ConcurrentHashMap<>();
    private final Set<String> secretsUsed = ConcurrentHashMap.newKeySet();
    private final Set<String> signedBy = ConcurrentHashMap.newKeySet();
    private final Set<String> vendedKeys = ConcurrentHashMap.newKeySet();
    private final List<Worker> workers = new ArrayList<>();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger appended = new AtomicInteger();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private @Nullable Replicas replicas;

    private Replicas mesh() {
        return Objects.requireNonNull(replicas);
    }

    @Test
    void everyKeyChangesUnderLoadAndNoRequestFails() throws Exception {
        try (Replicas started = Replicas.start(2, Map.of("ICEFIELD_TOKEN_LIFETIME", "PT1M"))) {
            replicas = started;
            setUp();
            List<Thread> threads = new ArrayList<>();
            for (int number = 0; number < WORKERS; number++) {
                workers.add(new Reader(number));
                workers.add(new Writer(number));
            }
            workers.add(new Appender());
            workers.forEach(worker -> threads.add(Thread.ofPlatform().start(worker)));
            Instant end = Instant.now().plus(LASTS);
            awaitTurns(1);
            RootKey rootKey = FIRST;
            int rounds = 0;
            while (failures.isEmpty() && (rounds < ROUNDS || Instant.now().isBefore(end))) {
                rounds++;
                rootKey = changeStorageKey(rootKey);
                changeSealingKey();
                changeSigningKey();
                changeSecrets();
            }
            stop.set(true);
            for (Thread thread : threads) {
                thread.join(PATIENCE);
            }
            System.out.printf("RotationIT: %d rounds, %s%n", rounds, new TreeMap<>(counts));
            assertThat(failures).isEmpty();
            check(rounds);
        }
    }

    private void check(int rounds) throws Exception {
        int rows = WORKERS * rounds;
        assertThat(count("load")).isGreaterThan(10 * rows);
        assertThat(count("get")).isGreaterThan(10 * rows);
        assertThat(count("put")).isGreaterThan(5 * rows);
        assertThat(count("commit")).isGreaterThan(5 * rows);
        assertThat(count("sign in")).isGreaterThan(5 * rows);
        assertThat(appended.get()).isGreaterThan(rounds);
        assertThat(signedBy).as("each new key has signed").hasSizeGreaterThan(rounds);
        assertThat(secretsUsed).as("each new secret was shown").hasSizeGreaterThan(2 * rounds);
        assertThat(vendedKeys).as("each new key of the store has vended").hasSizeGreaterThan(WORKERS * rounds);

        for (Worker worker : workers) {
            worker.check();
        }
        List<JsonNode> keys = mesh().admin().list("/api/v1/sealing-keys", "sealing-keys");
        assertThat(keys).singleElement().satisfies(key -> {
            assertThat(key.path("state").asText()).isEqualTo("sealing");
            assertThat(key.path("secrets").asInt()).isGreaterThan(OTHER_DOMAINS);
        });
        mesh().kill(1);
        URI again = mesh().uris().get(1);
        await(() -> {
            try {
                return get(again, TABLES + "/t0", new Caller("reader", PATIENCE).token())
                                .statusCode()
                        == 200;
            } catch (IOException _) {
                return false;
            }
        });
    }

    private int count(String what) {
        return counts.getOrDefault(what, new AtomicInteger()).get();
    }

    private void setUp() throws Exception {
        ApiClient admin = mesh().admin();
        create(admin, DOMAIN);
        for (int i = 0; i < OTHER_DOMAINS; i++) {
            create(admin, "other" + i);
        }
        for (String name : List.of("reader", "writer")) {
            JsonNode made = admin.post(
                    "/api/v1/principals",
                    Mesh.JSON.createObjectNode().put("name", name).put("kind", "job"));
            secrets.put(name, made.path("client-secret").asText());
            ObjectNode _ = (ObjectNode) admin.post(
                    ApiClient.path("domains", DOMAIN, "grants"),
                    Mesh.JSON
                            .createObjectNode()
                            .put("grantee", "principal:" + name)
                            .put("role", name));
        }
        admin.post("/iceberg/v1/" + DOMAIN + "/namespaces", Mesh.JSON.readTree("{\"namespace\":[\"core\"]}"));
        for (int number = 0; number <= WORKERS; number++) {
            JsonNode table = admin.post(TABLES, Mesh.JSON.readTree("""
                    {"name":"t%d","schema":{"type":"struct","schema-id":0,"fields":[
                    {"id":1,"name":"id","required":false,"type":"long"}]}}""".formatted(number)));
            URI folder = URI.create(table.at("/metadata/location").asText());
            try (S3Client s3 = mesh().bucket()) {
                s3.putObject(
                        put -> put.bucket(folder.getHost()).key(folder.getPath().substring(1) + "/data/known"),
                        RequestBody.fromString(CONTENT));
            }
        }
    }

    private static void create(ApiClient admin, String domain) {
        ObjectNode wanted = Mesh.JSON.createObjectNode().put("name", domain);
        wanted.putArray("owners").add("platform");
        JsonNode _ = admin.post("/api/v1/domains", wanted);
    }

    // --- What changes

    /// The old key is taken from the store as soon as the requests under way with it are over; but for the first one,
    /// which other domains have.
    private RootKey changeStorageKey(RootKey old) throws Exception {
        RootKey next =
                new RootKey("root-" + UUID.randomUUID(), UUID.randomUUID().toString());
        mesh().store().allow(next.name(), next.secret());
        JsonNode _ = mesh().admin()
                .post(
                        ApiClient.path("domains", DOMAIN, "storage", "main", "credentials"),
                        Mesh.JSON
                                .createObjectNode()
                                .put("access-key", next.name())
                                .put("secret-key", next.secret()));
        awaitTurns(2);
        if (!old.equals(FIRST)) {
            mesh().store().withdraw(old.name());
            try (S3Client dead =
                    client(mesh().store().endpoint(), AwsBasicCredentials.create(old.name(), old.secret()))) {
                assertThatThrownBy(dead::listBuckets).isInstanceOf(S3Exception.class);
            }
            awaitTurns(2);
        }
        try (Connection database = mesh().database();
                Statement statement = database.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(*) FROM storages WHERE access_key = '%s'".formatted(next.name()))) {
            assertThat(row.next()).isTrue();
            assertThat(row.getInt(1)).isOne();
        }
        return next;
    }

    private void changeSealingKey() throws Exception {
        Path file = mesh().keyFile();
        mesh().icefield("sealing-key", "add", file.toString()).ok();
        Ran resealed =
                mesh().icefield("sealing-key", "reseal", "--output", "json").ok();
        assertThat(resealed.err()).contains("100 secrets are sealed anew");
        JsonNode keys = Mesh.JSON.readTree(resealed.out()).path("sealing-keys");
        assertThat(keys).hasSize(2);
        assertThat(keys.get(0).path("secrets").asInt()).isGreaterThan(OTHER_DOMAINS);
        assertThat(keys.get(1).path("state").asText()).isEqualTo("opening");
        assertThat(keys.get(1).path("secrets").asInt()).isZero();
        awaitTurns(2);
        Path only = Files.writeString(
                file.resolveSibling("only.key"), Files.readAllLines(file).getFirst() + "\n");
        Files.move(only, file, StandardCopyOption.ATOMIC_MOVE);
        create(
                mesh().admin(),
                "after" + UUID.randomUUID().toString().replace("-", "").substring(0, 12));
        awaitTurns(2);
    }

    /// Twenty minutes pass in the database.
    private void changeSigningKey() throws Exception {
        String next = mesh().admin()
                .post("/api/v1/signing-keys", Mesh.JSON.createObjectNode())
                .path("id")
                .asText();
        for (URI server : mesh().uris()) {
            await(() -> get(server, "/oauth/jwks", "").body().contains(next));
        }
        try (Connection database = mesh().database();
                Statement statement = database.createStatement()) {
            assertThat(statement.executeUpdate(
                            "UPDATE signing_keys SET signs_from = now() WHERE key_id = '%s'".formatted(next)))
                    .isOne();
        }
        await(() -> signedBy.contains(next));
        awaitTurns(2);
    }

    private void changeSecrets() throws Exception {
        for (String name : List.of("reader", "writer")) {
            JsonNode made = mesh().admin()
                    .post(
                            ApiClient.path("principals", name, "secret"),
                            Mesh.JSON.createObjectNode().put("overlap", "PT20S"));
            secrets.put(name, made.path("client-secret").asText());
            await(() -> secretsUsed.contains(secrets.get(name)));
        }
        awaitTurns(2);
    }

    // --- Who works meanwhile

    private URI anyServer() {
        return mesh().uris().get(random.nextInt(mesh().uris().size()));
    }

    private void counted(String what) {
        counts.computeIfAbsent(what, _ -> new AtomicInteger()).incrementAndGet();
    }

    /// A principal that signs in again when most of its token's life is over, or its job.
    private final class Caller {
        private final String name;
        private final Duration job;
        private String token = "";
        private Instant until = Instant.MIN;

        Caller(String name, Duration job) {
            this.name = name;
            this.job = job;
        }

        String token() throws IOException, InterruptedException {
            if (Instant.now().isBefore(until)) {
                return token;
            }
            String secret = secrets.getOrDefault(name, "");
            String form = "grant_type=client_credentials&client_id=%s&client_secret=%s"
                    .formatted(name, URLEncoder.encode(secret, UTF_8));
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(anyServer().resolve("/oauth/token"))
                            .timeout(PATIENCE)
                            .header("Content-Type", "application/x-www-form-urlencoded")
                            .POST(HttpRequest.BodyPublishers.ofString(form))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            expect("sign in", answer);
            JsonNode issued = Mesh.JSON.readTree(answer.body());
            token = issued.path("access_token").asText();
            Duration lives = Duration.ofSeconds(issued.path("expires_in").asLong())
                    .multipliedBy(3)
                    .dividedBy(4);
            until = Instant.now().plus(lives.compareTo(job) < 0 ? lives : job);
            secretsUsed.add(secret);
            signedBy.add(Mesh.JSON
                    .readTree(Base64.getUrlDecoder().decode(token.substring(0, token.indexOf('.'))))
                    .path("kid")
                    .asText());
            return token;
        }
    }

    private void expect(String what, HttpResponse<String> answer) {
        if (answer.statusCode() != 200) {
            throw new AssertionError(
                    "%s at %s: %d %s".formatted(what, answer.uri(), answer.statusCode(), answer.body()));
        }
        counted(what);
    }

    private HttpResponse<String> get(URI server, String path, String token) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(server.resolve(path))
                        .timeout(PATIENCE)
                        .header("Authorization", "Bearer " + token)
                        .header("X-Iceberg-Access-Delegation", "vended-credentials")
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static S3Client client(URI endpoint, AwsCredentials key) {
        return S3Client.builder()
                .endpointOverride(endpoint)
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                // A connection that breaks is tried again, an answer is an answer.
                .overrideConfiguration(config -> config.retryStrategy(DefaultRetryStrategy.standardStrategyBuilder()
                        .useClientDefaults(false)
                        .maxAttempts(3)
                        .retryOnExceptionInstanceOf(SdkClientException.class)
                        .build()))
                .credentialsProvider(StaticCredentialsProvider.create(key))
                .build();
    }

    private abstract class Worker implements Runnable {
        final AtomicInteger turns = new AtomicInteger();

        abstract void turn() throws Exception;

        /// Is all there that was acknowledged?
        abstract void check() throws Exception;

        @Override
        public void run() {
            try {
                while (!stop.get() && failures.isEmpty()) {
                    turn();
                    turns.incrementAndGet();
                    Thread.sleep(PAUSE);
                }
            } catch (Exception | AssertionError e) {
                StringWriter trace = new StringWriter();
                e.printStackTrace(new PrintWriter(trace));
                failures.add("%s after %d turns: %s".formatted(this, turns.get(), trace));
            }
        }

        @Override
        public String toString() {
            return getClass().getSimpleName();
        }
    }

    /// Somebody with keys to a table's files.
    private abstract class Keyed extends Worker {
        final String table;
        final Caller caller;
        private final Map<String, S3Client> clients = new HashMap<>();
        private URI folder = URI.create("s3://none/");

        Keyed(String principal, int number) {
            this.table = TABLES + "/t" + number;
            this.caller = new Caller(principal, number % 2 == 0 ? PATIENCE : SHORT_JOB);
        }

        S3Client load() throws Exception {
            HttpResponse<String> answer = get(anyServer(), table, caller.token());
            expect("load", answer);
            JsonNode loaded = Mesh.JSON.readTree(answer.body());
            folder = URI.create(loaded.at("/metadata/location").asText());
            JsonNode config = loaded.path("config");
            String accessKey = config.path("s3.access-key-id").asText();
            vendedKeys.add(accessKey);
            return clients.computeIfAbsent(
                    accessKey,
                    _ -> client(
                            URI.create(config.path("s3.endpoint").asText()),
                            AwsSessionCredentials.create(
                                    accessKey,
                                    config.path("s3.secret-access-key").asText(),
                                    config.path("s3.session-token").asText())));
        }

        String read(S3Client s3, String name) {
            String content = s3.getObjectAsBytes(
                            get -> get.bucket(folder.getHost()).key(key(name)))
                    .asUtf8String();
            counted("get");
            return content;
        }

        void write(S3Client s3, String name, String content) {
            var _ = s3.putObject(put -> put.bucket(folder.getHost()).key(key(name)), RequestBody.fromString(content));
            counted("put");
        }

        private String key(String name) {
            return folder.getPath().substring(1) + "/data/" + name;
        }
    }

    private final class Reader extends Keyed {
        Reader(int number) {
            super("reader", number);
        }

        @Override
        void turn() throws Exception {
            assertThat(read(load(), "known")).isEqualTo(CONTENT);
        }

        @Override
        void check() throws Exception {
            turn();
        }
    }

    private final class Writer extends Keyed {
        private int written;

        Writer(int number) {
            super("writer", number);
        }

        @Override
        void turn() throws Exception {
            S3Client s3 = load();
            String name = "w" + (written + 1);
            write(s3, name, name);
            assertThat(read(s3, name)).isEqualTo(name);
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(anyServer().resolve(table))
                            .timeout(PATIENCE)
                            .header("Authorization", "Bearer " + caller.token())
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString("""
                                    {"requirements":[],"updates":[
                                    {"action":"set-properties","updates":{"written":"%s"}}]}""".formatted(name)))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            expect("commit", answer);
            written++;
        }

        @Override
        void check() throws Exception {
            S3Client s3 = load();
            for (int i = 1; i <= written; i++) {
                assertThat(read(s3, "w" + i)).isEqualTo("w" + i);
            }
            JsonNode now =
                    Mesh.JSON.readTree(get(anyServer(), table, caller.token()).body());
            assertThat(now.at("/metadata/properties/written").asText()).isEqualTo("w" + written);
        }
    }

    /// Iceberg's own client.
    private final class Appender extends Worker {
        private final RESTCatalog catalog = mesh().iceberg(DOMAIN);
        private final TableIdentifier name = TableIdentifier.of("core", "t" + WORKERS);

        @Override
        void turn() {
            Table table = catalog.loadTable(name);
            Rows.append(table, List.of(Rows.row(table, (long) appended.get())));
            appended.incrementAndGet();
        }

        @Override
        void check() throws Exception {
            assertThat(Rows.read(catalog.loadTable(name))).hasSize(appended.get());
            catalog.close();
        }
    }

    // --- Patience

    /// Everybody has done so many turns from beginning to end.
    private void awaitTurns(int more) throws Exception {
        Map<Worker, Integer> before = new HashMap<>();
        workers.forEach(worker -> before.put(worker, worker.turns.get()));
        await(() ->
                before.entrySet().stream().allMatch(each -> each.getKey().turns.get() > each.getValue() + more));
    }

    private interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    private void await(Condition condition) throws IOException, InterruptedException {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (!condition.holds() && failures.isEmpty()) {
            assertThat(Instant.now()).isBefore(deadline);
            Thread.sleep(PAUSE);
        }
        assertThat(failures).isEmpty();
    }
}
