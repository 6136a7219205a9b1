package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/// Trino's server with the Iceberg and TPC-H connectors, assembled once per machine from Maven Central's jars. The
/// lock file `trino.lock` in our jar (written by `cli/src/trino/lock.sh`) names each with its size and SHA-256, so
/// what runs is what was tested, whatever repository it came from.
///
/// @param cache folder for what is downloaded; shared by all meshes of this user
/// @param repository base URI of a Maven repository
/// @param localRepository jars found here (and whole) are not downloaded again
public record TrinoDistribution(Path cache, URI repository, Path localRepository) {
    /// The class that starts the server: made by us, because Maven Central has no jar with one.
    static final String MAIN_CLASS = "TrinoMain";

    private static final int DOWNLOADS_AT_ONCE = 4;
    private static final int ATTEMPTS_MAX = 3;
    private static final Duration ANSWER_WITHIN = Duration.ofSeconds(30);
    private static final Map<String, String> PLUGIN_CLASSES = Map.of(
            "iceberg", "io.trino.plugin.iceberg.IcebergPlugin",
            "tpch", "io.trino.plugin.tpch.TpchPlugin");

    /// From `ICEFIELD_CACHE`, `ICEFIELD_MAVEN_REPOSITORY` and the usual places.
    public static TrinoDistribution of(Map<String, String> environment) {
        Path home = Path.of(System.getProperty("user.home"));
        Path cache = Optional.ofNullable(environment.get("ICEFIELD_CACHE"))
                .map(Path::of)
                .orElse(home.resolve(".cache", "icefield"));
        String repository = environment.getOrDefault("ICEFIELD_MAVEN_REPOSITORY", build().getProperty("repository"));
        return new TrinoDistribution(
                cache.toAbsolutePath(),
                URI.create(repository.endsWith("/") ? repository : repository + "/"),
                home.resolve(".m2", "repository"));
    }

    /// Trino's version.
    static String version() {
        return build().getProperty("version");
    }

    /// One jar of the lock file.
    ///
    /// @param path where it belongs in the distribution
    /// @param mavenPath where it is in a Maven repository
    record Jar(String path, String sha256, long size, String mavenPath) {
        static Jar of(String line) {
            String[] words = line.split(" ", -1);
            String[] names = words[3].split(":", -1);
            String file = names[1] + "-" + names[2] + (names.length == 4 ? "-" + names[3] : "") + ".jar";
            String folder = names[0].replace('.', '/') + "/" + names[1] + "/" + names[2];
            return new Jar(words[0], words[1], Long.parseLong(words[2]), folder + "/" + file);
        }
    }

    /// The folder of the distribution, complete: `lib`, `plugin/iceberg`, `plugin/tpch`, `classes`. Downloads what is
    /// missing and says so on `messages`; after an interruption it goes on where it stopped. Of two processes that
    /// start at once, one downloads and the other waits. Throws `IOException` with a message for the user.
    public Path assemble(PrintStream messages) throws IOException {
        return assemble(resource("trino.lock"), messages);
    }

    /// What the lock file names.
    static List<Jar> jars() {
        return jars(resource("trino.lock"));
    }

    private static List<Jar> jars(String lock) {
        return lock.lines().map(Jar::of).toList();
    }

    Path assemble(String lock, PrintStream messages) throws IOException {
        String name = "trino-%s-%s"
                .formatted(version(), HexFormat.of().formatHex(sha256().digest(lock.getBytes(UTF_8)), 0, 4));
        Path home = cache.resolve(name);
        if (Files.isDirectory(home)) {
            return home;
        }
        List<Jar> jars = jars(lock);
        try {
            Files.createDirectories(cache);
            try (FileChannel channel = FileChannel.open(
                            cache.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock _ = lock(channel, messages)) {
                if (!Files.isDirectory(home)) {
                    Path part = Files.createDirectories(cache.resolve(name + ".part"));
                    fetch(jars, Files.createDirectories(part.resolve("jars")), messages);
                    Files.move(build(jars, part), home, StandardCopyOption.ATOMIC_MOVE);
                    delete(part);
                }
                return home;
            }
        } catch (FileSystemException e) {
            throw new IOException(
                    "cannot store Trino in %s: %s (`ICEFIELD_CACHE` names another folder; %d MB are needed)"
                            .formatted(cache, reason(e), bytes(jars) * 2 / 1_000_000),
                    e);
        }
    }

    // --- Download

    private void fetch(List<Jar> jars, Path folder, PrintStream messages) throws IOException {
        Map<String, Jar> missing = new LinkedHashMap<>();
        for (Jar jar : jars) {
            if (!Files.exists(folder.resolve(jar.sha256()))) {
                missing.putIfAbsent(jar.sha256(), jar);
            }
        }
        List<Future<?>> downloads = new ArrayList<>();
        try (HttpClient http = HttpClient.newBuilder()
                        .followRedirects(HttpClient.Redirect.NORMAL)
                        .connectTimeout(ANSWER_WITHIN)
                        .build();
                Progress progress = new Progress(messages, bytes(missing.values()));
                var threads = Executors.newFixedThreadPool(DOWNLOADS_AT_ONCE)) {
            try {
                for (Jar jar : missing.values()) {
                    downloads.add(threads.submit((Callable<?>) () -> fetch(jar, folder, http, progress)));
                }
                for (Future<?> download : downloads) {
                    await(download, progress);
                }
            } finally {
                downloads.forEach(download -> download.cancel(true));
                http.shutdownNow();
            }
        }
    }

    private void await(Future<?> download, Progress progress) throws IOException {
        while (true) {
            try {
                download.get(1, TimeUnit.SECONDS);
                return;
            } catch (TimeoutException e) {
                if (progress.idle().compareTo(ANSWER_WITHIN) > 0) {
                    throw new IOException(
                            "cannot download Trino: nothing came from %s for %d s; run the command again to go on"
                                    .formatted(repository.getHost(), ANSWER_WITHIN.toSeconds()),
                            e);
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while Trino was downloaded", e);
            }
        }
    }

    /// A jar gets its final name, its checksum, only after that checksum was right.
    private Path fetch(Jar jar, Path folder, HttpClient http, Progress progress)
            throws IOException, InterruptedException {
        Path whole = folder.resolve(jar.sha256());
        Path part = folder.resolve(jar.sha256() + ".part");
        Path local = localRepository.resolve(jar.mavenPath());
        if (Files.isRegularFile(local) && copied(jar, Files.newInputStream(local), part, progress)) {
            return Files.move(part, whole, StandardCopyOption.ATOMIC_MOVE);
        }
        for (int attempt = 1; ; attempt++) {
            try {
                if (copied(jar, download(jar, http), part, progress)) {
                    return Files.move(part, whole, StandardCopyOption.ATOMIC_MOVE);
                }
                throw new Refused("%s from %s is not the file that was tested: its SHA-256 is not %s"
                        .formatted(jar.mavenPath(), repository.getHost(), jar.sha256()));
            } catch (FileSystemException | Refused e) {
                throw e;
            } catch (IOException e) {
                if (attempt == ATTEMPTS_MAX) {
                    throw new IOException("cannot download Trino: " + reason(e), e);
                }
            }
        }
    }

    private InputStream download(Jar jar, HttpClient http) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(repository.resolve(jar.mavenPath()))
                .timeout(ANSWER_WITHIN)
                .build();
        HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        int status = response.statusCode();
        if (status == 200) {
            return response.body();
        }
        response.body().close();
        String message = "%s answered %d for %s".formatted(repository.getHost(), status, jar.mavenPath());
        throw status >= 500 || status == 429 ? new IOException(message) : new Refused(message);
    }

    /// Whether `part` now is the jar. If not, the progress is what it was.
    private static boolean copied(Jar jar, InputStream source, Path part, Progress progress) throws IOException {
        long copied = 0;
        boolean right = false;
        MessageDigest digest = sha256();
        try (InputStream from = source;
                OutputStream to = Files.newOutputStream(part)) {
            byte[] buffer = new byte[1 << 16];
            for (int read = from.read(buffer); read >= 0 && copied <= jar.size(); read = from.read(buffer)) {
                write(to, buffer, read, part);
                digest.update(buffer, 0, read);
                copied += read;
                progress.add(read);
            }
            right = HexFormat.of().formatHex(digest.digest()).equals(jar.sha256());
            return right;
        } finally {
            if (!right) {
                progress.add(-copied);
            }
        }
    }

    /// A full disk is no reason to try again, and says so only in its message.
    private static void write(OutputStream to, byte[] buffer, int length, Path file) throws IOException {
        try {
            to.write(buffer, 0, length);
        } catch (IOException e) {
            FileSystemException full = new FileSystemException(file.toString(), null, e.getMessage());
            full.initCause(e);
            throw full;
        }
    }

    /// No use to try again.
    private static final class Refused extends IOException {
        Refused(String message) {
            super("cannot download Trino: " + message);
        }
    }

    // --- Assembly

    private static Path build(List<Jar> jars, Path part) throws IOException {
        Path home = part.resolve("home");
        delete(home);
        for (Jar jar : jars) {
            Path target = home.resolve(jar.path());
            Files.createDirectories(target.getParent());
            Path source = part.resolve("jars", jar.sha256());
            try {
                Files.createLink(target, source);
            } catch (UnsupportedOperationException | FileSystemException e) {
                Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        for (Map.Entry<String, String> plugin : PLUGIN_CLASSES.entrySet()) {
            Path services = home.resolve("plugin", plugin.getKey(), "services.jar");
            try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(services))) {
                jar.putNextEntry(new JarEntry("META-INF/services/io.trino.spi.Plugin"));
                jar.write(plugin.getValue().getBytes(UTF_8));
            }
        }
        Path main = Files.createDirectories(home.resolve("classes")).resolve(MAIN_CLASS + ".class");
        Files.write(main, mainClass());
        return home;
    }

    /// `public static void main(String[] arguments) { new io.trino.server.Server().start("483"); }`
    private static byte[] mainClass() {
        ClassDesc server = ClassDesc.of("io.trino.server.Server");
        return ClassFile.of()
                .build(
                        ClassDesc.of(MAIN_CLASS),
                        type -> type.withMethodBody(
                                "main",
                                MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String.arrayType()),
                                ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                                code -> code.new_(server)
                                        .dup()
                                        .invokespecial(server, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                                        .ldc(version())
                                        .invokevirtual(
                                                server,
                                                "start",
                                                MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String))
                                        .return_()));
    }

    // --- Small things

    private static FileLock lock(FileChannel channel, PrintStream messages) throws IOException {
        FileLock lock = channel.tryLock();
        if (lock == null) {
            messages.println("waiting for another process that is downloading Trino");
            lock = channel.lock();
        }
        return lock;
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private String reason(IOException e) {
        return switch (e) {
            case ConnectException _, UnknownHostException _, HttpTimeoutException _ ->
                "%s cannot be reached; is there a network? (`ICEFIELD_MAVEN_REPOSITORY` names another Maven repository)"
                        .formatted(repository.getHost());
            case FileSystemException file when file.getReason() != null -> file.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }

    private static long bytes(Collection<Jar> jars) {
        return jars.stream().mapToLong(Jar::size).sum();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    private static Properties build() {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(resource("trino.properties")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties;
    }

    private static String resource(String name) {
        try (InputStream resource = TrinoDistribution.class.getResourceAsStream(name)) {
            return new String(Objects.requireNonNull(resource, name).readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// How far the download is: a bar that moves on a terminal, a line for every tenth elsewhere.
    private static final class Progress implements AutoCloseable {
        private static final int WIDTH = 30;

        private final PrintStream out;
        private final long total;
        private final boolean terminal;
        private long done;
        private long shown = -1;
        private long movedAt = System.nanoTime();

        Progress(PrintStream out, long total) {
            this.out = out;
            this.total = total;
            this.terminal = Optional.ofNullable(System.console())
                    .filter(Console::isTerminal)
                    .isPresent();
        }

        synchronized void add(long bytes) {
            done += bytes;
            movedAt = System.nanoTime();
            long percent = done * 100 / Math.max(1, total);
            long step = terminal ? percent : percent / 10 * 10;
            if (step > shown) {
                shown = step;
                show(percent);
            }
        }

        synchronized Duration idle() {
            return Duration.ofNanos(System.nanoTime() - movedAt);
        }

        private void show(long percent) {
            String bytes = "%d of %d MB".formatted(done / 1_000_000, total / 1_000_000);
            if (terminal) {
                int filled = (int) (percent * WIDTH / 100);
                out.printf("\rTrino %s [%s%s] %s ", version(), "#".repeat(filled), " ".repeat(WIDTH - filled), bytes);
            } else {
                out.printf("downloading Trino %s: %d %%, %s%n", version(), percent, bytes);
            }
            out.flush();
        }

        @Override
        public synchronized void close() {
            if (terminal && shown >= 0) {
                out.println();
            }
        }
    }
}
