package io.icefield.iceberg;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataSource;
import io.icefield.table.Table;

/// Keeps the content of metadata files by table and version of its pointer: what these had never changes, while a file
/// may be written over and registered again.
public final class CachedMetadata implements MetadataSource {
    private static final int ENTRY_OVERHEAD_BYTES = 256;

    private final MetadataSource source;
    private final Cache<Key, Metadata> cache;

    private record Key(long table, long version) {}

    public CachedMetadata(MetadataSource source, long bytesMax) {
        this.source = source;
        this.cache = Caffeine.newBuilder()
                .maximumWeight(bytesMax)
                .weigher((Key _, Metadata metadata) -> ENTRY_OVERHEAD_BYTES + metadata.json().length)
                .build();
    }

    @Override
    public Metadata of(Table table) {
        return cache.get(new Key(table.id(), table.version()), _ -> source.of(table));
    }

    @Override
    public void remember(Table table, Metadata metadata) {
        cache.put(new Key(table.id(), table.version()), metadata);
    }
}
