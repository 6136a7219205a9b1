package io.icefield.iceberg;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.icefield.audit.Decision;
import io.icefield.audit.DecisionFiles;
import io.icefield.audit.DecisionStore.Entry;
import io.icefield.table.TableFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionData;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.Transactions;
import org.apache.iceberg.UpdateRequirements;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.types.Types;

/// Decisions as Parquet files of an Iceberg table.
public final class ParquetDecisions implements DecisionFiles {
    /// A property of the table and of its snapshots: the last decision that it has. A snapshot that says more than
    /// figures is never moved to another state of the table, see [Appends].
    static final String THROUGH = "icefield.decisions.through";

    private static final Schema SCHEMA = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.required(2, "at", Types.TimestampType.withZone()),
            Types.NestedField.required(3, "until", Types.TimestampType.withZone()),
            Types.NestedField.required(4, "count", Types.LongType.get()),
            Types.NestedField.required(5, "who", Types.StringType.get()),
            Types.NestedField.required(6, "engine", Types.StringType.get()),
            Types.NestedField.required(7, "action", Types.StringType.get()),
            Types.NestedField.required(8, "right_asked", Types.StringType.get()),
            Types.NestedField.required(9, "domain", Types.StringType.get()),
            Types.NestedField.required(10, "thing", Types.StringType.get()),
            Types.NestedField.required(11, "detail", Types.StringType.get()),
            Types.NestedField.required(12, "outcome", Types.StringType.get()),
            Types.NestedField.required(13, "reason", Types.StringType.get()),
            Types.NestedField.required(14, "rules", Types.ListType.ofRequired(22, Types.StringType.get())),
            Types.NestedField.required(15, "grounds", Types.StringType.get()),
            Types.NestedField.required(16, "hidden", Types.BooleanType.get()),
            Types.NestedField.required(17, "absent", Types.BooleanType.get()),
            Types.NestedField.required(18, "policies", Types.StringType.get()),
            Types.NestedField.required(19, "request_id", Types.StringType.get()),
            Types.NestedField.required(20, "query_id", Types.StringType.get()),
            Types.NestedField.required(21, "replica", Types.StringType.get()),
            Types.NestedField.required(23, "hash", Types.StringType.get()));

    @Override
    public String creation(String name) {
        CreateTableRequest request = CreateTableRequest.builder()
                .withName(name)
                .withSchema(SCHEMA)
                .withPartitionSpec(PartitionSpec.builderFor(SCHEMA).day("at").build())
                .setProperty("comment", "who was allowed what, who was not, and why: the log of decisions")
                .setProperty(TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED, "true")
                .build();
        return json(request);
    }

    @Override
    public State state(byte[] metadata) {
        TableMetadata table = read(metadata);
        // Of our own: others may compact the table more often than we add to it.
        return new State(
                table.propertyAsLong(THROUGH, 0),
                table.snapshots().stream()
                        .filter(each -> each.summary().containsKey(THROUGH))
                        .map(Snapshot::timestampMillis)
                        .max(Long::compare)
                        .map(Instant::ofEpochMilli));
    }

    @Override
    public String append(byte[] metadata, TableFormat.Files files, List<Entry> decisions) {
        TableMetadata before = read(metadata);
        String through = Long.toString(decisions.getLast().link().id());
        Scratch staged = new Scratch(before, new FolderIO(files));
        Transaction both = Transactions.newTransaction("decisions", staged);
        AppendFiles append = both.newAppend().set(THROUGH, through);
        byDay(decisions).forEach((day, some) -> append.appendFile(write(staged, day, some)));
        append.commit();
        both.updateProperties().set(THROUGH, through).commit();
        both.commitTransaction();
        TableMetadata after = staged.current();
        return json(
                new UpdateTableRequest(UpdateRequirements.forUpdateTable(before, after.changes()), after.changes()));
    }

    private static Map<LocalDate, List<Entry>> byDay(List<Entry> decisions) {
        return decisions.stream()
                .collect(Collectors.groupingBy(
                        entry -> LocalDate.ofInstant(entry.decision().at(), ZoneOffset.UTC),
                        TreeMap::new,
                        Collectors.toList()));
    }

    private static DataFile write(Scratch table, LocalDate day, List<Entry> decisions) {
        TableMetadata now = table.current();
        PartitionSpec spec = now.spec();
        PartitionData partition = new PartitionData(spec.partitionType());
        partition.set(0, Math.toIntExact(day.toEpochDay()));
        String at =
                "%s/data/%s/%s.parquet".formatted(now.location(), spec.partitionToPath(partition), UUID.randomUUID());
        try {
            DataWriter<Record> writer = Parquet.writeData(table.io().newOutputFile(at))
                    .schema(now.schema())
                    .set(TableProperties.PARQUET_COMPRESSION, "zstd")
                    .createWriterFunc(GenericParquetWriter::create)
                    .withSpec(spec)
                    .withPartition(partition)
                    .build();
            try (writer) {
                decisions.forEach(entry -> writer.write(row(now.schema(), entry)));
            }
            return writer.toDataFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// By the names that the columns had; whoever renames one breaks the export, and is told.
    private static Record row(Schema schema, Entry entry) {
        Decision decision = entry.decision();
        Decision.Asked asked = decision.asked();
        Decision.Ruling ruling = decision.ruling();
        Record row = GenericRecord.create(schema);
        row.setField("id", entry.link().id());
        row.setField("at", time(decision.at()));
        row.setField("until", time(decision.until()));
        row.setField("count", decision.count());
        row.setField("who", asked.who());
        row.setField("engine", asked.engine());
        row.setField("action", asked.action());
        row.setField("right_asked", asked.right());
        row.setField("domain", asked.domain());
        row.setField("thing", asked.thing());
        row.setField("detail", asked.detail());
        row.setField("outcome", ruling.outcome().name().toLowerCase(Locale.ROOT));
        row.setField("reason", ruling.reason());
        row.setField("rules", ruling.rules());
        row.setField("grounds", ruling.grounds());
        row.setField("hidden", ruling.hidden());
        row.setField("absent", ruling.absent());
        row.setField("policies", ruling.policies());
        row.setField("request_id", asked.request());
        row.setField("query_id", asked.query());
        row.setField("replica", decision.replica());
        row.setField("hash", entry.link().hash());
        return row;
    }

    private static OffsetDateTime time(Instant at) {
        return at.atOffset(ZoneOffset.UTC);
    }

    private static TableMetadata read(byte[] metadata) {
        return TableMetadataParser.fromJson(new String(metadata, StandardCharsets.UTF_8));
    }

    private static String json(Object request) {
        try {
            return RestJson.MAPPER.writeValueAsString(request);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
