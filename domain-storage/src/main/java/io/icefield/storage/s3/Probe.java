package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.DomainStorage.StorageException;
import io.icefield.storage.DomainStorage.Unfit;
import io.icefield.storage.Finding;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

/// Tries what a storage must allow and what it must refuse, as clients would: with vended keys, in a folder of the
/// probe's own.
final class Probe {
    private static final Duration LIFETIME = Duration.ofMinutes(15);

    /// Clocks differ.
    private static final Duration SKEW = Duration.ofMinutes(1);

    private static final DateTimeFormatter DAY = DateTimeFormatter.BASIC_ISO_DATE;
    private static final Set<Integer> REFUSALS = Set.of(400, 401, 403);
    private static final String WIDE =
            "Do not use this storage for tables that others must not see: its store does not keep to session policies. "
                    + "Give the domain a bucket on a store that does.";

    private final DomainStorage storage;
    private final S3Client root;
    private final SdkHttpClient http;
    private final StorageProfile profile;
    private final Upkeep wanted;
    private final Collection<StorageProfile> others;
    private final Clock clock;
    private final Recent<Location, Credential> lastKeys;
    private final Location folder;
    private final Location inside;
    private final Location unsigned;
    private final Location outside;
    private final List<Finding> findings = new ArrayList<>();

    Probe(
            DomainStorage storage,
            S3Client root,
            SdkHttpClient http,
            StorageProfile profile,
            Upkeep wanted,
            Collection<StorageProfile> others,
            Clock clock,
            Recent<Location, Credential> lastKeys) {
        this.storage = storage;
        this.root = root;
        this.http = http;
        this.profile = profile;
        this.wanted = wanted;
        this.others = others;
        this.clock = clock;
        this.lastKeys = lastKeys;
        String name = ".icefield-probe-" + UUID.randomUUID();
        this.folder = profile.home().child(name);
        this.inside = folder.child("a");
        this.unsigned = folder.child("c");
        this.outside = profile.home().child(name + "-beside").child("a");
    }

    List<Finding> run() {
        try {
            if (rootKey()) {
                encryption();
                if (profile.hasSts()) {
                    vended();
                } else {
                    signed();
                }
                unsigned();
                unsignedWrite();
                upkeep();
            }
        } finally {
            tidy();
        }
        return List.copyOf(findings);
    }

    private boolean rootKey() {
        return must("root-key", "writes, reads and lists with the storage's own key", """
                Check that the bucket is there and that the key may use it; give the storage a new key \
                with `icefield storage rotate`.""", () -> {
            storage.write(profile, inside, bytes(inside));
            storage.write(profile, outside, bytes(outside));
            boolean there =
                    storage.read(profile, inside, Location.KEY_BYTES_MAX).isPresent();
            if (!there || storage.isEmpty(profile, folder)) {
                throw new StorageException("what was written is not there");
            }
        });
    }

    private void encryption() {
        profile.kmsKey()
                .ifPresent(key -> must("encryption", "what is written is encrypted by `%s`".formatted(key), """
                        Let the key service of the store know the key, and let the storage's key use it.""", () -> {
                    HeadObjectResponse head =
                            root.headObject(r -> r.bucket(inside.bucket()).key(inside.key()));
                    String used = String.valueOf(head.ssekmsKeyId());
                    if (head.serverSideEncryption() != ServerSideEncryption.AWS_KMS
                            || !(used.equals(key) || used.endsWith("/" + key))) {
                        throw new StorageException(
                                "it is encrypted by %s %s".formatted(head.serverSideEncryptionAsString(), used));
                    }
                }));
    }

    // --- With vended keys

    private void vended() {
        List<Credential> keys = new ArrayList<>();
        boolean issued = must("session-keys", "the STS issues keys for one folder", """
                Check the address of the STS and the role; or set the storage up without an STS (`role-arn` \
                `none`), and have requests signed.""", () -> {
            keys.add(storage.vend(profile, folder, Reach.READ, LIFETIME));
            keys.add(storage.vend(profile, folder, Reach.READ_WRITE, LIFETIME));
        });
        if (!issued) {
            return;
        }
        Credential key = keys.getLast();
        S3Client writer = client(key);
        S3Client reader = client(keys.getFirst());
        Location own = folder.child("b");
        String grant =
                "Give the role that session keys assume (%s) this right on the bucket.".formatted(profile.roleArn());
        must("inside-write", "a vended key writes in its folder", grant, () -> put(writer, own));
        must("inside-read", "a vended key reads in its folder", grant, () -> get(reader, inside));
        must("inside-list", "a vended key lists its folder", grant, () -> list(writer, folder.key() + "/"));
        must("inside-delete", "a vended key deletes in its folder", grant, () -> {
            delete(writer, own);
            if (storage.read(profile, own, Location.KEY_BYTES_MAX).isPresent()) {
                throw new StorageException("it is still there");
            }
        });
        mustNot("reader-write", "a reader's key writes", () -> put(reader, own));
        mustNot("reader-delete", "a reader's key deletes", () -> delete(reader, inside));
        mustNot("outside-read", "a key reads beside its folder", () -> get(writer, outside));
        mustNot("outside-write", "a key writes beside its folder", () -> put(writer, outside));
        mustNot("outside-delete", "a key deletes beside its folder", () -> delete(writer, outside));
        mustNot("outside-list", "a key lists the bucket", () -> list(writer, ""));
        elsewhere(writer);
        mustNot("forged-token", "a key with another token reads", () -> get(client(forged(key)), inside));
        expiry();
        lastKeys.put(profile.home(), key);
    }

    private void elsewhere(S3Client writer) {
        String check = "other-domain";
        Optional<StorageProfile> other = others.stream()
                .filter(each -> each.endpoint().equals(profile.endpoint())
                        && !each.bucket().equals(profile.bucket()))
                .findFirst();
        if (other.isEmpty()) {
            findings.add(Finding.skipped(check, "no other domain has a bucket on this store"));
            return;
        }
        StorageProfile theirs = other.get();
        Location mark = theirs.home().child(".icefield-probe-" + UUID.randomUUID());
        String bucket = theirs.bucket();
        try {
            storage.write(theirs, mark, bytes(mark));
        } catch (StorageException e) {
            findings.add(Finding.skipped(check, "the bucket `%s` of another domain is not usable".formatted(bucket)));
            return;
        }
        try {
            mustNot(check, "a key reads, writes, lists or deletes in the bucket of another domain", () -> {
                // The first that is not refused ends this.
                for (Runnable attempt : List.<Runnable>of(
                        () -> get(writer, mark),
                        () -> put(writer, mark),
                        () -> delete(writer, mark),
                        () -> writer.listObjectsV2(r -> r.bucket(bucket).maxKeys(1)))) {
                    if (!isRefused(attempt)) {
                        return;
                    }
                }
                throw new Refused();
            });
        } finally {
            storage.delete(theirs, List.of(mark));
        }
    }

    /// A key cannot be made to end soon, so that of the probe before is tried.
    private void expiry() {
        Instant now = clock.instant();
        Optional<Credential> last = lastKeys.get(profile.home());
        Optional<Instant> end = last.flatMap(Credential::expiresAt);
        if (end.isEmpty() || now.isBefore(end.get().plus(SKEW))) {
            findings.add(Finding.skipped(
                    "expiry",
                    end.map(at -> "the key of the last probe ends at %s: probe again after that".formatted(at))
                            .orElse("keys live 15 minutes at least: the next probe tries this one's")));
            return;
        }
        mustNot("expiry", "a key reads that has ended at %s".formatted(end.get()), () -> {
            // Its folder is gone; a store that still knows the key says so.
            Credential key = last.get();
            get(client(key), inside);
        });
    }

    private static Credential forged(Credential key) {
        String token = key.sessionToken().orElse("");
        int middle = token.length() / 2;
        char other = token.charAt(middle) == 'A' ? 'B' : 'A';
        return new Credential(
                key.accessKey(),
                key.secretKey(),
                Optional.of(token.substring(0, middle) + other + token.substring(middle + 1)),
                key.expiresAt());
    }

    // --- Without keys

    private void signed() {
        findings.add(Finding.skipped("session-keys", "the storage has no STS: requests are signed one by one"));
        must("signatures", "the store keeps to what is signed", "Give the storage an STS and a role.", () -> {
            try {
                new SigningProof(storage, new S3RequestSigner(storage, clock), http, profile).prove();
            } catch (Unfit e) {
                throw new StorageException(String.valueOf(e.getMessage()));
            }
        });
    }

    private void unsigned() {
        S3Client nobody = S3DomainStorage.client(profile, http, Optional.empty());
        mustNot("no-signature", "anybody reads without a key", () -> get(nobody, inside));
    }

    /// MinIO takes a name for a signature when the checksum comes after the body (CVE-2026-41145). Tried with the
    /// name of the storage's own key, in the probe's folder, and looked at afterwards: what the store says does
    /// not count.
    private void unsignedWrite() {
        String check = "unsigned-write";
        String what = "whoever knows the name of the storage's key writes without its secret";
        try {
            sendUnsigned();
            findings.add(
                    storage.read(profile, unsigned, Location.KEY_BYTES_MAX).isEmpty()
                            ? Finding.passed(check, what + ": refused")
                            : Finding.failed(check, what + ": the store lets it (CVE-2026-41145)", """
                                    Update the store (MinIO: AIStor from 2026-04-11). Until then let nobody reach its \
                                    port but through a proxy that refuses requests with the header \
                                    `x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER`."""));
        } catch (IOException | StorageException e) {
            findings.add(Finding.skipped(check, what + ": no answer"));
        }
    }

    private void sendUnsigned() throws IOException {
        byte[] content = bytes(unsigned);
        CRC32 sum = new CRC32();
        sum.update(content);
        byte[] crc =
                ByteBuffer.allocate(Integer.BYTES).putInt((int) sum.getValue()).array();
        byte[] body = "%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n"
                .formatted(content.length, unsigned.key(), Base64.getEncoder().encodeToString(crc))
                .getBytes(UTF_8);
        String date = DAY.format(LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC));
        String name = URLEncoder.encode(
                "%s/%s/%s/s3/aws4_request".formatted(profile.root().accessKey(), date, profile.region()), UTF_8);
        URI at = URI.create(
                root.utilities().getUrl(url -> url.bucket(unsigned.bucket()).key(unsigned.key())) + "?X-Amz-Credential="
                        + name);
        SdkHttpFullRequest request = SdkHttpFullRequest.builder()
                .uri(at)
                .method(SdkHttpMethod.PUT)
                .putHeader("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
                .putHeader("x-amz-decoded-content-length", Integer.toString(content.length))
                .putHeader("Content-Encoding", "aws-chunked")
                .putHeader("x-amz-trailer", "x-amz-checksum-crc32")
                .putHeader("Content-Length", Integer.toString(body.length))
                .build();
        var answer = http.prepareRequest(HttpExecuteRequest.builder()
                        .request(request)
                        .contentStreamProvider(ContentStreamProvider.fromByteArray(body))
                        .build())
                .call();
        if (answer.responseBody().isPresent()) {
            answer.responseBody().get().close();
        }
    }

    private void upkeep() {
        if (wanted.equals(Upkeep.NONE)) {
            return;
        }
        must("upkeep", "versioning and lifecycle rules are as they were asked for", """
                Somebody has changed the bucket: change the storage again with the same values.""", () -> {
            List<String> missing = new BucketUpkeep(root, profile).missing(wanted);
            if (!missing.isEmpty()) {
                throw new StorageException("not as asked for: " + String.join(", ", missing));
            }
        });
    }

    // --- How a check ends

    private boolean must(String check, String what, String remedy, Runnable attempt) {
        try {
            attempt.run();
            findings.add(Finding.passed(check, what));
            return true;
        } catch (StorageException e) {
            findings.add(Finding.failed(check, what + ": no, " + e.getMessage(), remedy));
        } catch (AwsServiceException e) {
            findings.add(Finding.failed(check, what + ": no, " + said(e), remedy));
        } catch (SdkException e) {
            findings.add(Finding.failed(check, what + ": no answer", remedy));
        } catch (IllegalArgumentException e) {
            findings.add(Finding.failed(check, what + ": no, " + e.getMessage(), remedy));
        }
        return false;
    }

    private void mustNot(String check, String what, Runnable attempt) {
        try {
            attempt.run();
            findings.add(Finding.failed(check, what + ": the store lets it", WIDE));
        } catch (Refused e) {
            findings.add(Finding.passed(check, what + ": refused"));
        } catch (AwsServiceException e) {
            findings.add(
                    REFUSALS.contains(e.statusCode())
                            ? Finding.passed(check, what + ": refused, " + said(e))
                            : Finding.failed(check, what + ": no clear refusal, " + said(e), WIDE));
        } catch (SdkException | StorageException e) {
            findings.add(Finding.skipped(check, what + ": no answer"));
        }
    }

    private static boolean isRefused(Runnable attempt) {
        try {
            attempt.run();
            return false;
        } catch (AwsServiceException e) {
            return REFUSALS.contains(e.statusCode());
        }
    }

    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused() {
            super("refused", null, false, false);
        }
    }

    private static String said(AwsServiceException e) {
        return "%d %s".formatted(e.statusCode(), S3DomainStorage.code(e));
    }

    // --- Requests

    private S3Client client(Credential key) {
        return S3DomainStorage.client(profile, http, Optional.of(key));
    }

    private static byte[] bytes(Location at) {
        return at.key().getBytes(UTF_8);
    }

    private void put(S3Client s3, Location at) {
        s3.putObject(
                r -> {
                    r.bucket(at.bucket()).key(at.key());
                    profile.kmsKey()
                            .ifPresent(key -> r.serverSideEncryption(ServerSideEncryption.AWS_KMS)
                                    .ssekmsKeyId(key));
                },
                RequestBody.fromBytes(bytes(at)));
    }

    private static void get(S3Client s3, Location at) {
        s3.getObjectAsBytes(r -> r.bucket(at.bucket()).key(at.key()));
    }

    private static void delete(S3Client s3, Location at) {
        s3.deleteObject(r -> r.bucket(at.bucket()).key(at.key()));
    }

    private void list(S3Client s3, String prefix) {
        s3.listObjectsV2(r -> r.bucket(profile.bucket()).prefix(prefix).maxKeys(1));
    }

    private void tidy() {
        try {
            storage.delete(profile, List.of(inside, outside, unsigned, folder.child("b")));
        } catch (StorageException e) {
            findings.add(Finding.failed(
                    "tidy", "the probe's objects are left: " + e.getMessage(), "Delete `.icefield-probe-…` yourself."));
        }
    }
}
