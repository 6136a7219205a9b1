package io.icefield.table;

import io.icefield.storage.Credential;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.util.Optional;

/// What a caller gets who loads, creates, commits or registers a table.
///
/// @param metadataLocation empty for a staged creation: nothing is there yet
/// @param metadata JSON text, UTF-8
/// @param location the table's folder; the credential reaches it and nothing else
/// @param credential if the caller asked for one
/// @param given how the caller reaches the files
public record Loaded(
        Optional<Location> metadataLocation,
        byte[] metadata,
        Location location,
        StorageProfile storage,
        Optional<Credential> credential,
        Delegation given) {
    @Override
    public String toString() {
        return "Loaded[%s]".formatted(location);
    }
}
