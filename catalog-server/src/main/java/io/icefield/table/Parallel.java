package io.icefield.table;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Several things at once that wait for the store or the database.
final class Parallel {
    /// They end when nothing was to do for a minute.
    private static final ExecutorService HELPERS = Executors.newCachedThreadPool(
            Thread.ofPlatform().name("parallel-", 0).daemon().factory());

    private Parallel() {}

    /// Runs all of them, the caller with others, and returns when the last is done. Then throws what the first that
    /// failed threw.
    ///
    /// @param atOnce how many at a time
    static void run(int atOnce, List<? extends Runnable> all) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        int helpers = Math.min(atOnce, all.size()) - 1;
        CountDownLatch helping = new CountDownLatch(Math.max(helpers, 0));
        Runnable some = () -> {
            for (int i = next.getAndIncrement(); i < all.size(); i = next.getAndIncrement()) {
                try {
                    all.get(i).run();
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                }
            }
        };
        for (int i = 0; i < helpers; i++) {
            try {
                HELPERS.execute(() -> {
                    try {
                        some.run();
                    } finally {
                        helping.countDown();
                    }
                });
            } catch (OutOfMemoryError e) { // no thread is to be had: those that are there do it
                helping.countDown();
            }
        }
        some.run();
        awaitAll(helping);
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /// Also when the caller is interrupted: what others still write must be known to be there.
    private static void awaitAll(CountDownLatch helping) {
        boolean interrupted = false;
        while (true) {
            try {
                helping.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
