package io.icefield.iceberg;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Refusal;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.table.Table;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/// Manifests and lists of them, whole, as they are in the store: they never change. By table: what one names is never
/// what another reads.
final class ManifestCache {
    /// Writers begin a new manifest at 8 MB.
    private static final int FILE_BYTES_MAX = 64 << 20;

    private static final int ENTRY_OVERHEAD_BYTES = 256;

    private final DomainStorage storage;
    private final Cache<Key, byte[]> cache;

    private record Key(long table, Location file) {}

    ManifestCache(DomainStorage storage, long bytesMax) {
        this.storage = storage;
        this.cache = Caffeine.newBuilder()
                .maximumWeight(bytesMax)
                .weigher((Key _, byte[] file) -> ENTRY_OVERHEAD_BYTES + file.length)
                .build();
    }

    /// Reads the files of one table, with the server's own key: so nothing outside its folder, whatever names it.
    FileIO filesOf(Table table) {
        return new FileIO() {
            @Override
            public InputFile newInputFile(String path) {
                Location file = IcebergFormat.asked("`%s`".formatted(path), () -> Location.parse(path));
                if (!file.isWithin(table.location())) {
                    throw new Refusal.NotAllowed(
                            "table `%s` names the manifest `%s` outside its folder `%s`: plan in the client"
                                    .formatted(table.name(), file, table.location()));
                }
                return new InMemoryInputFile(path, cache.get(new Key(table.id(), file), _ -> read(table, file)));
            }

            @Override
            public InputFile newInputFile(String path, long length) {
                if (length > FILE_BYTES_MAX) {
                    throw new Refusal.Unsupported(
                            "the manifest `%s` has more than %d bytes: rewrite the manifests, or plan in the client"
                                    .formatted(path, FILE_BYTES_MAX));
                }
                return newInputFile(path);
            }

            @Override
            public OutputFile newOutputFile(String path) {
                throw new UnsupportedOperationException("planning writes nothing");
            }

            @Override
            public void deleteFile(String path) {
                throw new UnsupportedOperationException("planning deletes nothing");
            }
        };
    }

    private byte[] read(Table table, Location file) {
        return storage.read(table.storage(), file, FILE_BYTES_MAX)
                .orElseThrow(() -> new Refusal.Invalid(
                        "the manifest `%s` of table `%s` is not there".formatted(file, table.name())));
    }
}
