package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.Metadata;
import io.icefield.table.ReachableFiles;
import io.icefield.table.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.PartitionStatisticsFile;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotParser;
import org.apache.iceberg.StatisticsFile;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.util.PropertyUtil;
import org.apache.iceberg.view.ViewMetadataParser;

/// What Iceberg's metadata reaches: all snapshots' files, manifests and manifest lists, statistics, the
/// metadata log. One manifest at a time is in memory, and the names of all manifests.
public final class IcebergReachableFiles implements ReachableFiles {
    private static final int BATCH = 1_000;
    private static final int FILE_BYTES_MAX = 256 << 20;

    private final DomainStorage storage;

    public IcebergReachableFiles(DomainStorage storage) {
        this.storage = storage;
    }

    @Override
    public boolean areKept(Table table, Metadata metadata) {
        Map<String, String> properties = switch (table.kind()) {
            case TABLE -> parsed(metadata).properties();
            case VIEW ->
                ViewMetadataParser.fromJson(new String(metadata.json(), UTF_8)).properties();
        };
        return !PropertyUtil.propertyAsBoolean(
                properties, TableProperties.GC_ENABLED, TableProperties.GC_ENABLED_DEFAULT);
    }

    @Override
    public void forEach(Table table, Metadata metadata, Consumer<List<String>> batch) {
        Batches batches = new Batches(batch);
        if (table.kind() == Table.Kind.TABLE) {
            reach(table, parsed(metadata), batches);
        }
        batches.add(metadata.location().toString());
        batches.end();
    }

    private void reach(Table table, TableMetadata metadata, Batches batches) {
        Set<String> manifests = new HashSet<>();
        try (FolderFiles io = new FolderFiles(storage, table.storage(), table.location())) {
            for (Snapshot snapshot : metadata.snapshots()) {
                manifests(snapshot, io).stream()
                        .filter(manifest -> manifests.add(manifest.path()))
                        .forEach(manifest -> files(manifest, metadata, io, batches));
            }
        }
        batches.end();
        manifests.forEach(batches::add);
        batches.end();
        for (Snapshot snapshot : metadata.snapshots()) {
            String list = snapshot.manifestListLocation();
            if (list != null) {
                batches.add(list);
            }
        }
        metadata.statisticsFiles().stream().map(StatisticsFile::path).forEach(batches::add);
        metadata.partitionStatisticsFiles().stream()
                .map(PartitionStatisticsFile::path)
                .forEach(batches::add);
        metadata.previousFiles().stream()
                .map(TableMetadata.MetadataLogEntry::file)
                .forEach(batches::add);
        batches.end();
    }

    /// Of a copy: a snapshot keeps its manifests in memory once it was asked for them.
    private static List<ManifestFile> manifests(Snapshot snapshot, FileIO io) {
        try {
            return SnapshotParser.fromJson(SnapshotParser.toJson(snapshot)).allManifests(io);
        } catch (NotFoundException _) {
            return List.of();
        }
    }

    private static void files(ManifestFile manifest, TableMetadata metadata, FileIO io, Batches batches) {
        try (CloseableIterable<String> paths = ManifestFiles.readPaths(manifest, io, metadata.specsById())) {
            paths.forEach(batches::add);
        } catch (NotFoundException _) {
            // It goes after all that is found through it, so that is gone.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TableMetadata parsed(Metadata metadata) {
        return TableMetadataParser.fromJson(metadata.location().toString(), new String(metadata.json(), UTF_8));
    }

    /// What is added before an end is passed on before that.
    private static final class Batches {
        private final Consumer<List<String>> to;
        private List<String> batch = new ArrayList<>();

        Batches(Consumer<List<String>> to) {
            this.to = to;
        }

        void add(String file) {
            batch.add(file);
            if (batch.size() == BATCH) {
                end();
            }
        }

        void end() {
            if (!batch.isEmpty()) {
                to.accept(batch);
                batch = new ArrayList<>();
            }
        }
    }

    /// The files of one folder, read whole; there are no others.
    private static final class FolderFiles implements FileIO {
        private static final long serialVersionUID = 1L;

        private final transient DomainStorage storage;
        private final transient StorageProfile profile;
        private final transient Location folder;

        FolderFiles(DomainStorage storage, StorageProfile profile, Location folder) {
            this.storage = storage;
            this.profile = profile;
            this.folder = folder;
        }

        @Override
        public InputFile newInputFile(String path) {
            Location at;
            try {
                at = Location.parse(path);
            } catch (IllegalArgumentException e) {
                throw new NotFoundException(e, "not a file of the table: %s", path);
            }
            if (!at.isWithin(folder)) {
                throw new NotFoundException("not a file of the table: %s", path);
            }
            return new InMemoryInputFile(
                    path,
                    storage.read(profile, at, FILE_BYTES_MAX)
                            .orElseThrow(() -> new NotFoundException("it is gone: %s", path)));
        }

        @Override
        public OutputFile newOutputFile(String path) {
            throw new UnsupportedOperationException("only reads");
        }

        @Override
        public void deleteFile(String path) {
            throw new UnsupportedOperationException("only reads");
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }
    }
}
