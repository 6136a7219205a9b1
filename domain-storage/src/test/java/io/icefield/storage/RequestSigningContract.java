package io.icefield.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.DomainStorage.Unfit;
import io.icefield.storage.RequestSigner.OutOfReach;
import io.icefield.storage.RequestSigner.Signed;
import io.icefield.storage.RequestSigner.Unsigned;
import io.icefield.storage.s3.S3DomainStorage;
import io.icefield.storage.s3.S3RequestSigner;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Signed requests do on a real store what their sender may do, and nothing else, however they are changed.
public abstract class RequestSigningContract {
    /// Where the store is, and its root key; it has an STS.
    protected abstract StorageProfile store(String bucket);

    /// Does the store keep to what a signature covers, also when the root key signed?
    protected abstract boolean keepsToSignatures();

    private static final Duration FOR_LONG = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final byte[] BYTES = "hello".getBytes(UTF_8);

    private final S3DomainStorage storage =
            new S3DomainStorage(Clock.systemUTC(), new Endpoints(List.of("127.0.0.1", "localhost")));
    private final S3RequestSigner signer = new S3RequestSigner(storage, Clock.systemUTC());
    private final HttpClient http = HttpClient.newHttpClient();
    private final String bucket = "t-" + UUID.randomUUID();
    private final Location orders = new Location(bucket, "sales/orders");
    private final Location neighbour = new Location(bucket, "sales/orders2/secret");

    @BeforeEach
    void aTableWithANeighbour() {
        storage.provision(store(bucket));
        storage.write(store(bucket), neighbour, BYTES);
        storage.write(store(bucket), orders.child("a"), BYTES);
    }

    @AfterEach
    void theNeighbourIsUnharmed() {
        assertThat(storage.read(store(bucket), neighbour, 100)).hasValue(BYTES);
        storage.close();
        http.close();
    }

    private void assumeSafe(boolean sts) {
        assumeThat(sts || keepsToSignatures())
                .as("no domain of this store is without an STS: docs/signing.md")
                .isTrue();
    }

    private StorageProfile profile(boolean sts) {
        StorageProfile store = store(bucket);
        return new StorageProfile(
                store.domain(),
                store.bucket(),
                store.prefix(),
                store.endpoint(),
                store.sts(),
                store.region(),
                store.pathStyle(),
                sts ? store.roleArn() : "",
                store.root());
    }

    private String uri(String path) {
        return store(bucket).endpoint().orElseThrow() + "/" + bucket + path;
    }

    private Signed sign(
            boolean sts, Reach reach, String method, String path, Map<String, String> headers, String body) {
        return sign(sts, reach, FOR_LONG, method, path, headers, body);
    }

    private Signed sign(
            boolean sts,
            Reach reach,
            Duration right,
            String method,
            String path,
            Map<String, String> headers,
            String body) {
        Map<String, List<String>> all = new TreeMap<>();
        headers.forEach((name, value) -> all.put(name, List.of(value)));
        return signer.sign(
                profile(sts),
                orders,
                reach,
                right,
                new Unsigned(
                        method,
                        uri(path),
                        store(bucket).region(),
                        all,
                        Optional.of(body).filter(_ -> path.contains("?delete"))));
    }

    private HttpResponse<String> send(
            Signed signed, String method, String path, Map<String, String> headers, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(uri(path)))
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        Map<String, String> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        signed.headers().forEach((name, values) -> all.put(name, String.join(",", values)));
        all.putAll(headers);
        all.keySet().removeIf(name -> name.equalsIgnoreCase("host")); // the client's own
        all.forEach(request::setHeader);
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private HttpResponse<String> signedAndSent(
            boolean sts, Reach reach, String method, String path, Map<String, String> headers, String body) {
        return send(sign(sts, reach, method, path, headers, body), method, path, headers, body);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReaderReadsAndListsItsTable(boolean sts) {
        HttpResponse<String> got = signedAndSent(sts, Reach.READ, "GET", "/sales/orders/a", Map.of(), "");
        assertThat(got.statusCode()).as(got.body()).isEqualTo(200);
        assertThat(got.body()).isEqualTo("hello");
        HttpResponse<String> part =
                signedAndSent(sts, Reach.READ, "GET", "/sales/orders/a", Map.of("Range", "bytes=1-2"), "");
        assertThat(part.body()).isEqualTo("el");
        assertThat(signedAndSent(sts, Reach.READ, "HEAD", "/sales/orders/a", Map.of(), "")
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<String> listed =
                signedAndSent(sts, Reach.READ, "GET", "?list-type=2&prefix=sales%2Forders%2F", Map.of(), "");
        assertThat(listed.statusCode()).as(listed.body()).isEqualTo(200);
        assertThat(listed.body()).contains("<Key>sales/orders/a</Key>").doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWriterWritesAndDeletes(boolean sts) {
        HttpResponse<String> put =
                signedAndSent(sts, Reach.READ_WRITE, "PUT", "/sales/orders/p%3D1/b%20c", Map.of(), "bye");
        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
        assertThat(storage.read(store(bucket), orders.child("p=1/b c"), 100)).hasValue("bye".getBytes(UTF_8));

        Map<String, String> source = Map.of("x-amz-copy-source", bucket + "/sales/orders/a");
        HttpResponse<String> copy = signedAndSent(sts, Reach.READ_WRITE, "PUT", "/sales/orders/copy", source, "");
        assertThat(copy.statusCode()).as(copy.body()).isEqualTo(200);

        String body = "<Delete><Object><Key>sales/orders/a</Key></Object>"
                + "<Object><Key>sales/orders/copy</Key></Object></Delete>";
        Map<String, String> md5 = Map.of("Content-MD5", md5(body));
        HttpResponse<String> deleted = signedAndSent(sts, Reach.READ_WRITE, "POST", "?delete", md5, body);
        assertThat(deleted.statusCode()).as(deleted.body()).isEqualTo(200);
        assertThat(deleted.body()).doesNotContain("<Error>");
        assertThat(storage.read(store(bucket), orders.child("a"), 100)).isEmpty();
        assertThat(storage.read(store(bucket), orders.child("copy"), 100)).isEmpty();

        assertThat(signedAndSent(sts, Reach.READ_WRITE, "DELETE", "/sales/orders/p%3D1/b%20c", Map.of(), "")
                        .statusCode())
                .isEqualTo(204);
        assertThat(storage.isEmpty(store(bucket), orders)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anUploadInPartsIsSignedStepByStep(boolean sts) {
        String path = "/sales/orders/large";
        HttpResponse<String> begun = signedAndSent(sts, Reach.READ_WRITE, "POST", path + "?uploads", Map.of(), "");
        assertThat(begun.statusCode()).as(begun.body()).isEqualTo(200);
        String id = begun.body().replaceAll("(?s).*<UploadId>(.*)</UploadId>.*", "$1");
        String part = path + "?partNumber=1&uploadId=" + java.net.URLEncoder.encode(id, UTF_8);
        HttpResponse<String> sent = signedAndSent(sts, Reach.READ_WRITE, "PUT", part, Map.of(), "part one");
        assertThat(sent.statusCode()).as(sent.body()).isEqualTo(200);
        String parts = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
                + sent.headers().firstValue("ETag").orElseThrow() + "</ETag></Part></CompleteMultipartUpload>";
        HttpResponse<String> done = signedAndSent(
                sts,
                Reach.READ_WRITE,
                "POST",
                path + "?uploadId=" + java.net.URLEncoder.encode(id, UTF_8),
                Map.of(),
                parts);
        assertThat(done.statusCode()).as(done.body()).isEqualTo(200);
        assertThat(storage.read(store(bucket), orders.child("large"), 100)).hasValue("part one".getBytes(UTF_8));
    }

    @Test
    void aSignatureEndsWithTheRightBehindIt() {
        Duration right = Duration.ofSeconds(4);
        Instant signedAt = Instant.now();
        Signed get = sign(true, Reach.READ, right, "GET", "/sales/orders/a", Map.of(), "");
        assertThat(send(get, "GET", "/sales/orders/a", Map.of(), "").statusCode())
                .isEqualTo(200);
        int status;
        do {
            status = send(get, "GET", "/sales/orders/a", Map.of(), "").statusCode();
            assertThat(Instant.now()).as("it ends").isBefore(signedAt.plus(PATIENCE));
        } while (status == 200);
        assertThat(status).isEqualTo(403);
        assertThat(Instant.now()).as("not earlier").isAfter(signedAt.plus(right.dividedBy(2)));
        assertThat(send(
                                sign(true, Reach.READ, "GET", "/sales/orders/a", Map.of(), ""),
                                "GET",
                                "/sales/orders/a",
                                Map.of(),
                                "")
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void aReaderChangesNothing() {
        for (String method : List.of("PUT", "DELETE")) {
            assertThatExceptionOfType(OutOfReach.class)
                    .isThrownBy(() -> sign(true, Reach.READ, method, "/sales/orders/a", Map.of(), ""));
        }
        assertThatExceptionOfType(OutOfReach.class)
                .isThrownBy(() -> sign(true, Reach.READ, "POST", "/sales/orders/a?uploads", Map.of(), ""));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSignatureIsForOneRequest(boolean sts) {
        Signed get = sign(sts, Reach.READ, "GET", "/sales/orders/a", Map.of(), "");
        refused(send(get, "GET", "/sales/orders2/secret", Map.of(), ""));
        refused(send(get, "DELETE", "/sales/orders/a", Map.of(), ""));
        refused(send(get, "PUT", "/sales/orders/a", Map.of(), "x"));
        refused(send(get, "GET", "/sales/orders/a?acl", Map.of(), ""));
        refused(send(get, "GET", "/sales/orders/../orders2/secret", Map.of(), ""));
        Signed list = sign(sts, Reach.READ, "GET", "?list-type=2&prefix=sales%2Forders%2F", Map.of(), "");
        refused(send(list, "GET", "?list-type=2&prefix=", Map.of(), ""));
        refused(send(list, "GET", "?list-type=2", Map.of(), ""));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theBodyOfADeletionIsPartOfItsSignature(boolean sts) {
        assumeSafe(sts);
        String ours = "<Delete><Object><Key>sales/orders/zzzzzz</Key></Object></Delete>";
        String theirs = "<Delete><Object><Key>sales/orders2/secret</Key></Object></Delete>";
        Signed signed = sign(sts, Reach.READ_WRITE, "POST", "?delete", Map.of(), ours);
        HttpResponse<String> answer = send(signed, "POST", "?delete", Map.of("Content-MD5", md5(theirs)), theirs);
        assertThat(storage.read(store(bucket), neighbour, 100))
                .as(answer.body())
                .hasValue(BYTES);
    }

    @Test
    void aStoreThatDoesNotKeepToSignaturesIsNotUsedWithoutAnSts() {
        if (keepsToSignatures()) {
            storage.provision(profile(false));
        } else {
            assertThatExceptionOfType(Unfit.class)
                    .isThrownBy(() -> storage.provision(profile(false)))
                    .withMessageContaining("STS");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHeaderThatNobodySignedCopiesNothing(boolean sts) {
        assumeSafe(sts);
        Signed put = sign(sts, Reach.READ_WRITE, "PUT", "/sales/orders/stolen", Map.of(), "");
        HttpResponse<String> answer = send(
                put, "PUT", "/sales/orders/stolen", Map.of("x-amz-copy-source", bucket + "/sales/orders2/secret"), "");
        refused(answer);
        assertThat(storage.read(store(bucket), orders.child("stolen"), 100)).isNotEqualTo(Optional.of(BYTES));
    }

    private static void refused(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isBetween(400, 404);
    }

    private static String md5(String body) {
        try {
            return java.util.Base64.getEncoder()
                    .encodeToString(
                            java.security.MessageDigest.getInstance("MD5").digest(body.getBytes(UTF_8)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
