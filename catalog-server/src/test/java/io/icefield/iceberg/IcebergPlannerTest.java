package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.Metadata;
import io.icefield.table.NamespaceId;
import io.icefield.table.ScanPlanner.Pages;
import io.icefield.table.ScanPlanner.Scan;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RowDelta;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.ExpressionParser;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.responses.FetchScanTasksResponse;
import org.apache.iceberg.rest.responses.FetchScanTasksResponseParser;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The server finds the files that Iceberg's own client finds.
class IcebergPlannerTest {
    private static final DomainName SALES = new DomainName("sales");
    private static final Schema SCHEMA = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "region", Types.StringType.get()),
            Types.NestedField.optional(3, "day", Types.DateType.get()),
            Types.NestedField.optional(4, "raw", Types.BinaryType.get()));

    private final InMemoryCatalog catalog = new InMemoryCatalog();
    private final AtomicInteger reads = new AtomicInteger();
    private volatile boolean storeFails;
    private final IcebergPlanner planner = new IcebergPlanner(storage(), 8 << 20);
    private final String warehouse = "s3://sales/" + UUID.randomUUID();

    private DomainStorage storage() {
        return (DomainStorage) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DomainStorage.class}, (_, method, arguments) -> {
                    if (!method.getName().equals("read")) {
                        throw new AssertionError("planning only reads: " + method);
                    }
                    if (storeFails) {
                        throw new DomainStorage.StorageException("away");
                    }
                    reads.incrementAndGet();
                    return read(arguments[1].toString());
                });
    }

    private Optional<byte[]> read(String path) {
        try (InputStream in = files().newInputFile(path).newStream()) {
            return Optional.of(in.readAllBytes());
        } catch (NotFoundException _) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private org.apache.iceberg.inmemory.InMemoryFileIO files() {
        return new org.apache.iceberg.inmemory.InMemoryFileIO();
    }

    @BeforeEach
    void start() {
        catalog.initialize("test", Map.of("warehouse", warehouse));
        catalog.createNamespace(Namespace.of("crm"));
    }

    private org.apache.iceberg.Table table(String name, PartitionSpec spec) {
        return catalog.createTable(TableIdentifier.of("crm", name), SCHEMA, spec, Map.of("format-version", "2"));
    }

    private static DataFile file(org.apache.iceberg.Table table, String name, String region, long from, long to) {
        DataFiles.Builder file = DataFiles.builder(table.spec())
                .withPath(table.location() + "/data/" + name + ".parquet")
                .withFileSizeInBytes(100)
                .withMetrics(new Metrics(
                        to - from + 1,
                        null,
                        Map.of(1, to - from + 1),
                        Map.of(1, 0L),
                        null,
                        Map.of(1, bound(from)),
                        Map.of(1, bound(to))));
        return (table.spec().isPartitioned() ? file.withPartitionPath("region=" + region) : file).build();
    }

    private static ByteBuffer bound(long value) {
        return Conversions.toByteBuffer(Types.LongType.get(), value);
    }

    private static TableMetadata metadata(org.apache.iceberg.Table table) {
        return ((HasTableOperations) table).operations().refresh();
    }

    private static Table ours(org.apache.iceberg.Table table) {
        Domain domain = new Domain(
                1,
                SALES,
                new StorageProfile(
                        SALES,
                        "sales",
                        "",
                        Optional.empty(),
                        Optional.empty(),
                        "us-east-1",
                        true,
                        "role",
                        Credential.permanent("key", "secret")),
                Instant.EPOCH);
        Location folder = Location.parse(table.location());
        return new Table(
                7,
                Table.Kind.TABLE,
                domain,
                new TableId(new NamespaceId(SALES, List.of("crm")), "t"),
                table.uuid(),
                folder,
                folder.child("m.json"),
                1);
    }

    private static Metadata json(org.apache.iceberg.Table table) {
        return new Metadata(
                Location.parse(table.location()).child("m.json"),
                TableMetadataParser.toJson(metadata(table)).getBytes(UTF_8));
    }

    private List<FetchScanTasksResponse> pages(org.apache.iceberg.Table table, String request) {
        Scan scan = planner.scan(json(table), request);
        List<FetchScanTasksResponse> pages = new ArrayList<>();
        try (Pages found = planner.pages(ours(table), planner.scan(json(table), scan.text()))) {
            found.forEachRemaining(page -> {
                try {
                    pages.add(FetchScanTasksResponseParser.fromJson(
                            RestJson.object(new String(page, UTF_8)), table.specs(), true));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
        return pages;
    }

    private Map<String, Set<String>> planned(org.apache.iceberg.Table table, String request) {
        return pages(table, request).stream()
                .flatMap(page -> page.fileScanTasks().stream())
                .collect(Collectors.toMap(
                        task -> task.file().location(), IcebergPlannerTest::deletes, (a, _) -> a, TreeMap::new));
    }

    private static Set<String> deletes(FileScanTask task) {
        return task.deletes().stream().map(each -> each.location()).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Map<String, Set<String>> byClient(CloseableIterable<FileScanTask> tasks) {
        Map<String, Set<String>> found = new TreeMap<>();
        try (tasks) {
            tasks.forEach(task -> found.put(task.file().location(), deletes(task)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static String filter(Expression filter) {
        return "{\"filter\":%s}".formatted(ExpressionParser.toJson(filter));
    }

    /// Files in three regions, appended in many commits, some replaced, some with deletes.
    private org.apache.iceberg.Table filled(String name, PartitionSpec spec, Random random) {
        org.apache.iceberg.Table table = table(name, spec);
        for (int commit = 0; commit < 12; commit++) {
            AppendFiles append = table.newFastAppend();
            for (int file = 0; file < 5; file++) {
                String region = List.of("eu", "us", "ap").get(random.nextInt(3));
                long from = random.nextInt(1_000);
                append.appendFile(file(table, commit + "-" + file, region, from, from + random.nextInt(50)));
            }
            append.commit();
            if (commit % 4 == 3) {
                RowDelta delta = table.newRowDelta();
                FileMetadata.Builder position = FileMetadata.deleteFileBuilder(table.spec())
                        .ofPositionDeletes()
                        .withPath(table.location() + "/data/pos-" + commit + ".parquet")
                        .withFileSizeInBytes(10)
                        .withRecordCount(1);
                FileMetadata.Builder equality = FileMetadata.deleteFileBuilder(table.spec())
                        .ofEqualityDeletes(1)
                        .withPath(table.location() + "/data/eq-" + commit + ".parquet")
                        .withFileSizeInBytes(10)
                        .withRecordCount(1);
                if (spec.isPartitioned()) {
                    position.withPartitionPath("region=eu");
                    equality.withPartitionPath("region=us");
                }
                delta.addDeletes(position.build()).addDeletes(equality.build()).commit();
                table.newDelete()
                        .deleteFile(table.location() + "/data/" + commit + "-0.parquet")
                        .commit();
            }
        }
        return table;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyScanFindsWhatAClientFinds(boolean partitioned) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        PartitionSpec spec = partitioned
                ? PartitionSpec.builderFor(SCHEMA).identity("region").build()
                : PartitionSpec.unpartitioned();
        org.apache.iceberg.Table table = filled("orders" + partitioned, spec, random);
        List<Long> snapshots = new ArrayList<>();
        table.snapshots().forEach(each -> snapshots.add(each.snapshotId()));
        for (int round = 0; round < 60; round++) {
            Expression filter = expression(random, 3);
            boolean old = random.nextBoolean();
            boolean thenSchema = random.nextBoolean();
            long snapshot = snapshots.get(random.nextInt(snapshots.size()));
            TableScan scan = table.newScan().filter(filter);
            String request = "{\"filter\":%s,\"select\":[\"id\",\"_file\",\"nothing\"]%s}"
                    .formatted(
                            ExpressionParser.toJson(filter),
                            old
                                    ? ",\"snapshot-id\":%d,\"use-snapshot-schema\":%s".formatted(snapshot, thenSchema)
                                    : "");
            assertThat(planned(table, request))
                    .as("seed %d: %s", seed, request)
                    .isEqualTo(byClient((old ? scan.useSnapshot(snapshot) : scan).planFiles()));
        }
    }

    private static Expression expression(Random random, int depth) {
        return switch (random.nextInt(depth > 0 ? 8 : 5)) {
            case 0 ->
                Expressions.equal("region", List.of("eu", "us", "ap", "xx").get(random.nextInt(4)));
            case 1 -> Expressions.lessThan("id", (long) random.nextInt(1_000));
            case 2 -> Expressions.greaterThanOrEqual("id", (long) random.nextInt(1_000));
            case 3 -> Expressions.in("region", "eu", "ap");
            case 4 -> Expressions.notNull("day");
            case 5 -> Expressions.and(expression(random, depth - 1), expression(random, depth - 1));
            case 6 -> Expressions.or(expression(random, depth - 1), expression(random, depth - 1));
            default -> Expressions.not(expression(random, depth - 1));
        };
    }

    @Test
    void aScanOfAppendsBeginsBehindItsStart() {
        org.apache.iceberg.Table table = table("appends", PartitionSpec.unpartitioned());
        List<Long> snapshots = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            table.newFastAppend().appendFile(file(table, "f" + i, "", i, i)).commit();
            snapshots.add(table.currentSnapshot().snapshotId());
        }
        String request = "{\"start-snapshot-id\":%d,\"end-snapshot-id\":%d}";
        assertThat(planned(table, request.formatted(snapshots.get(0), snapshots.get(2)))
                        .keySet())
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .containsExactly("f1.parquet", "f2.parquet");
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.scan(json(table), request.formatted(snapshots.get(2), snapshots.get(0))));
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.scan(json(table), request.formatted(snapshots.get(0), 12345)));
    }

    @Test
    void aRenamedColumnHasTheNameOfTheSchemaThatIsAskedFor() {
        PartitionSpec spec = PartitionSpec.builderFor(SCHEMA).identity("region").build();
        org.apache.iceberg.Table table = table("renamed", spec);
        table.newFastAppend()
                .appendFile(file(table, "eu", "eu", 1, 2))
                .appendFile(file(table, "us", "us", 1, 2))
                .commit();
        long then = table.currentSnapshot().snapshotId();
        table.updateSchema().renameColumn("region", "area").commit();
        table.newFastAppend().appendFile(file(table, "later", "eu", 1, 2)).commit();

        String old = "{\"snapshot-id\":%d,\"use-snapshot-schema\":true,\"filter\":%s}";
        String now = "{\"snapshot-id\":%d,\"filter\":%s}";
        String region = ExpressionParser.toJson(Expressions.equal("region", "eu"));
        String area = ExpressionParser.toJson(Expressions.equal("area", "eu"));
        assertThat(planned(table, old.formatted(then, region))).hasSize(1);
        assertThat(planned(table, now.formatted(then, area))).hasSize(1);
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.scan(json(table), old.formatted(then, area)));
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.scan(json(table), now.formatted(then, region)));
        assertThat(planner.effort(ours(table), planner.scan(json(table), old.formatted(then, region)))
                        .manifests())
                .isOne();
    }

    @Test
    void boundsComeForTheColumnsThatAreAskedFor() {
        org.apache.iceberg.Table table = table("bounds", PartitionSpec.unpartitioned());
        table.newFastAppend().appendFile(file(table, "f", "", 3, 5)).commit();
        DataFile without =
                pages(table, "{}").getFirst().fileScanTasks().getFirst().file();
        assertThat(without.lowerBounds()).isNull();
        for (String request :
                List.of("{\"stats-fields\":[\"id\"]}", "{\"stats-fields\":[\"ID\"],\"case-sensitive\":false}")) {
            DataFile with =
                    pages(table, request).getFirst().fileScanTasks().getFirst().file();
            assertThat(with.lowerBounds()).containsEntry(1, bound(3));
        }
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.scan(json(table), "{\"stats-fields\":[\"nothing\"]}"))
                .withMessageContaining("nothing");
    }

    @Test
    void literalsOfEveryKindAreUnderstood() {
        org.apache.iceberg.Table table = table("literals", PartitionSpec.unpartitioned());
        table.newFastAppend().appendFile(file(table, "f", "", 3, 5)).commit();
        for (Expression each : List.of(
                Expressions.equal("day", "2026-01-02"),
                Expressions.equal("raw", ByteBuffer.wrap(new byte[] {1, 2})),
                Expressions.equal(Expressions.bucket("id", 16), 3),
                Expressions.startsWith("region", "e"))) {
            assertThat(planned(table, filter(each))).as(each.toString()).hasSize(1);
        }
    }

    @Test
    void anEmptyTableHasOneEmptyPage() {
        org.apache.iceberg.Table table = table("empty", PartitionSpec.unpartitioned());
        assertThat(pages(table, "{}"))
                .hasSize(1)
                .allMatch(page -> page.fileScanTasks().isEmpty());
        assertThat(planner.effort(ours(table), planner.scan(json(table), "{}")).files())
                .isZero();
    }

    @Test
    void aLargePlanHasManyPagesAndFewRowsNeedFewFiles() {
        org.apache.iceberg.Table table = table("large", PartitionSpec.unpartitioned());
        AppendFiles append = table.newFastAppend();
        for (int i = 0; i < 2_500; i++) {
            append.appendFile(file(table, "f" + i, "", i * 10L, i * 10L + 9));
        }
        append.commit();
        assertThat(pages(table, "{}")).map(page -> page.fileScanTasks().size()).containsExactly(1_000, 1_000, 500);
        assertThat(planned(table, "{\"min-rows-requested\":95}")).hasSize(10);
        assertThat(planned(table, "{\"min-rows-requested\":0}")).hasSize(2_500);
        assertThat(planner.effort(ours(table), planner.scan(json(table), "{}")).files())
                .isEqualTo(2_500);
    }

    /// Of a file with deletes nobody knows how many rows are left.
    @Test
    void rowsThatMayBeDeletedAreNotCounted() {
        org.apache.iceberg.Table table = table("deleted", PartitionSpec.unpartitioned());
        AppendFiles append = table.newFastAppend();
        for (int i = 0; i < 4; i++) {
            append.appendFile(file(table, "f" + i, "", 0, 9));
        }
        append.commit();
        assertThat(planned(table, "{\"min-rows-requested\":10}")).hasSize(1);
        table.newRowDelta()
                .addDeletes(FileMetadata.deleteFileBuilder(table.spec())
                        .ofEqualityDeletes(1)
                        .withPath(table.location() + "/data/eq.parquet")
                        .withFileSizeInBytes(10)
                        .withRecordCount(1)
                        .build())
                .commit();
        assertThat(planned(table, "{\"min-rows-requested\":10}")).hasSize(4);
        assertThat(planner.effort(ours(table), planner.scan(json(table), "{}"))).satisfies(effort -> {
            assertThat(effort.files()).isEqualTo(5);
            assertThat(effort.manifests()).isEqualTo(2);
        });
    }

    /// Each task repeats what is left of the filter: a thousand of them would be a hundred times this long.
    @Test
    void aLongFilterMakesShortPagesAndAVeryLongOneIsRefused() {
        org.apache.iceberg.Table table = table("filtered", PartitionSpec.unpartitioned());
        AppendFiles append = table.newFastAppend();
        for (int i = 0; i < 300; i++) {
            append.appendFile(file(table, "f" + i, "", 0, 1_000_000));
        }
        append.commit();
        List<Integer> tasks = new ArrayList<>();
        try (Pages found = planner.pages(ours(table), planner.scan(json(table), filter(anyOf(10_000))))) {
            found.forEachRemaining(page -> tasks.add(new String(page, UTF_8).split("\"data-file\"", -1).length - 1));
        }
        assertThat(tasks).hasSizeGreaterThan(2);
        assertThat(tasks).allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(150));
        assertThat(tasks.stream().mapToInt(Integer::intValue).sum()).isEqualTo(300);
        assertThatExceptionOfType(Refusal.Unsupported.class)
                .isThrownBy(() -> planner.scan(json(table), filter(anyOf(50_000))))
                .withMessageContaining("filter");
    }

    private static Expression anyOf(int values) {
        return Expressions.in(
                "id", IntStream.range(0, values).mapToObj(i -> (long) i).toList());
    }

    @Test
    void manifestsAreReadOnce() {
        org.apache.iceberg.Table table = table("cached", PartitionSpec.unpartitioned());
        table.newFastAppend().appendFile(file(table, "f", "", 1, 2)).commit();
        planned(table, "{}");
        int once = reads.get();
        planned(table, "{}");
        assertThat(reads.get()).isEqualTo(once).isEqualTo(2);
    }

    @Test
    void nothingOutsideTheTableIsRead() {
        org.apache.iceberg.Table own = table("own", PartitionSpec.unpartitioned());
        org.apache.iceberg.Table foreign = table("own2", PartitionSpec.unpartitioned());
        foreign.newFastAppend().appendFile(file(foreign, "secret", "", 1, 2)).commit();
        // A client may commit any text for its manifest list.
        String stolen = TableMetadataParser.toJson(metadata(foreign))
                .replace("\"location\":\"" + foreign.location() + "\"", "\"location\":\"" + own.location() + "\"");
        Metadata hostile = new Metadata(Location.parse(own.location()).child("m.json"), stolen.getBytes(UTF_8));
        Scan scan = planner.scan(hostile, "{}");
        assertThatExceptionOfType(Refusal.NotAllowed.class)
                .isThrownBy(() -> planner.effort(ours(own), scan))
                .withMessageContaining("outside its folder");
        assertThatExceptionOfType(Refusal.NotAllowed.class).isThrownBy(() -> planner.pages(ours(own), scan));
        assertThat(reads.get()).isZero();
        for (String elsewhere : List.of("file:///etc/passwd", "s3://sales/x/../y", "http://evil/x", "")) {
            String text = stolen.replaceAll("\"manifest-list\":\"[^\"]*\"", "\"manifest-list\":\"" + elsewhere + "\"");
            Scan other = planner.scan(new Metadata(hostile.location(), text.getBytes(UTF_8)), "{}");
            assertThatExceptionOfType(Refusal.Invalid.class).isThrownBy(() -> planner.effort(ours(own), other));
        }
        assertThat(reads.get()).isZero();
    }

    @Test
    void aStoreThatFailsIsNoFaultOfTheClient() {
        org.apache.iceberg.Table table = filled("failing", PartitionSpec.unpartitioned(), new Random(1));
        Scan scan = planner.scan(json(table), "{}");
        storeFails = true;
        assertThatExceptionOfType(DomainStorage.StorageException.class)
                .isThrownBy(() -> planner.effort(ours(table), scan));
        storeFails = false;
        assertThat(planner.effort(ours(table), scan).files()).isPositive();
        storeFails = true;
        assertThatExceptionOfType(DomainStorage.StorageException.class)
                .isThrownBy(() -> planner.pages(ours(table), scan));
    }

    @Test
    void aDamagedOrMissingManifestIsARefusal() {
        org.apache.iceberg.Table table = table("damaged", PartitionSpec.unpartitioned());
        table.newFastAppend().appendFile(file(table, "f", "", 1, 2)).commit();
        String manifest =
                table.currentSnapshot().allManifests(table.io()).getFirst().path();
        files().addFile(manifest, "no avro".getBytes(UTF_8));
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> planner.pages(ours(table), planner.scan(json(table), "{}")));
        IcebergPlanner fresh = new IcebergPlanner(storage(), 1);
        files().deleteFile(manifest);
        assertThatExceptionOfType(Refusal.Invalid.class)
                .isThrownBy(() -> fresh.pages(ours(table), fresh.scan(json(table), "{}")))
                .withMessageContaining("is not there");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"snapshot-id\":1}",
                "{\"snapshot-id\":\"x\"}",
                "{\"start-snapshot-id\":1}",
                "{\"snapshot-id\":1,\"start-snapshot-id\":1,\"end-snapshot-id\":2}",
                "{\"min-rows-requested\":-1}",
                "{\"filter\":null}",
                "{\"filter\":{\"type\":\"eq\",\"term\":\"nothing\",\"value\":1}}",
                "{\"filter\":{\"type\":\"eq\",\"term\":\"ID\",\"value\":1}}",
                "{\"filter\":{\"type\":\"eq\",\"term\":\"id\",\"value\":\"x\"}}",
                "{\"filter\":{\"type\":\"what\",\"term\":\"id\"}}",
                "[]"
            })
    void whatTheTableDoesNotHaveIsRefused(String request) {
        org.apache.iceberg.Table table = table("refusing", PartitionSpec.unpartitioned());
        assertThatExceptionOfType(Refusal.Invalid.class).isThrownBy(() -> planner.scan(json(table), request));
    }
}
