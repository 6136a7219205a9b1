package io.icefield.compat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.IdentityPartitionConverters;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.deletes.PositionDelete;
import org.apache.iceberg.deletes.PositionDeleteWriter;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.SupportsBulkOperations;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Iceberg's Java client where the server plans its scans, and where it signs its requests to the store.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FileAccessIT {
    private static final Namespace CORE = Namespace.of("core");
    private static final Schema SCHEMA = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "region", Types.StringType.get()));
    private static final PartitionSpec BY_REGION =
            PartitionSpec.builderFor(SCHEMA).identity("region").build();
    private static final Map<String, String> SERVER = Map.of("scan-planning-mode", "server");

    private ServedCatalog served;
    private ServedCatalog second;

    @BeforeAll
    void start() throws Exception {
        served = ServedCatalog.shared();
        second = served.replica("second", Map.of("ICEFIELD_STS_ROLE_ARN", "none"));
        served.domain("planned");
        second.domain("signed");
        for (String domain : List.of("planned", "signed")) {
            try (RESTCatalog catalog = served.client(domain, domain, Map.of())) {
                catalog.createNamespace(CORE);
            }
        }
    }

    private static Record row(long id, String region) {
        GenericRecord row = GenericRecord.create(SCHEMA);
        row.setField("id", id);
        row.setField("region", region);
        return row;
    }

    private static DataFile write(Table table, String region, long... ids) throws IOException {
        PartitionKey key = new PartitionKey(table.spec(), SCHEMA);
        key.partition(row(0, region));
        String path = table.spec().isPartitioned()
                ? table.locationProvider().newDataLocation(table.spec(), key, UUID.randomUUID() + ".parquet")
                : table.locationProvider().newDataLocation(UUID.randomUUID() + ".parquet");
        DataWriter<Record> writer = Parquet.writeData(table.io().newOutputFile(path))
                .schema(SCHEMA)
                .createWriterFunc(GenericParquetWriter::create)
                .withSpec(table.spec())
                .withPartition(table.spec().isPartitioned() ? key : null)
                .build();
        try (writer) {
            for (long id : ids) {
                writer.write(row(id, region));
            }
        }
        return writer.toDataFile();
    }

    private static DeleteFile delete(Table table, DataFile file, long position) throws IOException {
        PositionDeleteWriter<Record> writer = Parquet.writeDeletes(
                        table.io().newOutputFile(table.location() + "/data/" + UUID.randomUUID() + "-d.parquet"))
                .withSpec(table.spec())
                .withPartition(table.spec().isPartitioned() ? file.partition() : null)
                .createWriterFunc(GenericParquetWriter::create)
                .overwrite()
                .buildPositionWriter();
        try (writer) {
            writer.write(PositionDelete.<Record>create().set(file.location(), position));
        }
        return writer.toDeleteFile();
    }

    private static List<Object> ids(CloseableIterable<Record> rows) throws IOException {
        List<Object> ids = new ArrayList<>();
        try (rows) {
            rows.forEach(row -> ids.add(row.getField("id")));
        }
        return ids.stream().sorted().toList();
    }

    private static List<Object> ids(Table table) throws IOException {
        return ids(IcebergGenerics.read(table).build());
    }

    /// The rows of a scan's files, read with the keys that came with the plan.
    private static List<Object> rowsOf(TableScan scan) throws IOException {
        List<Object> ids = new ArrayList<>();
        try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
            for (FileScanTask task : tasks) {
                ids.addAll(ids(Parquet.read(
                                scan.fileIO().get().newInputFile(task.file().location()))
                        .project(SCHEMA)
                        .createReaderFunc(file -> GenericParquetReaders.buildReader(
                                SCHEMA,
                                file,
                                org.apache.iceberg.util.PartitionUtil.constantsMap(
                                        task, IdentityPartitionConverters::convertConstant)))
                        .build()));
            }
        }
        return ids.stream().sorted().toList();
    }

    private static List<String> files(TableScan scan) throws IOException {
        List<String> files = new ArrayList<>();
        try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
            tasks.forEach(task ->
                    files.add(task.file().location() + " " + task.deletes().size() + " " + task.residual()));
        }
        return files.stream().sorted().toList();
    }

    @Test
    void theServerPlansWhatTheClientWould() throws Exception {
        for (PartitionSpec spec : List.of(BY_REGION, PartitionSpec.unpartitioned())) {
            TableIdentifier name = TableIdentifier.of(CORE, spec.isPartitioned() ? "parted" : "plain");
            try (RESTCatalog own = served.client("own", "planned", Map.of());
                    RESTCatalog planning = served.client("planning", "planned", SERVER)) {
                Table table = own.createTable(name, SCHEMA, spec);
                DataFile first = write(table, "eu", 1, 2, 3);
                table.newAppend()
                        .appendFile(first)
                        .appendFile(write(table, "a/b:c %", 4))
                        .commit();
                long old = table.currentSnapshot().snapshotId();
                table.newAppend().appendFile(write(table, "us", 5, 6)).commit();
                table.newRowDelta().addDeletes(delete(table, first, 1)).commit();

                Table planned = planning.loadTable(name);
                assertThat(planned.getClass().getSimpleName()).isEqualTo("RESTTable");
                assertThat(ids(planned)).isEqualTo(ids(table)).containsExactly(1L, 3L, 4L, 5L, 6L);
                assertThat(files(planned.newScan()))
                        .isEqualTo(files(table.newScan()))
                        .hasSize(3);
                assertThat(ids(IcebergGenerics.read(planned).useSnapshot(old).build()))
                        .containsExactly(1L, 2L, 3L, 4L);
                var inEurope = Expressions.and(Expressions.equal("region", "eu"), Expressions.greaterThan("id", 1L));
                assertThat(ids(IcebergGenerics.read(planned).where(inEurope).build()))
                        .containsExactly(3L);
                assertThat(files(planned.newScan().filter(inEurope)))
                        .isEqualTo(files(table.newScan().filter(inEurope)));
                assertThat(rowsOf(planned.newScan())).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
            }
        }
    }

    @Test
    void aLargePlanIsMadeByOneReplicaAndFetchedFromAnother() throws Exception {
        TableIdentifier name = TableIdentifier.of(CORE, "large");
        try (RESTCatalog own = served.client("own", "planned", Map.of());
                RESTCatalog planning = served.client("planning", "planned", SERVER);
                RESTCatalog other = second.client("other", "planned", SERVER)) {
            Table table = own.createTable(name, SCHEMA);
            for (int commit = 0; commit < 55; commit++) {
                var append = table.newFastAppend();
                for (int file = 0; file < 40; file++) {
                    append.appendFile(org.apache.iceberg.DataFiles.builder(table.spec())
                            .withPath(table.location() + "/data/" + commit + "-" + file + ".parquet")
                            .withFileSizeInBytes(10)
                            .withRecordCount(1)
                            .build());
                }
                append.commit();
            }
            List<String> all = files(table.newScan());
            assertThat(all).hasSize(55 * 40);
            long begin = System.nanoTime();
            assertThat(files(planning.loadTable(name).newScan())).isEqualTo(all);
            System.out.printf(
                    "2,200 files of 55 manifests, planned on the server: %d ms%n",
                    (System.nanoTime() - begin) / 1_000_000);
            assertThat(files(other.loadTable(name).newScan())).isEqualTo(all);

            var plan = served.post("planned", "core", "large", "/plan", "{}");
            assertThat(plan.path("status").asText()).isEqualTo("completed");
            String id = plan.path("plan-id").asText();
            assertThat(second.get("planned", "core", "large", "/plan/" + id).path("plan-tasks"))
                    .isEqualTo(plan.path("plan-tasks"))
                    .hasSize(3);
            int tasks = 0;
            for (var task : plan.path("plan-tasks")) {
                tasks += second.post("planned", "core", "large", "/tasks", "{\"plan-task\":" + task + "}")
                        .path("file-scan-tasks")
                        .size();
            }
            assertThat(tasks).isEqualTo(all.size());
        }
    }

    @Test
    void aClientWithoutAnyKeyWritesAndReads() throws Exception {
        for (Map.Entry<String, Map<String, String>> how : Map.of(
                        "signed", Map.<String, String>of(),
                        "planned", Map.of("header.X-Iceberg-Access-Delegation", "remote-signing"))
                .entrySet()) {
            TableIdentifier name = TableIdentifier.of(CORE, "remote");
            try (RESTCatalog catalog = served.client("signing", how.getKey(), how.getValue())) {
                Table table = catalog.createTable(name, SCHEMA, BY_REGION);
                assertThat(table.io().properties())
                        .containsEntry("s3.remote-signing-enabled", "true")
                        .doesNotContainKey("s3.access-key-id");
                DataFile first = write(table, "a/b:c %ä", 1, 2);
                table.newAppend().appendFile(first).commit();
                table.newAppend().appendFile(write(table, "us", 3)).commit();
                assertThat(ids(catalog.loadTable(name))).containsExactly(1L, 2L, 3L);
                table.newDelete().deleteFile(first).commit();
                assertThat(ids(catalog.loadTable(name))).containsExactly(3L);

                List<String> found = new ArrayList<>();
                ((SupportsPrefixOperations) table.io())
                        .listPrefix(table.location() + "/data/")
                        .forEach(each -> found.add(each.location()));
                assertThat(found).hasSize(2).contains(first.location());
                ((SupportsBulkOperations) table.io()).deleteFiles(List.of(first.location()));
                assertThat(table.io().newInputFile(first.location()).exists()).isFalse();
            }
        }
    }
}
