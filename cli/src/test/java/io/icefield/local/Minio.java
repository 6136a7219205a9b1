package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.Assumptions;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/// A real MinIO: the binary that `ICEFIELD_MINIO` names, or one on `PATH` or in `~/go/bin`, else a container.
public final class Minio implements AutoCloseable {
    /// The last one that was published.
    private static final String IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z";

    private static final Duration START_MAX = Duration.ofSeconds(60);

    private final String accessKey = "minioroot";
    private final String secretKey = UUID.randomUUID().toString();
    private final boolean container;
    private final URI endpoint;
    private Runnable running = () -> {};

    /// Skips the test where there is none, and says why.
    public Minio(Path folder) throws IOException, InterruptedException {
        Optional<Path> binary = binary();
        container = binary.isEmpty();
        if (binary.isPresent()) {
            endpoint = startProcess(binary.get(), folder);
        } else {
            Assumptions.assumeTrue(
                    DockerClientFactory.instance().isDockerAvailable(),
                    "no MinIO: no `minio` on PATH, in ~/go/bin or named by ICEFIELD_MINIO, and no Docker engine");
            endpoint = startContainer();
        }
    }

    public URI endpoint() {
        return endpoint;
    }

    public String accessKey() {
        return accessKey;
    }

    public String secretKey() {
        return secretKey;
    }

    /// Is it the published image, which is older than what is built from source?
    public boolean isContainer() {
        return container;
    }

    @Override
    public void close() {
        running.run();
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

    private URI startProcess(Path binary, Path folder) throws IOException, InterruptedException {
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
        builder.environment().put("MINIO_ROOT_USER", accessKey);
        builder.environment().put("MINIO_ROOT_PASSWORD", secretKey);
        builder.environment().put("MINIO_BROWSER", "off");
        Process process = builder.start();
        running = () -> {
            process.destroy();
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
            }
        };
        URI at = URI.create("http://127.0.0.1:" + port);
        Instant deadline = Instant.now().plus(START_MAX);
        while (!isLive(at)) {
            assertThat(process.isAlive())
                    .as(() -> "MinIO lives; its log: " + text(log))
                    .isTrue();
            assertThat(Instant.now()).as("MinIO answers in time").isBefore(deadline);
            Thread.onSpinWait();
        }
        return at;
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static boolean isLive(URI endpoint) {
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

    @SuppressWarnings("resource") // closed by `close`
    private URI startContainer() {
        GenericContainer<?> minio = new GenericContainer<>(IMAGE)
                .withCommand("server", "/data")
                .withEnv("MINIO_ROOT_USER", accessKey)
                .withEnv("MINIO_ROOT_PASSWORD", secretKey)
                .withExposedPorts(9000)
                .waitingFor(Wait.forHttp("/minio/health/live").forPort(9000));
        minio.start();
        running = minio::stop;
        return URI.create("http://%s:%d".formatted(minio.getHost(), minio.getMappedPort(9000)));
    }
}
