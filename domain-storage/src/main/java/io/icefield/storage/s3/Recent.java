package io.icefield.storage.s3;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The most recently used entries of a map, at most so many.
final class Recent<K, V> {
    private final Map<K, V> entries;

    Recent(int max) {
        this.entries = new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > max;
            }
        };
    }

    synchronized Optional<V> get(K key) {
        return Optional.ofNullable(entries.get(key));
    }

    synchronized void put(K key, V value) {
        entries.put(key, value);
    }
}
