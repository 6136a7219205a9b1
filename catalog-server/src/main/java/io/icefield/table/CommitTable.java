package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Commits changes to one table, or for `CommitTransaction` to several at once: get, prepare, judge, write, publish.
public final class CommitTable {
    /// How often a commit is prepared anew because another replica was faster, before its client is asked to.
    public static final int ATTEMPTS_MAX = 5;

    /// Commits on one table queue here instead of colliding. A power of two.
    private static final int QUEUES = 1_024;

    private final ReentrantLock[] queues =
            Stream.generate(() -> new ReentrantLock(true)).limit(QUEUES).toArray(ReentrantLock[]::new);
    private final Tables tables;
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final MetadataSource cache;

    public CommitTable(
            Tables tables,
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache) {
        this.tables = tables;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
    }

    public Loaded commit(Principal who, TableId id, String body, Once once) {
        return commit(who, Map.of(id, List.of(format.commitRequest(body))), once)
                .getFirst();
    }

    /// All of it becomes visible at once, or nothing does.
    ///
    /// @param changes the commits of each table, in their order
    List<Loaded> commit(Principal who, Map<TableId, List<TableFormat.CommitRequest>> changes, Once once) {
        return queued(changes.keySet(), () -> {
            for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
                Optional<List<Loaded>> done = attempt(who, changes, once);
                if (done.isPresent()) {
                    return done.get();
                }
            }
            throw new Refusal.Conflict("%s changed by others faster than this commit can be: try again"
                    .formatted(
                            changes.size() == 1
                                    ? "table `%s` is"
                                            .formatted(
                                                    changes.keySet().iterator().next())
                                    : "the tables are"));
        });
    }

    /// Empty: somebody else was faster, and nothing was done.
    private Optional<List<Loaded>> attempt(
            Principal who, Map<TableId, List<TableFormat.CommitRequest>> changes, Once once) {
        List<Draft> drafts = changes.entrySet().stream() // may this caller, and is it valid?
                .map(change -> draft(who, change.getKey(), change.getValue()))
                .toList();
        List<Review.Verdict> verdicts =
                drafts.stream().map(draft -> judge(who, draft)).toList(); // is it acceptable?
        Review.accept(verdicts);

        List<Written> written = write(drafts, verdicts); // new files
        List<Loaded> answers = written.stream().map(Written::answer).toList();
        if (written.stream().allMatch(each -> each.file().isEmpty())) {
            return Optional.of(answers);
        }
        TableStore.Outcome outcome;
        try {
            outcome = store.recording(once)
                    .publish(written.stream().map(Written::step).toList()); // the only visible effect
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // perhaps published: nobody deletes anything
        } catch (Refusal.Conflict e) {
            outcome = new TableStore.Outcome.Lost();
        } catch (Refusal e) {
            discard(written);
            throw e;
        }
        if (!(outcome instanceof TableStore.Outcome.Done)) {
            discard(written);
        }
        return switch (outcome) {
            case TableStore.Outcome.Done _ -> {
                written.forEach(this::remember);
                drafts.forEach(this::forget);
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

    /// One table's change: allowed and valid, not yet judged.
    private sealed interface Draft {
        record New(Namespace namespace, TableId name, TableFormat.Prepared next, Location location) implements Draft {}

        record Changed(TableStore.Seen seen, Metadata current, TableFormat.Prepared next, Location location)
                implements Draft {}

        record Unchanged(Table table, Metadata current) implements Draft {}
    }

    private Draft draft(Principal who, TableId id, List<TableFormat.CommitRequest> requests) {
        return requests.getFirst().creates() ? draftNew(who, id, requests) : draftChange(who, id, requests);
    }

    /// A table that was staged: the whole of it comes with the request.
    private Draft draftNew(Principal who, TableId id, List<TableFormat.CommitRequest> requests) {
        Namespace namespace = namespaces.get(who, Action.CREATE, id.namespace()).namespace();
        store.find(Set.of(), id).ifPresent(there -> {
            throw exists(there.table().kind(), id);
        });
        TableFormat.Prepared next = format.commitNew(requests, Locations.of(namespace.domain(), id, UUID.randomUUID()));
        Location location = namespaces.checkFolder(who, namespace, Locations.check(namespace.domain(), next));
        return new Draft.New(namespace, id, next, location);
    }

    private Draft draftChange(Principal who, TableId id, List<TableFormat.CommitRequest> requests) {
        TableStore.Seen seen = tables.get(who, Action.COMMIT, id);
        Metadata current = cache.of(seen.table());
        TableFormat.Prepared next = format.commit(current, requests);
        if (next.unchanged()) {
            return new Draft.Unchanged(seen.table(), current);
        }
        Location location = Locations.check(seen.table().domain(), next);
        if (!location.equals(seen.table().location())) { // as if the table were made there
            Namespace in = namespaces.get(who, Action.CREATE, id.namespace()).namespace();
            namespaces.checkFolder(who, in, location);
        }
        return new Draft.Changed(seen, current, next, location);
    }

    private Review.Verdict judge(Principal who, Draft draft) {
        return switch (draft) {
            case Draft.New(Namespace _, TableId name, TableFormat.Prepared next, Location _) ->
                review.creation(Change.Kind.CREATE_TABLE, name, next, Map.of());
            case Draft.Changed(TableStore.Seen(Table table, var sight), Metadata current, var next, Location _) ->
                review.change(who, sight, table.name(), format.read(current), next, store.tags(table.uuid()));
            case Draft.Unchanged(Table table, Metadata _) -> new Review.Verdict(table.name(), Map.of(), List.of());
        };
    }

    /// One table's change with its file in the bucket.
    ///
    /// @param file empty: nothing of this table changes
    private record Written(TableStore.Step step, Domain domain, Optional<Metadata> file, Loaded answer) {}

    private List<Written> write(List<Draft> drafts, List<Review.Verdict> verdicts) {
        List<Written> written = new ArrayList<>();
        try {
            for (int i = 0; i < drafts.size(); i++) {
                written.add(write(drafts.get(i), verdicts.get(i)));
            }
        } catch (RuntimeException e) {
            discard(written);
            throw e;
        }
        return written;
    }

    private Written write(Draft draft, Review.Verdict verdict) {
        return switch (draft) {
            case Draft.New(Namespace namespace, TableId name, var next, Location location) -> {
                Domain domain = namespace.domain();
                Metadata file = files.write(domain, Locations.metadataFolder(location, next), next);
                yield new Written(
                        new TableStore.Step.Create(
                                namespace,
                                name.name(),
                                next.uuid(),
                                new TableStore.Published(file, location, verdict.tags())),
                        domain,
                        Optional.of(file),
                        answer(domain, file, location));
            }
            case Draft.Changed(TableStore.Seen(Table table, var _), Metadata _, var next, Location location) -> {
                Metadata file = files.write(table.domain(), Locations.metadataFolder(location, next), next);
                yield new Written(
                        new TableStore.Step.Swap(table, new TableStore.Published(file, location, verdict.tags())),
                        table.domain(),
                        Optional.of(file),
                        answer(table.domain(), file, location));
            }
            case Draft.Unchanged(Table table, Metadata current) ->
                new Written(
                        new TableStore.Step.Keep(table),
                        table.domain(),
                        Optional.empty(),
                        answer(table.domain(), current, table.location()));
        };
    }

    /// A new table is remembered at its first load: here we do not know its id.
    private void remember(Written written) {
        if (written.step() instanceof TableStore.Step.Swap(Table seen, TableStore.Published next)) {
            cache.remember(seen.next(next.location(), next.metadata()), next.metadata());
        }
    }

    /// Metadata files in the table's own folder only: a log that was registered may name anything.
    private void forget(Draft draft) {
        if (draft instanceof Draft.Changed(TableStore.Seen(Table table, var _), Metadata _, var next, Location _)) {
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

    /// Surely none of them was published.
    private void discard(List<Written> written) {
        written.forEach(each -> each.file().ifPresent(file -> files.discard(each.domain(), file)));
    }

    private static Loaded answer(Domain domain, Metadata metadata, Location location) {
        return new Loaded(
                Optional.of(metadata.location()),
                metadata.json(),
                location,
                domain.storage(),
                Optional.empty(),
                Delegation.NONE);
    }

    private static Refusal exists(Table.Kind there, TableId name) {
        return new Refusal.Conflict(
                switch (there) {
                    case TABLE -> "Requirement failed: table already exists: %s".formatted(name.inDomain());
                    case VIEW -> "View with same name already exists: %s".formatted(name.inDomain());
                });
    }

    /// Runs when it is the turn of each of these tables. Queues are entered in one order, so nobody waits in a circle.
    private <T> T queued(Set<TableId> ids, Supplier<T> work) {
        List<ReentrantLock> turns = ids.stream()
                .map(id -> spread(id.hashCode()) & (QUEUES - 1))
                .distinct()
                .sorted()
                .map(number -> queues[number])
                .toList();
        turns.forEach(ReentrantLock::lock);
        try {
            return work.get();
        } finally {
            turns.forEach(ReentrantLock::unlock);
        }
    }

    private static int spread(int hash) {
        return hash ^ (hash >>> 16);
    }
}
