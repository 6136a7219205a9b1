package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.DomainStorage.StorageException;
import io.icefield.storage.DomainStorage.TooLong;
import io.icefield.storage.Location;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.utils.http.SdkHttpUtils;

/// Reads and writes whole objects of one bucket. Every commit waits for that, and the SDK's own call costs
/// several times what the request does; so this takes the SDK's signer and its HTTP client, and nothing between
/// them.
final class ObjectCalls {
    private static final int ATTEMPTS_MAX = 3;
    private static final int ERROR_BYTES_MAX = 16_384;
    private static final AwsV4HttpSigner SIGNER = AwsV4HttpSigner.create();
    private static final Pattern CODE = Pattern.compile("<Code>([A-Za-z0-9.]{1,100})</Code>");

    private final SdkHttpClient http;
    private final URI bucket;
    private final String region;
    private final Optional<String> kmsKey;
    private final AwsCredentialsIdentity key;

    /// @param bucket where its objects are, without a slash at the end
    /// @param kmsKey encrypts what is written; empty: the bucket's own habit
    ObjectCalls(SdkHttpClient http, URI bucket, String region, Optional<String> kmsKey, AwsCredentialsIdentity key) {
        this.http = http;
        this.bucket = bucket;
        this.region = region;
        this.kmsKey = kmsKey;
        this.key = key;
    }

    /// What the store answered.
    ///
    /// @param code of an error; empty: none
    private record Reply(int status, byte[] body, String code) {
        boolean good() {
            return status / 100 == 2;
        }

        boolean passing() {
            return status >= 500 || status == 429 || status == 408;
        }

        StorageException refused(String what, Location at) {
            return new StorageException("could not %s %s: %d %s".formatted(what, at, status, code));
        }
    }

    /// Writes a new object. An attempt whose answer was lost may have written it: then it is there with these bytes.
    void write(Location at, byte[] bytes) {
        Optional<StorageException> lost = Optional.empty();
        for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
            try {
                Reply reply = call(SdkHttpMethod.PUT, at, Optional.of(bytes), ERROR_BYTES_MAX);
                if (reply.good()) {
                    return;
                }
                if (!reply.passing()) {
                    if (lost.isPresent() && isThere(at, bytes)) {
                        return;
                    }
                    throw reply.refused("write", at);
                }
                lost = Optional.of(reply.refused("write", at));
            } catch (IOException e) {
                lost = Optional.of(noAnswer("write", at, e));
            }
        }
        throw lost.orElseThrow();
    }

    private boolean isThere(Location at, byte[] bytes) {
        try {
            return read(at, bytes.length)
                    .filter(there -> Arrays.equals(there, bytes))
                    .isPresent();
        } catch (StorageException _) {
            return false; // longer, or nobody knows: then it is as if the write had failed
        }
    }

    Optional<byte[]> read(Location at, int bytesMax) {
        Optional<StorageException> lost = Optional.empty();
        for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
            try {
                Reply reply = call(SdkHttpMethod.GET, at, Optional.empty(), bytesMax);
                if (reply.good()) {
                    return Optional.of(reply.body());
                }
                if (reply.code().equals("NoSuchKey")) {
                    return Optional.empty();
                }
                lost = Optional.of(reply.refused("read", at));
                if (!reply.passing()) {
                    break;
                }
            } catch (IOException e) {
                lost = Optional.of(noAnswer("read", at, e));
            }
        }
        throw lost.orElseThrow();
    }

    private static StorageException noAnswer(String what, Location at, IOException e) {
        return new StorageException(
                "could not %s %s: no answer (%s)"
                        .formatted(what, at, e.getClass().getSimpleName()),
                e);
    }

    private Reply call(SdkHttpMethod method, Location at, Optional<byte[]> body, int bytesMax) throws IOException {
        SdkHttpRequest.Builder plain = SdkHttpRequest.builder()
                .method(method)
                .uri(URI.create(bucket + "/" + SdkHttpUtils.urlEncodeIgnoreSlashes(at.key())));
        body.ifPresent(bytes -> plain.putHeader("If-None-Match", "*")
                .putHeader("Content-Type", "application/octet-stream")
                .putHeader("Content-Length", Integer.toString(bytes.length)));
        kmsKey.filter(_ -> body.isPresent())
                .ifPresent(id -> plain.putHeader("x-amz-server-side-encryption", "aws:kms")
                        .putHeader("x-amz-server-side-encryption-aws-kms-key-id", id));
        Optional<ContentStreamProvider> payload = body.map(ContentStreamProvider::fromByteArrayUnsafe);
        SignedRequest signed = SIGNER.sign(sign -> {
            sign.identity(key)
                    .request(plain.build())
                    .putProperty(AwsV4HttpSigner.REGION_NAME, region)
                    .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "s3")
                    .putProperty(AwsV4HttpSigner.DOUBLE_URL_ENCODE, false)
                    .putProperty(AwsV4HttpSigner.NORMALIZE_PATH, false)
                    // TLS protects the body as well, and so costs nothing more.
                    .putProperty(AwsV4HttpSigner.PAYLOAD_SIGNING_ENABLED, !"https".equals(bucket.getScheme()))
                    .putProperty(AwsV4HttpSigner.CHUNK_ENCODING_ENABLED, false);
            payload.ifPresent(sign::payload);
        });
        HttpExecuteRequest.Builder request = HttpExecuteRequest.builder().request(signed.request());
        payload.ifPresent(request::contentStreamProvider);
        HttpExecuteResponse response = http.prepareRequest(request.build()).call();
        int status = response.httpResponse().statusCode();
        boolean good = status / 100 == 2;
        byte[] answer = new byte[0];
        if (response.responseBody().isPresent()) {
            try (InputStream in = response.responseBody().get()) {
                int max = good ? bytesMax : ERROR_BYTES_MAX;
                answer = in.readNBytes(max);
                if (good && in.read() >= 0) {
                    response.responseBody().get().abort();
                    throw new TooLong("%s is larger than %d bytes".formatted(at, bytesMax));
                }
            }
        }
        return new Reply(status, answer, good ? "" : code(answer));
    }

    private static String code(byte[] error) {
        Matcher code = CODE.matcher(new String(error, UTF_8));
        return code.find() ? code.group(1) : "";
    }
}
