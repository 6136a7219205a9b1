package io.icefield.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StoredFile;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// Deletes the files of dropped tables whose time has come: those that the table's metadata reaches, in an
/// order that lets another replica go on where this one died, and only in the table's own folder, which
/// nobody else has.
public final class PurgeTables {
    /// Who has not been heard of for so long has died.
    static final Duration LEASE = Duration.ofMinutes(10);

    private static final Duration WAIT_MIN = Duration.ofMinutes(1);
    private static final Duration WAIT_MAX = Duration.ofDays(1);
    private static final int DOUBLINGS_MAX = 11;
    private static final int PROBLEM_CHARS_MAX = 500;
    private static final System.Logger LOG = System.getLogger(PurgeTables.class.getName());

    private final PurgeQueue queue;
    private final ReachableFiles reachable;
    private final MetadataFiles files;
    private final DomainStorage storage;
    private final AtomicLong tablesPurged = new AtomicLong();
    private final AtomicLong filesDeleted = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();

    public PurgeTables(PurgeQueue queue, ReachableFiles reachable, MetadataFiles files, DomainStorage storage) {
        this.queue = queue;
        this.reachable = reachable;
        this.files = files;
        this.storage = storage;
    }

    public long tablesPurged() {
        return tablesPurged.get();
    }

    public long filesDeleted() {
        return filesDeleted.get();
    }

    public long failures() {
        return failures.get();
    }

    /// Works on one table; `false` when there is none whose time has come.
    public boolean next() {
        Optional<PurgeQueue.Claim> claim = queue.claim(LEASE);
        claim.ifPresent(this::purge);
        return claim.isPresent();
    }

    private void purge(PurgeQueue.Claim claim) {
        Dropped dropped = claim.dropped();
        Table table = dropped.table();
        try {
            Optional<String> shared = queue.other(dropped, json -> names(json, table.location()))
                    .map(
                            "its files are kept: the metadata of `%s` names some of them, or cannot be looked at"
                                    ::formatted);
            if (shared.isPresent()) {
                failures.incrementAndGet();
                LOG.log(System.Logger.Level.WARNING, "{0} is not purged: {1}", table.name(), shared.get());
                queue.release(claim, WAIT_MAX, shared.get());
                return;
            }
            Metadata metadata = claim.metadata()
                    .map(json -> new Metadata(table.metadata(), json))
                    .orElseGet(() -> files.of(table));
            if (reachable.areKept(table, metadata)) {
                LOG.log(System.Logger.Level.INFO, "{0} is forgotten; its files stay, as it asked", table.name());
            } else {
                long before = filesDeleted.get();
                reachable.forEach(table, metadata, batch -> delete(claim, batch));
                LOG.log(
                        System.Logger.Level.INFO,
                        "{0} is purged: {1} files deleted",
                        table.name(),
                        filesDeleted.get() - before);
            }
            queue.done(claim);
            tablesPurged.incrementAndGet();
        } catch (ClaimEnded e) {
            LOG.log(System.Logger.Level.WARNING, "{0} is left to whoever purges it now", table.name());
        } catch (Refusal | DomainStorage.StorageException e) {
            failed(claim, String.valueOf(e.getMessage()), wait(claim.attempt()));
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "purging " + table.name() + " failed", e);
            failed(claim, e.getClass().getSimpleName(), wait(claim.attempt()));
        }
    }

    /// Registered metadata may name anything: what is not in the table's folder is not the table's.
    private void delete(PurgeQueue.Claim claim, List<String> batch) {
        Table table = claim.dropped().table();
        List<StoredFile> own = batch.stream()
                .flatMap(uri -> StoredFile.in(table.location(), uri).stream())
                .distinct()
                .toList();
        if (own.size() < batch.size()) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "{0}: {1} files are not its own",
                    table.name(),
                    batch.size() - own.size());
        }
        if (!queue.postpone(claim, LEASE, "")) {
            throw new ClaimEnded();
        }
        if (!own.isEmpty()) {
            storage.deleteFiles(table.storage(), own);
            filesDeleted.addAndGet(own.size());
        }
    }

    /// It took longer than the lease: somebody else has the table now, or it came back.
    private static final class ClaimEnded extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private void failed(PurgeQueue.Claim claim, String problem, Duration wait) {
        failures.incrementAndGet();
        LOG.log(
                System.Logger.Level.WARNING,
                "{0} is not purged (attempt {1}; again in {2}): {3}",
                claim.dropped().table().name(),
                claim.attempt(),
                wait,
                problem);
        queue.postpone(
                claim, wait, problem.length() > PROBLEM_CHARS_MAX ? problem.substring(0, PROBLEM_CHARS_MAX) : problem);
    }

    static Duration wait(int attempt) {
        Duration wait = WAIT_MIN.multipliedBy(1L << Math.min(attempt - 1, DOUBLINGS_MAX));
        return wait.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : wait;
    }

    /// Does this text name anything in the folder, with whatever scheme?
    static boolean names(byte[] json, Location folder) {
        return new String(json, UTF_8).contains("://" + folder.bucket() + "/" + folder.key() + "/");
    }
}
