package io.icefield.iceberg;

import static io.icefield.iceberg.IcebergFormat.asked;
import static io.icefield.iceberg.IcebergFormat.published;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.TableFormat.Prepared;
import io.icefield.table.ViewFormat;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.rest.requests.CreateViewRequest;
import org.apache.iceberg.rest.requests.CreateViewRequestParser;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequestParser;
import org.apache.iceberg.view.ImmutableViewVersion;
import org.apache.iceberg.view.ViewMetadata;
import org.apache.iceberg.view.ViewMetadataParser;
import org.apache.iceberg.view.ViewProperties;

/// Iceberg's views, by iceberg-core's own model: what it accepts, every client accepts.
public final class IcebergViewFormat implements ViewFormat {
    /// Trino runs a view as the user that this names, without asking anybody. Trino writes it with every view that is
    /// not created as `SECURITY INVOKER`, so it is dropped and not refused.
    private static final Set<String> RUN_AS_PROPERTIES = Set.of("trino.run-as-owner");

    /// What metadata files say, by location.
    private final Cache<Location, Read> read;

    /// @param json what was read: a file that was dropped, written over and registered again is another one
    /// @param prepared its `json` names nobody as whom the view runs, whatever the file says
    private record Read(byte[] json, ViewMetadata metadata, Prepared prepared) {}

    /// @param cacheBytesMax memory for parsed metadata, estimated by its length
    public IcebergViewFormat(long cacheBytesMax) {
        this.read = Caffeine.newBuilder()
                .maximumWeight(cacheBytesMax)
                .weigher((Location _, Read view) -> 4_096 + 4 * view.json().length)
                .build();
    }

    @Override
    public CreateRequest createRequest(String body) {
        return asked("the request to create a view", () -> {
            CreateViewRequest request = CreateViewRequestParser.fromJson(RestJson.object(body));
            request.validate();
            if (request.viewVersion().representations().isEmpty()) {
                throw new IllegalArgumentException("`view-version` has no representation: a view needs a query");
            }
            return new CreateRequest(request.name(), Optional.ofNullable(request.location()), request);
        });
    }

    @Override
    public Prepared create(CreateRequest request, UUID uuid, Location location) {
        CreateViewRequest create = (CreateViewRequest) request.parsed();
        return asked("the view", () -> {
            ViewMetadata metadata = ViewMetadata.builder()
                    .assignUUID(uuid.toString())
                    .setLocation(location.toString())
                    .setProperties(withoutRunAs(create.properties()))
                    .setCurrentVersion(
                            ImmutableViewVersion.builder()
                                    .from(create.viewVersion())
                                    .versionId(1)
                                    .build(),
                            create.schema())
                    .build();
            return prepared(metadata, false, 0);
        });
    }

    @Override
    public ReplaceRequest replaceRequest(String body) {
        return asked("the change", () -> new ReplaceRequest(UpdateTableRequestParser.fromJson(RestJson.object(body))));
    }

    @Override
    public Prepared replace(Metadata current, ReplaceRequest request) {
        UpdateTableRequest commit = (UpdateTableRequest) request.parsed();
        ViewMetadata base = parsed(current).metadata();
        return asked("the change", () -> {
            commit.requirements().forEach(requirement -> requirement.validate(base));
            ViewMetadata.Builder builder = ViewMetadata.buildFrom(base);
            commit.updates().forEach(update -> apply(update, builder));
            ViewMetadata next = builder.build();
            return prepared(next, next.changes().isEmpty(), IcebergFormat.version(current.location()) + 1);
        });
    }

    private static void apply(MetadataUpdate update, ViewMetadata.Builder builder) {
        if (update instanceof MetadataUpdate.SetProperties set) {
            builder.setProperties(withoutRunAs(set.updated()));
        } else {
            update.applyTo(builder);
        }
    }

    @Override
    public Prepared read(Metadata metadata) {
        return parsed(metadata).prepared();
    }

    @Override
    public Prepared adopt(Metadata metadata) {
        return asked("the metadata file `%s`".formatted(metadata.location()), () -> {
            String text =
                    UTF_8.newDecoder().decode(ByteBuffer.wrap(metadata.json())).toString();
            return prepared(harmless(ViewMetadataParser.fromJson(RestJson.object(text))), true, 0);
        });
    }

    private Read parsed(Metadata metadata) {
        Location at = metadata.location();
        Read known = read.getIfPresent(at);
        if (known == null || !Arrays.equals(known.json(), metadata.json())) {
            known = published(at, () -> {
                ViewMetadata view = ViewMetadataParser.fromJson(new String(metadata.json(), UTF_8));
                ViewMetadata harmless = harmless(view);
                return new Read(
                        metadata.json(),
                        harmless,
                        harmless.equals(view) ? prepared(view, true, 0, metadata.json()) : prepared(harmless, true, 0));
            });
            read.put(at, known);
        }
        return known;
    }

    private static ViewMetadata harmless(ViewMetadata view) {
        Set<String> runAs = view.properties().keySet().stream()
                .filter(IcebergViewFormat::isRunAs)
                .collect(Collectors.toSet());
        return runAs.isEmpty()
                ? view
                : ViewMetadata.buildFrom(view).removeProperties(runAs).build();
    }

    private static Map<String, String> withoutRunAs(Map<String, String> properties) {
        Map<String, String> kept = new HashMap<>(properties);
        kept.keySet().removeIf(IcebergViewFormat::isRunAs);
        return kept;
    }

    private static boolean isRunAs(String property) {
        return RUN_AS_PROPERTIES.contains(property.toLowerCase(Locale.ROOT));
    }

    private static Prepared prepared(ViewMetadata view, boolean unchanged, int version) {
        return prepared(
                view, unchanged, version, ViewMetadataParser.toJson(view).getBytes(UTF_8));
    }

    private static Prepared prepared(ViewMetadata view, boolean unchanged, int version, byte[] json) {
        Map<String, String> folders = new HashMap<>(view.properties());
        folders.keySet().retainAll(IcebergFormat.FOLDER_PROPERTIES);
        String codec = view.properties()
                .getOrDefault(ViewProperties.METADATA_COMPRESSION, ViewProperties.METADATA_COMPRESSION_DEFAULT);
        return new Prepared(
                unchanged,
                UUID.fromString(view.uuid()),
                view.location(),
                folders,
                Columns.of(view.schema()),
                view.properties(),
                json,
                "%05d-%s%s".formatted(version, UUID.randomUUID(), TableMetadataParser.getFileExtension(codec)));
    }
}
