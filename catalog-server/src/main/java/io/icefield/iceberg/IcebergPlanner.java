package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal;
import io.icefield.storage.DomainStorage;
import io.icefield.table.Metadata;
import io.icefield.table.ScanPlanner;
import io.icefield.table.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.exceptions.RuntimeIOException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.expressions.Binder;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.ExpressionParser;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.expressions.ManifestEvaluator;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.rest.requests.PlanTableScanRequest;
import org.apache.iceberg.rest.requests.PlanTableScanRequestParser;
import org.apache.iceberg.rest.responses.FetchScanTasksResponse;
import org.apache.iceberg.rest.responses.FetchScanTasksResponseParser;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.SnapshotUtil;
import org.jspecify.annotations.Nullable;

/// Plans scans with iceberg-core, so that the server finds the files that a Java client would. What is selected does
/// not matter: every file has all columns, and clients select columns that only they know.
public final class IcebergPlanner implements ScanPlanner {
    /// One answer's worth: what both ends have in memory.
    private static final int TASKS_OF_PAGE_MAX = 1_000;

    private static final int BYTES_OF_PAGE_MAX = 8 << 20;

    /// What a result takes in the database before it is compressed.
    private static final long BYTES_OF_PLAN_MAX = 1L << 30;

    /// Each task says again what of the filter is left to do.
    private static final int FILTER_CHARS_MAX = 128 << 10;

    /// A larger plan costs more here than in its client.
    private static final int TASKS_MAX = 1_000_000;

    /// Delete files are all in memory while a plan is made.
    private static final long DELETE_FILES_MAX = 200_000;

    /// Of columns whose bounds are wanted.
    private static final int NAMES_MAX = 10_000;

    /// Reads an old snapshot with the table's schema, as branches are read. No branch of a table has this name.
    private static final String BRANCH = "\u001Fplanned";

    private final ManifestCache manifests;

    /// @param cacheBytesMax memory for manifests, as they are in the store
    public IcebergPlanner(DomainStorage storage, long cacheBytesMax) {
        this.manifests = new ManifestCache(storage, cacheBytesMax);
    }

    /// @param schema what names of columns mean
    /// @param tasksOfPage so many make no page that is too long before it is written
    private record Parsed(TableMetadata metadata, PlanTableScanRequest request, Schema schema, int tasksOfPage) {}

    @Override
    public Scan scan(Metadata metadata, String text) {
        return IcebergFormat.asked("the scan", () -> {
            PlanTableScanRequest asked = PlanTableScanRequestParser.fromJson(RestJson.object(text));
            // Parsed anew: Iceberg keeps the manifests that it has read with the snapshot.
            TableMetadata table =
                    TableMetadataParser.fromJson(metadata.location().toString(), new String(metadata.json(), UTF_8));
            PlanTableScanRequest request = fixed(asked, table);
            Schema schema = schema(request, table);
            if (request.filter() != null) {
                Expression _ = Binder.bind(schema.asStruct(), request.filter(), request.caseSensitive());
            }
            Set<String> _ = withBounds(request, schema);
            int filter = request.filter() == null
                    ? 0
                    : ExpressionParser.toJson(request.filter()).length();
            if (filter > FILTER_CHARS_MAX) {
                throw new Refusal.Unsupported(
                        "the filter has %d characters, more than %d: plan in the client, or filter less exactly"
                                .formatted(filter, FILTER_CHARS_MAX));
            }
            int tasksOfPage = Math.min(TASKS_OF_PAGE_MAX, BYTES_OF_PAGE_MAX / Math.max(1, filter));
            return new Scan(
                    PlanTableScanRequestParser.toJson(request), new Parsed(table, request, schema, tasksOfPage));
        });
    }

    /// The same with its snapshot, so that it means the same later. An empty table has none.
    private static PlanTableScanRequest fixed(PlanTableScanRequest asked, TableMetadata table) {
        boolean incremental = asked.startSnapshotId() != null;
        Long snapshot = asked.snapshotId();
        boolean current = !incremental && snapshot == null;
        if (current && table.currentSnapshot() != null) {
            snapshot = table.currentSnapshot().snapshotId();
        }
        if (incremental) {
            long end = known(table, asked.endSnapshotId()).snapshotId();
            if (!comesBefore(table, asked.startSnapshotId(), end)) {
                throw new IllegalArgumentException(
                        "snapshot %d does not come before snapshot %d".formatted(asked.startSnapshotId(), end));
            }
        } else if (snapshot != null) {
            known(table, snapshot);
        }
        return PlanTableScanRequest.builder()
                .withSnapshotId(snapshot)
                .withStartSnapshotId(asked.startSnapshotId())
                .withEndSnapshotId(asked.endSnapshotId())
                .withFilter(asked.filter())
                .withCaseSensitive(asked.caseSensitive())
                .withUseSnapshotSchema(asked.useSnapshotSchema() && !current)
                .withStatsFields(asked.statsFields())
                .withMinRowsRequested(asked.minRowsRequested())
                .build();
    }

    /// The first one may have expired.
    private static boolean comesBefore(TableMetadata table, Long start, long end) {
        for (Snapshot each : SnapshotUtil.ancestorsOf(end, table::snapshot)) {
            if (start.equals(each.parentId())) {
                return true;
            }
        }
        return false;
    }

    private static Snapshot known(TableMetadata table, Long id) {
        Snapshot snapshot = table.snapshot(id);
        if (snapshot == null) {
            throw new IllegalArgumentException("the table has no snapshot %d".formatted(id));
        }
        return snapshot;
    }

    private static Schema schema(PlanTableScanRequest request, TableMetadata table) {
        Long snapshot = request.snapshotId();
        Integer id = request.useSnapshotSchema() && snapshot != null
                ? table.snapshot(snapshot).schemaId()
                : null;
        Schema then = id == null ? null : table.schemasById().get(id);
        return then == null ? table.schema() : then;
    }

    /// The columns whose bounds are wanted, as the schema spells them.
    private static Set<String> withBounds(PlanTableScanRequest request, Schema schema) {
        List<String> names = request.statsFields() == null ? List.of() : request.statsFields();
        if (names.size() > NAMES_MAX) {
            throw new IllegalArgumentException("`stats-fields` has more than %d names".formatted(NAMES_MAX));
        }
        Set<String> known = new HashSet<>();
        for (String name : names) {
            Types.NestedField field =
                    request.caseSensitive() ? schema.findField(name) : schema.caseInsensitiveFindField(name);
            if (field == null) {
                throw new IllegalArgumentException(
                        "`stats-fields` has the column `%s`, which the table does not have".formatted(name));
            }
            known.add(schema.findColumnName(field.fieldId()));
        }
        return known;
    }

    @Override
    public Effort effort(Table table, Scan scan) {
        Parsed parsed = (Parsed) scan.parsed();
        return reading(table, () -> effort(parsed, manifests.filesOf(table)));
    }

    private static Effort effort(Parsed parsed, FileIO files) {
        PlanTableScanRequest request = parsed.request();
        Long end = request.snapshotId() == null ? request.endSnapshotId() : request.snapshotId();
        if (end == null) {
            return new Effort(0, 0);
        }
        Set<Long> wanted = new HashSet<>();
        if (request.startSnapshotId() != null) {
            SnapshotUtil.ancestorsBetween(end, request.startSnapshotId(), parsed.metadata()::snapshot)
                    .forEach(each -> wanted.add(each.snapshotId()));
        }
        Expression filter = request.filter() == null ? Expressions.alwaysTrue() : request.filter();
        Map<Integer, ManifestEvaluator> evaluators = new HashMap<>();
        int count = 0;
        long data = 0;
        long deletes = 0;
        for (ManifestFile manifest : parsed.metadata().snapshot(end).allManifests(files)) {
            if (manifest.content() == ManifestContent.DELETES) {
                deletes += live(manifest);
                count++;
            } else if ((wanted.isEmpty() || wanted.contains(manifest.snapshotId()))
                    && evaluators
                            .computeIfAbsent(
                                    manifest.partitionSpecId(),
                                    id -> ManifestEvaluator.forRowFilter(
                                            filter, spec(parsed, id), request.caseSensitive()))
                            .eval(manifest)) {
                data += live(manifest);
                count++;
            }
        }
        if (deletes > DELETE_FILES_MAX) {
            throw new Refusal.Unsupported(
                    "the table has %d delete files, more than %d: compact it, or plan in the client"
                            .formatted(deletes, DELETE_FILES_MAX));
        }
        return new Effort(count, data + deletes);
    }

    private static PartitionSpec spec(Parsed parsed, int id) {
        PartitionSpec spec = parsed.metadata().spec(id);
        return parsed.schema().schemaId() == parsed.metadata().currentSchemaId()
                ? spec
                : spec.toUnbound().bind(parsed.schema(), true);
    }

    /// Old manifests do not say.
    private static long live(ManifestFile manifest) {
        return count(manifest.addedFilesCount()) + count(manifest.existingFilesCount());
    }

    private static long count(@Nullable Integer files) {
        return files == null ? TASKS_OF_PAGE_MAX : files;
    }

    @Override
    public Pages pages(Table table, Scan scan) {
        return reading(table, () -> new TaskPages(table, (Parsed) scan.parsed(), manifests.filesOf(table)));
    }

    private static CloseableIterator<FileScanTask> tasks(Parsed parsed, FileIO files) {
        PlanTableScanRequest request = parsed.request();
        if (request.startSnapshotId() != null) {
            return configured(table(parsed.metadata(), files).newIncrementalAppendScan(), parsed)
                    .fromSnapshotExclusive(request.startSnapshotId())
                    .toSnapshot(request.endSnapshotId())
                    .planFiles()
                    .iterator();
        }
        Long snapshot = request.snapshotId();
        TableScan scan;
        if (snapshot == null) {
            return CloseableIterator.empty();
        } else if (request.useSnapshotSchema()) {
            scan = table(parsed.metadata(), files).newScan().useSnapshot(snapshot);
        } else if (snapshot == parsed.metadata().currentSnapshot().snapshotId()) {
            scan = table(parsed.metadata(), files).newScan();
        } else {
            TableMetadata branched = TableMetadata.buildFrom(parsed.metadata())
                    .setRef(BRANCH, SnapshotRef.branchBuilder(snapshot).build())
                    .build();
            scan = table(branched, files).newScan().useRef(BRANCH);
        }
        return configured(scan, parsed).planFiles().iterator();
    }

    private static BaseTable table(TableMetadata metadata, FileIO files) {
        return new BaseTable(new StaticTableOperations(metadata, files), metadata.uuid(), _ -> {});
    }

    private static <S extends org.apache.iceberg.Scan<S, FileScanTask, ?>> S configured(S scan, Parsed parsed) {
        PlanTableScanRequest request = parsed.request();
        S configured = scan.caseSensitive(request.caseSensitive());
        Set<String> bounds = withBounds(request, parsed.schema());
        if (!bounds.isEmpty()) {
            configured = configured.includeColumnStats(bounds);
        }
        return request.filter() == null ? configured : configured.filter(request.filter());
    }

    /// What goes wrong deep in Iceberg's threads is a refusal, a failure of the store, the client's scan, or a
    /// file that is damaged.
    private static <T> T reading(Table table, Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                switch (cause) {
                    case Refusal refusal -> throw refusal;
                    case DomainStorage.StorageException failed -> throw failed;
                    case ValidationException invalid ->
                        throw new Refusal.Invalid("the scan is not valid: " + invalid.getMessage());
                    default -> {}
                }
            }
            if (e instanceof RuntimeIOException
                    || e instanceof UncheckedIOException
                    || e.getClass().getName().startsWith("org.apache.avro.")) {
                throw new Refusal.Invalid(
                        "a manifest of table `%s` cannot be read: it is damaged".formatted(table.name()));
            }
            throw e;
        }
    }

    /// Groups tasks into pages while they are found.
    private static final class TaskPages implements Pages {
        private final Table table;
        private final Map<Integer, PartitionSpec> specs;
        private final int tasksOfPage;
        private final long rowsWanted;
        private final CloseableIterator<FileScanTask> found;
        private final Deque<byte[]> ready = new ArrayDeque<>();
        private long rows;
        private int count;
        private long bytes;

        TaskPages(Table table, Parsed parsed, FileIO files) {
            this.table = table;
            this.specs = parsed.metadata().specsById();
            this.tasksOfPage = parsed.tasksOfPage();
            this.rowsWanted = Optional.ofNullable(parsed.request().minRowsRequested())
                    .filter(wanted -> wanted > 0)
                    .orElse(Long.MAX_VALUE);
            this.found = tasks(parsed, files);
            boolean done = false;
            try {
                fill();
                done = true;
            } finally {
                if (!done) {
                    close();
                }
            }
        }

        @Override
        public boolean hasNext() {
            if (ready.isEmpty() && isMore()) {
                fill();
            }
            return !ready.isEmpty();
        }

        @Override
        public byte[] next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return ready.removeFirst();
        }

        /// The caller can do with fewer rows than there are.
        private boolean isMore() {
            return rows < rowsWanted && reading(table, found::hasNext);
        }

        private void fill() {
            List<FileScanTask> tasks = new ArrayList<>();
            while (tasks.size() < tasksOfPage && isMore()) {
                FileScanTask task = found.next();
                tasks.add(task);
                if (task.deletes().isEmpty() && task.residual().op() == Expression.Operation.TRUE) {
                    rows += task.file().recordCount();
                }
            }
            count += tasks.size();
            if (count > TASKS_MAX) {
                throw new Refusal.Unsupported(
                        "the scan has more than %d files: filter more, or plan in the client".formatted(TASKS_MAX));
            }
            write(tasks);
        }

        private void write(List<FileScanTask> tasks) {
            byte[] page = FetchScanTasksResponseParser.toJson(FetchScanTasksResponse.builder(specs)
                            .withFileScanTasks(tasks)
                            .build())
                    .getBytes(UTF_8);
            if (page.length > BYTES_OF_PAGE_MAX && tasks.size() > 1) {
                write(tasks.subList(0, tasks.size() / 2));
                write(tasks.subList(tasks.size() / 2, tasks.size()));
            } else {
                bytes += page.length;
                if (bytes > BYTES_OF_PLAN_MAX) {
                    throw new Refusal.Unsupported("the plan has more than %d MB: filter more, or plan in the client"
                            .formatted(BYTES_OF_PLAN_MAX >> 20));
                }
                ready.addLast(page);
            }
        }

        @Override
        public void close() {
            try {
                found.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
