package io.icefield.escape;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestWriter;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.avro.AvroSchemaUtil;
import org.apache.iceberg.inmemory.InMemoryOutputFile;

/// Files of a table that lead out of its folder.
final class Poison {
    private Poison() {}

    /// A list of manifests.
    static byte[] list(List<String> manifests) {
        Schema schema = AvroSchemaUtil.convert(ManifestFile.schema(), "manifest_file");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataFileWriter<GenericData.Record> writer = new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
            writer.setMeta("format-version", "2");
            writer.setMeta("snapshot-id", "77");
            writer.setMeta("sequence-number", "1");
            writer.create(schema, out);
            for (String manifest : manifests) {
                GenericData.Record record = new GenericData.Record(schema);
                for (Schema.Field field : schema.getFields()) {
                    Schema.Type type = field.schema().getType();
                    switch (type) {
                        case LONG -> record.put(field.name(), 1L);
                        case INT -> record.put(field.name(), field.name().endsWith("count") ? 1 : 0);
                        case STRING -> record.put(field.name(), manifest);
                        default -> {}
                    }
                }
                writer.append(record);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /// A manifest of data files.
    static byte[] manifest(List<String> files) {
        InMemoryOutputFile out = new InMemoryOutputFile("m.avro");
        try (ManifestWriter<org.apache.iceberg.DataFile> writer =
                ManifestFiles.write(2, PartitionSpec.unpartitioned(), out, 77L)) {
            for (String file : files) {
                writer.add(DataFiles.builder(PartitionSpec.unpartitioned())
                        .withPath(file)
                        .withFormat(FileFormat.PARQUET)
                        .withFileSizeInBytes(10)
                        .withRecordCount(1)
                        .build());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
