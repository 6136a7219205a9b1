package io.icefield.local;

import ch.qos.logback.classic.Level;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.gaul.shaded.org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.gaul.shaded.org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.gaul.shaded.org.eclipse.jetty.http.HttpCompliance;
import org.gaul.shaded.org.eclipse.jetty.http.UriCompliance;
import org.gaul.shaded.org.eclipse.jetty.server.HttpConfiguration;
import org.gaul.shaded.org.eclipse.jetty.server.HttpConnectionFactory;
import org.gaul.shaded.org.eclipse.jetty.server.Server;
import org.gaul.shaded.org.eclipse.jetty.server.ServerConnector;
import org.gaul.shaded.org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An S3 store in a folder, with STS on the same port: what the local mesh has where a company has MinIO or Amazon. It
/// checks signatures, session policies and lifetimes as they do, and answers a write when it is on the disk.
public final class EmbeddedS3 implements AutoCloseable {
    private static final String ROOT_ONLY = "rwx------";
    private static final int THREADS_MAX = 128;
    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final long IDLE_MILLIS_MAX = 60_000;

    /// S3Proxy tells every step at level DEBUG, which is what a logger has that nobody configured.
    private static final Logger TALKATIVE = LoggerFactory.getLogger("org.gaul");

    private final Settings settings;
    private final Map<String, String> roots = new ConcurrentHashMap<>();
    private final Clock clock;
    private final Server server = new Server(new QueuedThreadPool(THREADS_MAX));
    private final ServerConnector connector;

    /// Prints without the secret.
    ///
    /// @param folder made if absent; the buckets and the key that seals session tokens are below it
    /// @param port 0: any that is free
    /// @param region what clients are told to sign for; any is taken
    public record Settings(Path folder, int port, String accessKey, String secretKey, String region) {
        public Settings {
            if (accessKey.isBlank() || secretKey.length() < 8) {
                throw new IllegalArgumentException("the root key needs a name and a secret of 8 characters or more");
            }
        }

        @Override
        public String toString() {
            return "Settings[%s, port %d, %s, %s]".formatted(folder, port, accessKey, region);
        }
    }

    public EmbeddedS3(Settings settings) {
        this(settings, Clock.systemUTC());
    }

    /// @param clock decides when sessions end, so that a test can make it later
    EmbeddedS3(Settings settings, Clock clock) {
        if (TALKATIVE instanceof ch.qos.logback.classic.Logger logger && logger.getLevel() == null) {
            logger.setLevel(Level.WARN);
        }
        this.settings = settings;
        this.roots.put(settings.accessKey(), settings.secretKey());
        this.clock = clock;
        HttpConfiguration http = new HttpConfiguration();
        // S3 keys have slashes, dots and percent signs where HTTP servers suspect attacks. The guard looks at the
        // decoded name.
        http.setHttpCompliance(HttpCompliance.LEGACY);
        http.setUriCompliance(UriCompliance.LEGACY);
        http.setHeaderCacheCaseSensitive(true);
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(HEADER_BYTES_MAX);
        this.connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost("127.0.0.1");
        connector.setPort(settings.port());
        connector.setIdleTimeout(IDLE_MILLIS_MAX);
        server.addConnector(connector);
        // Nothing to wait for: what was answered is on the disk, and idle clients hold their connections open.
        server.setStopTimeout(0);
    }

    /// Answers when requests are taken. Throws when the folder cannot be used or the port is taken.
    public void start() throws IOException {
        Path buckets = settings.folder().toAbsolutePath().normalize().resolve("buckets");
        Files.createDirectories(
                buckets, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(ROOT_ONLY)));
        S3Sessions sessions = new S3Sessions(buckets.resolveSibling("session.key"), clock);
        S3Disk disk = new S3Disk(new FilesystemNio2BlobStore(buckets.toString()), buckets);
        ServletContextHandler context = new ServletContextHandler();
        context.addServlet(new ServletHolder(new S3Door(disk, roots, sessions, new S3Sts(roots, sessions))), "/*");
        server.setHandler(context);
        try {
            server.start();
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("the S3 server does not start", e);
        }
    }

    /// Takes another root key as well, until the store is closed.
    public void allow(String accessKey, String secretKey) {
        roots.put(accessKey, secretKey);
    }

    /// Takes this root key no more. Sessions that it asked for go on.
    public void withdraw(String accessKey) {
        roots.remove(accessKey);
    }

    /// Of S3 and of STS.
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + connector.getLocalPort());
    }

    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the S3 server does not stop", e);
        }
    }

    /// Serves until the process is told to stop.
    public static void run(Settings settings) throws IOException {
        EmbeddedS3 s3 = new EmbeddedS3(settings);
        s3.start();
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(s3::close));
        try {
            stopped.await();
        } catch (InterruptedException e) {
            s3.close();
        }
    }
}
