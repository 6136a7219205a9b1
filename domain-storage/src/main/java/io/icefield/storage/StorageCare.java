package io.icefield.storage;

import java.util.Collection;
import java.util.List;

/// What an owner asks of a storage besides keeping files. All methods throw `StorageException` when the store fails.
public interface StorageCare {
    /// Makes the store do this. Rules that others have made stay. Throws `Unfit` when the store cannot, after which
    /// some of it may be done.
    void keep(StorageProfile profile, Upkeep wanted);

    /// Tries everything that a storage must allow and must refuse, with keys as they are vended. What is wrong is a
    /// finding, never an exception. Leaves nothing behind.
    ///
    /// @param others storages of other domains, which these keys must not open
    List<Finding> probe(StorageProfile profile, Upkeep wanted, Collection<StorageProfile> others);

    /// Is what is written through the one there through the other? They have homes that overlap.
    boolean same(StorageProfile one, StorageProfile other);

    /// Throws `Unfit`, with the reason, when the key of this profile cannot do what it must.
    void tryKey(StorageProfile profile);
}
