package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Endpoints;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.s3.S3DomainStorage;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.OutputFile;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.services.sts.StsClient;

/// What the embedded store does beyond the contract of every store.
class EmbeddedS3Test {
    private static final String SECRET = "embedded-s3-test-secret";
    private static final byte[] BYTES = "hello".getBytes(UTF_8);
    private static final String SOME_POLICY = """
            {"Version": "2012-10-17", "Statement": [
              {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::sales/orders/*"}]}
            """;

    @TempDir
    private Path folder;

    private EmbeddedS3 store = new EmbeddedS3(settings(Path.of("."), 0));
    private final S3DomainStorage storage =
            new S3DomainStorage(Clock.systemUTC(), new Endpoints(List.of("127.0.0.1", "localhost")));
    private final Location orders = new Location("sales", "wh/orders");

    @BeforeEach
    void start() throws IOException {
        store = new EmbeddedS3(settings(folder, 0));
        store.start();
        storage.provision(profile());
    }

    @AfterEach
    void stop() {
        storage.close();
        store.close();
    }

    private static EmbeddedS3.Settings settings(Path folder, int port) {
        return new EmbeddedS3.Settings(folder, port, "root", SECRET, "us-east-1");
    }

    private StorageProfile profile() {
        return new StorageProfile(
                new DomainName("sales"),
                "sales",
                "",
                Optional.of(store.endpoint()),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                Credential.permanent("root", SECRET));
    }

    // --- what stays

    @Test
    void objectsAndKeysOutliveARestart() throws IOException {
        Credential key = storage.vend(profile(), orders, Reach.READ, Duration.ofMinutes(15));
        storage.write(profile(), orders.child("a"), BYTES);
        int port = store.endpoint().getPort();
        store.close();
        store = new EmbeddedS3(settings(folder, port));
        store.start();
        try (S3Client s3 = client(key)) {
            assertThat(s3.getObjectAsBytes(r -> r.bucket("sales").key("wh/orders/a"))
                            .asByteArray())
                    .isEqualTo(BYTES);
        }
    }

    @Test
    void onlyTheOwnerReadsTheFolder() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("session.key"))))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("buckets"))))
                .isEqualTo("rwx------");
    }

    @Test
    void anotherStoresKeyOpensNothingHere(@TempDir Path other) throws IOException {
        Credential key = storage.vend(profile(), orders, Reach.READ, Duration.ofMinutes(15));
        try (EmbeddedS3 stranger = new EmbeddedS3(settings(other, 0))) {
            stranger.start();
            try (S3Client s3 = client(key, stranger)) {
                refused(400, "InvalidToken", () -> s3.listBuckets());
            }
        }
    }

    // --- starting

    @Test
    void aPortInUseIsNamed() {
        EmbeddedS3 second = new EmbeddedS3(settings(folder, store.endpoint().getPort()));
        assertThatIOException()
                .isThrownBy(second::start)
                .withMessageContaining(String.valueOf(store.endpoint().getPort()));
    }

    @Test
    void settingsPrintWithoutTheSecret() {
        assertThat(settings(folder, 0).toString()).doesNotContain(SECRET).contains("root");
        assertThatIllegalArgumentException().isThrownBy(() -> new EmbeddedS3.Settings(folder, 0, "root", "", "x"));
    }

    // --- conditional writes

    @Test
    void noUpdateIsLostUnderIfMatch() throws Exception {
        int writers = 8;
        int each = 10;
        AtomicInteger unknown = new AtomicInteger();
        storage.write(profile(), orders.child("counter"), "0".getBytes(UTF_8));
        try (S3Client s3 = root();
                var threads = Executors.newCachedThreadPool()) {
            Callable<Integer> count = () -> {
                for (int done = 0; done < each; ) {
                    done += incremented(s3, unknown) ? 1 : 0;
                }
                return each;
            };
            for (var writer : threads.invokeAll(
                    IntStream.range(0, writers).mapToObj(i -> count).toList())) {
                writer.get();
            }
        }
        int counted = Integer.parseInt(
                new String(storage.read(profile(), orders.child("counter"), 100).orElseThrow(), UTF_8));
        assertThat(counted).isBetween(writers * each, writers * each + unknown.get());
    }

    /// @param unknown counts what was refused only when the SDK sent it again, as it does after a lost answer
    private static boolean incremented(S3Client s3, AtomicInteger unknown) {
        var seen = s3.getObjectAsBytes(r -> r.bucket("sales").key("wh/orders/counter"));
        int next = Integer.parseInt(seen.asUtf8String()) + 1;
        try {
            s3.putObject(
                    r -> r.bucket("sales")
                            .key("wh/orders/counter")
                            .ifMatch(seen.response().eTag()),
                    RequestBody.fromString(String.valueOf(next)));
            return true;
        } catch (S3Exception e) {
            if (e.statusCode() == 412) {
                unknown.addAndGet(e.numAttempts() > 1 ? 1 : 0);
                return false;
            }
            throw e;
        }
    }

    // --- names

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../x",
                "a/../x",
                "./x",
                "a//x",
                "/x",
                "..",
                ".",
                "../../etc/passwd",
                ".mpus-x",
                ".s3proxy-mpu-stub-x"
            })
    void evenTheRootKeyCannotClimb(String key) {
        try (S3Client s3 = root()) {
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    // Some of these Jetty refuses itself, before it has read a body.
                    () -> s3.putObject(r -> r.bucket("sales").key(key), RequestBody.empty()),
                    () -> s3.getObjectAsBytes(r -> r.bucket("sales").key(key)),
                    () -> s3.deleteObject(r -> r.bucket("sales").key(key)))) {
                AwsServiceException answer = catchThrowableOfType(AwsServiceException.class, call);
                assertThat(answer).isNotNull();
                assertThat(answer.statusCode()).isBetween(400, 404);
            }
        }
    }

    @Test
    void aNameTooLongForTheDiskIsTheClientsMistake() {
        try (S3Client s3 = root()) {
            refused(
                    400,
                    "KeyTooLongError",
                    () -> s3.putObject(r -> r.bucket("sales").key("x".repeat(201)), RequestBody.fromBytes(BYTES)));
            s3.putObject(r -> r.bucket("sales").key("x".repeat(200)), RequestBody.fromBytes(BYTES));
            refused(
                    400,
                    "KeyTooLongError",
                    () -> s3.createMultipartUpload(r -> r.bucket("sales").key("x".repeat(151))));
        }
    }

    // --- signatures

    @Test
    void aSignedAddressOpensWhatItNamesAndNothingElse() throws IOException {
        Credential key = storage.vend(profile(), orders, Reach.READ_WRITE, Duration.ofMinutes(15));
        try (S3Presigner presigner = presigner(key)) {
            var signed = presigner.presignGetObject(p -> p.signatureDuration(Duration.ofMinutes(5))
                    .getObjectRequest(r -> r.bucket("sales").key("wh/orders/a")));
            storage.write(profile(), orders.child("a"), BYTES);
            storage.write(profile(), orders.child("b"), BYTES);
            assertThat(status(signed.url().toString())).isEqualTo(200);
            assertThat(status(signed.url().toString().replace("orders/a", "orders/b")))
                    .isEqualTo(403);
            var outside = presigner.presignGetObject(p -> p.signatureDuration(Duration.ofMinutes(5))
                    .getObjectRequest(r -> r.bucket("sales").key("wh/customers/a")));
            assertThat(status(outside.url().toString())).isEqualTo(403);
        }
    }

    private static int status(String url) throws IOException {
        return ((HttpURLConnection) URI.create(url).toURL().openConnection()).getResponseCode();
    }

    // --- STS

    @Test
    void aSessionNeedsAPolicyThatIsUnderstood() {
        refused(400, "MalformedPolicyDocument", () -> assumeRole("root", SECRET, Optional.empty()));
        refused(400, "MalformedPolicyDocument", () -> assumeRole("root", SECRET, Optional.of("{}")));
        refused(
                400,
                "MalformedPolicyDocument",
                () -> assumeRole("root", SECRET, Optional.of(SOME_POLICY.replace("Action", "NotAction"))));
        assertThat(assumeRole("root", SECRET, Optional.of(SOME_POLICY))).startsWith("ASIA");
    }

    @Test
    void onlyTheRootKeyAsksForSessions() {
        refused(403, "SignatureDoesNotMatch", () -> assumeRole("root", "wrong", Optional.of(SOME_POLICY)));
        refused(403, "InvalidClientTokenId", () -> assumeRole("nobody", SECRET, Optional.of(SOME_POLICY)));
    }

    private String assumeRole(String accessKey, String secret, Optional<String> policy) {
        try (StsClient sts = StsClient.builder()
                .endpointOverride(store.endpoint())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(accessKey, secret)))
                .httpClient(UrlConnectionHttpClient.create())
                .build()) {
            return sts.assumeRole(r -> {
                        r.roleArn("arn:aws:iam::000000000000:role/x").roleSessionName("test");
                        policy.ifPresent(r::policy);
                    })
                    .credentials()
                    .accessKeyId();
        }
    }

    // --- Iceberg

    @Test
    void icebergsOwnFileIoWorksWithAVendedKey() throws IOException {
        Credential key = storage.vend(profile(), orders, Reach.READ_WRITE, Duration.ofMinutes(15));
        storage.write(profile(), new Location("sales", "wh/customers/x"), BYTES);
        byte[] large = new byte[13 << 20];
        Arrays.fill(large, (byte) 7);
        try (S3FileIO io = new S3FileIO()) {
            io.initialize(Map.of(
                    "s3.endpoint", store.endpoint().toString(),
                    "s3.path-style-access", "true",
                    "s3.access-key-id", key.accessKey(),
                    "s3.secret-access-key", key.secretKey(),
                    "s3.session-token", key.sessionToken().orElseThrow(),
                    "s3.multipart.part-size-bytes", String.valueOf(5 << 20),
                    "client.region", "us-east-1",
                    "http-client.type", "urlconnection"));
            List<String> files = List.of(
                    "s3://sales/wh/orders/metadata/v1.json", "s3://sales/wh/orders/data/day=2026-01-01/big.parquet");
            write(io.newOutputFile(files.get(0)), BYTES);
            write(io.newOutputFile(files.get(1)), large);
            assertThat(read(io, files.get(0))).isEqualTo(BYTES);
            assertThat(Arrays.equals(read(io, files.get(1)), large)).isTrue();
            List<FileInfo> listed = new ArrayList<>();
            io.listPrefix("s3://sales/wh/orders/").forEach(listed::add);
            assertThat(listed).extracting(FileInfo::location).containsExactlyInAnyOrderElementsOf(files);
            refused(403, "AccessDenied", () -> read(io, "s3://sales/wh/customers/x"));
            refused(403, "AccessDenied", () -> write(io.newOutputFile("s3://sales/wh/customers/y"), large));
            io.deleteFile(files.get(0));
            io.deleteFiles(List.of(files.get(1)));
        }
        assertThat(storage.isEmpty(profile(), orders)).isTrue();
    }

    private static void write(OutputFile file, byte[] bytes) throws IOException {
        try (var out = file.createOrOverwrite()) {
            out.write(bytes);
        }
    }

    private static byte[] read(S3FileIO io, String location) throws IOException {
        try (InputStream in = io.newInputFile(location).newStream()) {
            return in.readAllBytes();
        }
    }

    // --- the guard

    /// A call that S3Proxy adds later must not pass unseen.
    @Test
    void theGuardAsksAboutEveryCall() {
        Set<String> harmless = Set.of(
                "delegate",
                "close",
                "supportsVersioning",
                "supportsServerSideEncryption",
                "supportsBucketEncryption",
                "getMinimumMultipartPartSize");
        assertThat(signatures(S3Guard.class))
                .containsAll(signatures(ForwardingBlobStore.class).stream()
                        .filter(each -> !harmless.contains(each.substring(0, each.indexOf('('))))
                        .toList());
        // The rest of the interface is made of these calls. A new one has to be looked at, then counted.
        assertThat(signatures(BlobStore.class).stream()
                        .filter(each -> !signatures(ForwardingBlobStore.class).contains(each)))
                .hasSize(19);
    }

    private static Set<String> signatures(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isBridge())
                .map(EmbeddedS3Test::signature)
                .collect(Collectors.toSet());
    }

    private static String signature(Method method) {
        return method.getName() + Arrays.toString(method.getParameterTypes()).replace('[', '(');
    }

    // --- words of these tests

    private S3Client root() {
        return client(Credential.permanent("root", SECRET));
    }

    private S3Client client(Credential key) {
        return client(key, store);
    }

    private static S3Client client(Credential key, EmbeddedS3 store) {
        return S3Client.builder()
                .endpointOverride(store.endpoint())
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .credentialsProvider(provider(key))
                .httpClient(UrlConnectionHttpClient.create())
                .build();
    }

    private S3Presigner presigner(Credential key) {
        return S3Presigner.builder()
                .endpointOverride(store.endpoint())
                .region(Region.US_EAST_1)
                .serviceConfiguration(
                        S3Configuration.builder().pathStyleAccessEnabled(true).build())
                .credentialsProvider(provider(key))
                .build();
    }

    private static StaticCredentialsProvider provider(Credential key) {
        return StaticCredentialsProvider.create(
                key.sessionToken().isPresent()
                        ? AwsSessionCredentials.create(
                                key.accessKey(),
                                key.secretKey(),
                                key.sessionToken().get())
                        : AwsBasicCredentials.create(key.accessKey(), key.secretKey()));
    }

    private static void refused(int status, String code, ThrowingCallable call) {
        Throwable thrown = catchThrowable(call);
        assertThat(thrown).as("refusal").isNotNull();
        while (!(thrown instanceof AwsServiceException) && thrown.getCause() != null) {
            thrown = thrown.getCause();
        }
        assertThat(thrown).isInstanceOf(AwsServiceException.class);
        AwsServiceException answer = (AwsServiceException) thrown;
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.awsErrorDetails().errorCode()).isEqualTo(code);
    }
}
