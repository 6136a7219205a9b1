package io.icefield.table;

import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.util.UUID;

/// A table or view that is there: a pointer to its current metadata file.
///
/// @param id the database's; survives a rename, differs after drop and create
/// @param uuid Iceberg's
/// @param location folder of its files
/// @param metadata its current metadata file
/// @param version counts the swaps of the pointer
public record Table(
        long id,
        Kind kind,
        Domain domain,
        TableId name,
        UUID uuid,
        Location location,
        Location metadata,
        long version) {

    /// Where its files are, and the key to them.
    public StorageProfile storage() {
        return domain.storageAt(location);
    }

    /// The same table after a swap of its pointer.
    Table next(Location folder, Metadata published) {
        return new Table(id, kind, domain, name, uuid, folder, published.location(), version + 1);
    }

    /// Tables and views share one space of names, and grants name them alike.
    public enum Kind {
        TABLE(Thing.TABLE),
        VIEW(Thing.VIEW);

        private final Thing thing;

        Kind(Thing thing) {
            this.thing = thing;
        }

        public Thing thing() {
            return thing;
        }
    }
}
