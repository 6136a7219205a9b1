package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.TableFormat;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RetryableValidationException;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateRequirement;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequestParser;

/// Iceberg's tables, by iceberg-core's own model: what it accepts, every client accepts.
public final class IcebergFormat implements TableFormat {
    private static final Pattern FILE_VERSION = Pattern.compile("(\\d{1,9})-.*");

    /// Folders that properties name and that files are written to.
    static final Set<String> FOLDER_PROPERTIES = Set.of(
            TableProperties.WRITE_DATA_LOCATION,
            TableProperties.WRITE_METADATA_LOCATION,
            "write.object-storage.path",
            "write.folder-storage.path");

    /// Parsed metadata by location.
    private final Cache<Location, Parsed> parsed;

    /// @param json what was parsed: a file that was dropped, written over and registered again is another one
    @SuppressWarnings("ArrayRecordComponent")
    private record Parsed(byte[] json, TableMetadata metadata) {}

    /// @param cacheBytesMax memory for parsed metadata, estimated by its length
    public IcebergFormat(long cacheBytesMax) {
        this.parsed = Caffeine.newBuilder()
                .maximumWeight(cacheBytesMax)
                .weigher((Location _, Parsed each) -> 4_096 + 2 * Math.min(each.json().length, 1 << 29))
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
            return prepared(
                    TableMetadata.buildFrom(metadata)
                            .assignUUID(uuid.toString())
                            .discardChanges()
                            .build(),
                    false,
                    0);
        });
    }

    @Override
    public CommitRequest commitRequest(String body) {
        return asked("the commit", () -> {
            UpdateTableRequest request = UpdateTableRequestParser.fromJson(RestJson.object(body));
            boolean creates = request.requirements().stream()
                    .anyMatch(UpdateRequirement.AssertTableDoesNotExist.class::isInstance);
            if (creates && request.requirements().size() > 1) {
                throw new IllegalArgumentException("`assert-create` allows no other requirement beside it");
            }
            return new CommitRequest(creates, request);
        });
    }

    @Override
    public Prepared commit(Metadata current, CommitRequest request) {
        UpdateTableRequest commit = (UpdateTableRequest) request.parsed();
        TableMetadata base = parse(current);
        return asked("the commit", () -> {
            commit.requirements().forEach(requirement -> requirement.validate(base));
            TableMetadata.Builder builder = TableMetadata.buildFrom(base);
            commit.updates().forEach(update -> update.applyTo(builder));
            TableMetadata next = builder.build();
            if (!base.uuid().equals(next.uuid())) {
                throw new IllegalArgumentException("a table keeps its UUID `%s`".formatted(base.uuid()));
            }
            boolean unchanged = next.changes().isEmpty();
            return prepared(unchanged ? base : next, unchanged, version(current.location()) + 1);
        });
    }

    @Override
    public Prepared commitNew(CommitRequest request, Location proposed) {
        UpdateTableRequest commit = (UpdateTableRequest) request.parsed();
        return asked("the commit", () -> {
            int formatVersion = commit.updates().stream()
                    .filter(MetadataUpdate.UpgradeFormatVersion.class::isInstance)
                    .mapToInt(update -> ((MetadataUpdate.UpgradeFormatVersion) update).formatVersion())
                    .findFirst()
                    .orElse(2);
            TableMetadata.Builder builder = TableMetadata.buildFromEmpty(formatVersion);
            commit.updates().forEach(update -> update.applyTo(builder));
            if (commit.updates().stream().noneMatch(MetadataUpdate.SetLocation.class::isInstance)) {
                builder.setLocation(proposed.toString());
            }
            return prepared(builder.assignUUID().build(), false, 0);
        });
    }

    @Override
    public Prepared read(Metadata metadata) {
        return prepared(parse(metadata), true, 0, metadata.json());
    }

    @Override
    public List<List<Column>> pastColumns(Metadata metadata) {
        TableMetadata known = parse(metadata);
        return known.schemas().stream()
                .filter(schema -> schema.schemaId() != known.currentSchemaId())
                .map(Columns::of)
                .toList();
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
            return prepared(adopted, true, 0);
        });
    }

    @Override
    public byte[] refsOnly(Metadata metadata) {
        TableMetadata full = parse(metadata);
        return TableMetadataParser.toJson(TableMetadata.buildFrom(full)
                        .withMetadataLocation(full.metadataFileLocation())
                        .suppressHistoricalSnapshots()
                        .build())
                .getBytes(UTF_8);
    }

    private TableMetadata parse(Metadata metadata) {
        Location at = metadata.location();
        Parsed known = parsed.getIfPresent(at);
        if (known == null || !Arrays.equals(known.json(), metadata.json())) {
            known = asked(
                    "the metadata file `%s`".formatted(at),
                    () -> new Parsed(
                            metadata.json(),
                            TableMetadataParser.fromJson(at.toString(), new String(metadata.json(), UTF_8))));
            parsed.put(at, known);
        }
        return known.metadata();
    }

    private static Prepared prepared(TableMetadata metadata, boolean unchanged, int version) {
        return prepared(
                metadata,
                unchanged,
                version,
                TableMetadataParser.toJson(metadata).getBytes(UTF_8));
    }

    private static Prepared prepared(TableMetadata metadata, boolean unchanged, int version, byte[] json) {
        Map<String, String> folders = new HashMap<>(metadata.properties());
        folders.keySet().retainAll(FOLDER_PROPERTIES);
        String codec =
                metadata.property(TableProperties.METADATA_COMPRESSION, TableProperties.METADATA_COMPRESSION_DEFAULT);
        return new Prepared(
                unchanged,
                UUID.fromString(metadata.uuid()),
                metadata.location(),
                folders,
                Columns.of(metadata.schema()),
                metadata.properties(),
                json,
                "%05d-%s%s".formatted(version, UUID.randomUUID(), TableMetadataParser.getFileExtension(codec)));
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

    /// Without the library's own names and without the whole body that some messages quote.
    private static String message(Exception e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        int source = message.indexOf("\n at [Source");
        message = source < 0 ? message : message.substring(0, source);
        return message.length() > 500 ? message.substring(0, 500) + "…" : message;
    }
}
