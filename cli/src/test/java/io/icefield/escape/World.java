package io.icefield.escape;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.local.EmbeddedPostgres;
import io.icefield.local.Part;
import io.icefield.local.Running;
import io.icefield.local.Supervisor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A catalog server on a store, with two domains `alpha` and `beta`, and with objects around the table
/// `alpha.core.orders` that nobody but the root key may reach.
///
/// | address | |
/// |---|---|
/// | `/alpha/core/orders` | the table of WRITER and READER; `data/own` is in it |
/// | `/alpha/core/orders2` | its sibling, NEIGHBOUR's |
/// | `/alpha/vault/…` | another namespace |
/// | `/beta/core/orders` | another domain, the same name |
final class World implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String ICEBERG = "/iceberg/v1/";
    static final String ORDERS = "/iceberg/v1/alpha/namespaces/core/tables/orders";

    /// What must stay secret, by address. The names say so too: a listing that shows one has leaked it.
    static final List<String> CANARIES = List.of(
            "/alpha/core/orders2/data/secret-sibling",
            "/alpha/core/orders-2/secret-dash",
            "/alpha/core/ordersx/secret-longer",
            "/alpha/core/Orders/data/secret-case",
            "/alpha/core/%C3%B3rders/secret-accent",
            "/alpha/core/orders%252Fdata/secret-percent",
            "/alpha/core/secret-parent",
            "/alpha/secret-root",
            "/alpha/vault/secret-namespace",
            "/beta/core/orders/data/secret-other-domain");

    static final String SIBLING = CANARIES.getFirst();
    static final String OTHER_DOMAIN = CANARIES.getLast();
    static final String OWN = "/alpha/core/orders/data/own";

    private static final String SECRET = "canary-" + UUID.randomUUID();
    private static final Pattern KEY = Pattern.compile("<Key>([^<]*)</Key>");
    private static final Pattern BUCKET = Pattern.compile("<Name>([^<]*)</Name>");
    private static final List<String> SETTINGS =
            List.of("policy", "versioning", "lifecycle", "cors", "tagging", "encryption", "notification");

    private final Store store;
    private final Relay relay;
    private final Wire wire;
    private final Supervisor parts;
    private final URI catalog;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, String> secrets = new HashMap<>();
    private final Map<String, String> tokens = new HashMap<>();
    private final Map<String, Sigv4.Key> keys = new HashMap<>();
    private final Map<String, String> uploads = new HashMap<>();

    private World(Store store, Relay relay, Supervisor parts, URI catalog) {
        this.store = store;
        this.relay = relay;
        this.wire = new Wire(store.endpoint(), relay.endpoint().getAuthority());
        this.parts = parts;
        this.catalog = catalog;
    }

    static World start(Store store) throws Exception {
        Path home = Files.createTempDirectory(Files.createDirectories(Path.of("target/escape")), store.name())
                .toAbsolutePath();
        Supervisor parts = new Supervisor(home, new Quiet());
        Runtime.getRuntime().addShutdownHook(new Thread(parts::stop, "stop the catalog"));
        String password = UUID.randomUUID().toString();
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "icefield-test-cache");
        EmbeddedPostgres postgres = new EmbeddedPostgres(
                new EmbeddedPostgres.Settings(home.resolve("postgres"), freePort(), password, cache));
        parts.start(postgres);
        Relay relay = new Relay(store.endpoint());
        URI catalog = URI.create("http://127.0.0.1:" + freePort());
        String adminSecret = UUID.randomUUID().toString();
        parts.start(new Server(
                catalog,
                home,
                Map.ofEntries(
                        Map.entry("CLASSPATH", System.getProperty("java.class.path")),
                        Map.entry("ICEFIELD_PORT", Integer.toString(catalog.getPort())),
                        Map.entry("ICEFIELD_DATABASE_URL", postgres.jdbcUrl()),
                        Map.entry("ICEFIELD_DATABASE_USER", EmbeddedPostgres.USER),
                        Map.entry("ICEFIELD_DATABASE_PASSWORD", password),
                        Map.entry("ICEFIELD_S3_ENDPOINT", relay.endpoint().toString()),
                        Map.entry("ICEFIELD_S3_ACCESS_KEY", store.root().id()),
                        Map.entry("ICEFIELD_S3_SECRET_KEY", store.root().secret()),
                        Map.entry("ICEFIELD_PURGE_DELAY", "PT0S"),
                        Map.entry(
                                "ICEFIELD_KEY_FILE", home.resolve("catalog.key").toString()),
                        Map.entry("ICEFIELD_ADMIN_SECRET", adminSecret))));
        World world = new World(store, relay, parts, catalog);
        world.secrets.put("admin", adminSecret);
        world.furnish();
        return world;
    }

    private void furnish() {
        for (String name : List.of("chief", "maker", "lord", "writer", "reader", "neighbour", "masked", "stranger")) {
            JsonNode made = done("admin", "POST", "/api/v1/principals", """
                    {"name":"%s","kind":"user","groups":["%s"]}""".formatted(
                            name, name.equals("chief") ? "chiefs" : "others"));
            secrets.put(name, made.path("client-secret").asText());
        }
        for (String domain : List.of("alpha", "beta")) {
            JsonNode _ = done("admin", "POST", "/api/v1/domains", """
                    {"name":"%s","owners":["chiefs"]}""".formatted(domain));
            namespace(domain, "core");
            table(domain, "core", "orders", "s3://" + domain + "/core/orders", "");
        }
        namespace("alpha", "vault");
        table("alpha", "core", "orders2", "s3://alpha/core/orders2", "");
        table("alpha", "core", "people", "s3://alpha/core/people", "\"icefield.tags.note\":\"pii.email\"");
        table("alpha", "vault", "gold", "s3://alpha/vault/gold", "");
        grant("writer", "writer", "\"namespace\":\"core\",\"table\":\"orders\"");
        grant("reader", "reader", "\"namespace\":\"core\",\"table\":\"orders\"");
        grant("neighbour", "writer", "\"namespace\":\"core\",\"table\":\"orders2\"");
        grant("masked", "reader", "\"namespace\":\"core\",\"table\":\"people\"");
        grant("maker", "writer", "\"namespace\":\"core\"");
        JsonNode _ = done("admin", "POST", "/api/v1/domains/alpha/grants", """
                {"grantee":"principal:lord","role":"writer"}""");
        for (String canary : CANARIES) {
            made(root(Ask.put(canary).with(secret(canary))));
        }
        made(root(Ask.put(OWN).with("own")));
        String upload = made(root(Ask.of("POST", "/alpha/core/orders2/data/secret-upload?uploads")))
                .text()
                .replaceFirst("(?s).*<UploadId>([^<]*)</UploadId>.*", "$1");
        made(root(Ask.put("/alpha/core/orders2/data/secret-upload?partNumber=1&uploadId=" + upload)
                .with(secret("upload"))));
        uploads.put("{upload}", upload);
        if (store.name().equals("minio")) {
            // Also the proof that our administrative requests are what MinIO understands.
            String account = "{\"accessKey\":\"%s\",\"secretKey\":\"%s\"}".formatted(Admin.VICTIM, Admin.SECRET_KEY);
            made(root(Ask.of("PUT", "/minio/admin/v3/add-service-account")
                    .with(Admin.encrypted(store.root().secret(), account.getBytes(UTF_8)))));
        }
    }

    /// The upload that was under way all the time is completed: with its own part and nothing else.
    void completeUpload() {
        String target = "/alpha/core/orders2/data/secret-upload";
        String parts = target + "?uploadId=" + uploads.get("{upload}");
        String tag = made(root(Ask.get(parts))).text().replaceFirst("(?s).*<ETag>([^<]*)</ETag>.*", "$1");
        made(root(Ask.of("POST", parts)
                .with(
                        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>"
                                .formatted(tag))));
        assertThat(root(Ask.get(target)).text()).isEqualTo(secret("upload"));
    }

    private static Reply made(Reply reply) {
        assertThat(reply.status()).as(reply.text()).isBetween(200, 299);
        return reply;
    }

    private void namespace(String domain, String name) {
        JsonNode _ = done("chief", "POST", ICEBERG + domain + "/namespaces", """
                {"namespace":["%s"],"properties":{}}""".formatted(name));
    }

    private void table(String domain, String namespace, String name, String location, String properties) {
        JsonNode _ = done(
                "chief",
                "POST",
                ICEBERG + domain + "/namespaces/" + namespace + "/tables",
                creation(name, location, "{" + properties + "}", false));
    }

    static String creation(String name, String location, String properties, boolean staged) {
        return """
                {"name":"%s",%s"stage-create":%s,"properties":%s,"schema":{"type":"struct","schema-id":0,"fields":[
                 {"id":1,"name":"id","required":true,"type":"long"},
                 {"id":2,"name":"note","required":false,"type":"string"}]}}""".formatted(
                        name, location.isEmpty() ? "" : "\"location\":" + quoted(location) + ",", staged, properties);
    }

    static String quoted(String text) {
        return JSON.valueToTree(text).toString();
    }

    private void grant(String who, String role, String on) {
        JsonNode _ = done("admin", "POST", "/api/v1/domains/alpha/grants", """
                {"grantee":"principal:%s","role":"%s",%s}""".formatted(who, role, on));
    }

    static String secret(String canary) {
        return SECRET + " of " + canary;
    }

    /// Does this show what is in a canary, or that one is there which the request did not name?
    static List<String> leaks(Ask ask, Reply reply) {
        List<String> leaks = new ArrayList<>();
        String answer = reply.head() + reply.text();
        if (answer.contains(SECRET)) {
            leaks.add("the content of a secret object");
        }
        Matcher name = Pattern.compile("secret-[a-z-]+").matcher(answer);
        while (name.find()) {
            if (!ask.text().contains(name.group())) {
                leaks.add("the name " + name.group());
            }
        }
        for (String bucket : List.of("<Name>beta</Name>", "\"name\":\"beta\"")) {
            if (answer.contains(bucket) && !ask.text().contains("beta")) {
                leaks.add("the bucket beta");
            }
        }
        return leaks.stream().distinct().toList();
    }

    // ---- the catalog

    /// A request to the catalog; `who` empty: without a token.
    Reply call(String who, String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(catalog.resolve(path))
                .timeout(Duration.ofSeconds(30))
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (!who.isEmpty()) {
            request.header("Authorization", "Bearer " + token(who));
        }
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        for (String header : headers) {
            String[] parts = header.split(": ", 2);
            request.header(parts[0], parts[1]);
        }
        return send(request.build());
    }

    private Reply send(HttpRequest request) {
        try {
            HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            return new Reply(answer.statusCode(), answer.headers().map().toString(), answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// The answer to what must work.
    JsonNode done(String who, String method, String path, String body, String... headers) {
        Reply reply = call(who, method, path, body, headers);
        assertThat(reply.status()).as("%s %s: %s", method, path, reply.text()).isBetween(200, 299);
        return json(reply);
    }

    static JsonNode json(Reply reply) {
        try {
            return JSON.readTree(reply.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String token(String who) {
        return tokens.computeIfAbsent(who, name -> {
            String basic = Base64.getEncoder().encodeToString((name + ":" + secrets.get(name)).getBytes(UTF_8));
            Reply reply = send(HttpRequest.newBuilder(catalog.resolve("/iceberg/v1/oauth/tokens"))
                    .header("Authorization", "Basic " + basic)
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials"))
                    .build());
            return json(reply).path("access_token").asText();
        });
    }

    /// The key that this principal is given with the table it may reach; asked for once.
    Sigv4.Key vended(Attempt.Sender sender) {
        String table = sender == Attempt.Sender.NEIGHBOUR ? ORDERS + "2" : ORDERS;
        return keys.computeIfAbsent(sender.principal(), who -> key(who, table));
    }

    Sigv4.Key key(String who, String table) {
        return key(done(who, "GET", table, "", "X-Iceberg-Access-Delegation: vended-credentials")
                .path("config"));
    }

    static Sigv4.Key key(JsonNode config) {
        return new Sigv4.Key(
                config.path("s3.access-key-id").asText(),
                config.path("s3.secret-access-key").asText(),
                config.path("s3.session-token").asText());
    }

    // ---- the store

    Wire wire() {
        return wire;
    }

    Store store() {
        return store;
    }

    Relay relay() {
        return relay;
    }

    Reply root(Ask ask) {
        return wire.send(Sigv4.signed(store.root(), ask, wire.host(), Sigv4.As.now()));
    }

    /// Writes an object that is named as clients name it.
    void put(Sigv4.Key key, String uri, String text) {
        put(key, uri, text.getBytes(UTF_8));
    }

    void put(Sigv4.Key key, String uri, byte[] bytes) {
        made(wire.send(
                Sigv4.signed(key, Ask.put(uri.replaceFirst("^s3:/", "")).with(bytes), wire.host(), Sigv4.As.now())));
    }

    /// Gives uploads in parts that are under way names for the attempts.
    void upload(String name, String id) {
        uploads.put(name, id);
    }

    Ask filled(Ask ask) {
        String target = ask.target();
        List<String> headers = ask.headers();
        Map<String, String> names = new HashMap<>(uploads);
        names.put("{host}", wire.host());
        // MinIO's tokens tell whose they are.
        names.put("{root}", store.root().id());
        Sigv4.As now = Sigv4.As.now();
        names.put("{scope}", Sigv4.encoded(now.scope()));
        names.put("{plain-scope}", now.scope());
        names.put("{date}", now.time());
        for (Map.Entry<String, String> each : names.entrySet()) {
            target = target.replace(each.getKey(), each.getValue());
            headers = headers.stream()
                    .map(header -> header.replace(each.getKey(), each.getValue()))
                    .toList();
        }
        boolean json = ask.body().length > 0 && ask.body()[0] == '{';
        return new Ask(
                ask.method(),
                target,
                headers,
                json
                        ? new String(ask.body(), UTF_8)
                                .replace("{host}", wire.host())
                                .getBytes(UTF_8)
                        : ask.body());
    }

    /// Every object in every bucket with a hash of its content; uploads under way, buckets and their settings.
    SortedMap<String, String> everything() {
        SortedMap<String, String> all = new TreeMap<>();
        Reply buckets = root(Ask.get("/"));
        for (String bucket : found(BUCKET, buckets)) {
            for (String key : found(KEY, made(root(Ask.get("/" + bucket + "?list-type=2&max-keys=1000"))))) {
                String path = "/" + bucket + "/" + Sigv4.encoded(key).replace("%2F", "/");
                Reply object = root(Ask.get(path));
                String content = object.text().contains(SECRET) ? "secret " : "";
                all.put(
                        "/" + bucket + "/" + key,
                        object.status() + " " + content + Sigv4.hex(Sigv4.sha256(object.body())));
            }
            for (String setting : SETTINGS) {
                Reply reply = root(Ask.get("/" + bucket + "?" + setting));
                all.put("/" + bucket + "?" + setting, reply.toString());
            }
        }
        Reply parts = root(Ask.get("/alpha/core/orders2/data/secret-upload?uploadId=" + uploads.get("{upload}")));
        all.put("the upload", parts.status() + " " + parts.text().split("<Part>", -1).length);
        return all;
    }

    private static List<String> found(Pattern pattern, Reply reply) {
        List<String> found = new ArrayList<>();
        Matcher match = pattern.matcher(reply.text());
        while (match.find()) {
            found.add(match.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"));
        }
        return found;
    }

    @Override
    public void close() throws IOException {
        parts.stop();
        relay.close();
        http.close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /// What `icefield server` runs.
    private record Server(URI uri, Path folder, Map<String, String> settings) implements Part {
        @Override
        public String name() {
            return "catalog";
        }

        @Override
        public Launch launch() {
            return new Launch(
                    List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx512m",
                            "io.icefield.Main"),
                    new LinkedHashMap<>(settings),
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
