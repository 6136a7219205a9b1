package io.icefield.domain;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Finding;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The storages of the domains. Whoever finds a domain afterwards finds what was changed here.
public interface StorageStore {
    /// Adds a storage, its key sealed; nothing changes unless it is `DONE`.
    Added add(Domain domain, StorageProfile profile, Change settings);

    enum Added {
        DONE,
        /// The domain has one of that name.
        NAME_TAKEN,
        /// Its folder touches that of another storage.
        TOUCHES
    }

    /// What can be changed of a storage. What is empty stays.
    ///
    /// @param standard it becomes the standard one instead of the one that is
    /// @param kmsKey an empty text: none any more
    record Change(
            boolean standard,
            Optional<Boolean> guarded,
            Optional<String> kmsKey,
            Optional<Upkeep> upkeep,
            Optional<Quota> quota) {
        public static final Change NONE =
                new Change(false, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    /// `false` when it is gone.
    boolean change(Domain domain, Storage storage, Change change);

    /// `false` when it is gone.
    boolean rekey(Domain domain, Storage storage, Credential key);

    Removed remove(Domain domain, Storage storage);

    enum Removed {
        DONE,
        /// Tables are there, or dropped ones that can come back.
        IN_USE,
        PROTECTED,
        /// New tables go there.
        STANDARD
    }

    /// `false` when it is gone.
    boolean change(Domain domain, Optional<Boolean> guarded, Optional<Quota> quota);

    /// Storages of any domain whose bucket has this name.
    List<StorageProfile> inBucket(String bucket);

    /// A few storages of other domains.
    List<StorageProfile> ofOthers(Domain domain);

    /// Keeps the findings in place of the last ones.
    void found(Storage storage, Probed probed);

    Optional<Probed> probed(Storage storage);

    /// What the last probe has found.
    record Probed(Instant at, List<Finding> findings) {
        public Probed {
            findings = List.copyOf(findings);
        }

        public boolean isGood() {
            return findings.stream().noneMatch(each -> each.outcome() == Finding.Outcome.FAILED);
        }
    }

    /// A storage that was not probed for so long; whoever is told of it has it for an hour.
    Optional<Due> due(Duration since);

    record Due(DomainName domain, StorageName storage) {}
}
