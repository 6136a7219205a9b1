package io.icefield.table;

import io.icefield.storage.Credential;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What a caller gets who loads, creates, commits or registers a table.
///
/// @param metadataLocation empty for a staged creation: nothing is there yet
/// @param metadata JSON text, UTF-8
/// @param location the table's folder; the credential reaches it and nothing else
/// @param credential if the caller asked for one
/// @param given how the caller reaches the files
/// @param labels tags of columns by field id
public record Loaded(
        Optional<Location> metadataLocation,
        byte[] metadata,
        Location location,
        StorageProfile storage,
        Optional<Credential> credential,
        Delegation given,
        Map<Integer, Set<String>> labels) {

    public Loaded(
            Optional<Location> metadataLocation,
            byte[] metadata,
            Location location,
            StorageProfile storage,
            Optional<Credential> credential,
            Delegation given) {
        this(metadataLocation, metadata, location, storage, credential, given, Map.of());
    }

    @Override
    public String toString() {
        return "Loaded[%s]".formatted(location);
    }
}
