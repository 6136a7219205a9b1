package io.icefield.table;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// The tables and views: names, pointers to metadata, tags of columns. All writes are durable when they return.
/// A lost database connection while the outcome is open throws `Refusal.OutcomeUnknown`, a deadlock or serialization
/// failure `Refusal.Conflict` (nothing was applied).
public interface TableStore {
    /// A table as one caller sees it.
    ///
    /// @param tagsVersion another one whenever the tags of its columns are others; 0: not known
    record Seen(Table table, Sight sight, long tagsVersion) {
        public Seen(Table table, Sight sight) {
            this(table, sight, 0);
        }
    }

    /// The same store. What is changed through it is recorded with the keys of these requests, in one
    /// transaction; it throws `Refusal.Repeated`, and nothing has changed, when one of them is there already.
    TableStore recording(Once requests);

    /// The table or view of this name: the pointer and the grants in one indexed query.
    Optional<Seen> find(Set<Grantee> who, TableId name);

    /// At most `limit` tables of the namespace after this name, in the order of their names (code points).
    List<Seen> list(Set<Grantee> who, Namespace namespace, String after, int limit);

    /// All tables of the namespace, for who may see them all, as new as the look at it or newer: the same object again
    /// while none came, went or changed its name.
    default Page<TableId> tables(NamespaceStore.Seen namespace, Page.Request page) {
        return Paging.fill(
                page,
                (after, limit) -> list(Set.of(), namespace.namespace(), after, limit),
                _ -> true,
                seen -> seen.table().name().name(),
                seen -> seen.table().name());
    }

    /// As `list`, for the views of the namespace.
    List<Seen> listViews(Set<Grantee> who, Namespace namespace, String after, int limit);

    /// The content of a metadata file that was published here; empty for one that was not.
    Optional<byte[]> content(Table table);

    /// Publishes a new table: its row, the content of its metadata and its tags, in one transaction. No two
    /// tables or views of a domain share a location, nor lies one inside another's; those that were dropped
    /// and can come back count, except for the one of this UUID and location: the new one takes its place. Throws
    /// `Refusal.Invalid` when another one has the UUID, dropped or not.
    Created create(Namespace namespace, String name, UUID uuid, Published published);

    /// The same for a view, which has no tags: nothing is kept and nothing is taken away under its UUID.
    Created createView(Namespace namespace, String name, UUID uuid, Metadata metadata, Location location);

    /// Is this folder apart from those of all tables and views of the domain, dropped ones included?
    boolean isFree(Domain domain, Location folder);

    /// Points `seen` at the new metadata if nobody has changed it since, and replaces a table's declared tags, in one
    /// transaction. A steward's answers are not touched.
    /// Atomic: of two racing callers exactly one gets `DONE`; otherwise nothing has changed.
    Swapped swap(Table seen, Published published);

    /// The same for a table that takes the place of `seen`: its name, and the grants on it, with a UUID of its own.
    Swapped replace(Table seen, UUID uuid, Published published);

    /// Takes all these steps, or none when one of them cannot be taken, in one transaction. They are on different
    /// tables, maybe of several domains. Whoever takes several waits for others in one order, whatever the order
    /// of the list.
    Outcome publish(List<Step> steps);

    /// One table's part of a publication.
    sealed interface Step {
        /// As in `swap`.
        record Swap(Table seen, Published next) implements Step {}

        /// As in `create`.
        record Create(Namespace namespace, String name, UUID uuid, Published first) implements Step {}

        /// The others are taken only if nobody has changed this one since.
        record Keep(Table seen) implements Step {}
    }

    /// What became of a publication.
    sealed interface Outcome {
        /// All of it is visible.
        record Done() implements Outcome {}

        /// Somebody else was faster, or a table is gone.
        record Lost() implements Outcome {}

        /// A name is taken.
        record NameTaken(TableId name) implements Outcome {}

        /// A folder touches another table's.
        record LocationTaken(Location location) implements Outcome {}

        /// A namespace was dropped meanwhile.
        record NoNamespace(NamespaceId name) implements Outcome {}
    }

    /// Gives it another name, maybe in another namespace of the same domain.
    Renamed rename(Table seen, Namespace to, String name);

    /// Forgets it, with the grants on it; the files stay. `false` when it was gone already or somebody has
    /// changed it since. Throws `Refusal.NotAllowed` when it is protected, as `rename` and `replace` do.
    boolean drop(Table seen);

    /// Tags by field id; by the table's UUID, so they outlive a drop and a registration.
    Map<Integer, Set<Tag>> tags(UUID table);

    /// The same of a table that was found. They are remembered by its version of them, so that a load asks
    /// nothing more.
    default Map<Integer, Set<Tag>> tags(Seen seen) {
        return tags(seen.table().uuid());
    }

    /// A classification of one column.
    ///
    /// @param name empty: a steward says that there is nothing to say
    record Tag(String name, Source source) {}

    /// Who said so; a later source wins over an earlier one.
    enum Source {
        DECLARED,
        STEWARD
    }

    /// What becomes visible in one step.
    ///
    /// @param location the table's folder
    /// @param tags all tags of the table by field id; only those that are declared are published
    /// @param usage what its files weigh; empty: nobody has looked
    record Published(Metadata metadata, Location location, Map<Integer, Set<Tag>> tags, Optional<Usage> usage) {
        public Published {
            tags = Map.copyOf(tags);
        }

        public Published(Metadata metadata, Location location, Map<Integer, Set<Tag>> tags) {
            this(metadata, location, tags, Optional.empty());
        }
    }

    /// What became of a creation.
    sealed interface Created {
        /// It is there.
        record Done(Table table) implements Created {}

        /// The name is taken.
        record NameTaken() implements Created {}

        /// The folder touches another table's.
        record LocationTaken() implements Created {}

        /// The namespace was dropped meanwhile.
        record NoNamespace() implements Created {}
    }

    /// What became of a swap.
    enum Swapped {
        DONE,
        /// Somebody else was faster, or the table is gone.
        LOST,
        /// The new folder touches another table's.
        LOCATION_TAKEN
    }

    /// What became of a renaming.
    enum Renamed {
        DONE,
        /// The new name is taken.
        NAME_TAKEN,
        /// The table or the new namespace is gone.
        GONE
    }

    /// Keeps a steward's answers, without a commit: each replaces the one before to this column, also when it is that
    /// nothing is to be said of it. The other columns and what jobs declare stay untouched.
    void classify(UUID table, Map<Integer, Set<String>> answers);
}
