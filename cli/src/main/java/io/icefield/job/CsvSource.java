package io.icefield.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.types.Types.NestedField;
import org.jspecify.annotations.Nullable;

/// A CSV file. It is read twice: once to find out the types and whether every line is sound, once to write.
final class CsvSource implements Source {
    private static final String OTHER_DELIMITERS = ";\t|";

    private final Path file;
    private final char delimiter;
    private final long size;
    private final List<Name> names;
    private long rows;

    CsvSource(Path file, Ingest.Options options) throws IOException {
        this.file = file;
        this.delimiter = delimiter(file, options.delimiter());
        this.size = Files.size(file);
        try (CsvRows csv = CsvRows.open(file, delimiter, _ -> {})) {
            List<String> header = csv.header();
            List<String> columns = options.columnNames().names(header);
            this.names = new ArrayList<>(header.size());
            for (int place = 0; place < columns.size(); place++) {
                names.add(new Name(header.get(place), columns.get(place)));
            }
        }
    }

    /// A header that would be one column only because the file separates its fields by something else.
    private static char delimiter(Path file, char wanted) throws IOException {
        try (CsvRows csv = CsvRows.open(file, wanted, _ -> {})) {
            if (csv.header().size() > 1) {
                return wanted;
            }
            String header = csv.header().getFirst();
            return OTHER_DELIMITERS
                    .chars()
                    .filter(other -> header.indexOf(other) >= 0)
                    .mapToObj(other -> (char) other)
                    .findFirst()
                    .orElse(wanted);
        }
    }

    @Override
    public List<Name> names() {
        return names;
    }

    @Override
    public long bytesTotal() {
        return 2 * size;
    }

    @Override
    public List<Column> survey(Map<Integer, NestedField> known, LongConsumer bytesRead) throws IOException {
        int width = names.size();
        @Nullable Target[] targets = new @Nullable Target[width];
        TypeGuess[] guesses = new TypeGuess[width];
        for (int place = 0; place < width; place++) {
            NestedField field = known.get(place);
            targets[place] = field == null ? null : target(field, 0);
            guesses[place] = new TypeGuess();
        }
        try (CsvRows csv = CsvRows.open(file, delimiter, bytesRead)) {
            while (csv.hasNext()) {
                CsvRows.Row row = csv.next();
                rows++;
                for (int place = 0; place < width; place++) {
                    String text = row.fields()[place];
                    Target target = targets[place];
                    if (target != null) {
                        target.read(row.line(), text);
                    } else if (text != null) {
                        guesses[place].see(text);
                    }
                }
            }
        }
        List<Column> columns = new ArrayList<>(width);
        for (int place = 0; place < width; place++) {
            NestedField field = known.get(place);
            columns.add(
                    field == null
                            ? new Column(names.get(place).name(), guesses[place].type(), false)
                            : new Column(field.name(), field.type(), field.isRequired()));
        }
        return columns;
    }

    @Override
    public CloseableIterator<Record> rows(Schema table, Map<Integer, NestedField> fields, LongConsumer bytesRead)
            throws IOException {
        Target[] targets = new Target[names.size()];
        for (int place = 0; place < targets.length; place++) {
            NestedField field = fields.get(place);
            if (field == null) {
                throw new IllegalArgumentException("column %d goes nowhere".formatted(place));
            }
            targets[place] = target(field, Source.position(table, field));
        }
        CsvRows csv = CsvRows.open(file, delimiter, read -> bytesRead.accept(size + read));
        Record record = GenericRecord.create(table);
        return new CloseableIterator<>() {
            private long read;

            @Override
            public boolean hasNext() {
                boolean more = csv.hasNext();
                if (!more && read != rows) {
                    throw new IngestFailure.BadFile(
                            "it changed while it was read: %d rows, then %d".formatted(rows, read));
                }
                return more;
            }

            @Override
            public Record next() {
                CsvRows.Row row = csv.next();
                read++;
                for (int place = 0; place < targets.length; place++) {
                    Target target = targets[place];
                    record.set(target.position, target.read(row.line(), row.fields()[place]));
                }
                return record;
            }

            @Override
            public void close() throws IOException {
                csv.close();
            }
        };
    }

    private static Target target(NestedField field, int position) {
        TextReader reader = TextReader.of(field.type())
                .orElseThrow(() -> new IngestFailure.Misfit(
                        "column `%s` of the table is `%s`, which no CSV text stands for; use a Parquet file"
                                .formatted(field.name(), field.type())));
        return new Target(field, position, reader);
    }

    /// Where the texts of one column go.
    private record Target(NestedField field, int position, TextReader reader) {

        @Nullable
        Object read(long line, @Nullable String text) {
            if (text == null) {
                if (field.isRequired()) {
                    throw new IngestFailure.Misfit("line %d has nothing in column `%s`, which the table requires"
                            .formatted(line, field.name()));
                }
                return null;
            }
            Object value = reader.read(text);
            if (value == null) {
                // The text itself may be anybody's personal data: it stays out of messages.
                throw new IngestFailure.Misfit(
                        "line %d: the text in column `%s` (%d characters) is not a `%s` without losing something; mend the line, or make the column a `string`"
                                .formatted(line, field.name(), text.length(), field.type()));
            }
            return value;
        }
    }
}
