package io.icefield.iceberg;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataSource;
import io.icefield.table.Table;

/// Keeps the content of metadata files by their location: they are immutable, so nothing in here is ever stale.
public final class CachedMetadata implements MetadataSource {
    private static final int ENTRY_OVERHEAD_BYTES = 256;

    private final MetadataSource source;
    private final Cache<Location, Metadata> cache;

    public CachedMetadata(MetadataSource source, long bytesMax) {
        this.source = source;
        this.cache = Caffeine.newBuilder()
                .maximumWeight(bytesMax)
                .weigher((Location _, Metadata metadata) -> ENTRY_OVERHEAD_BYTES + metadata.json().length)
                .build();
    }

    @Override
    public Metadata of(Table table) {
        return cache.get(table.metadata(), _ -> source.of(table));
    }

    @Override
    public void remember(Metadata metadata) {
        cache.put(metadata.location(), metadata);
    }
}
