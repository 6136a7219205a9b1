package io.icefield.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Trail;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.DomainStorage.Reach;
import io.icefield.table.PlanStore.Failure;
import io.icefield.table.PlanStore.Failure.Kind;
import io.icefield.table.PlanStore.Plan;
import io.icefield.table.ScanPlanner.Pages;
import io.icefield.table.ScanPlanner.Scan;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Plans scans. What fits one answer is answered at once and kept nowhere. A larger plan is kept in the store and run
/// in the background, so that any replica can tell of it, and take it over from one that died.
public final class PlanScan implements AutoCloseable {
    /// A larger table is planned in the background.
    private static final int MANIFESTS_AT_ONCE_MAX = 50;

    private static final long FILES_AT_ONCE_MAX = 5_000;

    /// So many plans are in memory; the others wait. Small ones never wait for large ones.
    private static final int SMALL_MAX = 6;

    private static final int LARGE_MAX = 2;

    private static final int RUNNING_OF_ONE_MAX = 20;
    private static final int ATTEMPTS_MAX = 3;
    private static final Duration PLAN_TIME_MAX = Duration.ofMinutes(10);
    private static final Duration KEPT = Duration.ofHours(1);
    private static final Duration PAUSE = Duration.ofMillis(25);
    private static final String INLINE = "inline-";
    private static final Pattern TASK = Pattern.compile("([0-9a-f-]{36})\\.(0|[1-9][0-9]{0,6})");
    private static final System.Logger LOG = System.getLogger(PlanScan.class.getName());

    private final Tables tables;
    private final MetadataSource files;
    private final Restricted restricted;
    private final ScanPlanner planner;
    private final PlanStore store;
    private final DomainStorage storage;
    private final Patience patience;
    private final Semaphore small = new Semaphore(SMALL_MAX);
    private final Semaphore large = new Semaphore(LARGE_MAX);
    private final ExecutorService runs = Executors.newCachedThreadPool(
            Thread.ofPlatform().name("plan-", 0).daemon().factory());

    public PlanScan(
            Tables tables,
            MetadataSource files,
            Restricted restricted,
            ScanPlanner planner,
            PlanStore store,
            DomainStorage storage,
            Patience patience) {
        this.tables = tables;
        this.files = files;
        this.restricted = restricted;
        this.planner = planner;
        this.store = store;
        this.storage = storage;
        this.patience = patience;
    }

    /// @param answer how long an answer waits for a plan to be ready: some clients do not ask twice
    /// @param lease how long a replica that died keeps others from its plans
    public record Patience(Duration answer, Duration lease) {
        public static final Patience USUAL = new Patience(Duration.ofSeconds(5), Duration.ofSeconds(30));
    }

    /// What became of a plan.
    public sealed interface Planned {
        /// All of it; there is nothing to fetch.
        record Whole(String plan, byte[] tasks, Loaded table) implements Planned {}

        /// It is ready to be fetched, task by task.
        record Ready(UUID plan, int pages, Loaded table) implements Planned {}

        /// It is being made.
        record Submitted(UUID plan) implements Planned {}

        record Cancelled() implements Planned {}

        record Failed(Refusal why) implements Planned {}
    }

    /// One page of a plan, as it is named to clients.
    public static String task(UUID plan, int page) {
        return plan + "." + page;
    }

    public Planned plan(Principal who, TableId id, String request, Delegation delegation) {
        TableStore.Seen seen = readable(who, id);
        Table table = seen.table();
        Metadata metadata = files.of(table);
        AtOnce small = atOnce(table, metadata, request);
        if (small.tasks().isPresent()) {
            return new Planned.Whole(INLINE + UUID.randomUUID(), small.tasks().get(), keys(who, seen, delegation));
        }
        UUID plan = UUID.randomUUID();
        UUID runner = UUID.randomUUID();
        PlanStore.Limits limits = new PlanStore.Limits(patience.lease(), KEPT, RUNNING_OF_ONE_MAX);
        if (!store.add(plan, table, who.name(), small.scan(), runner, limits)) {
            throw new Refusal.Unavailable(
                    "`%s` has %d large plans running; nothing was done: try again when some are ready"
                            .formatted(who.name(), RUNNING_OF_ONE_MAX));
        }
        runs.execute(() -> run(plan, runner, table, metadata, small.scan()));
        return awaited(who, seen, plan, delegation);
    }

    /// What has become of a plan. Whoever asks takes over what its runner has left.
    public Planned fetch(Principal who, TableId id, String plan, Delegation delegation) {
        TableStore.Seen seen = readable(who, id);
        Plan known = known(who, seen.table(), plan, Thing.PLAN, plan);
        UUID runner = UUID.randomUUID();
        if (known.abandoned() && store.takeOver(known.id(), runner, patience.lease(), ATTEMPTS_MAX)) {
            Metadata metadata = files.of(seen.table());
            runs.execute(() -> run(known.id(), runner, seen.table(), metadata, known.scan()));
        }
        return awaited(who, seen, known.id(), delegation);
    }

    /// The files of one task.
    public byte[] tasks(Principal who, TableId id, String task) {
        TableStore.Seen seen = readable(who, id);
        Matcher form = TASK.matcher(task);
        if (!form.matches()) {
            throw new Refusal.NotFound(Thing.PLAN_TASK, shown(task));
        }
        Plan plan = known(who, seen.table(), form.group(1), Thing.PLAN_TASK, task);
        return store.page(plan.id(), Integer.parseInt(form.group(2)))
                .orElseThrow(() -> new Refusal.NotFound(Thing.PLAN_TASK, shown(task)));
    }

    /// The caller wants no more of a plan.
    public void cancel(Principal who, TableId id, String plan) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        if (plan.startsWith(INLINE) && uuid(plan.substring(INLINE.length())).isPresent()) {
            return; // nothing is kept of it
        }
        store.cancel(known(who, seen.table(), plan, Thing.PLAN, plan).id());
    }

    private TableStore.Seen readable(Principal who, TableId id) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        restricted.requireWhole(who, seen, files.of(seen.table()));
        return seen;
    }

    /// A plan is its principal's, and about one table.
    private Plan known(Principal who, Table table, String plan, Thing thing, String name) {
        return uuid(plan)
                .flatMap(store::find)
                .filter(found ->
                        found.table() == table.id() && found.principal().equals(who.name()))
                .orElseThrow(() -> new Refusal.NotFound(thing, shown(name)));
    }

    private static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text))
                    .filter(uuid -> uuid.toString().equals(text));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// What can be said of a scan at once.
    ///
    /// @param scan its text, with its snapshot
    /// @param tasks all of it, if it fits one answer
    private record AtOnce(String scan, Optional<byte[]> tasks) {}

    /// Parsed metadata is many times as long as its text: only those who plan have it in memory, not those who wait.
    private AtOnce atOnce(Table table, Metadata metadata, String request) {
        try {
            if (!small.tryAcquire(patience.answer().toMillis(), TimeUnit.MILLISECONDS)) {
                throw new Refusal.Unavailable("other plans are being made; nothing was done: try again");
            }
        } catch (InterruptedException e) {
            throw new Refusal.Unavailable("the server is stopping; nothing was done: try again");
        }
        try {
            Scan scan = planner.scan(metadata, request);
            ScanPlanner.Effort effort = planner.effort(table, scan);
            if (effort.manifests() > MANIFESTS_AT_ONCE_MAX || effort.files() > FILES_AT_ONCE_MAX) {
                return new AtOnce(scan.text(), Optional.empty());
            }
            try (Pages pages = planner.pages(table, scan)) {
                byte[] first = pages.next();
                return new AtOnce(scan.text(), pages.hasNext() ? Optional.empty() : Optional.of(first));
            }
        } finally {
            small.release();
        }
    }

    private Planned awaited(Principal who, TableStore.Seen seen, UUID plan, Delegation delegation) {
        long deadline = System.nanoTime() + patience.answer().toNanos();
        while (true) {
            Plan now = store.find(plan).orElseThrow(() -> new Refusal.NotFound(Thing.PLAN, plan.toString()));
            switch (now.state()) {
                case COMPLETED -> {
                    return new Planned.Ready(plan, now.pages(), keys(who, seen, delegation));
                }
                case CANCELLED -> {
                    return new Planned.Cancelled();
                }
                case FAILED -> {
                    return new Planned.Failed(refusal(now.failure().orElseThrow()));
                }
                case SUBMITTED -> {
                    if (System.nanoTime() - deadline >= 0
                            || Thread.currentThread().isInterrupted()) {
                        return new Planned.Submitted(plan);
                    }
                    LockSupport.parkNanos(PAUSE.toNanos());
                }
            }
        }
    }

    /// A key to read with, whatever else the caller may do.
    private Loaded keys(Principal who, TableStore.Seen seen, Delegation wanted) {
        Table table = seen.table();
        Duration may = Access.lasts(who, seen.sight(), Action.READ);
        Duration whole = restricted.lasts(who, seen, files.of(table));
        Duration right = may.compareTo(whole) < 0 ? may : whole;
        Delegation given = wanted.on(table.storage()).lasting(right);
        return new Loaded(
                Optional.of(table.metadata()),
                new byte[0],
                table.location(),
                table.storage(),
                given.key(right, lifetime -> {
                    Trail.current().how("keys to read");
                    return storage.vend(table.storage(), table.location(), Reach.READ, lifetime);
                }),
                given);
    }

    // --- In the background

    private void run(UUID plan, UUID runner, Table table, Metadata metadata, String scan) {
        Thread running = Thread.currentThread();
        Thread heart = Thread.ofPlatform().name("plan-lease").daemon().start(() -> keep(plan, runner, running));
        try {
            large.acquire();
            try (Pages pages = planner.pages(table, planner.scan(metadata, scan))) {
                save(plan, runner, pages);
            } finally {
                large.release();
            }
        } catch (Refusal e) {
            end(plan, runner, failure(e));
        } catch (DomainStorage.StorageException e) {
            LOG.log(System.Logger.Level.WARNING, "plan " + plan + ": the object storage failed", e);
            end(plan, runner, new Failure(Kind.UNAVAILABLE, "the object storage does not answer: plan again"));
        } catch (InterruptedException e) {
            release(plan, runner);
        } catch (RuntimeException | StackOverflowError e) {
            LOG.log(System.Logger.Level.ERROR, "plan " + plan + " failed", e);
            end(plan, runner, new Failure(Kind.UNAVAILABLE, "planning failed; the server's log knows why"));
        } finally {
            heart.interrupt();
        }
    }

    private void save(UUID plan, UUID runner, Pages pages) throws InterruptedException {
        long deadline = System.nanoTime() + PLAN_TIME_MAX.toNanos();
        for (int page = 0; pages.hasNext(); page++) {
            byte[] body = pages.next();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new Refusal.Unsupported(
                        "planning takes longer than %d minutes: filter more, or plan in the client"
                                .formatted(PLAN_TIME_MAX.toMinutes()));
            }
            if (!store.addPage(plan, runner, page, body)) {
                return;
            }
        }
        store.complete(plan, runner);
    }

    /// Renews the lease until it is interrupted; stops the runner when it has the plan no more.
    private void keep(UUID plan, UUID runner, Thread running) {
        try {
            while (true) {
                Thread.sleep(patience.lease().dividedBy(3));
                try {
                    if (!store.renew(plan, runner, patience.lease())) {
                        running.interrupt();
                        return;
                    }
                } catch (Refusal e) { // the database is away: the lease says for how long that is no harm
                    LOG.log(System.Logger.Level.DEBUG, "the lease of plan {0} was not renewed", plan);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it is done
        }
    }

    /// An interrupted thread gets no connection.
    private void end(UUID plan, UUID runner, Failure failure) {
        if (Thread.interrupted()) {
            release(plan, runner);
            return;
        }
        try {
            store.fail(plan, runner, failure);
        } catch (Refusal e) { // the lease will run out
            LOG.log(System.Logger.Level.INFO, "plan {0} was abandoned: {1}", plan, e.getMessage());
        }
    }

    private void release(UUID plan, UUID runner) {
        try {
            store.release(plan, runner);
        } catch (RuntimeException e) { // the lease will run out
            LOG.log(System.Logger.Level.INFO, "plan {0} was abandoned: {1}", plan, e.getMessage());
        }
    }

    private static Failure failure(Refusal refusal) {
        Kind kind = switch (refusal) {
            case Refusal.Invalid _ -> Kind.INVALID;
            case Refusal.NotAllowed _ -> Kind.NOT_ALLOWED;
            case Refusal.Unsupported _, Refusal.TooLarge _ -> Kind.UNSUPPORTED;
            default -> Kind.UNAVAILABLE;
        };
        return new Failure(kind, String.valueOf(refusal.getMessage()));
    }

    private static Refusal refusal(Failure failure) {
        return switch (failure.kind()) {
            case INVALID -> new Refusal.Invalid(failure.message());
            case NOT_ALLOWED -> new Refusal.NotAllowed(failure.message());
            case UNSUPPORTED -> new Refusal.Unsupported(failure.message());
            case UNAVAILABLE -> new Refusal.Unavailable(failure.message());
        };
    }

    private static String shown(String text) {
        return text.getBytes(UTF_8).length > 60 ? text.substring(0, Math.min(30, text.length())) + "…" : text;
    }

    /// Leaves its plans to other replicas.
    @Override
    public void close() {
        runs.shutdownNow();
        try {
            if (!runs.awaitTermination(patience.answer().toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.log(System.Logger.Level.INFO, "plans were still being made");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
