package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorageContract;
import io.icefield.storage.RequestSigningContract;
import io.icefield.storage.StorageProfile;
import java.io.File;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/// A real MinIO keeps the contract of every store, but for what docs/storage.md says it cannot.
class MinioStorageIT extends DomainStorageContract {
    private static final String IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z";
    private static final Duration START_MAX = Duration.ofSeconds(60);
    private static final Credential ROOT =
            Credential.permanent("minioroot", UUID.randomUUID().toString());

    @TempDir
    private static Path folder;

    private static @Nullable AutoCloseable running;
    private static URI endpoint = URI.create("http://nowhere.invalid");

    @BeforeAll
    static void start() throws Exception {
        Optional<Path> binary = binary();
        if (binary.isPresent()) {
            startProcess(binary.get());
        } else {
            Assumptions.assumeTrue(
                    DockerClientFactory.instance().isDockerAvailable(),
                    "no MinIO: no `minio` on PATH, in ~/go/bin or named by ICEFIELD_MINIO, and no Docker engine");
            startContainer();
        }
    }

    @AfterAll
    static void stop() throws Exception {
        if (running != null) {
            running.close();
        }
    }

    private static Optional<Path> binary() {
        Stream<Path> named = Stream.ofNullable(System.getenv("ICEFIELD_MINIO")).map(Path::of);
        Stream<Path> onPath = Stream.of(
                        Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .map(each -> Path.of(each, "minio"));
        Stream<Path> go = Stream.of(Path.of(System.getProperty("user.home"), "go", "bin", "minio"));
        return Stream.of(named, onPath, go)
                .flatMap(each -> each)
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static void startProcess(Path binary) throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path log = folder.resolve("minio.log");
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        binary.toString(),
                        "server",
                        "--address",
                        "127.0.0.1:" + port,
                        folder.resolve("data").toString()))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("MINIO_ROOT_USER", ROOT.accessKey());
        builder.environment().put("MINIO_ROOT_PASSWORD", ROOT.secretKey());
        builder.environment().put("MINIO_BROWSER", "off");
        Process process = builder.start();
        running = () -> {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        };
        endpoint = URI.create("http://127.0.0.1:" + port);
        Instant deadline = Instant.now().plus(START_MAX);
        while (!isLive()) {
            assertThat(process.isAlive())
                    .as(() -> "MinIO lives; its log: " + text(log))
                    .isTrue();
            assertThat(Instant.now()).as("MinIO answers in time").isBefore(deadline);
            Thread.onSpinWait();
        }
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static boolean isLive() {
        try {
            HttpURLConnection call = (HttpURLConnection)
                    endpoint.resolve("/minio/health/live").toURL().openConnection();
            call.setConnectTimeout(1_000);
            call.setReadTimeout(1_000);
            return call.getResponseCode() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    @SuppressWarnings("resource") // closed by `stop`
    private static void startContainer() {
        GenericContainer<?> container = new GenericContainer<>(IMAGE)
                .withCommand("server", "/data")
                .withEnv("MINIO_ROOT_USER", ROOT.accessKey())
                .withEnv("MINIO_ROOT_PASSWORD", ROOT.secretKey())
                .withExposedPorts(9000)
                .waitingFor(Wait.forHttp("/minio/health/live").forPort(9000));
        container.start();
        running = container;
        endpoint = URI.create("http://%s:%d".formatted(container.getHost(), container.getMappedPort(9000)));
    }

    @Override
    protected StorageProfile profile(String bucket) {
        return new StorageProfile(
                new DomainName("sales"),
                bucket,
                "",
                Optional.of(endpoint),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                ROOT);
    }

    @Override
    protected Habits habits() {
        return new Habits("InvalidTokenId", false);
    }

    @Nested
    class Signing extends RequestSigningContract {
        @Override
        protected StorageProfile store(String bucket) {
            return profile(bucket);
        }

        @Override
        protected boolean keepsToSignatures() {
            return false;
        }
    }
}
