package io.icefield.domain;

import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.time.Instant;

/// One of a domain's storages.
///
/// @param id the database's
/// @param standard new tables go here unless their namespace says otherwise
/// @param guarded it is protected against being deleted
/// @param upkeep what was asked of the store
public record Storage(
        long id,
        StorageProfile profile,
        boolean standard,
        boolean guarded,
        Upkeep upkeep,
        Quota quota,
        Instant createdAt) {
    public StorageName name() {
        return profile.name();
    }
}
