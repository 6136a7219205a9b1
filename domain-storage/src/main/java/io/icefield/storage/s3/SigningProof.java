package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.DomainStorage.StorageException;
import io.icefield.storage.DomainStorage.Unfit;
import io.icefield.storage.Location;
import io.icefield.storage.RequestSigner;
import io.icefield.storage.RequestSigner.Unsigned;
import io.icefield.storage.StorageProfile;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;

/// Where requests are signed with the root key, only the store can keep a client from changing what the signature does
/// not cover. This tries to cheat as a client would. Some stores let it: MinIO does, so it needs its STS.
final class SigningProof {
    /// Of a signature that the proof changes and sends at once.
    private static final Duration LASTS = Duration.ofMinutes(15);

    private final DomainStorage storage;
    private final RequestSigner signer;
    private final SdkHttpClient http;
    private final StorageProfile profile;
    private final Location folder;
    private final Location secret;

    SigningProof(DomainStorage storage, RequestSigner signer, SdkHttpClient http, StorageProfile profile) {
        this.storage = storage;
        this.signer = signer;
        this.http = http;
        this.profile = profile;
        String name = ".icefield-probe-" + UUID.randomUUID();
        this.folder = profile.home().child(name);
        this.secret = profile.home().child(name + "-secret");
    }

    /// Throws `Unfit`.
    void prove() {
        Location stolen = folder.child("stolen");
        storage.write(profile, secret, secret.key().getBytes(UTF_8));
        try {
            send("PUT", "/" + stolen.key(), Map.of("x-amz-copy-source", secret.bucket() + "/" + secret.key()), "", "");
            if (storage.read(profile, stolen, 10_000)
                    .filter(got -> got.length > 0)
                    .isPresent()) {
                throw unfit("it follows the header `x-amz-copy-source` of a request that was signed without it");
            }
            send("POST", "?delete", Map.of(), deletion(stolen), deletion(secret));
            if (storage.read(profile, secret, 10_000).isEmpty()) {
                throw unfit("it takes another body for a deletion than the one that was signed");
            }
        } finally {
            storage.delete(profile, List.of(secret, stolen));
        }
    }

    private Unfit unfit(String why) {
        return new Unfit(
                "the store of bucket `%s` must not be used without an STS: %s; set `ICEFIELD_STS_ROLE_ARN` to a role"
                        .formatted(profile.bucket(), why));
    }

    private static String deletion(Location object) {
        return "<Delete><Object><Key>%s</Key></Object></Delete>".formatted(object.key());
    }

    /// @param unsigned headers that are added when the request has been signed
    /// @param signed the body that is signed
    /// @param sent the body that is sent
    private void send(String method, String path, Map<String, String> unsigned, String signed, String sent) {
        String uri = base() + path;
        RequestSigner.Signed answer = signer.sign(
                profile,
                folder,
                Reach.READ_WRITE,
                LASTS,
                new Unsigned(
                        method,
                        uri,
                        profile.region(),
                        Map.of(),
                        Optional.of(signed).filter(body -> !body.isEmpty())));
        Map<String, List<String>> headers = new HashMap<>(answer.headers());
        unsigned.forEach((name, value) -> headers.put(name, List.of(value)));
        headers.put("Content-Length", List.of(Integer.toString(sent.length())));
        ContentStreamProvider body = ContentStreamProvider.fromByteArray(sent.getBytes(UTF_8));
        SdkHttpFullRequest request = SdkHttpFullRequest.builder()
                .uri(URI.create(uri))
                .method(SdkHttpMethod.fromValue(method))
                .headers(headers)
                .contentStreamProvider(body)
                .build();
        try {
            var response = http.prepareRequest(HttpExecuteRequest.builder()
                            .request(request)
                            .contentStreamProvider(body)
                            .build())
                    .call();
            if (response.responseBody().isPresent()) {
                response.responseBody().get().close();
            }
        } catch (IOException e) {
            throw new StorageException("could not prove that %s keeps to signatures".formatted(profile.bucket()), e);
        }
    }

    private String base() {
        URI endpoint = profile.endpoint()
                .orElseGet(() -> URI.create("https://s3.%s.amazonaws.com".formatted(profile.region())));
        return profile.pathStyle()
                ? "%s://%s/%s".formatted(endpoint.getScheme(), endpoint.getRawAuthority(), profile.bucket())
                : "%s://%s.%s".formatted(endpoint.getScheme(), profile.bucket(), endpoint.getRawAuthority());
    }
}
