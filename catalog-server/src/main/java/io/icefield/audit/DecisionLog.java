package io.icefield.audit;

import io.icefield.access.Refusal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// Takes decisions in and writes them in batches. Reads cost a count in memory; changes wait until they are written,
/// and whoever waits first writes for all. When the log cannot keep up, requests wait at the door and are then
/// refused: no decision of a request that was let in is dropped.
public final class DecisionLog implements AutoCloseable {
    /// What the log takes before it makes others wait.
    ///
    /// @param queued so many decisions wait at most before requests do
    /// @param admission so long a request waits at the door for room in the queue
    /// @param recording so long a change waits until its decision is written
    /// @param window repeated reads of this time are one decision
    public record Limits(int queued, Duration admission, Duration recording, Duration window) {
        public static final Limits USUAL =
                new Limits(10_000, Duration.ofSeconds(2), Duration.ofSeconds(10), Duration.ofMinutes(1));
    }

    /// Reads that are told apart within a window; more are not summed up.
    public static final int SUMS_MAX = 20_000;

    private static final int BATCH_MAX = 500;
    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(10);
    private static final System.Logger LOG = System.getLogger(DecisionLog.class.getName());

    private final DecisionStore store;
    private final Limits limits;
    private final Clock clock;
    private final Queue<Waiting> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger depth = new AtomicInteger();
    private final AtomicInteger kept = new AtomicInteger();
    private final LongAdder written = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final ReentrantLock turn = new ReentrantLock(true);

    // Guarded by `turn`: what was given to the store and is not known to be written.
    private final List<Waiting> batch = new ArrayList<>();

    private volatile ConcurrentMap<Object, Sum> sums = new ConcurrentHashMap<>();

    // Used by the writer's thread alone.
    private ConcurrentMap<Object, Sum> before = new ConcurrentHashMap<>();
    private Instant windowEnd;
    private boolean failing;

    private volatile boolean stopping;
    private final Thread writer;

    public DecisionLog(DecisionStore store, Limits limits, Clock clock) {
        this.store = store;
        this.limits = limits;
        this.clock = clock;
        this.windowEnd = clock.instant().plus(limits.window());
        this.writer = Thread.ofPlatform().daemon().name("decision-log").unstarted(this::run);
    }

    public void start() {
        writer.start();
    }

    /// Waits until there is room for what the request will decide. Throws `Unavailable` when there is none in time.
    public void admit() {
        if (depth.get() < limits.queued()) {
            return;
        }
        long deadline = System.nanoTime() + limits.admission().toNanos();
        kept.incrementAndGet();
        try {
            while (depth.get() >= limits.queued()) {
                if (System.nanoTime() - deadline >= 0) {
                    refused.increment();
                    throw new Refusal.Unavailable("the log of decisions cannot keep up; nothing was done: try again");
                }
                LockSupport.parkNanos(LOOK_AGAIN.toNanos());
            }
        } finally {
            kept.decrementAndGet();
        }
    }

    /// Takes a decision in; it is written soon.
    public void add(Decision decision) {
        Waiting _ = enqueue(decision);
    }

    /// The same, but of equal ones within a window only the first is taken in at once; the others are counted.
    ///
    /// @param key equal for those that are to be one
    public void count(Object key, Supplier<Decision> decision) {
        while (true) {
            ConcurrentMap<Object, Sum> now = sums;
            Sum sum = now.get(key);
            if (sum == null) {
                if (now.size() >= SUMS_MAX) {
                    add(decision.get());
                    return;
                }
                Sum first = new Sum(decision.get());
                sum = now.putIfAbsent(key, first);
                if (sum == null) {
                    add(first.decision);
                    return;
                }
            }
            if (sum.again()) {
                return;
            }
        }
    }

    /// Takes decisions in and returns when they are written. Throws `Unavailable` when they are not in time; they will
    /// be
    /// when that is possible again.
    public void record(List<Decision> decisions) {
        Waiting last = decisions.stream().map(this::enqueue).toList().getLast();
        long deadline = System.nanoTime() + limits.recording().toNanos();
        while (!last.written) {
            if (System.nanoTime() - deadline >= 0 || !writeInTurn(deadline, last)) {
                throw new Refusal.Unavailable("the decision could not be logged in time");
            }
        }
    }

    /// Decisions that wait to be written.
    public int depth() {
        return depth.get();
    }

    /// Requests that wait at the door.
    public int waiting() {
        return kept.get();
    }

    /// Decisions written since the server started.
    public long written() {
        return written.sum();
    }

    /// Requests that were refused because there was no room.
    public long refused() {
        return refused.sum();
    }

    /// Writes what there is, and stops.
    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(writer);
        try {
            boolean _ = writer.join(limits.recording());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private Waiting enqueue(Decision decision) {
        Waiting waiting = new Waiting(decision.cleaned());
        depth.incrementAndGet();
        queue.add(waiting);
        return waiting;
    }

    // --- Writing

    /// `false`: it did not come to its turn in time.
    private boolean writeInTurn(long deadline, Waiting last) {
        try {
            if (!turn.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
        try {
            if (!last.written) {
                write();
            }
        } catch (Refusal e) {
            LockSupport.parkNanos(LOOK_AGAIN.toNanos()); // the store may come back in time
        } finally {
            turn.unlock();
        }
        return true;
    }

    /// The same batch again until it is written: the store knows it then, should it have got it before.
    private void write() {
        while (batch.size() < BATCH_MAX && !(batch.size() > 0 && batch.getFirst().tried)) {
            Waiting next = queue.poll();
            if (next == null) {
                break;
            }
            batch.add(next);
        }
        if (batch.isEmpty()) {
            return;
        }
        batch.forEach(each -> each.tried = true);
        try {
            store.append(batch.stream().map(each -> each.decision).toList());
        } catch (Refusal.Unavailable | Refusal.OutcomeUnknown | Refusal.Conflict e) {
            throw e;
        } catch (RuntimeException e) { // one of them cannot be stored: each for itself
            LOG.log(System.Logger.Level.ERROR, "a batch of decisions could not be stored", e);
            List.copyOf(batch).forEach(this::writeAlone);
            return;
        }
        done(List.copyOf(batch));
    }

    private void done(List<Waiting> these) {
        written.add(these.size());
        depth.addAndGet(-these.size());
        these.forEach(each -> each.written = true);
        batch.removeAll(these);
    }

    private void writeAlone(Waiting waiting) {
        try {
            store.append(List.of(waiting.decision));
        } catch (Refusal.Unavailable | Refusal.OutcomeUnknown | Refusal.Conflict e) {
            throw e;
        } catch (RuntimeException e) {
            store.append(List.of(waiting.decision.unspeakable()));
        }
        done(List.of(waiting));
    }

    private void run() {
        while (!stopping) {
            LockSupport.parkNanos(PAUSE.toNanos());
            if (!clock.instant().isBefore(windowEnd)) {
                closeWindow();
            }
            writeAll();
        }
        closeWindow();
        closeWindow(); // also what came in between
        writeAll();
    }

    private void writeAll() {
        turn.lock();
        try {
            while (!batch.isEmpty() || !queue.isEmpty()) {
                write();
            }
            if (failing) {
                failing = false;
                LOG.log(System.Logger.Level.INFO, "decisions are written again");
            }
        } catch (RuntimeException e) {
            if (!failing) {
                failing = true;
                LOG.log(System.Logger.Level.WARNING, "decisions cannot be written and wait: " + e.getMessage());
            }
        } finally {
            turn.unlock();
        }
    }

    /// A window is looked at once more when the next one ends: somebody may have been about to count in it.
    private void closeWindow() {
        Instant now = clock.instant();
        windowEnd = now.plus(limits.window());
        ConcurrentMap<Object, Sum> ended = sums;
        sums = new ConcurrentHashMap<>();
        close(before, now);
        close(ended, now);
        before = ended;
    }

    private void close(ConcurrentMap<Object, Sum> window, Instant now) {
        for (Sum sum : window.values()) {
            long more = sum.close();
            if (more > 0) {
                add(sum.decision.repeated(more, now));
            }
        }
    }

    /// One that is to be written.
    private static final class Waiting {
        private final Decision decision;

        // Guarded by `turn`.
        private boolean tried;

        private volatile boolean written;

        Waiting(Decision decision) {
            this.decision = decision;
        }
    }

    /// Equal ones after the first.
    private static final class Sum {
        private final Decision decision;
        private final AtomicLong more = new AtomicLong();

        Sum(Decision decision) {
            this.decision = decision;
        }

        /// `false`: it is closed, and this one was not counted.
        boolean again() {
            return more.incrementAndGet() > 0;
        }

        long close() {
            return Math.max(0, more.getAndSet(Long.MIN_VALUE / 2));
        }
    }
}
