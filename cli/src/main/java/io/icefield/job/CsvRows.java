package io.icefield.job;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import de.siegmar.fastcsv.reader.RecordType;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/// The rows of a CSV file (RFC 4180, UTF-8, gzip by its name), read once from front to back. Every row has as
/// many fields as the header; anything else is a `BadFile` with the line number. Whatever the CSV library
/// throws ends here.
final class CsvRows implements Iterator<CsvRows.Row>, AutoCloseable {

    /// One record: the line it starts on, and its fields. An empty field is null, a quoted empty field is "".
    @SuppressWarnings("ArrayRecordComponent") // one is made for each row of the file
    record Row(long line, @Nullable String[] fields) {}

    private final CsvReader<Row> reader;
    private final Iterator<Row> rows;
    private final List<String> header;
    private @Nullable Row next;

    private CsvRows(CsvReader<Row> reader) {
        this.reader = reader;
        this.rows = reader.iterator();
        Row first = read();
        while (first != null && first.fields.length == 0) {
            first = read();
        }
        if (first == null) {
            throw new IngestFailure.BadFile("it is empty; the first line must name the columns");
        }
        this.header = Arrays.stream(first.fields)
                .map(name -> name == null ? "" : name.strip())
                .toList();
    }

    /// Reads the header at once. `bytesRead` hears the bytes taken from the file, compressed or not.
    static CsvRows open(Path file, char delimiter, LongConsumer bytesRead) throws IOException {
        InputStream in = new Counted(Files.newInputStream(file), bytesRead);
        try {
            String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
            InputStream plain = name.endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : in;
            CsvReader<Row> reader = CsvReader.builder()
                    .fieldSeparator(delimiter)
                    .skipEmptyLines(false)
                    .allowUnclosedQuote(false)
                    .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                    .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                    .build(new Fields(), new Utf8Reader(plain));
            return new CsvRows(reader);
        } catch (EOFException | ZipException e) {
            in.close();
            throw new IngestFailure.BadFile("it is not a complete gzip file", e);
        } catch (RuntimeException | IOException e) {
            in.close();
            throw e;
        }
    }

    /// The names as the file has them, stripped of blanks around them.
    List<String> header() {
        return header;
    }

    @Override
    public boolean hasNext() {
        while (next == null) {
            Row row = read();
            if (row == null) {
                return false;
            }
            if (row.fields.length == 0 && header.size() == 1) {
                // With one column an empty line is a row, the one with nothing in it.
                next = new Row(row.line, new @Nullable String[1]);
            } else if (row.fields.length == header.size()) {
                next = row;
            } else if (row.fields.length != 0) {
                throw new IngestFailure.BadFile("line %d has %d fields, the header has %d"
                        .formatted(row.line, row.fields.length, header.size()));
            }
        }
        return true;
    }

    @Override
    public Row next() {
        if (!hasNext() || next == null) {
            throw new NoSuchElementException();
        }
        Row row = next;
        next = null;
        return row;
    }

    private @Nullable Row read() {
        try {
            return rows.hasNext() ? rows.next() : null;
        } catch (CsvParseException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof IngestFailure failure) {
                    throw failure;
                }
            }
            throw new IngestFailure.BadFile("it is not well-formed CSV: " + causes(e), e);
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof EOFException || e.getCause() instanceof ZipException) {
                throw new IngestFailure.BadFile("it is not a complete gzip file", e);
            }
            throw e;
        }
    }

    private static String causes(Throwable e) {
        Throwable cause = e.getCause();
        String message = String.valueOf(e.getMessage());
        return cause == null || cause.getMessage() == null ? message : message + ": " + cause.getMessage();
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    /// Collects fields, telling an empty field from an empty text: the one thing the library's own records
    /// forget.
    private static final class Fields extends AbstractBaseCsvCallbackHandler<Row> {
        private static final int FIRST_SIZE = 16;
        private @Nullable String[] fields = new @Nullable String[FIRST_SIZE];
        private int count;

        @Override
        protected void handleBegin(long startingLineNumber) {
            count = 0;
        }

        @Override
        protected void handleField(int index, char[] buffer, int offset, int length, boolean quoted) {
            if (index >= fields.length) {
                fields = Arrays.copyOf(fields, 2 * index);
            }
            fields[index] = length == 0 && !quoted ? null : new String(buffer, offset, length);
            count = index + 1;
        }

        @Override
        protected Row buildRecord() {
            boolean blank = getRecordType() == RecordType.EMPTY;
            return new Row(getStartingLineNumber(), blank ? new String[0] : Arrays.copyOf(fields, count));
        }
    }

    private static final class Counted extends FilterInputStream {
        private final LongConsumer counter;
        private long count;

        Counted(InputStream in, LongConsumer counter) {
            super(in);
            this.counter = counter;
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count(read < 0 ? 0 : 1);
            return read;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read = super.read(target, offset, length);
            count(Math.max(read, 0));
            return read;
        }

        private void count(int more) {
            count += more;
            counter.accept(count);
        }
    }
}
