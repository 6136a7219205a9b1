package io.icefield.job;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.BadRequestException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NoSuchWarehouseException;
import org.apache.iceberg.exceptions.NotAuthorizedException;
import org.apache.iceberg.exceptions.RESTException;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types.NestedField;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;

/// A domain job: the rows of a file become rows of an Iceberg table, in one commit. What is missing (namespace,
/// table) is created, with types that lose nothing.
public final class Ingest implements Closeable {
    /// A table property `icefield.tags.<column>` classifies a column.
    public static final String TAGS_PREFIX = "icefield.tags.";

    /// What to do with a column of the file that an existing table lacks.
    public enum NewColumns {
        REFUSE,
        ADD
    }

    /// `tags` classifies columns, by their name in the file or in the table: `email` as `pii.email`.
    public record Options(ColumnNames columnNames, char delimiter, NewColumns newColumns, Map<String, String> tags) {
        public static final Options DEFAULT = new Options(ColumnNames.SNAKE_CASE, ',', NewColumns.REFUSE, Map.of());

        public Options {
            if (delimiter == '"' || delimiter == '\r' || delimiter == '\n') {
                throw new IllegalArgumentException("a quote or a line break cannot separate fields");
            }
            tags = Map.copyOf(tags);
        }

        public Options withTags(Map<String, String> tags) {
            return new Options(columnNames, delimiter, newColumns, tags);
        }
    }

    public record Request(TableIdentifier table, Path file, Options options) {
        public Request(List<String> namespace, String table, Path file, Options options) {
            this(TableIdentifier.of(Namespace.of(namespace.toArray(new String[0])), table), file, options);
        }
    }

    /// What happened. `created` says whether the table is new; `snapshotId` is `Written.NO_SNAPSHOT` when the
    /// file has no rows. `columns` are the file's, with their names and types in the table.
    public record Result(long rows, int files, long bytes, long snapshotId, boolean created, List<ColumnType> columns) {
        public Result {
            columns = List.copyOf(columns);
        }
    }

    public record ColumnType(String name, String type) {}

    private final Catalog catalog;

    /// Works in a catalog that is open. Closing this closes it, if it can be closed.
    public Ingest(Catalog catalog) {
        this.catalog = catalog;
    }

    /// Signs in to a REST catalog. Throws `IngestFailure.Refused` if it does not know the client, `Broken` if it
    /// does not answer or has no such warehouse.
    public static Ingest connect(CatalogAddress address) {
        try {
            return new Ingest(address.open());
        } catch (NotAuthorizedException | ForbiddenException | BadRequestException e) {
            throw refused("the catalog at `%s` does not let `%s` in".formatted(address.uri(), address.clientId()), e);
        } catch (RESTException | NoSuchWarehouseException e) {
            throw new IngestFailure.Broken(
                    "`%s` does not get into `%s` at `%s`: %s"
                            .formatted(address.clientId(), address.warehouse(), address.uri(), reason(e)),
                    e);
        }
    }

    /// The names that the file's columns get in a table, read from its header or footer.
    public static List<String> columnNames(Path file, Options options) {
        try {
            return Source.open(file, options).names().stream()
                    .map(Source.Name::name)
                    .toList();
        } catch (IngestFailure.BadFile e) {
            throw new IngestFailure.BadFile(named(file, e), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Reads the file and appends its rows in one commit. All or nothing: after an `IngestFailure` other than
    /// `OutcomeUnknown` the table has none of the rows. A namespace or table created on the way stays, empty.
    public Result run(Request request, ProgressListener progress) {
        try {
            return ingest(request, progress);
        } catch (IngestFailure.BadFile e) {
            throw new IngestFailure.BadFile(named(request.file(), e), e);
        } catch (IngestFailure.Misfit e) {
            throw new IngestFailure.Misfit(named(request.file(), e));
        } catch (ForbiddenException | BadRequestException | NotAuthorizedException e) {
            throw refused("the catalog refuses `%s`".formatted(request.table()), e);
        } catch (IOException | UncheckedIOException | RESTException | SdkException | CommitFailedException e) {
            throw new IngestFailure.Broken(
                    "nothing of `%s` arrived in `%s`: %s"
                            .formatted(request.file().getFileName(), request.table(), reason(e)),
                    e);
        }
    }

    /// What is beneath the wrappings, in one line.
    private static String reason(Throwable problem) {
        Throwable cause = problem;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = Optional.ofNullable(cause.getMessage())
                .orElseGet(problem::toString)
                .lines()
                .findFirst()
                .orElse("");
        return cause instanceof ConnectException ? "no connection: " + message : message;
    }

    private static String named(Path file, IngestFailure failure) {
        return "`%s`: %s".formatted(file.getFileName(), failure.getMessage());
    }

    private static IngestFailure.Refused refused(String what, RuntimeException answer) {
        return new IngestFailure.Refused("%s: %s".formatted(what, answer.getMessage()), answer);
    }

    private Result ingest(Request request, ProgressListener progress) throws IOException {
        Options options = request.options();
        Source source = Source.open(request.file(), options);
        long total = source.bytesTotal();

        Table existing = load(request.table());
        Map<Integer, NestedField> known = existing == null ? Map.of() : matched(source, existing.schema());
        if (existing != null) {
            requireFit(source, known, existing, options);
        }
        List<Source.Column> columns = source.survey(known, read -> progress.progress(read, total, 0));

        Table table = existing == null
                ? create(request.table(), columns, source, options)
                : evolve(existing, columns, known, source, options);
        Map<Integer, NestedField> fields = matched(source, table.schema());
        long[] rows = {0};
        TableWriter.Written written;
        try (CloseableIterator<Record> records =
                source.rows(table.schema(), fields, read -> progress.progress(read, total, rows[0]))) {
            written = TableWriter.append(table, records, count -> rows[0] = count);
        }
        progress.progress(total, total, written.rows());
        List<ColumnType> types = new ArrayList<>();
        for (int place = 0; place < columns.size(); place++) {
            NestedField field = fields.get(place);
            if (field != null) {
                types.add(new ColumnType(field.name(), field.type().toString()));
            }
        }
        return new Result(
                written.rows(), written.files(), written.bytes(), written.snapshotId(), existing == null, types);
    }

    private @Nullable Table load(TableIdentifier id) {
        try {
            return catalog.loadTable(id);
        } catch (NoSuchTableException | NoSuchNamespaceException absent) {
            return null;
        }
    }

    /// The table's field for each column of the file, by place: the one with the name the column gets, or else
    /// with the very name it has in the file.
    private static Map<Integer, NestedField> matched(Source source, Schema table) {
        Map<String, NestedField> byName = new HashMap<>();
        table.columns().forEach(field -> byName.put(field.name(), field));
        Map<Integer, NestedField> matched = new HashMap<>();
        Set<Integer> taken = new HashSet<>();
        List<Source.Name> names = source.names();
        for (int place = 0; place < names.size(); place++) {
            NestedField field = byName.get(names.get(place).name());
            if (field == null) {
                field = byName.get(names.get(place).original());
            }
            if (field != null && taken.add(field.fieldId())) {
                matched.put(place, field);
            }
        }
        return matched;
    }

    private static void requireFit(Source source, Map<Integer, NestedField> known, Table table, Options options) {
        List<String> lacking = new ArrayList<>();
        List<Source.Name> names = source.names();
        for (int place = 0; place < names.size(); place++) {
            if (!known.containsKey(place)) {
                lacking.add(names.get(place).name());
            }
        }
        if (!lacking.isEmpty() && options.newColumns() == NewColumns.REFUSE) {
            throw new IngestFailure.Misfit(
                    "table `%s` has no column %s; take it out of the file, rename it to one the table has (%s), or let new columns be added"
                            .formatted(
                                    table.name(),
                                    quoted(lacking),
                                    quoted(table.schema().columns().stream()
                                            .map(NestedField::name)
                                            .toList())));
        }
        Set<Integer> filled = new HashSet<>();
        known.values().forEach(field -> filled.add(field.fieldId()));
        List<String> missing = table.schema().columns().stream()
                .filter(field -> field.isRequired() && !filled.contains(field.fieldId()))
                .map(NestedField::name)
                .toList();
        if (!missing.isEmpty()) {
            throw new IngestFailure.Misfit("it has no column %s, which table `%s` requires; add it to the file"
                    .formatted(quoted(missing), table.name()));
        }
    }

    private static String quoted(List<String> names) {
        return "`" + String.join("`, `", names) + "`";
    }

    private Table create(TableIdentifier id, List<Source.Column> columns, Source source, Options options) {
        // The catalog numbers the fields anew; what is inside a column must only not collide.
        int[] nextId = {columns.size()};
        List<NestedField> fields = new ArrayList<>();
        for (int place = 0; place < columns.size(); place++) {
            Source.Column column = columns.get(place);
            Type type = column.type().isNestedType()
                    ? TypeUtil.assignFreshIds(column.type(), () -> ++nextId[0])
                    : column.type();
            fields.add(
                    column.required()
                            ? NestedField.required(place + 1, column.name(), type)
                            : NestedField.optional(place + 1, column.name(), type));
        }
        Schema schema = new Schema(fields);
        Map<String, String> tags = tagProperties(schema, source, options);
        if (catalog instanceof SupportsNamespaces namespaces) {
            String[] levels = id.namespace().levels();
            for (int depth = 1; depth <= levels.length; depth++) {
                createIfMissing(namespaces, Namespace.of(Arrays.copyOf(levels, depth)));
            }
        }
        try {
            return catalog.buildTable(id, schema).withProperties(tags).create();
        } catch (AlreadyExistsException _) {
            throw new IngestFailure.Misfit("somebody else has just created `%s`; run the job again".formatted(id));
        }
    }

    private static void createIfMissing(SupportsNamespaces namespaces, Namespace namespace) {
        if (namespaces.namespaceExists(namespace)) {
            return;
        }
        try {
            namespaces.createNamespace(namespace);
        } catch (AlreadyExistsException _) {
            // Another job was quicker, and that is as good.
        }
    }

    /// New columns and tags arrive in one commit, so that no column is ever there without its classification.
    private static Table evolve(
            Table table, List<Source.Column> columns, Map<Integer, NestedField> known, Source source, Options options) {
        Transaction transaction = table.newTransaction();
        boolean changed = false;
        if (known.size() < columns.size()) {
            UpdateSchema schema = transaction.updateSchema();
            for (int place = 0; place < columns.size(); place++) {
                if (!known.containsKey(place)) {
                    schema.addColumn(
                            columns.get(place).name(), columns.get(place).type());
                }
            }
            schema.commit();
            changed = true;
        }
        Map<String, String> tags = tagProperties(transaction.table().schema(), source, options);
        tags.entrySet().removeIf(tag -> tag.getValue().equals(table.properties().get(tag.getKey())));
        if (!tags.isEmpty()) {
            UpdateProperties properties = transaction.updateProperties();
            tags.forEach(properties::set);
            properties.commit();
            changed = true;
        }
        if (changed) {
            transaction.commitTransaction();
            table.refresh();
        }
        return table;
    }

    private static Map<String, String> tagProperties(Schema schema, Source source, Options options) {
        Map<String, String> properties = new TreeMap<>();
        options.tags().forEach((column, tag) -> {
            NestedField field = schema.findField(column);
            for (Source.Name name : source.names()) {
                if (field == null && name.original().equals(column)) {
                    field = schema.findField(name.name());
                }
            }
            if (field == null) {
                throw new IngestFailure.Misfit("there is no column `%s` to classify as `%s`; the columns are %s"
                        .formatted(
                                column,
                                tag,
                                quoted(schema.columns().stream()
                                        .map(NestedField::name)
                                        .toList())));
            }
            properties.put(TAGS_PREFIX + schema.findColumnName(field.fieldId()), tag);
        });
        return properties;
    }

    @Override
    public void close() throws IOException {
        if (catalog instanceof Closeable closeable) {
            closeable.close();
        }
    }
}
