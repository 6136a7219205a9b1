package io.icefield.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;

/// Rows in and out of a table by Iceberg's generic reader and writer, through the table's own `FileIO`.
final class Rows {
    private Rows() {}

    /// A row of the table's current schema.
    static Record row(Table table, Object... values) {
        GenericRecord record = GenericRecord.create(table.schema());
        for (int column = 0; column < values.length; column++) {
            record.set(column, values[column]);
        }
        return record;
    }

    /// One new data file, not yet part of the table.
    static DataFile write(Table table, List<Record> rows) {
        String path = table.locationProvider().newDataLocation(UUID.randomUUID() + ".parquet");
        try {
            DataWriter<Record> writer = Parquet.writeData(table.io().newOutputFile(path))
                    .schema(table.schema())
                    .createWriterFunc(GenericParquetWriter::create)
                    .withSpec(PartitionSpec.unpartitioned())
                    .build();
            try (writer) {
                rows.forEach(writer::write);
            }
            return writer.toDataFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void append(Table table, List<Record> rows) {
        table.newAppend().appendFile(write(table, rows)).commit();
    }

    /// Deletes the rows whose column has the value, by an equality delete file.
    static void delete(Table table, String column, Object value) {
        Schema key = table.schema().select(column);
        String path = table.locationProvider().newDataLocation(UUID.randomUUID() + ".parquet");
        try {
            EqualityDeleteWriter<Record> writer = Parquet.writeDeletes(
                            table.io().newOutputFile(path))
                    .rowSchema(key)
                    .createWriterFunc(GenericParquetWriter::create)
                    .withSpec(PartitionSpec.unpartitioned())
                    .equalityFieldIds(key.findField(column).fieldId())
                    .buildEqualityWriter();
            try (writer) {
                writer.write(GenericRecord.create(key).copy(column, value));
            }
            table.newRowDelta().addDeletes(writer.toDeleteFile()).commit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Record> read(Table table) {
        List<Record> rows = new ArrayList<>();
        try (CloseableIterable<Record> records = IcebergGenerics.read(table).build()) {
            records.forEach(row -> rows.add(row.copy()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return rows;
    }

    /// Every file that a table names: metadata, old metadata, manifest lists, manifests, data.
    static Set<String> files(Table table) {
        Set<String> files = new TreeSet<>();
        TableMetadata metadata = ((HasTableOperations) table).operations().current();
        files.add(metadata.metadataFileLocation());
        metadata.previousFiles().forEach(old -> files.add(old.file()));
        for (Snapshot snapshot : metadata.snapshots()) {
            files.add(snapshot.manifestListLocation());
            for (ManifestFile manifest : snapshot.allManifests(table.io())) {
                if (files.add(manifest.path())) {
                    try (CloseableIterable<String> paths =
                            ManifestFiles.readPaths(manifest, table.io(), table.specs())) {
                        paths.forEach(files::add);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        }
        return files;
    }
}
