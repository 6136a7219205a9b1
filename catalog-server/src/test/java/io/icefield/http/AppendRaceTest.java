package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.BaseTransaction;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.ExpireSnapshots;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotChanges;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.SessionCatalog.SessionContext;
import org.apache.iceberg.catalog.TableCommit;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.BadRequestException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.rest.HTTPClient;
import org.apache.iceberg.rest.RESTSessionCatalog;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Appends that were made for a state which others have changed since, with Iceberg's own client. No client retries
/// here: every `409` is a failed append.
class AppendRaceTest {
    private static final int WRITERS = 16;
    private static final int APPENDS = 10;
    private static final TableIdentifier ORDERS = TableIdentifier.of("crm", "orders");
    private static final Schema SCHEMA = new Schema(Types.NestedField.optional(1, "id", Types.LongType.get()));

    private RunningServer mesh;
    private RESTSessionCatalog session;
    private Catalog catalog;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
        session = new RESTSessionCatalog(
                config -> HTTPClient.builder(config)
                        .uri(config.get("uri"))
                        .withHeaders(Map.of("Authorization", "Bearer " + mesh.seller))
                        .build(),
                (_, _) -> new MeshIO(mesh));
        session.initialize(
                "sales",
                Map.of(
                        "uri",
                        mesh.uri("/iceberg").toString(),
                        "warehouse",
                        "sales",
                        "token",
                        mesh.seller,
                        "rest-metrics-reporting-enabled",
                        "false"));
        catalog = session.asCatalog(SessionContext.createEmpty());
    }

    @AfterEach
    void stop() throws Exception {
        session.close();
        mesh.close();
    }

    private void create(int version, Map<String, String> more) {
        catalog.buildTable(ORDERS, SCHEMA)
                .withProperty("format-version", Integer.toString(version))
                .withProperty("commit.retry.num-retries", "0")
                .withProperties(more)
                .create();
    }

    private static DataFile file(Table table) {
        return DataFiles.builder(table.spec())
                .withPath(table.location() + "/data/" + UUID.randomUUID() + ".parquet")
                .withFileSizeInBytes(1_000)
                .withRecordCount(10)
                .build();
    }

    private Table orders() {
        return catalog.loadTable(ORDERS);
    }

    private static Set<String> files(Table table) throws Exception {
        Set<String> files = new TreeSet<>();
        try (var tasks = table.newScan().planFiles()) {
            for (FileScanTask task : tasks) {
                assertThat(files.add(task.file().location())).isTrue();
            }
        }
        return files;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void sixteenWritersAppendWithoutAConflictAndNothingIsLost(int version) throws Exception {
        create(version, Map.of());
        List<Callable<Set<String>>> writers = IntStream.range(0, WRITERS)
                .mapToObj(writer -> (Callable<Set<String>>) () -> {
                    Table table = orders();
                    Set<String> mine = new HashSet<>();
                    for (int i = 0; i < APPENDS; i++) {
                        DataFile file = file(table);
                        if (writer % 2 == 0) {
                            table.newAppend().appendFile(file).commit();
                        } else {
                            table.newFastAppend().appendFile(file).commit();
                        }
                        mine.add(file.location());
                        if (i % 4 == 0) {
                            table.updateProperties().set("w" + writer, "" + i).commit();
                        }
                    }
                    return mine;
                })
                .toList();
        Set<String> written = new TreeSet<>();
        try (var threads = Executors.newCachedThreadPool()) {
            for (Future<Set<String>> writer : threads.invokeAll(writers)) {
                written.addAll(writer.get());
            }
        }

        Table table = orders();
        assertThat(written).hasSize(WRITERS * APPENDS);
        assertThat(files(table)).isEqualTo(written);
        List<Snapshot> snapshots =
                StreamSupport.stream(table.snapshots().spliterator(), false).toList();
        assertThat(snapshots).hasSize(WRITERS * APPENDS);
        assertThat(table.history()).hasSize(WRITERS * APPENDS);
        assertThat(snapshots).map(Snapshot::sequenceNumber).doesNotHaveDuplicates();
        assertThat(table.currentSnapshot().summary())
                .containsEntry("total-records", Integer.toString(10 * WRITERS * APPENDS))
                .containsEntry("total-data-files", Integer.toString(WRITERS * APPENDS));
        for (Snapshot snapshot : snapshots) {
            assertThat(SnapshotChanges.builderFor(table)
                            .snapshot(snapshot)
                            .build()
                            .addedDataFiles())
                    .as("%s", snapshot)
                    .hasSize(1);
            assertThat(snapshot.summary()).containsEntry("added-records", "10");
        }
        if (version == 3) {
            assertRowIdsAreUnique(table);
        }
        IntStream.range(0, WRITERS)
                .forEach(writer -> assertThat(table.properties()).containsEntry("w" + writer, "8"));
    }

    private static void assertRowIdsAreUnique(Table table) throws Exception {
        Set<Long> first = new HashSet<>();
        try (var tasks = table.newScan().planFiles()) {
            for (FileScanTask task : tasks) {
                assertThat(first.add(task.file().firstRowId())).isTrue();
                assertThat(task.file().firstRowId() % 10).isZero();
            }
        }
        assertThat(first).hasSize(WRITERS * APPENDS);
    }

    /// What a client would commit that has not looked since.
    private static TableCommit prepared(Table seen, Consumer<Transaction> change) {
        TableMetadata base = ((BaseTable) seen).operations().current();
        Transaction transaction = seen.newTransaction();
        change.accept(transaction);
        return TableCommit.create(ORDERS, base, ((BaseTransaction) transaction).currentMetadata());
    }

    private static TableCommit append(Table seen, DataFile file, Map<String, String> said) {
        return prepared(seen, transaction -> {
            AppendFiles append = transaction.newAppend().appendFile(file);
            said.forEach(append::set);
            append.commit();
        });
    }

    private void commit(TableCommit change) {
        session.commitTransaction(SessionContext.createEmpty(), List.of(change));
    }

    private void refused(TableCommit change) {
        Set<Location> before = mesh.mesh.objects();
        assertThatThrownBy(() -> commit(change)).isInstanceOf(CommitFailedException.class);
        assertThat(mesh.mesh.objects()).isEqualTo(before);
    }

    private DataFile appended() {
        Table table = orders();
        DataFile file = file(table);
        table.newAppend().appendFile(file).commit();
        return file;
    }

    @Test
    void anAppendMovedPastARewriteAndADeleteKeepsWhatTheseDid() throws Exception {
        create(2, Map.of());
        DataFile old = appended();
        DataFile added = file(orders());
        TableCommit append = append(orders(), added, Map.of());
        DataFile rewritten = file(orders());
        orders().newRewrite().deleteFile(old).addFile(rewritten).commit();
        DataFile gone = appended();
        orders().newDelete().deleteFile(gone).commit();

        commit(append);
        assertThat(files(orders())).containsExactlyInAnyOrder(rewritten.location(), added.location());
        assertThat(orders().currentSnapshot().summary())
                .containsEntry("added-data-files", "1")
                .containsEntry("total-data-files", "2")
                .containsEntry("total-records", "20");
    }

    @Test
    void manifestsThatOneOfTwoMergedAreMergedOnce() throws Exception {
        create(2, Map.of("commit.manifest.min-count-to-merge", "3"));
        Set<String> all = new TreeSet<>();
        for (int i = 0; i < 10; i++) {
            DataFile later = file(orders());
            TableCommit append = append(orders(), later, Map.of());
            all.add(appended().location());
            commit(append);
            all.add(later.location());
        }
        Table table = orders();
        assertThat(files(table)).isEqualTo(all);
        assertThat(table.currentSnapshot().allManifests(table.io())).hasSizeLessThan(4);
    }

    @Test
    void anAppendMayMoveOnABranchOfItsOwn() throws Exception {
        create(2, Map.of());
        DataFile base = appended();
        orders().manageSnapshots()
                .createBranch("audit")
                .setMaxRefAgeMs("audit", 123_456_789)
                .commit();
        DataFile first = file(orders());
        DataFile second = file(orders());
        TableCommit append = prepared(
                orders(),
                transaction -> transaction
                        .newAppend()
                        .appendFile(second)
                        .toBranch("audit")
                        .commit());
        orders().newAppend().appendFile(first).toBranch("audit").commit();
        commit(append);

        Table table = orders();
        Set<String> audit = new TreeSet<>();
        try (var tasks = table.newScan().useRef("audit").planFiles()) {
            tasks.forEach(task -> audit.add(task.file().location()));
        }
        assertThat(audit).containsExactlyInAnyOrder(base.location(), first.location(), second.location());
        assertThat(table.refs())
                .hasEntrySatisfying(
                        "audit", ref -> assertThat(ref.maxRefAgeMs()).isEqualTo(123_456_789));
        assertThat(files(table)).containsExactly(base.location());
    }

    /// Its sequence number is taken, though nobody has touched its branch.
    @Test
    void anAppendMayMovePastAnotherBranch() throws Exception {
        create(3, Map.of());
        DataFile base = appended();
        orders().manageSnapshots().createBranch("audit").commit();
        DataFile added = file(orders());
        TableCommit append = append(orders(), added, Map.of());
        orders().newAppend().appendFile(file(orders())).toBranch("audit").commit();

        commit(append);
        assertThat(files(orders())).containsExactlyInAnyOrder(base.location(), added.location());
    }

    @Test
    void whatTheWriterSaidOfItselfStaysAndSoDoesTheRestOfItsCommit() {
        create(2, Map.of());
        Map<String, String> said = Map.of("engine-name", "flink", "flink.max-committed-checkpoint-id", "42");
        Table seen = orders();
        TableCommit append = prepared(seen, transaction -> {
            AppendFiles files = transaction.newAppend().appendFile(file(seen));
            said.forEach(files::set);
            files.commit();
            transaction.updateProperties().set("batch", "7").commit();
        });
        appended();

        commit(append);
        assertThat(orders().currentSnapshot().summary())
                .containsAllEntriesOf(said)
                .containsEntry("added-data-files", "1")
                .containsEntry("total-data-files", "2");
        assertThat(orders().properties()).containsEntry("batch", "7");
    }

    /// Conditional writers call their snapshots `append` too.
    @Test
    void anAppendOfAWriterThatMayHaveLookedFirstIsToldOfTheConflict() throws Exception {
        create(2, Map.of());
        Table seen = orders();
        List<TableCommit> appends = List.of(
                append(seen, file(seen), Map.of("spark.app.id", "local-1", "engine-name", "spark")),
                append(seen, file(seen), Map.of("trino_query_id", "20260101_000000_00000_aaaaa")),
                append(seen, file(seen), Map.of("kafka.connect.offsets.control.group", "{\"0\":7}")));
        appended();
        appends.forEach(this::refused);
        assertThat(files(orders())).hasSize(1);

        orders().updateProperties()
                .set("icefield.commit.rebase-appends", "true")
                .commit();
        appends.forEach(this::commit);
        assertThat(files(orders())).hasSize(4);
        assertThat(orders().currentSnapshot().summary())
                .containsEntry("kafka.connect.offsets.control.group", "{\"0\":7}");
    }

    @Test
    void aTableMaySwitchItOff() {
        create(2, Map.of("icefield.commit.rebase-appends", "false"));
        TableCommit append = append(orders(), file(orders()), Map.of());
        appended();
        refused(append);
    }

    @Test
    void whatIsNoAppendOrWasMadeForAnotherPastIsToldOfTheConflict() throws Exception {
        create(2, Map.of());
        DataFile base = appended();
        Table seen = orders();
        TableCommit delete = prepared(
                seen, transaction -> transaction.newDelete().deleteFile(base).commit());
        TableCommit overwrite = prepared(
                seen,
                transaction -> transaction
                        .newOverwrite()
                        .addFile(file(seen))
                        .deleteFile(base)
                        .commit());
        TableCommit evolved = prepared(seen, transaction -> {
            transaction.newAppend().appendFile(file(seen)).commit();
            transaction.updateSchema().addColumn("more", Types.LongType.get()).commit();
        });
        TableCommit retained = prepared(seen, transaction -> {
            transaction.newAppend().appendFile(file(seen)).commit();
            transaction.manageSnapshots().setMaxRefAgeMs("main", 5).commit();
        });
        appended();
        List.of(delete, overwrite, evolved, retained).forEach(this::refused);

        TableCommit ahead = append(orders(), file(orders()), Map.of());
        orders().manageSnapshots()
                .rollbackTo(seen.currentSnapshot().snapshotId())
                .commit();
        refused(ahead); // its parent is no ancestor of the head any more
        assertThat(files(orders())).containsExactly(base.location());
    }

    /// Bounds, counts, offsets, the sort order: readers skip files by these.
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void whatIsKnownOfAFileStaysKnown(int version) throws Exception {
        create(version, Map.of());
        Table seen = orders();
        ByteBuffer one = Conversions.toByteBuffer(Types.LongType.get(), 1L);
        ByteBuffer nine = Conversions.toByteBuffer(Types.LongType.get(), 9L);
        DataFile file = DataFiles.builder(seen.spec())
                .withPath(seen.location() + "/data/known.parquet")
                .withFileSizeInBytes(1_000)
                .withSortOrder(seen.sortOrder())
                .withSplitOffsets(List.of(4L, 500L))
                .withMetrics(new Metrics(
                        10L, Map.of(1, 99L), Map.of(1, 10L), Map.of(1, 2L), Map.of(), Map.of(1, one), Map.of(1, nine)))
                .build();
        TableCommit append = append(seen, file, Map.of());
        appended();
        commit(append);

        try (var tasks = orders().newScan().includeColumnStats().planFiles()) {
            DataFile now = StreamSupport.stream(tasks.spliterator(), false)
                    .map(FileScanTask::file)
                    .filter(each -> each.location().equals(file.location()))
                    .findFirst()
                    .orElseThrow();
            assertThat(now.lowerBounds()).isEqualTo(Map.of(1, one));
            assertThat(now.upperBounds()).isEqualTo(Map.of(1, nine));
            assertThat(now.nullValueCounts()).isEqualTo(Map.of(1, 2L));
            assertThat(now.columnSizes()).isEqualTo(Map.of(1, 99L));
            assertThat(now.splitOffsets()).isEqualTo(List.of(4L, 500L));
            assertThat(now.sortOrderId()).isEqualTo(file.sortOrderId());
            assertThat(now.dataSequenceNumber())
                    .isEqualTo(orders().currentSnapshot().sequenceNumber());
        }
    }

    /// A delete by equality holds for what was there before it, and the append comes after it now.
    @Test
    void anAppendMovedPastADeleteByEqualityIsNotDeletedByIt() throws Exception {
        create(2, Map.of());
        DataFile base = appended();
        DataFile added = file(orders());
        TableCommit append = append(orders(), added, Map.of());
        Table now = orders();
        now.newRowDelta()
                .addDeletes(FileMetadata.deleteFileBuilder(now.spec())
                        .ofEqualityDeletes(1)
                        .withPath(now.location() + "/data/deletes.parquet")
                        .withFileSizeInBytes(10)
                        .withRecordCount(1)
                        .build())
                .commit();

        commit(append);
        try (var tasks = orders().newScan().planFiles()) {
            for (FileScanTask task : tasks) {
                assertThat(task.deletes()).hasSize(task.file().location().equals(base.location()) ? 1 : 0);
            }
        }
        assertThat(orders().currentSnapshot().summary())
                .containsEntry("total-equality-deletes", "1")
                .containsEntry("total-delete-files", "1");
    }

    @Test
    void anAppendIsMovedPastAnotherSchemaAndAnotherPartitioning() throws Exception {
        create(3, Map.of());
        appended();
        DataFile added = file(orders());
        TableCommit append = append(orders(), added, Map.of());
        orders().updateSchema().addColumn("more", Types.LongType.get()).commit();
        orders().updateSpec().addField("more").commit();
        Table evolved = orders();
        evolved.newAppend()
                .appendFile(DataFiles.builder(evolved.spec())
                        .withPath(evolved.location() + "/data/more=1/x.parquet")
                        .withPartitionPath("more=1")
                        .withFileSizeInBytes(10)
                        .withRecordCount(3)
                        .build())
                .commit();

        commit(append);
        Table table = orders();
        assertThat(files(table)).hasSize(3).contains(added.location());
        assertThat(table.currentSnapshot().schemaId()).isEqualTo(table.schema().schemaId());
        assertThat(table.currentSnapshot().firstRowId()).isEqualTo(13);
        assertThat(((BaseTable) table).operations().current().nextRowId()).isEqualTo(23);
    }

    @Test
    void whatAnAppendWasMadeForIsNotForgottenWhenItsSnapshotIs() throws Exception {
        create(2, Map.of());
        appended();
        TableCommit append = append(orders(), file(orders()), Map.of());
        appended();
        orders().expireSnapshots()
                .expireOlderThan(System.currentTimeMillis() + 100_000)
                .retainLast(1)
                .cleanupLevel(ExpireSnapshots.CleanupLevel.NONE)
                .commit();
        refused(append);
        assertThat(files(orders())).hasSize(2);
    }

    /// Its client did not hear that it was done.
    @Test
    void anAppendThatIsThereIsNotMadeTwice() throws Exception {
        create(2, Map.of());
        TableCommit append = append(orders(), file(orders()), Map.of());
        appended();
        commit(append);
        refused(append);
        appended();
        refused(append);
        assertThat(files(orders())).hasSize(3);
    }

    /// Made for an empty table that others have replaced since, as the client would make it again.
    @Test
    void anAppendMadeForAnEmptyTableKnowsOnlyThatTable() throws Exception {
        create(2, Map.of());
        TableCommit append = append(orders(), file(orders()), Map.of());
        catalog.dropTable(ORDERS);
        create(2, Map.of());
        appended();
        refused(append);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void anAppendMadeForAnOlderFormatIsMovedOrToldOfTheConflict(int version) throws Exception {
        create(version, Map.of());
        appended();
        TableCommit append = append(orders(), file(orders()), Map.of());
        orders().updateProperties()
                .set("format-version", Integer.toString(version + 1))
                .commit();
        try {
            commit(append);
            assertThat(files(orders())).hasSize(2);
        } catch (CommitFailedException e) {
            assertThat(files(orders())).hasSize(1);
        }
    }

    @Test
    void anAppendThatCannotBeReadIsToldOfTheConflict() {
        create(2, Map.of());
        Set<Location> before = mesh.mesh.objects();
        TableCommit append = append(orders(), file(orders()), Map.of());
        Set<Location> its = new HashSet<>(mesh.mesh.objects());
        its.removeAll(before);
        assertThat(its).hasSize(2);
        appended();
        its.forEach(file -> mesh.mesh.overwrite(file, "no Avro"));
        refused(append);
    }

    @Test
    void whatWasMadeForAnAppendThatIsRefusedIsNotLeftBehind() {
        create(2, Map.of());
        Table seen = orders();
        TableCommit append = prepared(seen, transaction -> {
            transaction.newAppend().appendFile(file(seen)).commit();
            transaction
                    .updateProperties()
                    .set("icefield.tags.nothing", "pii.email")
                    .commit();
        });
        appended();
        Set<Location> before = mesh.mesh.objects();

        assertThatThrownBy(() -> commit(append)).isInstanceOf(BadRequestException.class);
        assertThat(mesh.mesh.objects()).isEqualTo(before);
    }

    /// The bucket as a client reaches it.
    private static final class MeshIO implements FileIO {
        private static final long serialVersionUID = 1L;
        private final transient RunningServer mesh;
        private final transient StorageProfile profile;

        MeshIO(RunningServer mesh) {
            this.mesh = mesh;
            this.profile = RunningServer.storage(new DomainName("sales"));
        }

        @Override
        public InputFile newInputFile(String path) {
            byte[] content = mesh.mesh
                    .storage
                    .read(profile, Location.parse(path), Integer.MAX_VALUE)
                    .orElseThrow(() -> new NotFoundException("gone: %s", path));
            return new InMemoryInputFile(path, content);
        }

        @Override
        public OutputFile newOutputFile(String path) {
            return new OutputFile() {
                @Override
                public PositionOutputStream create() {
                    ByteArrayOutputStream content = new ByteArrayOutputStream();
                    return new PositionOutputStream() {
                        @Override
                        public long getPos() {
                            return content.size();
                        }

                        @Override
                        public void write(int b) {
                            content.write(b);
                        }

                        @Override
                        public void close() {
                            mesh.mesh.storage.write(profile, Location.parse(path), content.toByteArray());
                        }
                    };
                }

                @Override
                public PositionOutputStream createOrOverwrite() {
                    return create();
                }

                @Override
                public String location() {
                    return path;
                }

                @Override
                public InputFile toInputFile() {
                    return newInputFile(path);
                }
            };
        }

        @Override
        public void deleteFile(String path) {
            mesh.mesh.storage.delete(profile, new ArrayList<>(List.of(Location.parse(path))));
        }
    }
}
