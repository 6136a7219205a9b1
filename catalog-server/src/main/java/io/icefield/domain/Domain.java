package io.icefield.domain;

import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// A business area that owns its data end to end.
///
/// @param id the database's
/// @param storages where its data is; one of them is the standard one, and none is inside another
/// @param quota of all storages together
/// @param guarded it is protected against being deleted
public record Domain(
        long id, DomainName name, List<Storage> storages, Quota quota, boolean guarded, Instant createdAt) {
    public Domain {
        storages = List.copyOf(storages);
    }

    /// A domain as it is made.
    public Domain(long id, DomainName name, StorageProfile storage, Instant createdAt) {
        this(
                id,
                name,
                List.of(new Storage(id, storage, true, false, Upkeep.NONE, Quota.NONE, createdAt)),
                Quota.NONE,
                false,
                createdAt);
    }

    /// Where new tables go if nobody says otherwise.
    public StorageProfile storage() {
        return storages.stream()
                .filter(Storage::standard)
                .findFirst()
                .map(Storage::profile)
                .orElseThrow(() -> new IllegalStateException("domain `%s` has no storage".formatted(name)));
    }

    /// Is there a storage whose key this server does not know?
    public boolean isShut() {
        return storages.stream().anyMatch(each -> each.profile().root().shut().isPresent());
    }

    public Optional<Storage> storage(StorageName wanted) {
        return storages.stream().filter(each -> each.name().equals(wanted)).findFirst();
    }

    /// The storage that this is in. Everything that touches files asks here for the key to them.
    public Optional<Storage> holding(Location at) {
        return storages.stream()
                .filter(each -> at.isWithin(each.profile().home()))
                .max(Comparator.comparingInt(each -> each.profile().prefix().length()));
    }

    /// The same for what is there.
    public StorageProfile storageAt(Location at) {
        return holding(at)
                .map(Storage::profile)
                .orElseThrow(
                        () -> new IllegalStateException("`%s` is in no storage of domain `%s`".formatted(at, name)));
    }
}
