package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.TableFormat;
import io.icefield.table.Usage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.PartitionStatisticsFile;
import org.apache.iceberg.RetryableValidationException;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotSummary;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.StatisticsFile;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateRequirement;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.rest.requests.CommitTransactionRequestParser;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequestParser;
import org.apache.iceberg.util.JsonUtil;
import org.jspecify.annotations.Nullable;

/// Iceberg's tables, by iceberg-core's own model: what it accepts, every client accepts.
public final class IcebergFormat implements TableFormat {
    private static final Pattern FILE_VERSION = Pattern.compile("(\\d{1,9})-.*");

    /// Folders that properties name and that files are written to.
    static final Set<String> FOLDER_PROPERTIES = Set.of(
            TableProperties.WRITE_DATA_LOCATION,
            TableProperties.WRITE_METADATA_LOCATION,
            "write.object-storage.path",
            "write.folder-storage.path");

    /// So that sums do not overflow.
    private static final int COUNT_DIGITS_MAX = 16;

    private static final Pattern COUNT = Pattern.compile("[0-9]+");

    /// Where a buffer for metadata starts.
    private static final int JSON_BYTES = 1 << 16;

    /// Parsed metadata by location.
    private final Cache<Location, Parsed> parsed;

    /// Metadata and what loads ask of it, made when it is first asked for.
    private static final class Parsed {
        /// What was parsed: a file that was dropped, written over and registered again is another one.
        private final byte[] json;

        private final TableMetadata metadata;
        private volatile @Nullable Prepared read;
        private volatile @Nullable List<List<Column>> pastColumns;
        private volatile byte @Nullable [] refsOnly;
        private volatile @Nullable Boolean tellsPartitions;

        Parsed(byte[] json, TableMetadata metadata) {
            this.json = json;
            this.metadata = metadata;
        }

        Prepared read() {
            Prepared known = read;
            if (known == null) {
                known = prepared(new State(metadata, metadata), true, Columns.of(metadata.schema()), () -> json);
                read = known;
            }
            return known;
        }

        List<List<Column>> pastColumns() {
            List<List<Column>> known = pastColumns;
            if (known == null) {
                known = IcebergFormat.pastColumns(metadata);
                pastColumns = known;
            }
            return known;
        }

        boolean tellsPartitions() {
            Boolean known = tellsPartitions;
            if (known == null) {
                known = metadata.snapshots().stream().anyMatch(IcebergFormat::tellsPartitions);
                tellsPartitions = known;
            }
            return known;
        }

        byte[] refsOnly() {
            byte[] known = refsOnly;
            if (known == null) {
                known = IcebergFormat.refsOnly(metadata);
                refsOnly = known;
            }
            return known;
        }
    }

    /// @param cacheBytesMax memory for parsed metadata, estimated by its length
    public IcebergFormat(long cacheBytesMax) {
        this.parsed = Caffeine.newBuilder()
                .maximumWeight(cacheBytesMax)
                .weigher((Location _, Parsed each) -> 4_096 + 2 * Math.min(each.json.length, 1 << 29))
                .build();
    }

    @Override
    public CreateRequest createRequest(String body) {
        return asked("the request to create a table", () -> {
            JsonNode json = RestJson.object(body);
            number(json, "partition-spec", "spec-id", 0);
            number(json, "write-order", "order-id", 1);
            CreateTableRequest request = RestJson.MAPPER.treeToValue(json, CreateTableRequest.class);
            request.validate();
            request.properties().forEach((key, value) -> {
                if (value == null) {
                    throw new IllegalArgumentException("property `%s` is null".formatted(key));
                }
            });
            return new CreateRequest(
                    request.name(), Optional.ofNullable(request.location()), request.stageCreate(), request);
        });
    }

    /// Some clients leave ids out that have only one sensible value.
    private static void number(JsonNode json, String field, String id, int value) {
        if (json.get(field) instanceof ObjectNode object && !object.has(id)) {
            boolean empty = object.path("fields").isEmpty();
            object.put(id, empty ? 0 : value);
        }
    }

    @Override
    public Prepared create(CreateRequest request, UUID uuid, Location location) {
        CreateTableRequest create = (CreateTableRequest) request.parsed();
        return asked("the table", () -> {
            PartitionSpec spec = create.spec();
            SortOrder order = create.writeOrder();
            TableMetadata metadata = TableMetadata.newTableMetadata(
                    create.schema(),
                    spec == null ? PartitionSpec.unpartitioned() : spec,
                    order == null ? SortOrder.unsorted() : order,
                    location.toString(),
                    new HashMap<>(create.properties()));
            return prepared(TableMetadata.buildFrom(metadata)
                    .assignUUID(uuid.toString())
                    .discardChanges()
                    .build());
        });
    }

    @Override
    public CommitRequest commitRequest(String body) {
        return asked("the commit", () -> commitRequest(UpdateTableRequestParser.fromJson(RestJson.object(body))));
    }

    private static CommitRequest commitRequest(UpdateTableRequest request) {
        boolean creates =
                request.requirements().stream().anyMatch(UpdateRequirement.AssertTableDoesNotExist.class::isInstance);
        if (creates && request.requirements().size() > 1) {
            throw new IllegalArgumentException("`assert-create` allows no other requirement beside it");
        }
        return new CommitRequest(creates, request);
    }

    @Override
    public List<TableChange> transactionRequest(String body) {
        return asked(
                "the transaction",
                () -> CommitTransactionRequestParser.fromJson(RestJson.object(body)).tableChanges().stream()
                        .map(change -> new TableChange(
                                List.of(change.identifier().namespace().levels()),
                                change.identifier().name(),
                                commitRequest(change)))
                        .toList());
    }

    /// What commits have made of a metadata file so far.
    ///
    /// @param file as it is in the bucket
    private record State(TableMetadata file, TableMetadata now) {}

    @Override
    public Prepared commit(Prepared before, List<CommitRequest> requests) {
        State state = (State) before.parsed();
        return asked("the commit", () -> {
            TableMetadata base = state.now().changes().isEmpty() ? state.now() : settled(state.now());
            TableMetadata next = applied(base, requests);
            if (next.changes().isEmpty()) {
                return prepared(new State(state.file(), base), true, before.columns(), before.content());
            }
            List<Column> columns =
                    next.schema().sameSchema(base.schema()) ? before.columns() : Columns.of(next.schema());
            return prepared(new State(state.file(), next), false, columns, () -> json(next))
                    .naming(files(base.location(), next, requests));
        });
    }

    /// The same without what led to it: the next commit's changes are told from these.
    private static TableMetadata settled(TableMetadata changed) {
        return TableMetadata.buildFrom(changed).discardChanges().build();
    }

    @Override
    public Optional<Append> append(CommitRequest request, Prepared before, Files files) {
        return Appends.read((UpdateTableRequest) request.parsed(), ((State) before.parsed()).now(), files);
    }

    @Override
    public Optional<CommitRequest> moved(Append append, Prepared to, Files files) {
        State state = (State) to.parsed();
        return asked(
                "the commit",
                () -> Appends.moved(append, state.now(), files).map(request -> new CommitRequest(false, request)));
    }

    @Override
    public void remember(Metadata written, Prepared prepared) {
        if (prepared.parsed() instanceof State(TableMetadata _, TableMetadata now)) {
            TableMetadata known = TableMetadata.buildFrom(now)
                    .discardChanges()
                    .withMetadataLocation(written.location().toString())
                    .build();
            parsed.put(written.location(), new Parsed(written.json(), known));
        }
    }

    private static List<String> forgotten(TableMetadata base, TableMetadata next) {
        if (!next.propertyAsBoolean(
                TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED,
                TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED_DEFAULT)) {
            return List.of();
        }
        Set<String> kept = next.previousFiles().stream()
                .map(TableMetadata.MetadataLogEntry::file)
                .collect(Collectors.toSet());
        return base.previousFiles().stream()
                .map(TableMetadata.MetadataLogEntry::file)
                .filter(file -> !kept.contains(file))
                .toList();
    }

    /// What the requests add; of a table that moves also what its branches and tags lead to. Older snapshots stay
    /// behind, as Iceberg has it when a table is replaced.
    private static List<String> files(String before, TableMetadata next, List<CommitRequest> requests) {
        Stream<String> heads = before.equals(next.location())
                ? Stream.of()
                : next.refs().values().stream().map(ref -> manifests(next.snapshot(ref.snapshotId())));
        Stream<String> added = requests.stream()
                .flatMap(request -> ((UpdateTableRequest) request.parsed()).updates().stream())
                .flatMap(update -> switch (update) {
                    case MetadataUpdate.AddSnapshot add -> Stream.of(manifests(add.snapshot()));
                    case MetadataUpdate.SetStatistics set ->
                        Stream.of(set.statisticsFile().path());
                    case MetadataUpdate.SetPartitionStatistics set ->
                        Stream.of(set.partitionStatisticsFile().path());
                    default -> Stream.of();
                });
        return Stream.concat(heads, added).toList();
    }

    private static List<String> files(TableMetadata adopted) {
        return Stream.of(
                        adopted.snapshots().stream().map(IcebergFormat::manifests),
                        adopted.statisticsFiles().stream().map(StatisticsFile::path),
                        adopted.partitionStatisticsFiles().stream().map(PartitionStatisticsFile::path))
                .flatMap(each -> each)
                .toList();
    }

    private static String manifests(Snapshot snapshot) {
        String list = snapshot.manifestListLocation();
        if (list == null) {
            throw new IllegalArgumentException("snapshot %d has no `manifest-list`".formatted(snapshot.snapshotId()));
        }
        return list;
    }

    private static TableMetadata applied(TableMetadata base, List<CommitRequest> requests) {
        TableMetadata now = base;
        for (CommitRequest request : requests) {
            UpdateTableRequest commit = (UpdateTableRequest) request.parsed();
            for (UpdateRequirement requirement : commit.requirements()) {
                requirement.validate(now);
            }
            for (MetadataUpdate update : commit.updates()) {
                if (now.formatVersion() > 2
                        && update instanceof MetadataUpdate.AddSnapshot add
                        && add.snapshot().firstRowId() == null) {
                    throw new CommitFailedException( // others raised it meanwhile: the client only has to look again
                            "Requirement failed: the snapshot %d has no `first-row-id` and was not made for format %d",
                            add.snapshot().snapshotId(), now.formatVersion());
                }
            }
            TableMetadata.Builder builder = TableMetadata.buildFrom(now);
            commit.updates().forEach(update -> update.applyTo(builder));
            now = builder.build();
            if (!base.uuid().equals(now.uuid())) {
                throw new IllegalArgumentException("a table keeps its UUID `%s`".formatted(base.uuid()));
            }
        }
        return now;
    }

    @Override
    public Prepared commitNew(List<CommitRequest> requests, Location proposed) {
        UpdateTableRequest creation = (UpdateTableRequest) requests.getFirst().parsed();
        return asked("the commit", () -> {
            int formatVersion = creation.updates().stream()
                    .filter(MetadataUpdate.UpgradeFormatVersion.class::isInstance)
                    .mapToInt(update -> ((MetadataUpdate.UpgradeFormatVersion) update).formatVersion())
                    .findFirst()
                    .orElse(2);
            TableMetadata.Builder builder = TableMetadata.buildFromEmpty(formatVersion);
            creation.updates().forEach(update -> update.applyTo(builder));
            if (creation.updates().stream().noneMatch(MetadataUpdate.SetLocation.class::isInstance)) {
                builder.setLocation(proposed.toString());
            }
            TableMetadata created = builder.assignUUID().build();
            TableMetadata next = applied(created, requests.subList(1, requests.size()));
            return prepared(next).naming(files(next.location(), next, requests));
        });
    }

    @Override
    public Prepared read(Metadata metadata) {
        return parsed(metadata).read();
    }

    @Override
    public List<List<Column>> pastColumns(Metadata metadata) {
        return parsed(metadata).pastColumns();
    }

    private static List<List<Column>> pastColumns(TableMetadata known) {
        return known.schemas().stream()
                .filter(schema -> schema.schemaId() != known.currentSchemaId())
                .map(Columns::of)
                .toList();
    }

    /// What a snapshot added to its parent is all that both keep more than the parent alone.
    @Override
    public Usage usage(Prepared table) {
        TableMetadata metadata = ((State) table.parsed()).now();
        Set<Long> kept = metadata.snapshots().stream().map(Snapshot::snapshotId).collect(Collectors.toSet());
        long bytes = 0;
        long files = 0;
        for (Snapshot each : metadata.snapshots()) {
            boolean onTop = each.parentId() != null && kept.contains(each.parentId());
            bytes += number(each, onTop ? "added-files-size" : "total-files-size");
            files += onTop
                    ? number(each, "added-data-files") + number(each, "added-delete-files")
                    : number(each, "total-data-files") + number(each, "total-delete-files");
        }
        Snapshot current = metadata.currentSnapshot();
        long liveBytes = current == null ? 0 : number(current, "total-files-size");
        long liveFiles =
                current == null ? 0 : number(current, "total-data-files") + number(current, "total-delete-files");
        return new Usage(liveBytes, liveFiles, Math.max(bytes, liveBytes), Math.max(files, liveFiles));
    }

    /// Writers may leave it out, or write what they like.
    private static long number(Snapshot snapshot, String name) {
        String text = snapshot.summary() == null ? null : snapshot.summary().get(name);
        return text != null
                        && text.length() <= COUNT_DIGITS_MAX
                        && COUNT.matcher(text).matches()
                ? Long.parseLong(text)
                : 0;
    }

    @Override
    public Prepared adopt(Metadata metadata) {
        String at = metadata.location().toString();
        return asked("the metadata file `%s`".formatted(at), () -> {
            String text =
                    UTF_8.newDecoder().decode(ByteBuffer.wrap(metadata.json())).toString();
            TableMetadata adopted = TableMetadataParser.fromJson(at, RestJson.object(text));
            if (adopted.uuid() == null) {
                throw new IllegalArgumentException("it has no `table-uuid`");
            }
            return prepared(new State(adopted, adopted), true, Columns.of(adopted.schema()), constant(json(adopted)))
                    .naming(files(adopted));
        });
    }

    @Override
    public byte[] refsOnly(Metadata metadata) {
        return parsed(metadata).refsOnly();
    }

    private static byte[] refsOnly(TableMetadata full) {
        return json(TableMetadata.buildFrom(full)
                .withMetadataLocation(full.metadataFileLocation())
                .suppressHistoricalSnapshots()
                .build());
    }

    @Override
    public boolean tellsPartitions(Metadata metadata) {
        return parsed(metadata).tellsPartitions();
    }

    private static boolean tellsPartitions(Snapshot snapshot) {
        return snapshot.summary() != null
                && snapshot.summary().keySet().stream().anyMatch(IcebergFormat::namesPartition);
    }

    private static boolean namesPartition(String key) {
        return key.startsWith(SnapshotSummary.CHANGED_PARTITION_PREFIX);
    }

    @Override
    public byte[] withoutPartitions(byte[] json) {
        try {
            JsonNode metadata = JsonUtil.mapper().readTree(json);
            for (JsonNode snapshot : metadata.path("snapshots")) {
                if (snapshot.get("summary") instanceof ObjectNode summary) {
                    List<String> keys = new ArrayList<>();
                    summary.fieldNames().forEachRemaining(keys::add);
                    keys.removeIf(key -> !namesPartition(key));
                    summary.remove(keys);
                }
            }
            return JsonUtil.mapper().writeValueAsBytes(metadata);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Parsed parsed(Metadata metadata) {
        Location at = metadata.location();
        Parsed known = parsed.getIfPresent(at);
        if (known == null || !Arrays.equals(known.json, metadata.json())) {
            known = published(
                    at,
                    () -> new Parsed(
                            metadata.json(),
                            TableMetadataParser.fromJson(at.toString(), new String(metadata.json(), UTF_8))));
            parsed.put(at, known);
        }
        return known;
    }

    private static byte[] json(TableMetadata metadata) {
        ByteArrayOutputStream json = new ByteArrayOutputStream(JSON_BYTES);
        try (JsonGenerator generator = JsonUtil.factory().createGenerator(json)) {
            TableMetadataParser.toJson(metadata, generator);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return json.toByteArray();
    }

    /// A new table's.
    private static Prepared prepared(TableMetadata created) {
        return prepared(new State(created, created), false, Columns.of(created.schema()), constant(json(created)));
    }

    private static Supplier<byte[]> constant(byte[] json) {
        return () -> json;
    }

    private static Prepared prepared(State state, boolean unchanged, List<Column> columns, Supplier<byte[]> content) {
        TableMetadata metadata = state.now();
        Map<String, String> folders = new HashMap<>(metadata.properties());
        folders.keySet().retainAll(FOLDER_PROPERTIES);
        String codec =
                metadata.property(TableProperties.METADATA_COMPRESSION, TableProperties.METADATA_COMPRESSION_DEFAULT);
        String before = state.file().metadataFileLocation();
        int version = before == null ? 0 : version(Location.parse(before)) + 1;
        return new Prepared(
                unchanged,
                UUID.fromString(metadata.uuid()),
                metadata.location(),
                folders,
                columns,
                metadata.properties(),
                content,
                "%05d-%s%s".formatted(version, UUID.randomUUID(), TableMetadataParser.getFileExtension(codec)),
                unchanged ? List.of() : forgotten(state.file(), metadata),
                List.of(),
                state);
    }

    static int version(Location metadata) {
        String file = metadata.key().substring(metadata.key().lastIndexOf('/') + 1);
        Matcher version = FILE_VERSION.matcher(file);
        return version.matches() ? Integer.parseInt(version.group(1)) : -1;
    }

    /// Work with what a client sent.
    interface Parsing<T> {
        T run() throws Exception;
    }

    /// What Iceberg throws at what a client asked for is the client's to mend, except that it lost a race.
    static <T> T asked(String what, Parsing<T> parsing) {
        try {
            return parsing.run();
        } catch (CommitFailedException | RetryableValidationException e) {
            throw new Refusal.Conflict(message(e));
        } catch (Refusal e) {
            throw e;
        } catch (Exception e) {
            throw new Refusal.Invalid("%s is not valid: %s".formatted(what, message(e)));
        }
    }

    /// What was published must be readable: if it is not, that is no fault of a client, which would delete
    /// its files.
    static <T> T published(Location at, Parsing<T> parsing) {
        try {
            return asked("the metadata file `%s`".formatted(at), parsing);
        } catch (Refusal.Invalid e) {
            throw new Refusal.Unavailable(String.valueOf(e.getMessage()));
        }
    }

    /// Without the library's own names and without the whole body that some messages quote.
    private static String message(Exception e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        int source = message.indexOf("\n at [Source");
        message = source < 0 ? message : message.substring(0, source);
        return message.length() > 500 ? message.substring(0, 500) + "…" : message;
    }
}
