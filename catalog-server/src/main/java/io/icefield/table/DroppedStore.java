package io.icefield.table;

import io.icefield.access.Grantee;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Tables and views that were dropped and can come back. Their names are free, their folders are not.
public interface DroppedStore {
    /// A dropped table as one caller sees it: by the grants on itself, its domain, and its namespace while
    /// that is the same one.
    record Seen(Dropped dropped, Sight sight) {}

    /// The same store. What is changed through it is recorded with the keys of these requests, in one
    /// transaction; it throws `Refusal.Repeated`, and nothing has changed, when one of them is there already.
    DroppedStore recording(Once requests);

    /// Takes the name away and keeps all else, the grants included: for `keep`, and unless `keep` is zero
    /// and the files are to stay anyway. `false` when it was gone already. Throws `Refusal.NotAllowed` when
    /// it is protected.
    boolean drop(Table seen, Drop drop);

    /// How something is dropped.
    record Drop(String by, Fate fate, Duration keep) {}

    Optional<Seen> find(Set<Grantee> who, Domain domain, long id);

    /// At most `limit` of the domain that were dropped before `before`, the newest first.
    List<Seen> list(Set<Grantee> who, Domain domain, Wanted wanted, long before, int limit);

    /// Which are listed.
    ///
    /// @param namespace its path; empty: any
    /// @param name empty: any
    record Wanted(Optional<String> namespace, Optional<String> name) {
        public static final Wanted ALL = new Wanted(Optional.empty(), Optional.empty());
    }

    /// Gives it a name again, with its grants. Atomic: otherwise nothing has changed.
    Restored restore(Dropped dropped, Namespace to, String name);

    /// What became of a restoration.
    enum Restored {
        DONE,
        NAME_TAKEN,
        /// Another table or view has its UUID: it was registered meanwhile.
        UUID_TAKEN,
        /// It is no longer there, or being purged.
        GONE,
        NO_NAMESPACE
    }

    /// Its files are to be deleted, now.
    void purgeNow(Dropped dropped);
}
