package io.icefield.table;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// What is done in the background, by every replica: forgetting and purging what was dropped, forgetting
/// the keys of requests, probing storages.
public final class Housekeeping implements Runnable {
    private static final Duration PAUSE = Duration.ofSeconds(10);
    private static final System.Logger LOG = System.getLogger(Housekeeping.class.getName());

    private final PurgeQueue queue;
    private final PurgeTables purge;
    private final RequestKeys keys;
    private final List<BooleanSupplier> others;
    private final Semaphore wanted = new Semaphore(0);

    /// @param others what else is done, a part at each turn
    public Housekeeping(PurgeQueue queue, PurgeTables purge, RequestKeys keys, List<BooleanSupplier> others) {
        this.queue = queue;
        this.purge = purge;
        this.keys = keys;
        this.others = List.copyOf(others);
    }

    /// There is something to do: it need not wait for its turn.
    public void wake() {
        wanted.release();
    }

    /// Until the thread is interrupted. What fails is tried again at the next turn.
    @Override
    public void run() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                turn();
                if (wanted.tryAcquire(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    wanted.drainPermits();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// One part that fails does not keep the others from being done.
    private void turn() {
        each(() -> keys.expire() > 0);
        each(this::forget);
        each(this::purge);
        others.forEach(Housekeeping::each);
    }

    private boolean forget() {
        int forgotten = queue.forget();
        if (forgotten > 0) {
            LOG.log(System.Logger.Level.INFO, "{0} dropped tables and views are forgotten", forgotten);
        }
        return forgotten > 0;
    }

    private boolean purge() {
        while (!Thread.currentThread().isInterrupted() && purge.next()) {
            // the next one
        }
        return true;
    }

    private static void each(BooleanSupplier part) {
        try {
            boolean _ = part.getAsBoolean();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "housekeeping failed; it goes on in {0}: {1}", PAUSE, e.toString());
        }
    }
}
