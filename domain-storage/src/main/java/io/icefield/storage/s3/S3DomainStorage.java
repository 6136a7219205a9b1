package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Endpoints;
import io.icefield.storage.Finding;
import io.icefield.storage.Location;
import io.icefield.storage.StorageCare;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.StoredFile;
import io.icefield.storage.Upkeep;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.AssumeRoleResponse;

/// [DomainStorage] on S3: Amazon's, MinIO, Ceph, or the embedded one.
///
/// A method that is given a location outside the profile's home throws `IllegalArgumentException`: that is a bug of the
/// caller, not a refusal of the store.
public final class S3DomainStorage implements DomainStorage, StorageCare, AutoCloseable {
    /// What STS gives at least.
    private static final Duration LIFETIME_MIN = Duration.ofMinutes(15);

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CALL_TIMEOUT = Duration.ofMinutes(2);
    private static final int ATTEMPTS_MAX = 4;
    private static final int CLIENTS_MAX = 1_000;
    private static final int KEYS_MAX = 10_000;

    /// What S3 takes in one bulk delete.
    private static final int DELETE_MAX = 1_000;

    private final Clock clock;
    private final Endpoints endpoints;
    private final SdkHttpClient http = UrlConnectionHttpClient.create(this::connection);
    private final Recent<StorageProfile, Clients> clients = new Recent<>(CLIENTS_MAX);
    private final Recent<Asked, Issued> keys = new Recent<>(KEYS_MAX);

    /// Keys of the last probes: they must have ended by the next one.
    private final Recent<Location, Credential> probeKeys = new Recent<>(CLIENTS_MAX);

    public S3DomainStorage(Clock clock, Endpoints endpoints) {
        this.clock = clock;
        this.endpoints = endpoints;
    }

    /// A name may mean another address today, and an answer may point elsewhere.
    private HttpURLConnection connection(URI address) {
        try {
            endpoints.checkConnection(address);
        } catch (IllegalArgumentException e) {
            throw new StorageException("not connected: " + e.getMessage(), e);
        }
        try {
            HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection(Proxy.NO_PROXY);
            connection.setConnectTimeout(Math.toIntExact(CONNECT_TIMEOUT.toMillis()));
            connection.setReadTimeout(Math.toIntExact(SOCKET_TIMEOUT.toMillis()));
            connection.setInstanceFollowRedirects(false);
            connection.setUseCaches(false);
            return connection;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void provision(StorageProfile profile) {
        S3Client s3 = clients(profile).retrying();
        calling("look for bucket", profile.bucket(), () -> {
            try {
                return s3.headBucket(r -> r.bucket(profile.bucket()));
            } catch (AwsServiceException e) {
                if (e.statusCode() != 404) {
                    throw e;
                }
                return create(s3, profile.bucket());
            }
        });
        prove(profile);
        if (!profile.hasSts()) {
            new SigningProof(this, new S3RequestSigner(this, clock), http, profile).prove();
        }
    }

    private static Object create(S3Client s3, String bucket) {
        try {
            return s3.createBucket(r -> r.bucket(bucket));
        } catch (AwsServiceException e) {
            // Another server was faster, or our first attempt was and its answer got lost.
            if (code(e).equals("BucketAlreadyOwnedByYou")) {
                return bucket;
            }
            throw e;
        }
    }

    private void prove(StorageProfile profile) {
        Location probe = profile.home().child(".icefield-probe-" + UUID.randomUUID());
        byte[] sent = probe.key().getBytes(UTF_8);
        write(profile, probe, sent);
        boolean same = read(profile, probe, sent.length)
                .filter(got -> Arrays.equals(got, sent))
                .isPresent();
        delete(profile, List.of(probe));
        if (!same) {
            throw new StorageException("what was written to %s is not what is read".formatted(probe));
        }
    }

    @Override
    public void keep(StorageProfile profile, Upkeep wanted) {
        calling("set up", profile.bucket(), () -> {
            new BucketUpkeep(clients(profile).retrying(), profile).keep(wanted);
            return profile;
        });
    }

    @Override
    public List<Finding> probe(StorageProfile profile, Upkeep wanted, Collection<StorageProfile> others) {
        return new Probe(this, clients(profile).retrying(), http, profile, wanted, others, clock, probeKeys).run();
    }

    @Override
    public boolean same(StorageProfile one, StorageProfile other) {
        Location inBoth = (one.home().isWithin(other.home()) ? one : other).home();
        if (!inBoth.isWithin(other.home()) || !inBoth.isWithin(one.home())) {
            return false;
        }
        Location mark = inBoth.child(".icefield-probe-" + UUID.randomUUID());
        write(one, mark, mark.key().getBytes(UTF_8));
        try {
            return read(other, mark, Location.KEY_BYTES_MAX)
                    .filter(got -> Arrays.equals(got, mark.key().getBytes(UTF_8)))
                    .isPresent();
        } catch (StorageException e) {
            return false; // whoever cannot read it has another store, or no key to this one
        } finally {
            delete(one, List.of(mark));
        }
    }

    @Override
    public void tryKey(StorageProfile profile) {
        try {
            prove(profile);
            if (profile.hasSts()) {
                Location folder = profile.home().child(".icefield-probe-" + UUID.randomUUID());
                Credential _ = vend(profile, folder, Reach.READ, LIFETIME_MIN);
            }
        } catch (StorageException e) {
            throw new Unfit("the key cannot do what it must: %s".formatted(e.getMessage()));
        }
    }

    @Override
    public boolean remove(StorageProfile profile) {
        if (!exists(profile)) {
            return true;
        }
        if (!isEmpty(profile, profile.home())) {
            return false;
        }
        if (!profile.prefix().isEmpty()) {
            return true; // others may have the rest of the bucket
        }
        return calling("delete bucket", profile.bucket(), () -> {
            try {
                clients(profile).retrying().deleteBucket(r -> r.bucket(profile.bucket()));
                return true;
            } catch (AwsServiceException e) {
                return switch (code(e)) {
                    case "BucketNotEmpty" -> false;
                    case "NoSuchBucket" -> true;
                    default -> throw e;
                };
            }
        });
    }

    private boolean exists(StorageProfile profile) {
        return calling("look for bucket", profile.bucket(), () -> {
            try {
                clients(profile).retrying().headBucket(r -> r.bucket(profile.bucket()));
                return true;
            } catch (AwsServiceException e) {
                if (e.statusCode() == 404) {
                    return false;
                }
                throw e;
            }
        });
    }

    @Override
    public void write(StorageProfile profile, Location at, byte[] bytes) {
        requireWithin(profile, at);
        clients(profile).objects().write(at, bytes);
    }

    @Override
    public Optional<byte[]> read(StorageProfile profile, Location at, int bytesMax) {
        requireWithin(profile, at);
        return clients(profile).objects().read(at, bytesMax);
    }

    @Override
    public void delete(StorageProfile profile, Collection<Location> objects) {
        objects.forEach(each -> requireWithin(profile, each));
        deleteKeys(profile, objects.stream().map(Location::key).toList());
    }

    @Override
    public void deleteFiles(StorageProfile profile, Collection<StoredFile> files) {
        files.forEach(each -> requireWithin(profile, each.folder()));
        deleteKeys(profile, files.stream().map(StoredFile::key).toList());
    }

    private void deleteKeys(StorageProfile profile, List<String> keys) {
        List<String> refused = new ArrayList<>();
        for (int from = 0; from < keys.size(); from += DELETE_MAX) {
            refused.addAll(delete(
                    clients(profile).retrying(),
                    profile.bucket(),
                    keys.subList(from, Math.min(keys.size(), from + DELETE_MAX))));
        }
        if (!refused.isEmpty()) {
            throw new StorageException("%d of %d objects were not deleted, first %s"
                    .formatted(refused.size(), keys.size(), refused.getFirst()));
        }
    }

    /// @return what was not deleted and why
    private static List<String> delete(S3Client s3, String bucket, List<String> keys) {
        Delete every = Delete.builder()
                .quiet(true)
                .objects(keys.stream()
                        .map(each -> ObjectIdentifier.builder().key(each).build())
                        .toList())
                .build();
        return calling("delete in", bucket, () -> {
            try {
                DeleteObjectsResponse answer =
                        s3.deleteObjects(r -> r.bucket(bucket).delete(every));
                return answer.errors().stream()
                        .filter(error -> !"NoSuchKey".equals(error.code()))
                        .map(S3DomainStorage::shown)
                        .toList();
            } catch (AwsServiceException e) {
                // Ceph wants a broader right for the bulk form; some stores have none.
                if (e.statusCode() != 403 && e.statusCode() != 501) {
                    throw e;
                }
                return deleteEach(s3, bucket, keys);
            }
        });
    }

    private static List<String> deleteEach(S3Client s3, String bucket, List<String> keys) {
        List<String> refused = new ArrayList<>();
        for (String each : keys) {
            try {
                s3.deleteObject(r -> r.bucket(bucket).key(each));
            } catch (AwsServiceException e) {
                if (e.statusCode() != 404) {
                    refused.add("%s: %d %s".formatted(each, e.statusCode(), code(e)));
                }
            }
        }
        return refused;
    }

    private static String shown(S3Error error) {
        return error.key() + ": " + error.code();
    }

    @Override
    public boolean isEmpty(StorageProfile profile, Location folder) {
        requireWithin(profile, folder);
        String prefix = folder.key().isEmpty() ? "" : folder.key() + "/";
        return calling(
                "list",
                folder,
                () -> clients(profile)
                        .retrying()
                        .listObjectsV2(
                                r -> r.bucket(folder.bucket()).prefix(prefix).maxKeys(1))
                        .contents()
                        .isEmpty());
    }

    @Override
    public Credential vend(StorageProfile profile, Location table, Reach reach, Duration lifetime) {
        requireWithin(profile, table);
        if (table.equals(profile.home())) {
            throw new IllegalArgumentException("a key is for one table, not for all of `%s`".formatted(table));
        }
        if (lifetime.compareTo(LIFETIME_MIN) < 0) {
            throw new IllegalArgumentException("a key lives %d minutes or more".formatted(LIFETIME_MIN.toMinutes()));
        }
        Asked asked = new Asked(profile, table, reach, lifetime);
        Instant now = clock.instant();
        Optional<Issued> kept = keys.get(asked).filter(issued -> now.isBefore(issued.freshUntil()));
        if (kept.isPresent()) {
            return kept.get().credential();
        }
        Credential fresh = assumeRole(asked);
        keys.put(asked, new Issued(fresh, now.plus(lifetime.dividedBy(2))));
        return fresh;
    }

    private Credential assumeRole(Asked asked) {
        StorageProfile profile = asked.profile();
        String policy = SessionPolicy.of(asked.table(), asked.reach(), partition(profile.roleArn()), profile.kmsKey());
        // Names the domain for the store's audit log; the rest cannot be guessed.
        String session = "icefield-%s-%s"
                .formatted(
                        profile.domain(),
                        UUID.randomUUID().toString().replace("-", "").substring(0, 14));
        AssumeRoleResponse answer = calling(
                "ask STS for a key to",
                asked.table(),
                () -> clients(profile)
                        .sts()
                        .assumeRole(r -> r.roleArn(profile.roleArn())
                                .roleSessionName(session)
                                .durationSeconds(
                                        Math.toIntExact(asked.lifetime().toSeconds()))
                                .policy(policy)));
        var issued = answer.credentials();
        return new Credential(
                issued.accessKeyId(),
                issued.secretAccessKey(),
                Optional.of(issued.sessionToken()),
                Optional.of(issued.expiration()));
    }

    private static String partition(String roleArn) {
        String[] parts = roleArn.split(":", 3);
        return parts.length == 3 && parts[0].equals("arn") && parts[1].matches("aws[a-z-]*") ? parts[1] : "aws";
    }

    @Override
    public void close() {
        http.close();
    }

    private static void requireWithin(StorageProfile profile, Location at) {
        if (!at.isWithin(profile.home())) {
            throw new IllegalArgumentException("`%s` is outside `%s`".formatted(at, profile.home()));
        }
    }

    /// One place where what the store says becomes our exception. Its message has names and codes, never a key.
    static <T> T calling(String what, Object on, Supplier<T> call) {
        try {
            return call.get();
        } catch (AwsServiceException e) {
            throw new StorageException("could not %s %s: %d %s".formatted(what, on, e.statusCode(), code(e)), e);
        } catch (SdkException e) {
            throw new StorageException(
                    "could not %s %s: no answer (%s)"
                            .formatted(what, on, e.getClass().getSimpleName()),
                    e);
        }
    }

    static String code(AwsServiceException e) {
        return e.awsErrorDetails() == null || e.awsErrorDetails().errorCode() == null
                ? ""
                : e.awsErrorDetails().errorCode();
    }

    private Clients clients(StorageProfile profile) {
        return clients.get(profile).orElseGet(() -> {
            Clients made = Clients.of(profile, http);
            clients.put(profile, made);
            return made;
        });
    }

    /// A client with this key; empty: with none.
    static S3Client client(StorageProfile profile, SdkHttpClient http, Optional<Credential> key) {
        return Clients.s3(
                profile,
                http,
                key.<AwsCredentialsProvider>map(each -> StaticCredentialsProvider.create(Clients.sdk(each)))
                        .orElseGet(AnonymousCredentialsProvider::create));
    }

    private record Asked(StorageProfile profile, Location table, Reach reach, Duration lifetime) {}

    private record Issued(Credential credential, Instant freshUntil) {}

    /// The clients of one profile. They share one HTTP client and hold nothing else, so a forgotten one need not be
    /// closed.
    private record Clients(S3Client retrying, ObjectCalls objects, StsClient sts) {
        static Clients of(StorageProfile profile, SdkHttpClient http) {
            StaticCredentialsProvider root = StaticCredentialsProvider.create(sdk(profile.root()));
            Optional<URI> stsEndpoint = profile.sts().or(profile::endpoint);
            S3Client s3 = s3(profile, http, root);
            return new Clients(
                    s3,
                    new ObjectCalls(
                            http,
                            address(s3, profile.bucket()),
                            profile.region(),
                            profile.kmsKey(),
                            sdk(profile.root())),
                    StsClient.builder()
                            .applyMutation(sts -> stsEndpoint.ifPresent(sts::endpointOverride))
                            .region(Region.of(profile.region()))
                            .credentialsProvider(root)
                            .httpClient(http)
                            .overrideConfiguration(limits())
                            .build());
        }

        /// Where the bucket's objects are, by the SDK's rules for endpoints.
        private static URI address(S3Client s3, String bucket) {
            String probe =
                    s3.utilities().getUrl(url -> url.bucket(bucket).key("x")).toString();
            return URI.create(probe.substring(0, probe.length() - 2));
        }

        private static S3Client s3(StorageProfile profile, SdkHttpClient http, AwsCredentialsProvider root) {
            return S3Client.builder()
                    .applyMutation(s3 -> profile.endpoint().ifPresent(s3::endpointOverride))
                    .region(Region.of(profile.region()))
                    .forcePathStyle(profile.pathStyle())
                    .credentialsProvider(root)
                    .httpClient(http)
                    // Older Ceph and other stores do not know the SDK's own checksums.
                    .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                    .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                    .overrideConfiguration(limits())
                    .build();
        }

        private static ClientOverrideConfiguration limits() {
            return ClientOverrideConfiguration.builder()
                    .retryStrategy(DefaultRetryStrategy.standardStrategyBuilder()
                            .maxAttempts(ATTEMPTS_MAX)
                            .build())
                    .apiCallTimeout(CALL_TIMEOUT)
                    .build();
        }

        private static AwsCredentials sdk(Credential key) {
            return key.sessionToken()
                    .<AwsCredentials>map(token -> AwsSessionCredentials.create(key.accessKey(), key.secretKey(), token))
                    .orElseGet(() -> AwsBasicCredentials.create(key.accessKey(), key.secretKey()));
        }
    }
}
