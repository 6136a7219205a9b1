package io.icefield.job;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.iceberg.LocationProviders;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.LocationProvider;
import org.apache.iceberg.io.OutputFile;
import org.jspecify.annotations.Nullable;

/// Iceberg's in-memory catalog with the tables' data and manifests on disk, where a test can count them. It can be told
/// to answer a commit with an exception.
final class DiskCatalog extends InMemoryCatalog {
    /// Asked about every commit, with the metadata to be; what it returns is thrown instead.
    Function<TableMetadata, @Nullable RuntimeException> answer = _ -> null;

    /// Thrown instead of making a file, when there is one.
    Optional<RuntimeException> unreachable = Optional.empty();

    private final Path folder;

    DiskCatalog(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
        initialize("disk", Map.of("warehouse", folder.toString()));
    }

    List<Path> dataFiles() {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".parquet")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    protected TableOperations newTableOps(TableIdentifier id) {
        TableOperations memory = super.newTableOps(id);
        FileIO disk = new LocalFiles();
        return new TableOperations() {
            @Override
            public TableMetadata current() {
                return memory.current();
            }

            @Override
            public TableMetadata refresh() {
                return memory.refresh();
            }

            @Override
            public void commit(TableMetadata base, TableMetadata metadata) {
                RuntimeException no = answer.apply(metadata);
                if (no != null) {
                    throw no;
                }
                memory.commit(base, metadata);
            }

            @Override
            public FileIO io() {
                return disk;
            }

            @Override
            public String metadataFileLocation(String name) {
                return folder.resolve("metadata").resolve(name).toString();
            }

            @Override
            public LocationProvider locationProvider() {
                return LocationProviders.locationsFor(
                        memory.current().location(), memory.current().properties());
            }
        };
    }

    private final class LocalFiles implements FileIO {
        private static final long serialVersionUID = 1;

        @Override
        public InputFile newInputFile(String path) {
            return org.apache.iceberg.Files.localInput(path);
        }

        @Override
        public OutputFile newOutputFile(String path) {
            if (unreachable.isPresent()) {
                throw unreachable.get();
            }
            return org.apache.iceberg.Files.localOutput(new File(path));
        }

        @Override
        public void deleteFile(String path) {
            try {
                Files.deleteIfExists(Path.of(path));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
