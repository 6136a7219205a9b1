package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.domain.Domain;
import io.icefield.postgres.Database;
import io.icefield.postgres.PostgresDomains;
import io.icefield.postgres.PostgresDropped;
import io.icefield.postgres.PostgresNamespaces;
import io.icefield.postgres.PostgresTables;
import io.icefield.postgres.TestDatabase;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.StoredFile;
import io.icefield.table.Dropped;
import io.icefield.table.DroppedStore;
import io.icefield.table.Fate;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataFiles;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.PurgeQueue;
import io.icefield.table.PurgeTables;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.GenericBlobMetadata;
import org.apache.iceberg.GenericStatisticsFile;
import org.apache.iceberg.ImmutableGenericPartitionStatisticsFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Tables that Iceberg wrote, dropped and purged: what is left in the bucket.
class PurgeTablesTest {
    private static final Schema SCHEMA = new Schema(
            Types.NestedField.optional(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "day", Types.StringType.get()));

    private final Database.Settings settings = TestDatabase.fresh();
    private final Database database = Database.open(settings);
    private final PostgresTables tables = new PostgresTables(database);
    private final PostgresDropped dropped = new PostgresDropped(database);
    private final Bucket bucket = new Bucket();
    private Domain sales;
    private Namespace crm;
    private InMemoryCatalog catalog;

    @BeforeEach
    void start() {
        crm = namespace("sales", "crm", "crm");
        sales = crm.domain();
        catalog = new InMemoryCatalog();
        catalog.initialize("purge-" + UUID.randomUUID(), Map.of("warehouse", "s3://bucket-sales"));
        catalog.createNamespace(org.apache.iceberg.catalog.Namespace.of("crm"));
    }

    /// In a new domain, all in one bucket.
    private Namespace namespace(String domain, String prefix, String level) {
        DomainName name = new DomainName(domain);
        Domain added = new PostgresDomains(database)
                .add(
                        name,
                        new StorageProfile(
                                name,
                                "bucket-sales",
                                prefix,
                                Optional.empty(),
                                Optional.empty(),
                                "us-east-1",
                                true,
                                "arn:aws:iam::000000000000:role/icefield",
                                Credential.permanent("root", "root-secret")),
                        Set.of())
                .orElseThrow();
        PostgresNamespaces namespaces = new PostgresNamespaces(database);
        namespaces.add(added, new NamespaceId(name, List.of(level)), Map.of());
        return namespaces
                .find(Set.of(), new NamespaceId(name, List.of(level)))
                .orElseThrow()
                .namespace();
    }

    @AfterEach
    void stop() throws Exception {
        catalog.close();
        database.close();
    }

    @Test
    void trap17_whatTheMetadataReachesIsDeletedAndNothingElse() {
        drop(written("orders", Map.of()));
        bucket.put("s3://bucket-sales/crm/orders/data/orphan.parquet");
        bucket.put("s3://bucket-sales/crm/orders2/data/x.parquet");
        assertThat(bucket.objects).hasSizeGreaterThan(20);

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects)
                .containsOnlyKeys(
                        "s3://bucket-sales/crm/orders/data/orphan.parquet",
                        "s3://bucket-sales/crm/orders2/data/x.parquet");
        assertThat(waiting()).isEmpty();
        assertThat(purge().next()).isFalse();
    }

    @Test
    void whichCallEverFailsAnotherAttemptFinishes() {
        Table table = written("orders", Map.of());
        Map<String, byte[]> before = Map.copyOf(bucket.objects);
        int calls = 0;
        for (int failing = 1; ; failing++) {
            bucket.objects.putAll(before);
            drop(table);
            bucket.failing = failing;
            assertThat(purge().next()).isTrue();
            boolean failed = bucket.failing <= 0;
            bucket.failing = Integer.MAX_VALUE;
            if (!failed) {
                break;
            }
            calls++;
            assertThat(waiting()).hasSize(1);
            assertThat(waiting().getFirst().purging()).isTrue();
            assertThat(waiting().getFirst().problem()).contains("broke");
            assertThat(purge().next()).isTrue();
            assertThat(bucket.objects).as("after call %d failed", failing).isEmpty();
            assertThat(waiting()).isEmpty();
            table = again(
                    table, Objects.requireNonNull(before.get(table.metadata().toString())));
        }
        assertThat(calls).isGreaterThan(8);
    }

    @Test
    void aTableThatAsksForItKeepsItsFiles() {
        drop(written("orders", Map.of("gc.enabled", "false")));
        int before = bucket.objects.size();

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
        assertThat(waiting()).isEmpty();
    }

    @Test
    void trap18_filesThatAnotherTablesMetadataNamesAreKeptUntilThatIsGone() {
        Table orders = written("orders", Map.of());
        Table copy =
                publish("copy", copyOf(orders), "s3://bucket-sales/crm/copy", "s3://bucket-sales/crm/copy/metadata/m");
        drop(orders);
        int before = bucket.objects.size();

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
        assertThat(waiting().getFirst().problem()).contains("`sales.crm.copy`");
        assertThat(waiting().getFirst().purging()).isFalse();

        assertThat(tables.drop(copy)).isTrue();
        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).doesNotContainKey(orders.metadata().toString());
    }

    @Test
    void trap18_atTablesOfOtherDomainsInTheBucketIsLookedToo() {
        Table orders = written("orders", Map.of());
        publish(
                namespace("hr", "hr", "n"),
                "copy",
                copyOf(orders),
                "s3://bucket-sales/hr/copy",
                "s3://bucket-sales/hr/copy/metadata/m");
        drop(orders);
        int before = bucket.objects.size();

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
        assertThat(waiting().getFirst().problem()).contains("`hr.n.copy`");
    }

    @Test
    void trap18_whileOneThatWasDroppedNamesThemTheyAreKept() {
        Table orders = written("orders", Map.of());
        Table copy =
                publish("copy", copyOf(orders), "s3://bucket-sales/crm/copy", "s3://bucket-sales/crm/copy/metadata/m");
        assertThat(dropped.drop(copy, new DroppedStore.Drop("seller", Fate.FORGET, Duration.ofDays(1))))
                .isTrue();
        drop(orders);
        int before = bucket.objects.size();

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
    }

    /// What cannot be looked at may name anything.
    @Test
    void trap18_whileAnotherOnesMetadataIsNotKnownNothingIsDeleted() throws Exception {
        Table orders = written("orders", Map.of());
        Table other = publish("other", "{}", "s3://bucket-sales/crm/other", "s3://bucket-sales/crm/other/metadata/m");
        drop(orders);
        int before = bucket.objects.size();
        try (Connection connection = DriverManager.getConnection(settings.url(), settings.user(), settings.password());
                Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("DELETE FROM metadata WHERE relation_id = " + other.id()))
                    .isEqualTo(1);
        }

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
        assertThat(waiting().getFirst().problem()).contains("`sales.crm.other`");
    }

    /// Half of its files may be gone: it must not come back, whatever is found out later.
    @Test
    void whatWasBegunDoesNotComeBackWhenItsFilesAreFoundToBeAnothersToo() {
        Table orders = written("orders", Map.of());
        String copied = copyOf(orders);
        drop(orders);
        bucket.deleting = () -> {
            throw new DomainStorage.StorageException("it broke");
        };
        assertThat(purge().next()).isTrue();
        assertThat(waiting().getFirst().purging()).isTrue();
        bucket.deleting = () -> {};
        publish("copy", copied, "s3://bucket-sales/crm/copy", "s3://bucket-sales/crm/copy/metadata/m");

        assertThat(purge().next()).isTrue();
        assertThat(waiting().getFirst().problem()).contains("`sales.crm.copy`");
        assertThat(waiting().getFirst().purging()).isTrue();
        assertThat(dropped.restore(waiting().getFirst(), crm, "orders")).isEqualTo(DroppedStore.Restored.GONE);
    }

    /// Whoever slept through the end of its lease must not delete what has come back since.
    @Test
    void whoseLeaseHasEndedDeletesNothingMore() {
        Table orders = written("orders", Map.of());
        drop(orders);
        int before = bucket.objects.size();
        bucket.reading = () -> {
            bucket.reading = () -> {};
            PurgeQueue.Claim other = dropped.claim(Duration.ZERO).orElseThrow();
            assertThat(dropped.release(other, Duration.ZERO, "others name them"))
                    .isTrue();
        };

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects).hasSize(before);
    }

    @Test
    void trap17_filesElsewhereAreNobodysToDelete() {
        org.apache.iceberg.Table orders = catalog.createTable(TableIdentifier.of("crm", "orders"), SCHEMA);
        orders.newAppend()
                .appendFile(data("s3://bucket-sales/crm/other/data/a.parquet"))
                .appendFile(data("s3://bucket-sales/crm/orders/../other/data/b.parquet"))
                .appendFile(data("s3://bucket-hr/crm/orders/data/c.parquet"))
                .appendFile(data(orders.location() + "/data/own.parquet"))
                .commit();
        drop(publish(orders, "orders"));

        assertThat(purge().next()).isTrue();
        assertThat(bucket.objects)
                .containsOnlyKeys(
                        "s3://bucket-sales/crm/other/data/a.parquet",
                        "s3://bucket-sales/crm/orders/../other/data/b.parquet",
                        "s3://bucket-hr/crm/orders/data/c.parquet");
    }

    @Test
    void eachIsGivenToOneReplicaAndToAnotherWhenThatDied() {
        drop(written("orders", Map.of()));
        PurgeQueue.Claim first = dropped.claim(Duration.ofMinutes(1)).orElseThrow();
        assertThat(first.attempt()).isEqualTo(1);
        assertThat(first.begun()).isFalse();
        assertThat(dropped.claim(Duration.ofMinutes(1))).isEmpty();

        Table orders = first.dropped().table();
        assertThat(dropped.restore(first.dropped(), crm, "orders")).isEqualTo(DroppedStore.Restored.GONE);
        assertThat(tables.create(
                        crm,
                        "again",
                        orders.uuid(),
                        new TableStore.Published(
                                new Metadata(orders.metadata(), new byte[0]), orders.location(), Map.of())))
                .isInstanceOf(TableStore.Created.LocationTaken.class);
        assertThat(dropped.postpone(first, Duration.ZERO, "")).isTrue();
        PurgeQueue.Claim second = dropped.claim(Duration.ofMinutes(1)).orElseThrow();
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.begun()).isTrue();

        assertThat(dropped.postpone(first, Duration.ZERO, "")).isFalse();
        assertThat(dropped.release(first, Duration.ZERO, "")).isFalse();
        dropped.done(first);
        assertThat(waiting()).hasSize(1);
        dropped.done(second);
        assertThat(waiting()).isEmpty();
    }

    @Test
    void whatIsOnlyForgottenKeepsItsFiles() {
        Table orders = written("orders", Map.of());
        int before = bucket.objects.size();
        assertThat(dropped.drop(orders, new DroppedStore.Drop("seller", Fate.FORGET, Duration.ofDays(1))))
                .isTrue();
        assertThat(dropped.forget()).isZero();
        PurgeQueue.Claim none = new PurgeQueue.Claim(waiting().getFirst(), Optional.empty(), 0, false);
        assertThat(dropped.release(none, Duration.ZERO, ""))
                .as("its time has come")
                .isTrue();

        assertThat(purge().next()).isFalse();
        assertThat(dropped.forget()).isEqualTo(1);
        assertThat(waiting()).isEmpty();
        assertThat(bucket.objects).hasSize(before);
        assertThat(tables.isFree(sales, orders.location())).isTrue();
    }

    // --- words of these tests

    /// Metadata that somebody wrote by hand: its folder is its own, its snapshots are another's.
    private String copyOf(Table table) {
        return new String(
                        Objects.requireNonNull(
                                bucket.objects.get(table.metadata().toString())),
                        UTF_8)
                .replaceFirst("\"location\" ?: ?\"[^\"]*\"", "\"location\":\"s3://bucket-sales/crm/copy\"");
    }

    /// Two snapshots or more of everything: partitions with names that no location takes, deletes, a
    /// rewrite, statistics.
    private Table written(String name, Map<String, String> properties) {
        org.apache.iceberg.Table table = catalog.buildTable(TableIdentifier.of("crm", name), SCHEMA)
                .withPartitionSpec(
                        PartitionSpec.builderFor(SCHEMA).identity("day").build())
                .withProperties(new HashMap<>(properties))
                .withProperty("format-version", "2")
                .create();
        DataFile first = partitioned(table, "a%3Ab/1.parquet");
        DataFile second = partitioned(table, "c d/2.parquet");
        table.newFastAppend().appendFile(first).appendFile(second).commit();
        table.newFastAppend().appendFile(partitioned(table, "ü/3.parquet")).commit();
        table.newRewrite()
                .deleteFile(second)
                .addFile(partitioned(table, "c d/2b.parquet"))
                .commit();
        table.newRowDelta()
                .addDeletes(FileMetadata.deleteFileBuilder(table.spec())
                        .ofPositionDeletes()
                        .withPath(stored(table.location() + "/data/day=x/deletes.parquet"))
                        .withFormat(FileFormat.PARQUET)
                        .withPartitionPath("day=x")
                        .withFileSizeInBytes(10)
                        .withRecordCount(1)
                        .build())
                .commit();
        table.newDelete().deleteFile(first).commit();
        long snapshot = table.currentSnapshot().snapshotId();
        table.updateStatistics()
                .setStatistics(new GenericStatisticsFile(
                        snapshot,
                        stored(table.location() + "/metadata/s.stats"),
                        10,
                        5,
                        List.of(new GenericBlobMetadata("t", snapshot, 1, List.of(1), Map.of()))))
                .commit();
        table.updatePartitionStatistics()
                .setPartitionStatistics(ImmutableGenericPartitionStatisticsFile.builder()
                        .snapshotId(snapshot)
                        .path(stored(table.location() + "/metadata/p.stats"))
                        .fileSizeInBytes(10)
                        .build())
                .commit();
        return publish(table, name);
    }

    private DataFile partitioned(org.apache.iceberg.Table table, String path) {
        return DataFiles.builder(table.spec())
                .withPath(stored(table.location() + "/data/day=" + path))
                .withPartitionPath("day=x")
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .build();
    }

    private DataFile data(String path) {
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(stored(path))
                .withFormat(FileFormat.PARQUET)
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .build();
    }

    private String stored(String path) {
        bucket.put(path);
        return path;
    }

    /// Copies what Iceberg's catalog has in memory.
    private Table publish(org.apache.iceberg.Table written, String name) {
        TableMetadata metadata = ((BaseTable) written).operations().current();
        Set<String> files = new TreeSet<>();
        for (Snapshot snapshot : metadata.snapshots()) {
            files.add(snapshot.manifestListLocation());
            snapshot.allManifests(written.io()).forEach(manifest -> files.add(manifest.path()));
        }
        metadata.previousFiles().forEach(entry -> files.add(entry.file()));
        files.add(metadata.metadataFileLocation());
        files.forEach(file -> bucket.objects.put(file, read(written.io().newInputFile(file))));
        return publish(
                name,
                new String(read(written.io().newInputFile(metadata.metadataFileLocation())), UTF_8),
                written.location(),
                metadata.metadataFileLocation());
    }

    private static byte[] read(InputFile file) {
        try (InputStream in = file.newStream()) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Table publish(String name, String json, String location, String at) {
        return publish(crm, name, json, location, at);
    }

    private Table publish(Namespace in, String name, String json, String location, String at) {
        TableStore.Created created = tables.create(
                in,
                name,
                UUID.randomUUID(),
                new TableStore.Published(
                        new Metadata(Location.parse(at), json.getBytes(UTF_8)), Location.parse(location), Map.of()));
        assertThat(created).isInstanceOf(TableStore.Created.Done.class);
        return tables.find(Set.of(), new TableId(in.name(), name)).orElseThrow().table();
    }

    private Table again(Table table, byte[] metadata) {
        return publish(
                table.name().name(),
                new String(metadata, UTF_8),
                table.location().toString(),
                table.metadata().toString());
    }

    private void drop(Table table) {
        assertThat(dropped.drop(table, new DroppedStore.Drop("seller", Fate.PURGE, Duration.ZERO)))
                .isTrue();
    }

    private List<Dropped> waiting() {
        return dropped.list(Set.of(), sales, DroppedStore.Wanted.ALL, Long.MAX_VALUE, 100).stream()
                .map(DroppedStore.Seen::dropped)
                .toList();
    }

    /// Whose waits are over at once.
    private PurgeTables purge() {
        PurgeQueue impatient = new PurgeQueue() {
            @Override
            public int forget() {
                return dropped.forget();
            }

            @Override
            public Optional<Claim> claim(Duration lease) {
                return dropped.claim(Duration.ZERO);
            }

            @Override
            public boolean postpone(Claim one, Duration wait, String problem) {
                return dropped.postpone(one, Duration.ZERO, problem);
            }

            @Override
            public boolean release(Claim one, Duration wait, String problem) {
                return dropped.release(one, Duration.ZERO, problem);
            }

            @Override
            public void done(Claim one) {
                dropped.done(one);
            }

            @Override
            public Optional<TableId> other(Dropped one, Predicate<byte[]> metadata) {
                return dropped.other(one, metadata);
            }
        };
        return new PurgeTables(impatient, new IcebergReachableFiles(bucket), new MetadataFiles(tables, bucket), bucket);
    }

    /// Objects by their addresses, and a call that fails: a deletion after it has deleted every other object.
    private static final class Bucket implements DomainStorage {
        final Map<String, byte[]> objects = new TreeMap<>();
        int failing = Integer.MAX_VALUE;
        Runnable reading = () -> {};
        Runnable deleting = () -> {};

        void put(String at) {
            objects.put(at, new byte[1]);
        }

        private boolean fails() {
            return --failing == 0;
        }

        @Override
        public Optional<byte[]> read(StorageProfile profile, Location at, int bytesMax) {
            reading.run();
            if (fails()) {
                throw new StorageException("reading broke off");
            }
            return Optional.ofNullable(objects.get(at.toString()));
        }

        @Override
        public void deleteFiles(StorageProfile profile, Collection<StoredFile> files) {
            Set<String> gone = files.stream().map(StoredFile::toString).collect(Collectors.toCollection(TreeSet::new));
            deleting.run();
            boolean fails = fails();
            int number = 0;
            for (String each : gone) {
                if (!fails || number++ % 2 == 0) {
                    objects.remove(each);
                }
            }
            if (fails) {
                throw new StorageException("deleting broke off");
            }
        }

        @Override
        public void provision(StorageProfile profile) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean remove(StorageProfile profile) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(StorageProfile profile, Location at, byte[] bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void delete(StorageProfile profile, Collection<Location> objects) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isEmpty(StorageProfile profile, Location folder) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Credential vend(StorageProfile profile, Location table, Reach reach, Duration lifetime) {
            throw new UnsupportedOperationException();
        }
    }
}
