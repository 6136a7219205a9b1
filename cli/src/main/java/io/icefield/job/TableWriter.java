package io.icefield.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.LongConsumer;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.deletes.PositionDeleteWriter;
import org.apache.iceberg.encryption.EncryptedOutputFile;
import org.apache.iceberg.exceptions.CleanableFailure;
import org.apache.iceberg.io.DataWriteResult;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.FanoutDataWriter;
import org.apache.iceberg.io.FileWriterFactory;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.io.RollingDataWriter;
import org.apache.iceberg.parquet.Parquet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Appends a stream of records to a table: Parquet files of bounded size, one commit, bounded memory.
public final class TableWriter {
    private static final Logger LOG = LoggerFactory.getLogger(TableWriter.class);

    private static final long FILE_BYTES_TARGET = 128L << 20;
    // A row group is held in memory until it is complete, one for each partition that is open.
    private static final int ROW_GROUP_BYTES = 32 << 20;
    private static final int ROW_GROUP_BYTES_PARTITIONED = 4 << 20;
    private static final String APPEND_ID = "icefield.append-id";
    private static final int ROWS_BETWEEN_REPORTS = 1024;

    /// What one append added. No rows: no files and no snapshot, `snapshotId` is then `NO_SNAPSHOT`.
    public record Written(long rows, int files, long bytes, long snapshotId) {
        public static final long NO_SNAPSHOT = -1;
    }

    private TableWriter() {}

    /// Appends all records in one commit; `written` hears the number of rows so far, every now and then and at
    /// the end. The records have the table's current schema; the iterator may hand out the same record again
    /// and again.
    ///
    /// Throws what the iterator or the catalog threw. The table is then unchanged and the files written are
    /// deleted, except when the answer to the commit was lost: that is an `IngestFailure.OutcomeUnknown`, and
    /// nothing is deleted.
    public static Written append(Table table, Iterator<? extends Record> records, LongConsumer written) {
        ParquetFiles files = new ParquetFiles(table);
        long rows;
        List<DataFile> dataFiles;
        try {
            Sink sink = table.spec().isUnpartitioned() ? unpartitioned(table, files) : partitioned(table, files);
            try (sink) {
                rows = drain(records, sink, written);
            }
            dataFiles = sink.files();
        } catch (IOException e) {
            files.deleteAll();
            throw new UncheckedIOException(e);
        } catch (Throwable e) {
            files.deleteAll();
            throw e;
        }
        if (dataFiles.isEmpty()) {
            return new Written(0, 0, 0, Written.NO_SNAPSHOT);
        }
        long bytes = dataFiles.stream().mapToLong(DataFile::fileSizeInBytes).sum();
        return new Written(rows, dataFiles.size(), bytes, commit(table, dataFiles, files));
    }

    private static long drain(Iterator<? extends Record> records, Sink sink, LongConsumer written) throws IOException {
        long rows = 0;
        while (records.hasNext()) {
            sink.write(records.next());
            if (++rows % ROWS_BETWEEN_REPORTS == 0) {
                written.accept(rows);
            }
        }
        written.accept(rows);
        return rows;
    }

    private static long commit(Table table, List<DataFile> dataFiles, ParquetFiles files) {
        String id = UUID.randomUUID().toString();
        AppendFiles append = table.newAppend().set(APPEND_ID, id);
        dataFiles.forEach(append::appendFile);
        try {
            append.commit();
        } catch (RuntimeException e) {
            if (e instanceof CleanableFailure) {
                files.deleteAll();
                throw e;
            }
            throw new IngestFailure.OutcomeUnknown(
                    "nobody can tell whether the rows arrived in `%s`: they did if a snapshot has `%s` = `%s`; look before you repeat the job (%s)"
                            .formatted(table.name(), APPEND_ID, id, e.getMessage()),
                    e);
        }
        // Others may have committed since: ours is the one that carries our id.
        Snapshot snapshot = table.currentSnapshot();
        while (snapshot != null && !id.equals(snapshot.summary().get(APPEND_ID))) {
            Long parent = snapshot.parentId();
            snapshot = parent == null ? null : table.snapshot(parent);
        }
        return snapshot == null ? Written.NO_SNAPSHOT : snapshot.snapshotId();
    }

    /// Where rows go until their files are complete.
    private interface Sink extends AutoCloseable {
        void write(Record row) throws IOException;

        @Override
        void close() throws IOException;

        /// Complete only once closed.
        List<DataFile> files();
    }

    private static Sink unpartitioned(Table table, ParquetFiles files) {
        var writer = new RollingDataWriter<Record>(
                files, files.names(), table.io(), files.fileBytesTarget(), table.spec(), null);
        return new Sink() {
            @Override
            public void write(Record row) {
                writer.write(row);
            }

            @Override
            public void close() throws IOException {
                writer.close();
            }

            @Override
            public List<DataFile> files() {
                return writer.result().dataFiles();
            }
        };
    }

    private static Sink partitioned(Table table, ParquetFiles files) {
        PartitionSpec spec = table.spec();
        PartitionKey key = new PartitionKey(spec, table.schema());
        InternalRecordWrapper values = new InternalRecordWrapper(table.schema().asStruct());
        var writer = new FanoutDataWriter<Record>(files, files.names(), table.io(), files.fileBytesTarget());
        return new Sink() {
            @Override
            public void write(Record row) {
                key.partition(values.wrap(row));
                writer.write(row, spec, key);
            }

            @Override
            public void close() throws IOException {
                writer.close();
            }

            @Override
            public List<DataFile> files() {
                DataWriteResult result = writer.result();
                return result.dataFiles();
            }
        };
    }

    /// Makes the table's Parquet files and remembers them, so that a failed append leaves none behind.
    private static final class ParquetFiles implements FileWriterFactory<Record> {
        private final Table table;
        private final Schema schema;
        private final List<String> locations = new ArrayList<>();

        ParquetFiles(Table table) {
            this.table = table;
            this.schema = table.schema();
        }

        OutputFileFactory names() {
            return OutputFileFactory.builderFor(table, 0, 0)
                    .format(FileFormat.PARQUET)
                    .operationId(UUID.randomUUID().toString())
                    .build();
        }

        long fileBytesTarget() {
            String chosen = table.properties().get(TableProperties.WRITE_TARGET_FILE_SIZE_BYTES);
            return chosen == null ? FILE_BYTES_TARGET : Long.parseLong(chosen);
        }

        @Override
        @SuppressWarnings("NullAway") // an unpartitioned file has no partition, which Iceberg writes as null
        public DataWriter<Record> newDataWriter(EncryptedOutputFile file, PartitionSpec spec, StructLike partition) {
            locations.add(file.encryptingOutputFile().location());
            Map<String, String> chosen = table.properties();
            int rowGroupBytes = spec.isUnpartitioned() ? ROW_GROUP_BYTES : ROW_GROUP_BYTES_PARTITIONED;
            try {
                return Parquet.writeData(file)
                        .forTable(table)
                        .schema(schema)
                        .set(
                                TableProperties.PARQUET_COMPRESSION,
                                chosen.getOrDefault(TableProperties.PARQUET_COMPRESSION, "zstd"))
                        .set(
                                TableProperties.PARQUET_ROW_GROUP_SIZE_BYTES,
                                chosen.getOrDefault(
                                        TableProperties.PARQUET_ROW_GROUP_SIZE_BYTES, Integer.toString(rowGroupBytes)))
                        .createWriterFunc(GenericParquetWriter::create)
                        .withSpec(spec)
                        .withPartition(partition)
                        .withKeyMetadata(file.keyMetadata())
                        .overwrite()
                        .build();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public EqualityDeleteWriter<Record> newEqualityDeleteWriter(
                EncryptedOutputFile file, PartitionSpec spec, StructLike partition) {
            throw new UnsupportedOperationException("an append deletes nothing");
        }

        @Override
        public PositionDeleteWriter<Record> newPositionDeleteWriter(
                EncryptedOutputFile file, PartitionSpec spec, StructLike partition) {
            throw new UnsupportedOperationException("an append deletes nothing");
        }

        void deleteAll() {
            for (String location : locations) {
                try {
                    table.io().deleteFile(location);
                } catch (RuntimeException e) {
                    // A file that nothing points to costs space, no more; the failure that led here matters more.
                    LOG.debug("`{}` could not be deleted", location, e);
                }
            }
        }
    }
}
