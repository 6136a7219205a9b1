package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import io.icefield.storage.RequestSigner;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4FamilyHttpSigner;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.AwsSessionCredentialsIdentity;

/// Signature Version 4 in headers. Where the store has an STS, it signs with a session key of the table's folder: what
/// a header that nobody signed might add, the store then refuses. Without one it signs with the root key, and the store
/// must refuse `x-amz-` headers that are not signed, as Amazon's does.
public final class S3RequestSigner implements RequestSigner {
    /// The key that a client would be vended, so that there is one for both.
    private static final Duration KEY_LIFETIME = Duration.ofHours(1);

    private static final Duration DATE_GOOD = Duration.ofMinutes(15);

    private final DomainStorage storage;
    private final Clock clock;
    private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();

    public S3RequestSigner(DomainStorage storage, Clock clock) {
        this.storage = storage;
        this.clock = clock;
    }

    @Override
    public Signed sign(StorageProfile profile, Location folder, Reach reach, Duration right, Unsigned request) {
        S3Call call = S3Call.of(profile, folder, request);
        if (call.needs() == Reach.READ_WRITE && reach == Reach.READ) {
            throw new OutOfReach("a reader's `%s` of `%s` is not signed: it would change the table"
                    .formatted(request.method(), S3Call.shown(request.uri())));
        }
        Credential key = profile.hasSts() ? storage.vend(profile, folder, call.key(), KEY_LIFETIME) : profile.root();
        SdkHttpRequest.Builder http = SdkHttpRequest.builder()
                .uri(URI.create(request.uri()))
                .method(SdkHttpMethod.fromValue(request.method()));
        call.headers().forEach(http::putHeader);
        SignedRequest signed = signer.sign(sign -> {
            sign.identity(identity(key))
                    .request(http.build())
                    .putProperty(AwsV4FamilyHttpSigner.SERVICE_SIGNING_NAME, "s3")
                    .putProperty(AwsV4HttpSigner.REGION_NAME, profile.region())
                    .putProperty(AwsV4FamilyHttpSigner.DOUBLE_URL_ENCODE, false)
                    .putProperty(AwsV4FamilyHttpSigner.NORMALIZE_PATH, false)
                    .putProperty(
                            AwsV4FamilyHttpSigner.PAYLOAD_SIGNING_ENABLED,
                            call.body().isPresent())
                    .putProperty(HttpSigner.SIGNING_CLOCK, dated(right));
            call.body().ifPresent(body -> sign.payload(ContentStreamProvider.fromByteArray(body.getBytes(UTF_8))));
        });
        Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        headers.putAll(signed.request().headers());
        // Some clients add what they get to what they have: nothing must be there twice.
        headers.keySet().removeAll(request.headers().keySet());
        return new Signed(request.uri(), headers, call.reusable());
    }

    /// Stores take a date for so long: an older one is taken for less.
    private Clock dated(Duration right) {
        Duration less = DATE_GOOD.minus(right);
        return less.isPositive() ? Clock.offset(clock, less.negated()) : clock;
    }

    private static AwsCredentialsIdentity identity(Credential key) {
        return key.sessionToken()
                .<AwsCredentialsIdentity>map(
                        token -> AwsSessionCredentialsIdentity.create(key.accessKey(), key.secretKey(), token))
                .orElseGet(() -> AwsCredentialsIdentity.create(key.accessKey(), key.secretKey()));
    }
}
