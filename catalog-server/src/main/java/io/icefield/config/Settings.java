package io.icefield.config;

import io.icefield.access.Logins;
import io.icefield.access.SealingKeySource;
import io.icefield.access.Throttle;
import io.icefield.access.Tokens;
import io.icefield.storage.Endpoints;
import io.icefield.storage.Network;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Everything that can be set, read once from the environment. Each name is a row of the settings table in
/// the README.
///
/// @param port 0: any free one
/// @param publicUri how clients reach us
/// @param policies folder of policy files; empty: the starter pack
/// @param metricsRetention how long clients' reports on their scans and commits are kept; zero: they are not
/// @param keys where the keys are that seal secrets in the database
/// @param adminSecret secret of the principal `admin`, used at the first start only
/// @param identity how long tokens and keys live, and whose tokens are believed
/// @param door what protects the server from who reaches its port
public record Settings(
        String host,
        int port,
        Optional<URI> publicUri,
        Database database,
        Storage storage,
        Optional<Trino> trino,
        Planning planning,
        Optional<Path> policies,
        Duration metricsRetention,
        SealingKeySource keys,
        Optional<Secret> adminSecret,
        Keeping keeping,
        Identity identity,
        Stores stores,
        Audit audit,
        Door door) {

    /// The log of decisions.
    ///
    /// @param retention how long they are kept; zero: for ever
    /// @param export how often they are added to a table; zero: only when somebody asks
    /// @param replica this server's name among its like
    public record Audit(Duration retention, Duration export, String replica) {}

    /// Who comes in, and how fast.
    ///
    /// @param limit of each principal, and of each address without one
    /// @param tls files of our own certificate and its key
    /// @param proxies who may say for whom it asks
    /// @param origins of pages that browsers let read our answers
    /// @param openMetrics metrics need no token
    public record Door(
            Throttle.Limit limit,
            int connectionsMax,
            Optional<Tls> tls,
            List<Network> proxies,
            Set<String> origins,
            boolean openMetrics) {}

    /// PEM files.
    public record Tls(Path certificate, Path key) {}

    /// Tokens and keys.
    ///
    /// @param keyAge after so long a signing key gets a successor
    /// @param issuers file of OpenID Connect providers
    public record Identity(Logins.Lifetimes lifetimes, Duration keyAge, Optional<Path> issuers) {}

    /// Stores beside the platform's own.
    ///
    /// @param allowed hosts and networks that the server may speak to though they are not on the internet
    /// @param offered addresses of stores that owners of domains may choose
    public record Stores(List<String> allowed, List<URI> offered) {}

    /// How long things are remembered.
    ///
    /// @param undrop how long what was dropped can come back when the files are to stay
    /// @param purge the same when they are to go as well
    /// @param requestKeys how long a request may come again with its key; zero: keys are not heeded
    public record Keeping(Duration undrop, Duration purge, Duration requestKeys) {}

    /// PostgreSQL.
    public record Database(String url, String user, Secret password) {}

    /// Where new domains get their buckets.
    ///
    /// @param endpoint empty: Amazon S3
    /// @param bucketPrefix before the domain's name
    /// @param roleArn empty: the store has no STS
    /// @param moved the endpoint is a new one of the store that this access key belongs to
    public record Storage(
            Optional<URI> endpoint,
            Optional<URI> sts,
            String region,
            String accessKey,
            Secret secretKey,
            boolean pathStyle,
            String bucketPrefix,
            String roleArn,
            boolean moved) {}

    /// Who plans scans, if a client has no opinion.
    public enum Planning {
        CLIENT,
        SERVER
    }

    /// The query engine.
    ///
    /// @param trust PEM file of its certificate; empty: the JDK's trust store
    /// @param catalogUri how it reaches us; empty: the public URI
    public record Trino(URI uri, Optional<Path> trust, Optional<URI> catalogUri) {}

    private static final Pattern REPLICA = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}");
    private static final Duration TIME_MIN = Duration.ofMinutes(1);
    private static final Path KEY_FILE = Path.of("icefield.key");
    private static final int COUNT_MAX = 1_000_000;
    private static final Duration KEY_AGE_MAX = Duration.ofDays(3650);

    /// All problems at once.
    public static final class Unusable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unusable(List<String> problems) {
            super("the settings are not usable:\n  " + String.join("\n  ", problems));
        }
    }

    public static Settings from(Map<String, String> environment) {
        Reader reader = new Reader(environment);
        Optional<URI> endpoint = reader.optional("S3_ENDPOINT", URI::create);
        Settings settings = new Settings(
                reader.value("HOST", "127.0.0.1"),
                reader.read("PORT", "8181", Integer::parseInt, 0),
                reader.optional("PUBLIC_URI", URI::create),
                new Database(
                        reader.required("DATABASE_URL"),
                        reader.value("DATABASE_USER", "icefield"),
                        new Secret(reader.value("DATABASE_PASSWORD", ""))),
                new Storage(
                        endpoint,
                        reader.optional("STS_ENDPOINT", URI::create).or(() -> endpoint),
                        reader.value("S3_REGION", "us-east-1"),
                        reader.required("S3_ACCESS_KEY"),
                        new Secret(reader.required("S3_SECRET_KEY")),
                        reader.read("S3_PATH_STYLE", Boolean.toString(endpoint.isPresent()), Reader::bool, false),
                        reader.value("S3_BUCKET_PREFIX", ""),
                        reader.read("STS_ROLE_ARN", "arn:aws:iam::000000000000:role/icefield", Settings::role, ""),
                        reader.read("S3_MOVED", "false", Reader::bool, false)),
                trino(reader),
                reader.read("SCAN_PLANNING", "client", Settings::planning, Planning.CLIENT),
                reader.optional("POLICIES", Path::of),
                reader.read("METRICS_RETENTION", "P30D", Reader::duration, Duration.ZERO),
                keys(reader),
                reader.optional("ADMIN_SECRET", Secret::new),
                new Keeping(
                        reader.read("UNDROP_RETENTION", "P7D", Reader::duration, Duration.ZERO),
                        reader.read("PURGE_DELAY", "P7D", Reader::duration, Duration.ZERO),
                        reader.read("IDEMPOTENCY_KEY_LIFETIME", "PT30M", Reader::duration, Duration.ZERO)),
                identity(reader),
                new Stores(
                        reader.read("STORAGE_ALLOW", "", Settings::allowed, List.of()),
                        reader.read(
                                "STORAGE_ENDPOINTS",
                                "",
                                text -> words(text).stream()
                                        .map(URI::create)
                                        .map(Endpoints::normal)
                                        .toList(),
                                List.of())),
                new Audit(
                        reader.read("AUDIT_RETENTION", "P365D", Reader::duration, Duration.ZERO),
                        reader.read("AUDIT_EXPORT", "PT1H", Reader::duration, Duration.ZERO),
                        reader.read("REPLICA", "", Settings::replica, "")),
                door(reader));
        reader.complain();
        return settings;
    }

    /// One that says nothing gets a name that differs at each start.
    private static String replica(String name) {
        if (name.isEmpty()) {
            return "replica-" + UUID.randomUUID().toString().substring(0, 8);
        }
        if (!REPLICA.matcher(name).matches()) {
            throw new IllegalArgumentException(name);
        }
        return name;
    }

    private static List<String> allowed(String text) {
        List<String> words = words(text);
        var _ = new Endpoints(words); // each of them can be read
        return words;
    }

    private static List<String> words(String text) {
        return Stream.of(text.split(",", -1))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }

    private static String role(String text) {
        return text.equals("none") ? "" : text;
    }

    private static Planning planning(String text) {
        return switch (text) {
            case "client" -> Planning.CLIENT;
            case "server" -> Planning.SERVER;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static Optional<Trino> trino(Reader reader) {
        Optional<URI> uri = reader.optional("TRINO_URI", URI::create);
        Optional<Path> trust = reader.optional("TRINO_TRUST_STORE", Path::of);
        Optional<URI> catalog = reader.optional("TRINO_CATALOG_URI", URI::create);
        return uri.map(at -> new Trino(at, trust, catalog));
    }

    private static SealingKeySource keys(Reader reader) {
        Optional<Path> file = reader.optional("KEY_FILE", Path::of);
        Optional<KeyList> given = reader.optional("KEY", KeyList::parse);
        if (file.isPresent() && given.isPresent()) {
            reader.problem("ICEFIELD_KEY and ICEFIELD_KEY_FILE are both set: keys come from one place");
        }
        return given.<SealingKeySource>map(keys -> keys).orElseGet(() -> new KeyFile(file.orElse(KEY_FILE)));
    }

    private static Identity identity(Reader reader) {
        Logins.Lifetimes usual = Logins.Lifetimes.USUAL;
        Duration token = reader.read(
                "TOKEN_LIFETIME", usual.token().toString(), text -> within(text, Tokens.LIFETIME_MAX), usual.token());
        Duration session = reader.read(
                "SESSION_LIFETIME",
                usual.session().toString(),
                text -> within(text, Logins.SESSION_MAX),
                usual.session());
        return new Identity(
                new Logins.Lifetimes(token, session),
                reader.read("SIGNING_KEY_AGE", "P30D", text -> within(text, KEY_AGE_MAX), Duration.ofDays(30)),
                reader.optional("ISSUERS", Path::of));
    }

    private static Door door(Reader reader) {
        int rate = reader.read("RATE_LIMIT", "20000", Settings::count, 0);
        Optional<Path> certificate = reader.optional("TLS_CERTIFICATE", Path::of);
        Optional<Path> key = reader.optional("TLS_KEY", Path::of);
        if (certificate.isPresent() != key.isPresent()) {
            reader.problem("ICEFIELD_TLS_CERTIFICATE and ICEFIELD_TLS_KEY are set together, or neither");
        }
        return new Door(
                new Throttle.Limit(
                        rate,
                        Math.max(
                                1,
                                reader.read(
                                        "RATE_BURST",
                                        Long.toString(Math.min(2L * rate, COUNT_MAX)),
                                        Settings::count,
                                        1)),
                        reader.read("CONCURRENT_REQUESTS", "100", Settings::count, 0)),
                reader.read("CONNECTIONS_MAX", "4000", text -> Math.max(1, count(text)), 1),
                certificate.flatMap(file -> key.map(other -> new Tls(file, other))),
                reader.read(
                        "TRUSTED_PROXIES",
                        "",
                        text -> words(text).stream().map(Network::parse).toList(),
                        List.of()),
                reader.read(
                        "CORS_ORIGINS",
                        "",
                        text -> words(text).stream().map(Settings::origin).collect(Collectors.toUnmodifiableSet()),
                        Set.of()),
                reader.read("METRICS", "token", Settings::openMetrics, false));
    }

    private static int count(String text) {
        int count = Integer.parseInt(text);
        if (count < 0 || count > COUNT_MAX) {
            throw new IllegalArgumentException(text);
        }
        return count;
    }

    /// As browsers write it, so that it can be compared as text. No `*`: each one is meant.
    private static String origin(String text) {
        URI uri = URI.create(text);
        if (!text.matches("https?://[a-z0-9.-]+(:[0-9]+)?|https?://\\[[0-9a-f:.]+](:[0-9]+)?")
                || uri.getHost() == null) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static boolean openMetrics(String text) {
        return switch (text) {
            case "token" -> false;
            case "open" -> true;
            default -> throw new IllegalArgumentException(text);
        };
    }

    private static Duration within(String text, Duration max) {
        Duration duration = Reader.duration(text);
        if (duration.compareTo(TIME_MIN) < 0 || duration.compareTo(max) > 0) {
            throw new IllegalArgumentException(text);
        }
        return duration;
    }

    private static final class Reader {
        private static final String PREFIX = "ICEFIELD_";

        /// Read by the launcher, not by the server.
        private static final List<String> LAUNCHERS = List.of(
                "ICEFIELD_HOME",
                "ICEFIELD_CACHE",
                "ICEFIELD_URI",
                "ICEFIELD_TOKEN",
                "ICEFIELD_CLIENT_ID",
                "ICEFIELD_CLIENT_SECRET",
                "ICEFIELD_MAVEN_REPOSITORY",
                "ICEFIELD_MINIO",
                "ICEFIELD_DETACHED",
                "ICEFIELD_STORAGE_ACCESS_KEY",
                "ICEFIELD_STORAGE_SECRET_KEY",
                "ICEFIELD_ENGINE_CREDENTIAL");

        private final Map<String, String> left = new TreeMap<>();
        private final List<String> problems = new ArrayList<>();

        Reader(Map<String, String> environment) {
            environment.forEach((name, value) -> {
                if (name.startsWith(PREFIX) && !LAUNCHERS.contains(name)) {
                    left.put(name, value);
                }
            });
        }

        void problem(String text) {
            problems.add(text);
        }

        String value(String name, String otherwise) {
            String value = left.remove(PREFIX + name);
            return value == null || value.isBlank() ? otherwise : value;
        }

        String required(String name) {
            String value = value(name, "");
            if (value.isEmpty()) {
                problems.add("%s%s is not set".formatted(PREFIX, name));
            }
            return value;
        }

        <T> Optional<T> optional(String name, Function<String, T> parse) {
            String value = value(name, "");
            if (value.isEmpty()) {
                return Optional.empty();
            }
            try {
                return Optional.of(parse.apply(value));
            } catch (RuntimeException e) {
                problems.add("%s%s has a value that cannot be read".formatted(PREFIX, name));
                return Optional.empty();
            }
        }

        <T> T read(String name, String otherwise, Function<String, T> parse, T broken) {
            try {
                return parse.apply(value(name, otherwise));
            } catch (RuntimeException e) {
                problems.add("%s%s has a value that cannot be read".formatted(PREFIX, name));
                return broken;
            }
        }

        static Duration duration(String text) {
            Duration duration = Duration.parse(text);
            if (duration.isNegative()) {
                throw new IllegalArgumentException(text);
            }
            return duration;
        }

        static boolean bool(String text) {
            return switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException(text);
            };
        }

        void complain() {
            left.keySet()
                    .forEach(name -> problems.add("%s is no setting: see the table in the README".formatted(name)));
            if (!problems.isEmpty()) {
                throw new Unusable(problems);
            }
        }
    }
}
