package io.icefield.table;

import io.icefield.storage.Location;

/// A metadata file: immutable, so the location says it all.
///
/// @param json its content, uncompressed, UTF-8
public record Metadata(Location location, byte[] json) {
    @Override
    public String toString() {
        return "Metadata[%s, %d bytes]".formatted(location, json.length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Metadata that && location.equals(that.location);
    }

    @Override
    public int hashCode() {
        return location.hashCode();
    }
}
