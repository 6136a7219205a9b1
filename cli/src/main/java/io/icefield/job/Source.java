package io.icefield.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types.NestedField;

/// A file with rows. Its columns have the names they get in the table.
sealed interface Source permits CsvSource, ParquetSource {

    /// A column as a table should have it.
    record Column(String name, Type type, boolean required) {}

    /// Recognises the file by its name and reads its header or footer.
    static Source open(Path file, Ingest.Options options) throws IOException {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        if (!Files.isRegularFile(file)) {
            throw new IngestFailure.BadFile(
                    Files.exists(file) ? "it is not a file; name one file" : "there is no such file");
        }
        if (name.endsWith(".csv") || name.endsWith(".csv.gz")) {
            return new CsvSource(file, options);
        }
        if (name.endsWith(".parquet")) {
            return new ParquetSource(file, options.columnNames());
        }
        throw new IngestFailure.BadFile("its name should end with `.csv`, `.csv.gz` or `.parquet`");
    }

    /// The columns in order, each by the name in the file and the name to be.
    List<Name> names();

    record Name(String original, String name) {}

    /// The bytes that `survey` and `rows` report together.
    long bytesTotal();

    /// Finds the type of each column. A column that is in `known`, by its place, must fit that field of the
    /// table; the answer repeats the field's type. `bytesRead` hears how far it is.
    List<Column> survey(Map<Integer, NestedField> known, LongConsumer bytesRead) throws IOException;

    /// All rows as records of the table; `fields` says which field a column, by its place, goes to. A record is
    /// only good until the next one. `bytesRead` goes on where the survey ended.
    CloseableIterator<Record> rows(Schema table, Map<Integer, NestedField> fields, LongConsumer bytesRead)
            throws IOException;

    /// The place of a field in a record of the table.
    static int position(Schema table, NestedField field) {
        List<NestedField> columns = table.columns();
        for (int position = 0; position < columns.size(); position++) {
            if (columns.get(position).fieldId() == field.fieldId()) {
                return position;
            }
        }
        throw new IllegalArgumentException("`%s` is no column of the table".formatted(field.name()));
    }
}
