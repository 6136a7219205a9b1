package io.icefield.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.DomainStorage.StorageException;
import io.icefield.storage.s3.S3DomainStorage;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.sts.StsClient;

/// [DomainStorage]'s promises, and the walls around a key that it vends, on a real store.
public abstract class DomainStorageContract {
    /// How the store under test answers where stores differ.
    ///
    /// @param wrongToken error code for a session token that is not one
    /// @param confinesListings can a writer list its own folder only, whatever headers it sends?
    public record Habits(String wrongToken, boolean confinesListings) {}

    /// Where the store is and its root key; the bucket is there or not.
    protected abstract StorageProfile profile(String bucket);

    protected abstract Habits habits();

    /// Lets session keys age in the store; `false` where that takes real time.
    protected boolean passTime(Duration time) {
        return false;
    }

    private static final Duration LIFETIME = Duration.ofMinutes(15);
    private static final byte[] BYTES = "hello".getBytes(UTF_8);

    private final SdkHttpClient http = UrlConnectionHttpClient.create();
    private final MovableClock clock = new MovableClock();
    private final S3DomainStorage storage =
            new S3DomainStorage(clock, new Endpoints(List.of("127.0.0.1", "localhost")));
    private final String bucket = "t-" + UUID.randomUUID();
    private final String otherBucket = "t-" + UUID.randomUUID();
    private final Location orders = new Location(bucket, "sales/orders");
    private final Location neighbour = new Location(bucket, "sales/orders2/secret");
    private final Location stranger = new Location(otherBucket, "sales/orders/secret");

    @BeforeEach
    void aDomainWithANeighbour() {
        storage.provision(profile(bucket));
        storage.provision(profile(otherBucket));
        storage.write(profile(bucket), neighbour, BYTES);
        storage.write(profile(otherBucket), stranger, BYTES);
    }

    @AfterEach
    void nobodyWasHarmed() {
        assertThat(storage.read(profile(bucket), neighbour, 100)).hasValue(BYTES);
        assertThat(storage.read(profile(otherBucket), stranger, 100)).hasValue(BYTES);
        storage.close();
        http.close();
    }

    // --- what an owner asks

    @Test
    void aProbeFindsNothingWrong() {
        List<Finding> first = probe();
        assertThat(first)
                .extracting(Finding::check)
                .contains("root-key", "inside-write", "outside-read", "reader-write", "other-domain", "expiry");
        assertThat(failed(first)).isEmpty();
        assertThat(outcome(first, "other-domain")).isEqualTo(Finding.Outcome.PASSED);
        assertThat(outcome(first, "expiry")).isEqualTo(Finding.Outcome.SKIPPED);
        assertThat(storage.isEmpty(profile(bucket), new Location(bucket, ".icefield-probe")))
                .isTrue();
        if (passTime(LIFETIME.plusMinutes(2))) {
            clock.pass(LIFETIME.plusMinutes(2));
            List<Finding> second = probe();
            assertThat(failed(second)).isEmpty();
            assertThat(outcome(second, "expiry")).isEqualTo(Finding.Outcome.PASSED);
        }
    }

    @Test
    void aProbeWithADeadKeySaysSo() {
        Credential dead = Credential.permanent(profile(bucket).root().accessKey(), "not-the-secret-of-this-key");
        List<Finding> found = storage.probe(profile(bucket).with(dead), Upkeep.NONE, List.of());
        assertThat(failed(found)).extracting(Finding::check).contains("root-key");
        assertThat(found.toString())
                .doesNotContain("not-the-secret", profile(bucket).root().secretKey());
        assertThatExceptionOfType(DomainStorage.Unfit.class)
                .isThrownBy(() -> storage.tryKey(profile(bucket).with(dead)))
                .satisfies(e -> assertThat(allText(e)).doesNotContain("not-the-secret"));
    }

    /// Does the store have the hole of CVE-2026-41145?
    protected boolean writesUnsigned() {
        return false;
    }

    private List<Finding> probe() {
        return storage.probe(profile(bucket), Upkeep.NONE, List.of(profile(otherBucket)));
    }

    /// But for what is known of the store, and that must be found.
    private List<Finding> failed(List<Finding> findings) {
        if (findings.stream().anyMatch(each -> each.check().equals("no-signature"))) {
            assertThat(outcome(findings, "unsigned-write"))
                    .isEqualTo(writesUnsigned() ? Finding.Outcome.FAILED : Finding.Outcome.PASSED);
        }
        return findings.stream()
                .filter(each -> each.outcome() == Finding.Outcome.FAILED)
                .filter(each -> !writesUnsigned() || !each.check().equals("unsigned-write"))
                .toList();
    }

    private static Finding.Outcome outcome(List<Finding> findings, String check) {
        return findings.stream()
                .filter(each -> each.check().equals(check))
                .map(Finding::outcome)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void twoBucketsAreTwoAndOneIsOne() {
        assertThat(storage.same(profile(bucket), profile(bucket))).isTrue();
        assertThat(storage.same(profile(bucket), profile(otherBucket))).isFalse();
    }

    @Test
    void upkeepIsDoneOrRefused() {
        Upkeep all = new Upkeep(Optional.of(true), Optional.of(7), Optional.of(30));
        Upkeep less = new Upkeep(Optional.of(true), Optional.empty(), Optional.of(30));
        for (Upkeep wanted : List.of(all, less)) {
            try {
                storage.keep(profile(bucket), wanted);
            } catch (DomainStorage.Unfit e) {
                assertThat(e).hasMessageContaining("leave it out");
                continue;
            }
            assertThat(failed(storage.probe(profile(bucket), wanted, List.of())))
                    .isEmpty();
            storage.keep(profile(bucket), new Upkeep(Optional.of(false), Optional.empty(), Optional.of(31)));
            assertThat(failed(storage.probe(profile(bucket), wanted, List.of())))
                    .extracting(Finding::check)
                    .containsExactly("upkeep");
        }
    }

    @Test
    void anAddressInsideIsNotSpokenTo() {
        try (S3DomainStorage closed = new S3DomainStorage(clock, new Endpoints(List.of()))) {
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> closed.read(profile(bucket), neighbour, 100))
                    .withMessageContaining("ICEFIELD_STORAGE_ALLOW");
            assertThatExceptionOfType(StorageException.class).isThrownBy(() -> closed.isEmpty(profile(bucket), orders));
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> closed.vend(profile(bucket), orders, Reach.READ, LIFETIME));
        }
    }

    // --- the port

    @Test
    void provisionAdoptsABucketThatIsThere() {
        storage.provision(profile(bucket));
        assertThat(storage.read(profile(bucket), neighbour, 100)).hasValue(BYTES);
    }

    @Test
    void provisionLeavesNothingBehind() {
        String fresh = "t-" + UUID.randomUUID();
        storage.provision(profile(fresh));
        assertThat(storage.isEmpty(profile(fresh), new Location(fresh, ""))).isTrue();
        assertThat(storage.remove(profile(fresh))).isTrue();
    }

    @Test
    void provisionFailsWithAKeyThatMayNotWriteThere() {
        StorageProfile mine = profile(bucket);
        Credential weak = storage.vend(mine, orders, Reach.READ_WRITE, LIFETIME);
        assertThatExceptionOfType(StorageException.class).isThrownBy(() -> storage.provision(withRoot(mine, weak)));
    }

    @Test
    void aRefusalNamesNoSecret() {
        StorageProfile mine = profile(bucket);
        String secret = "wrong-secret-" + UUID.randomUUID();
        StorageProfile wrong = withRoot(mine, Credential.permanent(mine.root().accessKey(), secret));
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> storage.provision(wrong))
                .satisfies(e -> assertThat(allText(e)).doesNotContain(secret));
        assertThat(wrong.toString()).doesNotContain(secret);
    }

    @Test
    void removeTakesAnEmptyBucketOnly() {
        assertThat(storage.remove(profile(bucket))).isFalse();
        assertThat(storage.read(profile(bucket), neighbour, 100)).hasValue(BYTES);

        String fresh = "t-" + UUID.randomUUID();
        storage.provision(profile(fresh));
        assertThat(storage.remove(profile(fresh))).isTrue();
        assertThat(storage.remove(profile(fresh))).as("once more").isTrue();
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> storage.write(profile(fresh), new Location(fresh, "x"), BYTES));
    }

    @Test
    void writeNeverOverwrites() {
        Location at = orders.child("v1.json");
        storage.write(profile(bucket), at, BYTES);
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> storage.write(profile(bucket), at, "other".getBytes(UTF_8)));
        assertThat(storage.read(profile(bucket), at, 100)).hasValue(BYTES);
    }

    @Test
    void ofRacingWritesExactlyOneWins() throws Exception {
        Location at = orders.child("race.json");
        List<Callable<Boolean>> race = IntStream.range(0, 12)
                .<Callable<Boolean>>mapToObj(i -> () -> {
                    try {
                        storage.write(profile(bucket), at, ("writer " + i).getBytes(UTF_8));
                        return true;
                    } catch (StorageException lost) {
                        return false;
                    }
                })
                .toList();
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().filter(each -> each.resultNow()))
                    .hasSize(1);
        }
    }

    @Test
    void readSaysAbsentAndRefusesWhatIsTooLarge() {
        Location at = orders.child("five.bytes");
        storage.write(profile(bucket), at, BYTES);
        assertThat(storage.read(profile(bucket), at, BYTES.length)).hasValue(BYTES);
        assertThat(storage.read(profile(bucket), orders.child("absent"), 100)).isEmpty();
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> storage.read(profile(bucket), at, BYTES.length - 1));
        String absent = "t-" + UUID.randomUUID();
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> storage.read(profile(absent), new Location(absent, "x"), 100));
    }

    /// Writers put partition values into names, which no [Location] takes.
    @ParameterizedTest
    @ValueSource(strings = {"plain", "at=2026-01-01T00%3A00%3A00/x.parquet", "a b=ü+c", "*", "q?a=1", "it's \"&<>"})
    void deleteFilesTakesAnyName(String name) {
        StoredFile file = new StoredFile(orders, name);
        client(profile(bucket).root()).putObject(r -> r.bucket(bucket).key(file.key()), RequestBody.fromBytes(BYTES));
        assertThat(storage.isEmpty(profile(bucket), orders)).isFalse();

        storage.deleteFiles(profile(bucket), List.of(file, new StoredFile(orders, "never/there")));
        assertThat(storage.isEmpty(profile(bucket), orders)).isTrue();
        storage.deleteFiles(profile(bucket), List.of(file));
    }

    @Test
    void deleteFilesStaysInsideTheDomain() {
        StorageProfile mine = profile(bucket);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> storage.deleteFiles(
                        mine, List.of(new StoredFile(new Location(otherBucket, "sales/orders"), "secret"))));
    }

    @Test
    void deleteTakesManyAndThoseThatAreNotThere() {
        List<Location> many = new ArrayList<>(IntStream.range(0, 1_005)
                .mapToObj(i -> orders.child("absent-" + i))
                .toList());
        Location first = orders.child("first");
        Location last = orders.child("last, with a space & sign=".replace("&", "and"));
        storage.write(profile(bucket), first, BYTES);
        storage.write(profile(bucket), last, BYTES);
        many.addFirst(first);
        many.addLast(last);
        storage.delete(profile(bucket), many);
        assertThat(storage.isEmpty(profile(bucket), orders)).isTrue();
        storage.delete(profile(bucket), List.of());
    }

    @Test
    void aFolderIsEmptyWhateverIsBesideIt() {
        assertThat(storage.isEmpty(profile(bucket), orders)).isTrue();
        storage.write(profile(bucket), orders.child("x"), BYTES);
        assertThat(storage.isEmpty(profile(bucket), orders)).isFalse();
    }

    @Test
    void aLocationOutsideTheHomeIsACallersMistake() {
        StorageProfile mine = profile(bucket);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> storage.write(mine, new Location(otherBucket, "x"), BYTES));
        assertThatIllegalArgumentException().isThrownBy(() -> storage.read(mine, stranger, 100));
        assertThatIllegalArgumentException().isThrownBy(() -> storage.delete(mine, List.of(stranger)));
        assertThatIllegalArgumentException().isThrownBy(() -> storage.vend(mine, stranger, Reach.READ, LIFETIME));
        assertThatIllegalArgumentException().isThrownBy(() -> storage.vend(mine, mine.home(), Reach.READ, LIFETIME));
    }

    // --- vending

    @Test
    void aKeyIsKeptForHalfItsLife() {
        StorageProfile mine = profile(bucket);
        Credential key = storage.vend(mine, orders, Reach.READ, LIFETIME);
        assertThat(key.sessionToken()).isPresent();
        assertThat(Duration.between(clock.instant(), key.expiresAt().orElseThrow()))
                .isBetween(LIFETIME.minusSeconds(30), LIFETIME.plusSeconds(30));
        clock.pass(LIFETIME.dividedBy(2).minusSeconds(1));
        assertThat(storage.vend(mine, orders, Reach.READ, LIFETIME)).isEqualTo(key);
        assertThat(storage.vend(mine, orders, Reach.READ_WRITE, LIFETIME).accessKey())
                .isNotEqualTo(key.accessKey());
        assertThat(storage.vend(mine, orders.child("x"), Reach.READ, LIFETIME).accessKey())
                .isNotEqualTo(key.accessKey());
        clock.pass(Duration.ofSeconds(2));
        assertThat(storage.vend(mine, orders, Reach.READ, LIFETIME).accessKey()).isNotEqualTo(key.accessKey());
        assertThat(key.toString())
                .doesNotContain(key.secretKey())
                .doesNotContain(key.sessionToken().orElseThrow());
    }

    @Test
    void aKeyLivesQuarterOfAnHourAtLeast() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> storage.vend(profile(bucket), orders, Reach.READ, LIFETIME.minusSeconds(1)));
    }

    @Test
    void aLocationTooLongForAPolicyIsRefusedBeforeAnythingIsAsked() {
        Location deep = new Location(bucket, "sales/" + "x".repeat(200) + "/" + "注".repeat(200));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> storage.vend(profile(bucket), deep, Reach.READ_WRITE, LIFETIME));
    }

    // --- inside the walls

    @Test
    void aWriterReadsWritesListsCopiesAndDeletesInside() {
        S3Client s3 = writer();
        put(s3, orders.child("a"));
        put(s3, orders.child("data").child("b"));
        assertThat(get(s3, orders.child("a"))).isEqualTo(BYTES);
        assertThat(s3.listObjectsV2(r -> r.bucket(bucket).prefix("sales/orders/"))
                        .contents())
                .extracting(S3Object::key)
                .containsExactlyInAnyOrder("sales/orders/a", "sales/orders/data/b");
        s3.copyObject(r -> r.sourceBucket(bucket)
                .sourceKey("sales/orders/a")
                .destinationBucket(bucket)
                .destinationKey("sales/orders/c"));
        s3.deleteObject(r -> r.bucket(bucket).key("sales/orders/a"));
        s3.deleteObjects(r -> r.bucket(bucket).delete(d -> d.objects(id("sales/orders/data/b"), id("sales/orders/c"))));
        assertThat(storage.isEmpty(profile(bucket), orders)).isTrue();
    }

    @Test
    void aWriterUploadsInParts() {
        S3Client s3 = writer();
        String key = "sales/orders/data/big.parquet";
        byte[] part = new byte[5 << 20];
        String upload = s3.createMultipartUpload(r -> r.bucket(bucket).key(key)).uploadId();
        List<CompletedPart> parts = new ArrayList<>();
        for (int i = 1; i <= 2; i++) {
            int number = i;
            String tag = s3.uploadPart(
                            r -> r.bucket(bucket).key(key).uploadId(upload).partNumber(number),
                            RequestBody.fromBytes(part))
                    .eTag();
            parts.add(CompletedPart.builder().partNumber(number).eTag(tag).build());
        }
        assertThat(s3.listParts(r -> r.bucket(bucket).key(key).uploadId(upload)).parts())
                .hasSize(2);
        refused(
                403,
                "AccessDenied",
                () -> s3.uploadPartCopy(r -> r.sourceBucket(bucket)
                        .sourceKey(neighbour.key())
                        .destinationBucket(bucket)
                        .destinationKey(key)
                        .uploadId(upload)
                        .partNumber(3)));
        refused(
                403,
                "AccessDenied",
                () -> reader().abortMultipartUpload(
                                r -> r.bucket(bucket).key(key).uploadId(upload)));
        s3.completeMultipartUpload(
                r -> r.bucket(bucket).key(key).uploadId(upload).multipartUpload(m -> m.parts(parts)));
        assertThat(s3.headObject(r -> r.bucket(bucket).key(key)).contentLength())
                .isEqualTo(2L * part.length);

        String dropped =
                s3.createMultipartUpload(r -> r.bucket(bucket).key(key + "2")).uploadId();
        s3.abortMultipartUpload(r -> r.bucket(bucket).key(key + "2").uploadId(dropped));
        s3.deleteObject(r -> r.bucket(bucket).key(key));
        assertThat(storage.isEmpty(profile(bucket), orders)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"day=2026-01-01", "city=Zürich, Altstadt (1)", "注文", "a+b@c~d!e:f", "..orders", "x.y-z_0"})
    void aTableMayBeNamedAsPeopleNameThings(String name) {
        Location table = new Location(bucket, "sales/" + name);
        S3Client s3 = client(storage.vend(profile(bucket), table, Reach.READ_WRITE, LIFETIME));
        put(s3, table.child("a b=ü+c"));
        assertThat(get(s3, table.child("a b=ü+c"))).isEqualTo(BYTES);
        assertThat(s3.listObjectsV2(r -> r.bucket(bucket).prefix(table.key() + "/"))
                        .contents())
                .hasSize(1);
        refused(403, "AccessDenied", () -> get(s3, neighbour));
        s3.deleteObject(r -> r.bucket(bucket).key(table.child("a b=ü+c").key()));
    }

    @Test
    void aReaderReadsAndNothingElse() {
        storage.write(profile(bucket), orders.child("a"), BYTES);
        S3Client s3 = reader();
        assertThat(get(s3, orders.child("a"))).isEqualTo(BYTES);
        refused(403, "AccessDenied", () -> put(s3, orders.child("b")));
        refused(403, "AccessDenied", () -> put(s3, orders.child("a")));
        refused(403, "AccessDenied", () -> s3.deleteObject(r -> r.bucket(bucket).key("sales/orders/a")));
        refused(
                403,
                "AccessDenied",
                () -> s3.createMultipartUpload(r -> r.bucket(bucket).key("sales/orders/b")));
        refused(
                403,
                "AccessDenied",
                () -> s3.copyObject(r -> r.sourceBucket(bucket)
                        .sourceKey("sales/orders/a")
                        .destinationBucket(bucket)
                        .destinationKey("sales/orders/b")));
        refused(
                403,
                "AccessDenied",
                () -> s3.listObjectsV2(r -> r.bucket(bucket).prefix("sales/orders/")));
        deletesNothing(s3, "sales/orders/a");
        assertThat(storage.read(profile(bucket), orders.child("a"), 100)).hasValue(BYTES);
    }

    // --- outside

    @Test
    void nothingOutsideIsReadWrittenOrDeleted() {
        S3Client s3 = writer();
        for (Location victim : List.of(neighbour, stranger)) {
            refused(403, "AccessDenied", () -> get(s3, victim));
            refused(403, "AccessDenied", () -> put(s3, victim));
            refused(
                    403,
                    "AccessDenied",
                    () -> s3.deleteObject(r -> r.bucket(victim.bucket()).key(victim.key())));
            refused(
                    403,
                    "AccessDenied",
                    () -> s3.createMultipartUpload(
                            r -> r.bucket(victim.bucket()).key(victim.key())));
            assertThat(catchThrowableOfType(
                                    AwsServiceException.class,
                                    () -> s3.headObject(
                                            r -> r.bucket(victim.bucket()).key(victim.key())))
                            .statusCode())
                    .isEqualTo(403);
        }
        refused(403, "AccessDenied", () -> put(s3, new Location(bucket, "sales/orders2")));
        refused(403, "AccessDenied", () -> put(s3, new Location(bucket, "sales/ordersx/y")));
        refused(403, "AccessDenied", () -> s3.createBucket(r -> r.bucket("t-" + UUID.randomUUID())));
        refused(403, "AccessDenied", () -> s3.deleteBucket(r -> r.bucket(otherBucket)));
    }

    @Test
    void nothingIsCopiedInFromOutsideOrOut() {
        S3Client s3 = writer();
        put(s3, orders.child("a"));
        for (Location victim : List.of(neighbour, stranger)) {
            refused(
                    403,
                    "AccessDenied",
                    () -> s3.copyObject(r -> r.sourceBucket(victim.bucket())
                            .sourceKey(victim.key())
                            .destinationBucket(bucket)
                            .destinationKey("sales/orders/stolen")));
            refused(
                    403,
                    "AccessDenied",
                    () -> s3.copyObject(r -> r.sourceBucket(bucket)
                            .sourceKey("sales/orders/a")
                            .destinationBucket(victim.bucket())
                            .destinationKey(victim.key())));
        }
        assertThat(storage.read(profile(bucket), orders.child("stolen"), 100)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "sales", "sales/", "sales/orders", "sales/orders2/", "sales/order*/", "other/"})
    void aWriterListsNothingElse(String prefix) {
        S3Client s3 = writer();
        refused(
                403,
                "AccessDenied",
                () -> s3.listObjectsV2(r -> r.bucket(bucket).prefix(prefix)));
        refused(403, "AccessDenied", () -> s3.listObjects(r -> r.bucket(bucket).prefix(prefix)));
        refused(
                403,
                "AccessDenied",
                () -> s3.listObjectsV2(r -> r.bucket(otherBucket).prefix(prefix)));
        refused(() -> s3.listObjectVersions(r -> r.bucket(otherBucket).prefix(prefix)));
    }

    @Test
    void aPrefixGivenTwiceListsNothingElse() {
        S3Client s3 = writer();
        refused(() -> s3.listObjectsV2(r -> r.bucket(bucket)
                .overrideConfiguration(o -> o.putRawQueryParameter("prefix", List.of("", "sales/orders/")))));
    }

    @Test
    void aHeaderNamedPrefixListsNothingElse() {
        assumeThat(habits().confinesListings())
                .as("this store takes a header for the prefix: docs/storage.md")
                .isTrue();
        S3Client s3 = writer();
        refused(
                403,
                "AccessDenied",
                () -> s3.listObjectsV2(r -> r.bucket(bucket)
                        .prefix("")
                        .overrideConfiguration(o -> o.putHeader("prefix", "sales/orders/"))));
        refused(
                403,
                "AccessDenied",
                () -> s3.listObjectsV2(
                        r -> r.bucket(bucket).overrideConfiguration(o -> o.putHeader("prefix", "sales/orders/"))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sales/orders2/secret",
                "sales/orders/../orders2/secret",
                "sales/orders/x/../../orders2/secret",
                "sales/orders/./../orders2/secret",
                "sales/orders//../orders2/secret",
                "./sales/orders2/secret",
                "/sales/orders2/secret",
                "sales/orders2//secret"
            })
    void noSpellingOfANeighbourReachesIt(String key) {
        S3Client s3 = writer();
        deletesNothing(s3, key);
        refused(() -> get(s3, bucket, key));
        refused(() -> s3.putObject(r -> r.bucket(bucket).key(key), RequestBody.fromBytes(new byte[1])));
        refused(() -> s3.deleteObject(r -> r.bucket(bucket).key(key)));
        refused(() -> s3.copyObject(r ->
                r.sourceBucket(bucket).sourceKey(key).destinationBucket(bucket).destinationKey("sales/orders/stolen")));
    }

    @Test
    void aPathThatClimbsToAnotherBucketReachesNothing() {
        S3Client s3 = writer();
        for (String key : List.of(
                "../" + otherBucket + "/" + stranger.key(),
                "sales/orders/../../../" + otherBucket + "/" + stranger.key())) {
            refused(() -> get(s3, bucket, key));
            deletesNothing(s3, key);
        }
    }

    // --- who asks

    @Test
    void aKeyIsWorthNothingWithoutAllOfIt() {
        storage.write(profile(bucket), orders.child("a"), BYTES);
        Credential key = storage.vend(profile(bucket), orders, Reach.READ_WRITE, LIFETIME);
        String token = key.sessionToken().orElseThrow();
        char changed = token.charAt(token.length() / 2) == 'A' ? 'B' : 'A';
        String forged = token.substring(0, token.length() / 2) + changed + token.substring(token.length() / 2 + 1);

        Location a = orders.child("a");
        refusedWith(habits().wrongToken(), () -> get(client(withToken(key, Optional.of(forged))), a));
        refusedWith(habits().wrongToken(), () -> get(client(withToken(key, Optional.of("x"))), a));
        refusedWith(
                "SignatureDoesNotMatch",
                () -> get(
                        client(new Credential(key.accessKey(), "not-the-secret", key.sessionToken(), Optional.empty())),
                        a));
        assertThat(catchThrowableOfType(
                                AwsServiceException.class, () -> get(client(withToken(key, Optional.empty())), a))
                        .statusCode())
                .isIn(400, 403);
        refused(403, "InvalidAccessKeyId", () -> get(client(Credential.permanent("AKIANOBODY", "not-the-secret")), a));
    }

    @Test
    void nobodyIsAnonymous() throws IOException {
        storage.write(profile(bucket), orders.child("a"), BYTES);
        URI endpoint = profile(bucket).endpoint().orElseThrow();
        for (String path :
                List.of("/", "/" + bucket, "/" + bucket + "/sales/orders/a", "/" + bucket + "?prefix=sales/")) {
            for (String method : List.of("GET", "PUT", "DELETE", "OPTIONS")) {
                if (method.equals("OPTIONS") && !habits().confinesListings()) {
                    continue; // a preflight, which some stores answer to everybody
                }
                HttpURLConnection call =
                        (HttpURLConnection) endpoint.resolve(path).toURL().openConnection();
                call.setRequestMethod(method);
                assertThat(call.getResponseCode()).as(method + " " + path).isIn(400, 403);
            }
        }
    }

    @Test
    void aSessionKeyGetsNoOtherKey() {
        StorageProfile mine = profile(bucket);
        Credential key = storage.vend(mine, orders, Reach.READ_WRITE, LIFETIME);
        try (StsClient sts = StsClient.builder()
                .endpointOverride(mine.sts().or(mine::endpoint).orElseThrow())
                .region(Region.of(mine.region()))
                .credentialsProvider(StaticCredentialsProvider.create(sdk(key)))
                .httpClient(http)
                .build()) {
            refused(
                    403,
                    "AccessDenied",
                    () -> sts.assumeRole(r -> r.roleArn(mine.roleArn()).roleSessionName("again")));
        }
    }

    @Test
    void aKeyEndsWithItsLifetime() {
        storage.write(profile(bucket), orders.child("a"), BYTES);
        S3Client s3 = writer();
        assertThat(get(s3, orders.child("a"))).isEqualTo(BYTES);
        assumeThat(passTime(LIFETIME.plusSeconds(1)))
                .as("in this store a lifetime takes real time")
                .isTrue();
        refused(400, "ExpiredToken", () -> get(s3, orders.child("a")));
        refused(400, "ExpiredToken", () -> put(s3, orders.child("b")));
    }

    // --- words of these tests

    protected final S3Client writer() {
        return client(storage.vend(profile(bucket), orders, Reach.READ_WRITE, LIFETIME));
    }

    private S3Client reader() {
        return client(storage.vend(profile(bucket), orders, Reach.READ, LIFETIME));
    }

    protected final S3Client client(Credential key) {
        StorageProfile profile = profile(bucket);
        return S3Client.builder()
                .endpointOverride(profile.endpoint().orElseThrow())
                .region(Region.of(profile.region()))
                .forcePathStyle(profile.pathStyle())
                .credentialsProvider(StaticCredentialsProvider.create(sdk(key)))
                .httpClient(http)
                .build();
    }

    private static AwsCredentials sdk(Credential key) {
        return key.sessionToken()
                .<AwsCredentials>map(token -> AwsSessionCredentials.create(key.accessKey(), key.secretKey(), token))
                .orElseGet(() -> AwsBasicCredentials.create(key.accessKey(), key.secretKey()));
    }

    private static StorageProfile withRoot(StorageProfile profile, Credential root) {
        return new StorageProfile(
                profile.domain(),
                profile.bucket(),
                profile.prefix(),
                profile.endpoint(),
                profile.sts(),
                profile.region(),
                profile.pathStyle(),
                profile.roleArn(),
                root);
    }

    private static Credential withToken(Credential key, Optional<String> token) {
        return new Credential(key.accessKey(), key.secretKey(), token, key.expiresAt());
    }

    private static void put(S3Client s3, Location at) {
        s3.putObject(r -> r.bucket(at.bucket()).key(at.key()), RequestBody.fromBytes(BYTES));
    }

    private static byte[] get(S3Client s3, Location at) {
        return get(s3, at.bucket(), at.key());
    }

    private static byte[] get(S3Client s3, String bucket, String key) {
        return s3.getObjectAsBytes(r -> r.bucket(bucket).key(key)).asByteArray();
    }

    private static ObjectIdentifier id(String key) {
        return ObjectIdentifier.builder().key(key).build();
    }

    /// The bulk form answers for each key, or for all.
    private void deletesNothing(S3Client s3, String key) {
        try {
            assertThat(s3.deleteObjects(r -> r.bucket(bucket).delete(d -> d.objects(id(key))))
                            .errors())
                    .as("bulk delete of " + key)
                    .hasSize(1);
        } catch (AwsServiceException whole) {
            assertThat(whole.statusCode()).isIn(400, 403);
        }
    }

    private static void refused(ThrowingCallable call) {
        AwsServiceException answer = catchThrowableOfType(AwsServiceException.class, call);
        assertThat(answer).as("refusal").isNotNull();
        assertThat(answer.statusCode()).isIn(400, 403, 404, 501);
    }

    private static void refusedWith(String code, ThrowingCallable call) {
        AwsServiceException answer = catchThrowableOfType(AwsServiceException.class, call);
        assertThat(answer).as("refusal").isNotNull();
        assertThat(answer.awsErrorDetails().errorCode()).isEqualTo(code);
    }

    private static void refused(int status, String code, ThrowingCallable call) {
        AwsServiceException answer = catchThrowableOfType(AwsServiceException.class, call);
        assertThat(answer).as("refusal").isNotNull();
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.awsErrorDetails().errorCode()).isEqualTo(code);
    }

    private static String allText(Throwable thrown) {
        StringBuilder text = new StringBuilder();
        for (Throwable each = thrown; each != null; each = each.getCause()) {
            text.append(each).append('\n');
        }
        return text.toString();
    }

    private static final class MovableClock extends Clock {
        private volatile Instant now = Instant.now();

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
