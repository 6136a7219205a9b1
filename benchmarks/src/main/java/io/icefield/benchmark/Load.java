package io.icefield.benchmark;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/// Callers in a loop, as fast as they are answered, for a time; the first part of it is not counted.
final class Load {
    private static final int WARM_UP_OPERATIONS = 10_000;
    private static final int WARM_UP_PARTS_MAX = 4;

    /// A store that fails now and then, on a busy machine, does not end the run.
    private static final int FAILED_MAX = 10;

    private Load() {}

    /// What one caller does again and again; throws when the answer is not the expected one, which counts as failed.
    interface Operation {
        void run() throws Exception;
    }

    /// What one load did: operations per second, and latencies of those that did not fail.
    record Result(int callers, long operations, long failed, double perSecond, Duration p50, Duration p99) {}

    /// One operation for each caller; callers run at the same time, each its own operation again and again. On a
    /// machine
    /// with little to give, the warm-up takes longer: it is for the compiler, which counts calls.
    ///
    /// @param between runs when the warm-up is over
    static Result run(List<? extends Operation> callers, Duration warmUp, Duration measured, Runnable between)
            throws InterruptedException {
        AtomicLong failed = new AtomicLong();
        int done = 0;
        for (int part = 0; part < WARM_UP_PARTS_MAX && (part == 0 || done < WARM_UP_OPERATIONS); part++) {
            done += callersFor(callers, warmUp, failed).length;
        }
        between.run();
        failed.set(0);
        long begin = System.nanoTime();
        long[] nanos = callersFor(callers, measured, failed);
        double seconds = (System.nanoTime() - begin) / 1e9;
        Arrays.sort(nanos);
        return new Result(
                callers.size(),
                nanos.length,
                failed.get(),
                nanos.length / seconds,
                percentile(nanos, 50),
                percentile(nanos, 99));
    }

    /// Threads of the platform: each is blocked in one socket, and needs no second one to be woken.
    private static long[] callersFor(List<? extends Operation> callers, Duration time, AtomicLong failed)
            throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        try (ExecutorService threads = Executors.newFixedThreadPool(callers.size())) {
            List<Future<List<Long>>> running = new ArrayList<>();
            for (Operation operation : callers) {
                running.add(threads.submit(() -> {
                    List<Long> nanos = new ArrayList<>();
                    for (long now = System.nanoTime(); now < end; ) {
                        boolean done = attempt(operation, failed);
                        long after = System.nanoTime();
                        if (done) {
                            nanos.add(after - now);
                        }
                        now = after;
                    }
                    return nanos;
                }));
            }
            List<Long> all = new ArrayList<>();
            for (Future<List<Long>> each : running) {
                all.addAll(each.get());
            }
            return all.stream().mapToLong(Long::longValue).toArray();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a measured operation failed: " + e.getCause(), e);
        }
    }

    private static boolean attempt(Operation operation, AtomicLong failed) throws Exception {
        try {
            operation.run();
            return true;
        } catch (IllegalStateException e) {
            if (failed.incrementAndGet() > FAILED_MAX) {
                throw e;
            }
            System.err.println(e.getMessage());
            return false;
        }
    }

    private static Duration percentile(long[] sorted, int percent) {
        if (sorted.length == 0) {
            throw new IllegalStateException("not one operation was done in the time");
        }
        return Duration.ofNanos(sorted[(int) Math.min(sorted.length - 1L, (long) sorted.length * percent / 100)]);
    }
}
