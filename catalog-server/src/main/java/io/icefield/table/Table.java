package io.icefield.table;

import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import java.util.UUID;

/// A table that is there: a pointer to its current metadata file.
///
/// @param id the database's; survives a rename, differs after drop and create
/// @param uuid Iceberg's
/// @param location folder of its files
/// @param metadata its current metadata file
/// @param version counts the swaps of the pointer
public record Table(
        long id, Domain domain, TableId name, UUID uuid, Location location, Location metadata, long version) {
    /// The same table after a swap of its pointer.
    Table next(Location folder, Metadata published) {
        return new Table(id, domain, name, uuid, folder, published.location(), version + 1);
    }
}
