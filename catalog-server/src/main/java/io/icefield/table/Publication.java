package io.icefield.table;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import io.icefield.table.TableStore.Tag;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Makes changes visible that are allowed, valid and accepted: writes their files, then moves all pointers in one step.
/// What was surely not published leaves no files behind.
final class Publication {
    private final TableStore store;
    private final TableFormat format;
    private final MetadataFiles files;
    private final MetadataSource cache;

    Publication(TableStore store, TableFormat format, MetadataFiles files, MetadataSource cache) {
        this.store = store;
        this.format = format;
        this.files = files;
        this.cache = cache;
    }

    /// One table's change.
    sealed interface Draft {
        record New(Namespace namespace, TableId name, TableFormat.Prepared next, Location location) implements Draft {}

        /// @param written the files that the new metadata names and that are not in the bucket yet
        record Changed(Table table, TableFormat.Prepared next, Location location, CommitFiles written)
                implements Draft {}

        record Unchanged(Table table, Metadata current) implements Draft {}
    }

    /// @param tags what its columns will hold
    record Accepted(Draft draft, Map<Integer, Set<Tag>> tags) {}

    /// One table's change with its files.
    ///
    /// @param file empty: nothing of this table changes
    private record Ready(
            TableStore.Step step,
            Domain domain,
            Optional<Metadata> file,
            List<MetadataFiles.Unwritten> others,
            Loaded answer) {}

    /// The tables as they are then. Empty: somebody else was faster, and nothing was done.
    ///
    /// @param once recorded with the changes
    Optional<List<Loaded>> publish(List<Accepted> changes, Once once) {
        List<Ready> ready = changes.stream().map(this::ready).toList();
        List<Loaded> answers = ready.stream().map(Ready::answer).toList();
        List<MetadataFiles.Unwritten> written = new ArrayList<>();
        for (Ready each : ready) {
            each.file().ifPresent(file -> written.add(MetadataFiles.unwritten(each.domain(), file)));
            written.addAll(each.others());
        }
        if (written.isEmpty()) {
            return Optional.of(answers);
        }
        files.write(written);
        TableStore.Outcome outcome;
        try {
            outcome = store.recording(once)
                    .publish(ready.stream().map(Ready::step).toList()); // the only visible effect
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // perhaps published: nobody deletes anything
        } catch (Refusal.Conflict e) {
            outcome = new TableStore.Outcome.Lost();
        } catch (Refusal e) {
            files.discard(written);
            throw e;
        }
        if (!(outcome instanceof TableStore.Outcome.Done)) {
            files.discard(written);
        }
        return switch (outcome) {
            case TableStore.Outcome.Done _ -> {
                for (int i = 0; i < ready.size(); i++) {
                    remember(ready.get(i), changes.get(i).draft());
                    forget(changes.get(i).draft());
                }
                yield Optional.of(answers);
            }
            case TableStore.Outcome.Lost _ -> Optional.empty();
            case TableStore.Outcome.NameTaken(TableId name) -> throw exists(Table.Kind.TABLE, name);
            case TableStore.Outcome.NoNamespace(NamespaceId name) ->
                throw new Refusal.NotFound(Refusal.Thing.NAMESPACE, name.inDomain());
            case TableStore.Outcome.LocationTaken(Location location) ->
                throw new Refusal.Invalid(
                        "the location `%s` touches that of another table or view: choose another".formatted(location));
        };
    }

    private Ready ready(Accepted change) {
        return switch (change.draft()) {
            case Draft.New(Namespace namespace, TableId name, var next, Location location) -> {
                Metadata file = MetadataFiles.name(Locations.metadataFolder(location, next), next);
                TableStore.Published first = published(file, location, next, change.tags());
                yield new Ready(
                        new TableStore.Step.Create(namespace, name.name(), next.uuid(), first),
                        namespace.domain(),
                        Optional.of(file),
                        List.of(),
                        answer(namespace.domain(), file, location));
            }
            case Draft.Changed(Table table, var next, Location location, CommitFiles others) -> {
                Metadata file = MetadataFiles.name(Locations.metadataFolder(location, next), next);
                yield new Ready(
                        new TableStore.Step.Swap(table, published(file, location, next, change.tags())),
                        table.domain(),
                        Optional.of(file),
                        others.all(),
                        answer(table.domain(), file, location));
            }
            case Draft.Unchanged(Table table, Metadata current) ->
                new Ready(
                        new TableStore.Step.Keep(table),
                        table.domain(),
                        Optional.empty(),
                        List.of(),
                        answer(table.domain(), current, table.location()));
        };
    }

    private TableStore.Published published(
            Metadata file, Location location, TableFormat.Prepared next, Map<Integer, Set<Tag>> tags) {
        return new TableStore.Published(file, location, tags, Optional.of(format.usage(next)));
    }

    /// A new table is remembered at its first load: here we do not know its id.
    private void remember(Ready ready, Draft draft) {
        if (draft instanceof Draft.Changed(Table table, var next, Location location, CommitFiles _)) {
            Metadata file = ready.file().orElseThrow();
            cache.remember(table.next(location, file), file);
            format.remember(file, next);
        }
    }

    /// Metadata files in the table's own folder only: a log that was registered may name anything.
    private void forget(Draft draft) {
        if (draft instanceof Draft.Changed(Table table, var next, Location _, CommitFiles _)) {
            files.forget(
                    table.domain(),
                    next.forgotten().stream()
                            .flatMap(file -> Locations.parsed(file).stream())
                            .filter(file -> file.isWithin(table.location())
                                    && file.key().contains(".metadata.json")
                                    && !file.equals(table.metadata()))
                            .toList());
        }
    }

    static Loaded answer(Domain domain, Metadata metadata, Location location) {
        return new Loaded(
                Optional.of(metadata.location()),
                metadata.json(),
                location,
                domain.storageAt(location),
                Optional.empty(),
                Delegation.NONE);
    }

    static Refusal exists(Table.Kind there, TableId name) {
        return new Refusal.Conflict(
                switch (there) {
                    case TABLE -> "Requirement failed: table already exists: %s".formatted(name.inDomain());
                    case VIEW -> "View with same name already exists: %s".formatted(name.inDomain());
                });
    }
}
