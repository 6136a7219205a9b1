package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class RoundsTest {
    private final List<List<String>> queries = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch held = new CountDownLatch(1);

    /// The first query is held; one with the word `poison` fails.
    private List<String> upper(List<String> words) {
        queries.add(List.copyOf(words));
        begun.countDown();
        try {
            held.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        if (words.contains("poison")) {
            throw new IllegalArgumentException("poison");
        }
        return words.stream().map(word -> word + "!").toList();
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("waiting").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void whoComesDuringAQueryIsAnsweredByTheNextOneTogether() throws Exception {
        Rounds<String, String> rounds = new Rounds<>(this::upper, 1);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<String> first = threads.submit(() -> rounds.answer("a"));
            begun.await();
            List<Future<String>> others = List.of("b", "c", "d").stream()
                    .map(each -> threads.submit(() -> rounds.answer(each)))
                    .toList();
            await(() -> rounds.waiting() == 3);
            held.countDown();

            assertThat(first.get()).isEqualTo("a!");
            assertThat(others).extracting(Future::get).containsExactly("b!", "c!", "d!");
        }
        assertThat(queries).hasSize(2).first().isEqualTo(List.of("a"));
    }

    @Test
    void oneBadQuestionSpoilsNobodyElsesAnswer() throws Exception {
        Rounds<String, String> rounds = new Rounds<>(this::upper, 1);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<String> first = threads.submit(() -> rounds.answer("a"));
            begun.await();
            Future<String> bad = threads.submit(() -> rounds.answer("poison"));
            Future<String> good = threads.submit(() -> rounds.answer("b"));
            await(() -> rounds.waiting() == 2);
            held.countDown();

            assertThat(first.get()).isEqualTo("a!");
            assertThat(good.get()).isEqualTo("b!");
            assertThatThrownBy(bad::get).hasRootCauseMessage("poison");
        }
    }

    @Test
    void anInterruptedCallerGetsItsAnswerAndStaysInterrupted() throws Exception {
        Rounds<String, String> rounds = new Rounds<>(this::upper, 1);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<String> first = threads.submit(() -> rounds.answer("a"));
            begun.await();
            Future<Boolean> interrupted = threads.submit(() -> {
                Thread.currentThread().interrupt();
                assertThat(rounds.answer("b")).isEqualTo("b!");
                return Thread.currentThread().isInterrupted();
            });
            await(() -> rounds.waiting() == 1);
            held.countDown();

            assertThat(first.get()).isEqualTo("a!");
            assertThat(interrupted.get()).isTrue();
        }
    }

    @Test
    void noAnswerIsOlderThanItsQuestion() throws Exception {
        AtomicInteger state = new AtomicInteger();
        for (int turns : new int[] {1, 3}) {
            Rounds<Integer, Integer> rounds = new Rounds<>(
                    questions -> {
                        int seen = state.get();
                        return questions.stream().map(_ -> seen).toList();
                    },
                    turns);
            Callable<Integer> caller = () -> {
                for (int i = 0; i < 2_000; i++) {
                    int mine = state.incrementAndGet();
                    assertThat(rounds.answer(mine)).isGreaterThanOrEqualTo(mine);
                }
                return 0;
            };
            try (ExecutorService threads = Executors.newCachedThreadPool()) {
                for (Future<Integer> each : threads.invokeAll(Collections.nCopies(16, caller))) {
                    assertThat(each.get()).isZero();
                }
            }
        }
    }
}
