package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/// Commits one change to one table: get, prepare, judge, write, swap.
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
    private final CreateTable creation;

    public CommitTable(
            Tables tables,
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache,
            CreateTable creation) {
        this.tables = tables;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
        this.creation = creation;
    }

    public Loaded commit(Principal who, TableId id, String body) {
        TableFormat.CommitRequest request = format.commitRequest(body);
        if (request.creates()) {
            return creation.createStaged(who, id, request);
        }
        ReentrantLock queue = queues[spread(id.hashCode()) & (QUEUES - 1)];
        queue.lock();
        try {
            for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
                Optional<Loaded> done = attempt(who, id, request);
                if (done.isPresent()) {
                    return done.get();
                }
            }
        } finally {
            queue.unlock();
        }
        throw new Refusal.Conflict(
                "table `%s` is changed by others faster than this commit can be: try again".formatted(id));
    }

    /// Empty: somebody else was faster, and nothing was done.
    private Optional<Loaded> attempt(Principal who, TableId id, TableFormat.CommitRequest request) {
        TableStore.Seen seen = tables.get(who, Action.COMMIT, id); // may this caller?
        Table table = seen.table();
        Metadata current = cache.of(table);
        TableFormat.Prepared next = format.commit(current, request); // is it valid?
        if (next.unchanged()) {
            return Optional.of(answer(table.domain(), current, table.location()));
        }
        Location location = Locations.check(table.domain(), next);
        if (!location.equals(table.location())) { // as if the table were made there
            Namespace in = namespaces.get(who, Action.CREATE, id.namespace()).namespace();
            namespaces.checkFolder(who, in, location);
        }
        Map<Integer, Set<TableStore.Tag>> tags = review.change( // is it acceptable?
                who, seen.sight(), id, format.read(current), next, store.tags(table.uuid()));

        Metadata metadata = files.write(table.domain(), Locations.metadataFolder(location, next), next); // a new file
        TableStore.Swapped swapped;
        try {
            swapped = store.swap(table, new TableStore.Published(metadata, location, tags)); // the only visible effect
        } catch (Refusal.Conflict e) {
            swapped = TableStore.Swapped.LOST;
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // it may be in use
        } catch (Refusal e) {
            files.discard(table.domain(), metadata);
            throw e;
        }
        return switch (swapped) {
            case DONE -> {
                cache.remember(table.next(location, metadata), metadata);
                yield Optional.of(answer(table.domain(), metadata, location));
            }
            case LOST -> {
                files.discard(table.domain(), metadata);
                yield Optional.empty();
            }
            case LOCATION_TAKEN -> {
                files.discard(table.domain(), metadata);
                throw new Refusal.Invalid(
                        "the location `%s` touches another table's: choose another".formatted(location));
            }
        };
    }

    private static Loaded answer(Domain domain, Metadata metadata, Location location) {
        return new Loaded(
                Optional.of(metadata.location()), metadata.json(), location, domain.storage(), Optional.empty());
    }

    private static int spread(int hash) {
        return hash ^ (hash >>> 16);
    }
}
