package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.jar.JarFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// With a small lock file and a repository of our own; the real ones are what `TrinoProcessIT` runs on.
class TrinoDistributionTest {
    private static final String A = "org/a/a/1/a-1.jar";
    private static final String B = "org/b/b/2/b-2-linux.jar";
    private static final String LOCK = "%s %s %d %s%n";

    @TempDir
    private Path folder;

    private final byte[] a = random(70_000);
    private final byte[] b = random(200_000);
    private final Map<String, byte[]> served = new ConcurrentHashMap<>(Map.of("/maven/" + A, a, "/maven/" + B, b));
    private final Map<String, Integer> failures = new ConcurrentHashMap<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream messages = new ByteArrayOutputStream();
    private HttpServer repository;
    private String lock = "";

    @BeforeEach
    void start() throws Exception {
        lock = LOCK.formatted("lib/a.jar", sha256(a), a.length, "org.a:a:1")
                + LOCK.formatted("plugin/iceberg/a.jar", sha256(a), a.length, "org.a:a:1")
                + LOCK.formatted("plugin/tpch/b.jar", sha256(b), b.length, "org.b:b:2:linux");
        repository = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        repository.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            requests.add(path);
            byte[] body = served.getOrDefault(path, new byte[0]);
            int failuresLeft = failures.merge(path, -1, Integer::sum);
            int status = failuresLeft >= 0 ? 503 : body.length == 0 ? 404 : 200;
            exchange.sendResponseHeaders(status, status == 200 ? body.length : -1);
            if (status == 200) {
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        repository.start();
    }

    @AfterEach
    void stop() {
        repository.stop(0);
    }

    @Test
    void eachJarIsFetchedOnceAndPutWhereItBelongs() throws Exception {
        Path home = assemble();
        assertThat(home.resolve("lib/a.jar")).hasBinaryContent(a);
        assertThat(home.resolve("plugin/iceberg/a.jar")).hasBinaryContent(a);
        assertThat(home.resolve("plugin/tpch/b.jar")).hasBinaryContent(b);
        assertThat(requests).containsExactlyInAnyOrder("/maven/" + A, "/maven/" + B);
        try (JarFile services =
                new JarFile(home.resolve("plugin/iceberg/services.jar").toFile())) {
            assertThat(services.getInputStream(services.getEntry("META-INF/services/io.trino.spi.Plugin")))
                    .hasBinaryContent("io.trino.plugin.iceberg.IcebergPlugin".getBytes(UTF_8));
        }
        assertThat(messages.toString(UTF_8)).contains("100 %");

        assertThat(assemble()).isEqualTo(home);
        assertThat(requests).hasSize(2);
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void anotherLockFileIsAnotherDistribution() throws Exception {
        Path home = assemble();
        lock = lock.replace("lib/a.jar", "lib/c.jar");
        assertThat(assemble()).isNotEqualTo(home);
    }

    @Test
    void aJarThatWasChangedIsRefused() {
        byte[] changed = b.clone();
        changed[7]++;
        served.put("/maven/" + B, changed);
        assertThatThrownBy(this::assemble)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(B)
                .hasMessageContaining("SHA-256");
        assertThat(requests)
                .filteredOn(path -> path.endsWith(B))
                .as("no use to try again")
                .hasSize(1);
    }

    @Test
    void afterAnInterruptionOnlyTheRestIsFetched() throws Exception {
        served.remove("/maven/" + B);
        assertThatThrownBy(this::assemble)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("404")
                .hasMessageContaining(B);
        served.put("/maven/" + B, b);
        Files.write(
                folder.resolve("cache")
                        .resolve(leftovers().getFirst())
                        .resolve("jars")
                        .resolve(sha256(b) + ".part"),
                random(9));
        assertThat(assemble().resolve("plugin/tpch/b.jar")).hasBinaryContent(b);
        assertThat(requests).containsOnlyOnce("/maven/" + A);
    }

    @Test
    void aServerInTroubleIsAskedAgain() throws Exception {
        failures.put("/maven/" + A, 2);
        assertThat(assemble().resolve("lib/a.jar")).hasBinaryContent(a);
        assertThat(requests).filteredOn(path -> path.endsWith(A)).hasSize(3);
    }

    @Test
    void wholeJarsOfTheLocalRepositoryAreUsedAndBrokenOnesAreNot() throws Exception {
        Path local = folder.resolve("m2");
        Files.createDirectories(local.resolve(A).getParent());
        Files.createDirectories(local.resolve(B).getParent());
        Files.write(local.resolve(A), a);
        byte[] broken = b.clone();
        broken[3]++;
        Files.write(local.resolve(B), broken);
        assertThat(assemble().resolve("plugin/tpch/b.jar")).hasBinaryContent(b);
        assertThat(requests).containsExactly("/maven/" + B);
    }

    @Test
    void withoutANetworkTheMessageSaysSo() {
        repository.stop(0);
        assertThatThrownBy(this::assemble)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("127.0.0.1 cannot be reached")
                .hasMessageContaining("ICEFIELD_MAVEN_REPOSITORY");
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() throws Exception {
        Files.writeString(folder.resolve("cache"), "in the way");
        assertThatThrownBy(this::assemble)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(folder.resolve("cache").toString())
                .hasMessageContaining("ICEFIELD_CACHE");
    }

    @Test
    void theLockFileOfTheProductIsWhole() {
        TrinoDistribution distribution =
                TrinoDistribution.of(Map.of("ICEFIELD_CACHE", "/c", "ICEFIELD_MAVEN_REPOSITORY", "http://m/x"));
        assertThat(distribution.cache()).isEqualTo(Path.of("/c"));
        assertThat(distribution.repository()).isEqualTo(URI.create("http://m/x/"));
        assertThat(TrinoDistribution.of(Map.of()).repository().getScheme()).isEqualTo("https");
        List<TrinoDistribution.Jar> jars = TrinoDistribution.jars();
        assertThat(jars).hasSizeGreaterThan(400).allSatisfy(jar -> {
            assertThat(jar.sha256()).matches("[0-9a-f]{64}");
            assertThat(jar.size()).isPositive();
            assertThat(jar.path()).matches("(lib|plugin/iceberg|plugin/tpch)/[^/]+\\.jar");
        });
        assertThat(jars).extracting(TrinoDistribution.Jar::path).doesNotHaveDuplicates();
        assertThat(jars)
                .extracting(TrinoDistribution.Jar::mavenPath)
                .contains("io/trino/trino-main/%1$s/trino-main-%1$s.jar".formatted(TrinoDistribution.version()));
    }

    private Path assemble() throws IOException {
        URI base = URI.create(
                "http://127.0.0.1:%d/maven/".formatted(repository.getAddress().getPort()));
        return new TrinoDistribution(folder.resolve("cache"), base, folder.resolve("m2"))
                .assemble(lock, new PrintStream(messages, true, UTF_8));
    }

    private List<String> leftovers() throws IOException {
        try (var files = Files.list(folder.resolve("cache"))) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.endsWith(".part"))
                    .toList();
        }
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
