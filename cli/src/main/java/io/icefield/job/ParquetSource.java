package io.icefield.job;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.mapping.MappingUtil;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Type.TypeID;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;
import org.apache.parquet.ParquetRuntimeException;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/// A Parquet file. Its footer has the types, so that it is read only once; columns are found by name, whatever
/// ids the file has.
final class ParquetSource implements Source {
    private static final Set<TypeID> KNOWN = Set.of(
            TypeID.BOOLEAN,
            TypeID.INTEGER,
            TypeID.LONG,
            TypeID.FLOAT,
            TypeID.DOUBLE,
            TypeID.DATE,
            TypeID.TIME,
            TypeID.TIMESTAMP,
            TypeID.STRING,
            TypeID.UUID,
            TypeID.FIXED,
            TypeID.BINARY,
            TypeID.DECIMAL,
            TypeID.STRUCT,
            TypeID.LIST,
            TypeID.MAP);

    private final Path file;
    private final ColumnNames naming;
    private final long size;
    private final long rows;
    private final Schema schema;
    private final List<Name> names;

    ParquetSource(Path file, ColumnNames naming) throws IOException {
        this.file = file;
        this.naming = naming;
        this.size = Files.size(file);
        MessageType message;
        try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
            message = reader.getFileMetaData().getSchema();
            rows = reader.getRecordCount();
        } catch (RuntimeException e) {
            throw new IngestFailure.BadFile("it is not a sound Parquet file%s".formatted(said(e)), e);
        }
        message.getFields().forEach(ParquetSource::requireKnown);
        this.schema = ParquetSchemaUtil.convert(message);
        List<String> originals =
                schema.columns().stream().map(NestedField::name).toList();
        List<String> columns = naming.names(originals);
        this.names = new ArrayList<>(columns.size());
        for (int place = 0; place < columns.size(); place++) {
            names.add(new Name(originals.get(place), columns.get(place)));
        }
    }

    /// The reader's own words, unless they name one of its objects.
    private static String said(RuntimeException e) {
        String words = String.valueOf(e.getMessage())
                .replaceAll("\\S+@[0-9a-f]+ is not a Parquet file", "")
                .strip();
        return words.isEmpty() ? "" : ": " + words;
    }

    private static void requireKnown(org.apache.parquet.schema.Type column) {
        try {
            Type type = ParquetSchemaUtil.convert(new MessageType("one", column))
                    .columns()
                    .getFirst()
                    .type();
            Type unknown = TypeUtil.find(type, part -> !KNOWN.contains(part.typeId()));
            if (unknown == null) {
                return;
            }
            throw new IngestFailure.BadFile("column `%s` has a part of type `%s`, which this job cannot write%s"
                    .formatted(
                            column.getName(),
                            unknown,
                            unknown instanceof Types.TimestampNanoType
                                    ? "; write it with microseconds instead of nanoseconds"
                                    : ""));
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            throw new IngestFailure.BadFile("column `%s` is `%s` in Parquet, which Iceberg has no type for: %s"
                    .formatted(column.getName(), column, e.getMessage()));
        }
    }

    @Override
    public List<Name> names() {
        return names;
    }

    @Override
    public long bytesTotal() {
        return size;
    }

    @Override
    public List<Column> survey(Map<Integer, NestedField> known, LongConsumer bytesRead) {
        List<Column> columns = new ArrayList<>(names.size());
        for (int place = 0; place < names.size(); place++) {
            NestedField own = schema.columns().get(place);
            NestedField field = known.get(place);
            if (field == null) {
                columns.add(new Column(names.get(place).name(), renamed(own.type()), own.isRequired()));
            } else {
                conversion(own, field);
                columns.add(new Column(field.name(), field.type(), field.isRequired()));
            }
        }
        return columns;
    }

    @Override
    public CloseableIterator<Record> rows(Schema table, Map<Integer, NestedField> fields, LongConsumer bytesRead) {
        int width = names.size();
        List<Target> targets = new ArrayList<>(width);
        for (int place = 0; place < width; place++) {
            NestedField field = fields.get(place);
            if (field == null) {
                throw new IllegalArgumentException("column %d goes nowhere".formatted(place));
            }
            NestedField own = schema.columns().get(place);
            targets.add(new Target(field, Source.position(table, field), conversion(own, field)));
        }
        CloseableIterable<Record> records = Parquet.read(org.apache.iceberg.Files.localInput(file.toFile()))
                .project(schema)
                .withNameMapping(MappingUtil.create(schema))
                .createReaderFunc(message -> GenericParquetReaders.buildReader(schema, message))
                .build();
        CloseableIterator<Record> iterator = records.iterator();
        Record record = GenericRecord.create(table);
        return new CloseableIterator<>() {
            private long read;

            @Override
            public boolean hasNext() {
                return sound(iterator::hasNext);
            }

            @Override
            public Record next() {
                Record row = sound(iterator::next);
                read++;
                for (int place = 0; place < width; place++) {
                    Target target = targets.get(place);
                    Object value = row.get(place);
                    if (value == null && target.field.isRequired()) {
                        throw new IngestFailure.Misfit("row %d has nothing in column `%s`, which the table requires"
                                .formatted(read, target.field.name()));
                    }
                    record.set(target.position, value == null ? null : target.conversion.apply(value));
                }
                bytesRead.accept((long) ((double) size * read / rows));
                return record;
            }

            @Override
            public void close() throws IOException {
                iterator.close();
                records.close();
            }
        };
    }

    private static <T> T sound(java.util.function.Supplier<T> step) {
        try {
            return step.get();
        } catch (ParquetRuntimeException e) {
            throw new IngestFailure.BadFile("it is damaged: " + e.getMessage(), e);
        }
    }

    private record Target(NestedField field, int position, UnaryOperator<Object> conversion) {}

    /// Names inside structs follow the same rule as names of columns.
    private Type renamed(Type type) {
        return switch (type) {
            case Types.StructType struct -> {
                List<String> inner = naming.names(
                        struct.fields().stream().map(NestedField::name).toList());
                List<NestedField> fields = new ArrayList<>(inner.size());
                for (int place = 0; place < inner.size(); place++) {
                    NestedField field = struct.fields().get(place);
                    fields.add(NestedField.from(field)
                            .withName(inner.get(place))
                            .ofType(renamed(field.type()))
                            .build());
                }
                yield Types.StructType.of(fields);
            }
            case Types.ListType list ->
                list.isElementOptional()
                        ? Types.ListType.ofOptional(list.elementId(), renamed(list.elementType()))
                        : Types.ListType.ofRequired(list.elementId(), renamed(list.elementType()));
            case Types.MapType map ->
                map.isValueOptional()
                        ? Types.MapType.ofOptional(
                                map.keyId(), map.valueId(), renamed(map.keyType()), renamed(map.valueType()))
                        : Types.MapType.ofRequired(
                                map.keyId(), map.valueId(), renamed(map.keyType()), renamed(map.valueType()));
            default -> type;
        };
    }

    /// How a value of the file becomes one of the table: as it is, or widened as Iceberg's own schema evolution
    /// does.
    private UnaryOperator<Object> conversion(NestedField own, NestedField field) {
        UnaryOperator<Object> conversion = conversion(renamed(own.type()), field.type());
        if (conversion == null) {
            throw new IngestFailure.Misfit(
                    "column `%s` is `%s` in the file and `%s` in the table; write the file with the table's type"
                            .formatted(field.name(), own.type(), field.type()));
        }
        return conversion;
    }

    private static @Nullable UnaryOperator<Object> conversion(Type from, Type to) {
        if (from.isNestedType()) {
            return shape(from).equals(shape(to)) ? UnaryOperator.identity() : null;
        }
        if (from.equals(to)) {
            return UnaryOperator.identity();
        }
        if (from instanceof Types.DecimalType narrow && to instanceof Types.DecimalType wide) {
            boolean fits = wide.scale() >= narrow.scale()
                    && wide.precision() - wide.scale() >= narrow.precision() - narrow.scale();
            return fits ? value -> ((BigDecimal) value).setScale(wide.scale(), RoundingMode.UNNECESSARY) : null;
        }
        return switch (to.typeId()) {
            case LONG -> from.typeId() == TypeID.INTEGER ? value -> ((Integer) value).longValue() : null;
            case DOUBLE -> from.typeId() == TypeID.FLOAT ? value -> ((Float) value).doubleValue() : null;
            default -> null;
        };
    }

    /// A type without its field ids: what two catalogs can agree on.
    private static String shape(Type type) {
        return switch (type) {
            case Types.StructType struct -> {
                List<String> fields = new ArrayList<>();
                for (NestedField field : struct.fields()) {
                    fields.add("%s %s %s".formatted(field.name(), field.isOptional(), shape(field.type())));
                }
                yield "struct" + fields;
            }
            case Types.ListType list -> "list[%s %s]".formatted(list.isElementOptional(), shape(list.elementType()));
            case Types.MapType map ->
                "map[%s, %s %s]".formatted(shape(map.keyType()), map.isValueOptional(), shape(map.valueType()));
            default -> type.toString();
        };
    }
}
