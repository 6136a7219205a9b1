package io.icefield.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.audit.DecisionLog.Limits;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DecisionLogTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(100);
    private static final Limits LIMITS = new Limits(5, SHORT, SHORT, Duration.ofMinutes(1));

    private final AtomicReference<Instant> now = new AtomicReference<>(DecisionStoreContract.NOON);
    private final Written written = new Written();
    private DecisionLog log = started(new Limits(100_000, SHORT, PATIENCE, Duration.ofMinutes(1)));

    private DecisionLog started(Limits limits) {
        DecisionLog started = new DecisionLog(written, limits, clock());
        started.start();
        return started;
    }

    @AfterEach
    void close() {
        written.away = null;
        log.close();
    }

    private void limited() {
        log.close();
        log = started(LIMITS);
    }

    private Clock clock() {
        return new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now.get();
            }
        };
    }

    /// What was given to the store, batch by batch.
    private static final class Written implements DecisionStore {
        private final List<Decision> decisions = new ArrayList<>();
        private final AtomicInteger batches = new AtomicInteger();
        volatile @org.jspecify.annotations.Nullable RuntimeException away;
        volatile boolean strict;

        @Override
        public void append(List<Decision> batch) {
            RuntimeException failure = away;
            if (failure != null) {
                throw failure;
            }
            if (strict && batch.stream().anyMatch(each -> each.asked().thing().equals("poison"))) {
                throw new IllegalStateException("no");
            }
            batches.incrementAndGet();
            synchronized (decisions) {
                decisions.addAll(batch);
            }
        }

        List<Decision> all() {
            synchronized (decisions) {
                return List.copyOf(decisions);
            }
        }

        @Override
        public List<Entry> list(Viewer viewer, Filter filter, long before, int limit) {
            throw new AssertionError();
        }

        @Override
        public List<Entry> after(long id, int limit) {
            throw new AssertionError();
        }

        @Override
        public Ends ends() {
            throw new AssertionError();
        }

        @Override
        public int cut(Instant before, long last, int limit) {
            throw new AssertionError();
        }
    }

    private static Decision decision(String thing) {
        return DecisionStoreContract.decision("ann", "sales", thing).repeated(1, DecisionStoreContract.NOON);
    }

    private static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).as("it comes in time").isNegative();
            Thread.onSpinWait();
        }
    }

    @Test
    void equalReadsAreOneAndTheirNumber() throws Exception {
        int threads = 8;
        int each = 20_000;
        List<Callable<Void>> race = IntStream.range(0, threads)
                .<Callable<Void>>mapToObj(thread -> () -> {
                    for (int i = 0; i < each; i++) {
                        String thing = "t" + i % 3;
                        log.count(thing, () -> decision(thing));
                        if (i % 5_000 == 0) {
                            now.updateAndGet(at -> at.plusSeconds(40)); // windows end in between
                        }
                    }
                    return null;
                })
                .toList();
        try (var pool = Executors.newFixedThreadPool(threads)) {
            for (Future<Void> done : pool.invokeAll(race)) {
                done.get();
            }
        }
        log.close();
        List<Decision> all = written.all();
        assertThat(all.stream().mapToLong(Decision::count).sum()).isEqualTo((long) threads * each);
        assertThat(all)
                .as("two a window and thing at most, and there were few windows")
                .hasSizeLessThan(2 * 3 * 40);
        assertThat(log.depth()).isZero();
    }

    @Test
    void theFirstReadIsWrittenAtOnceAndTheOthersWhenTheWindowEnds() {
        for (int i = 0; i < 10; i++) {
            log.count("k", () -> decision("t"));
        }
        until(() -> written.all().size() == 1);
        assertThat(written.all().getFirst().count()).isEqualTo(1);
        now.updateAndGet(at -> at.plusSeconds(61));
        until(() -> written.all().size() == 2);
        Decision sum = written.all().getLast();
        assertThat(sum.count()).isEqualTo(9);
        assertThat(sum.at()).isEqualTo(DecisionStoreContract.NOON);
        assertThat(sum.until()).isEqualTo(DecisionStoreContract.NOON.plusSeconds(61));
    }

    @Test
    void whatIsRecordedIsWrittenWhenTheCallReturnsAndManyShareABatch() throws Exception {
        int threads = 32;
        int each = 50;
        Semaphore together = new Semaphore(0);
        List<Callable<Void>> race = IntStream.range(0, threads)
                .<Callable<Void>>mapToObj(thread -> () -> {
                    together.release();
                    for (int i = 0; i < each; i++) {
                        String thing = thread + "." + i;
                        log.record(List.of(decision(thing)));
                        assertThat(written.all())
                                .anyMatch(one -> one.asked().thing().equals(thing));
                    }
                    return null;
                })
                .toList();
        try (var pool = Executors.newCachedThreadPool()) {
            for (Future<Void> done : pool.invokeAll(race)) {
                done.get();
            }
        }
        assertThat(written.all()).hasSize(threads * each);
        assertThat(written.batches.get()).isLessThan(threads * each);
        assertThat(log.written()).isEqualTo((long) threads * each);
    }

    @Test
    void aFullLogMakesRequestsWaitAndThenRefusesThemAndLosesNothing() {
        limited();
        written.away = new Refusal.Unavailable("away");
        IntStream.range(0, 5).forEach(i -> log.add(decision("t" + i)));
        assertThatThrownBy(log::admit).isInstanceOf(Refusal.Unavailable.class);
        assertThat(log.refused()).isEqualTo(1);
        assertThat(log.depth()).isEqualTo(5);
        log.add(decision("let in before"));

        written.away = null;
        until(() -> log.depth() == 0);
        log.admit();
        assertThat(written.all())
                .extracting(each -> each.asked().thing())
                .containsExactly("t0", "t1", "t2", "t3", "t4", "let in before");
    }

    @Test
    void whoIsNotWrittenInTimeIsToldAndWrittenLater() {
        limited();
        for (RuntimeException failure :
                List.of(new Refusal.Unavailable("away"), new Refusal.OutcomeUnknown("who knows"))) {
            written.away = failure;
            assertThatThrownBy(() -> log.record(List.of(decision("t")))).isInstanceOf(Refusal.Unavailable.class);
            written.away = null;
            until(() -> log.depth() == 0);
        }
        assertThat(written.all()).hasSize(2);
    }

    @Test
    void oneThatCannotBeStoredTakesNoOtherWithIt() {
        written.strict = true;
        log.record(List.of(decision("a"), decision("poison"), decision("b")));
        assertThat(written.all()).extracting(each -> each.asked().thing()).containsExactly("a", "", "b");
        assertThat(written.all().get(1).ruling().reason()).contains("cannot be stored");
    }

    @Test
    void wordsThatCannotBeStoredArePutIntoOnesThatCan() {
        log.record(List.of(decision("a\0b\uD800\u001bc\nd" + "x".repeat(10_000))));
        String thing = written.all().getFirst().asked().thing();
        assertThat(thing).startsWith("a?b??c\nd").hasSize(Decision.REASON_CHARS_MAX);
    }

    @Test
    void closingWritesWhatIsLeft() {
        IntStream.range(0, 1_000).forEach(i -> log.add(decision("t" + i)));
        log.count("k", () -> decision("k"));
        log.count("k", () -> decision("k"));
        log.close();
        assertThat(written.all()).hasSize(1_002);
    }
}
