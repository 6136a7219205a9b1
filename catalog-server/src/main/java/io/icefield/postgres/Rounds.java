package io.icefield.postgres;

import io.icefield.access.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Asks the database once for all callers that wait, instead of once for each: the more callers, the cheaper each. A
/// question joins only a query that is sent after it came, so no answer is older than its question.
final class Rounds<Q, A> {
    /// Questions of one query.
    private static final int QUESTIONS_MAX = 64;

    private static final Duration WAIT_MAX = Duration.ofSeconds(5);

    private final Function<List<Q>, List<A>> query;
    private final Semaphore turns;
    private final Queue<Asked<Q, A>> waiting = new ConcurrentLinkedQueue<>();

    /// @param query answers questions in their order
    /// @param turns queries at the same time
    Rounds(Function<List<Q>, List<A>> query, int turns) {
        this.query = query;
        this.turns = new Semaphore(turns);
    }

    /// Whoever finds a free turn asks for all who wait; the others sleep until they are answered or a turn is free.
    A answer(Q question) {
        Asked<Q, A> asked = new Asked<>(question, Thread.currentThread());
        waiting.add(asked);
        boolean interrupted = false;
        while (asked.isOpen()) {
            if (asked.state == State.WAITING && turns.tryAcquire()) {
                try {
                    ask(taken());
                } finally {
                    turns.release();
                    wakeNext();
                }
            } else {
                // Not for a time: that would wake the timer's thread for each. A round ends, its query has a limit.
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return switch (asked.state) {
            case ANSWERED -> asked.answered();
            // One question can spoil a query for all: then each is asked by itself.
            case ALONE -> query.apply(List.of(question)).getFirst();
            case LATE, WAITING, TAKEN ->
                throw new Refusal.Unavailable("the catalog's database is too slow; nothing was done: try again");
        };
    }

    /// How many wait for the next round.
    int waiting() {
        return waiting.size();
    }

    private List<Asked<Q, A>> taken() {
        List<Asked<Q, A>> round = new ArrayList<>();
        long oldest = System.nanoTime() - WAIT_MAX.toNanos();
        while (round.size() < QUESTIONS_MAX) {
            Asked<Q, A> next = waiting.poll();
            if (next == null) {
                break;
            }
            if (next.since - oldest < 0) {
                next.end(State.LATE);
            } else {
                next.state = State.TAKEN;
                round.add(next);
            }
        }
        return round;
    }

    private void ask(List<Asked<Q, A>> round) {
        if (round.isEmpty()) {
            return;
        }
        List<A> answers;
        try {
            answers = query.apply(round.stream().map(asked -> asked.question).toList());
        } catch (RuntimeException | Error e) {
            round.forEach(asked -> asked.end(State.ALONE));
            return;
        }
        for (int i = 0; i < round.size(); i++) {
            round.get(i).answer = answers.get(i);
            round.get(i).end(State.ANSWERED);
        }
    }

    /// Nobody sleeps beside a free turn: who comes after the look below finds the turn itself.
    private void wakeNext() {
        Asked<Q, A> next = waiting.peek();
        if (next != null) {
            LockSupport.unpark(next.thread);
        }
    }

    private enum State {
        WAITING,
        TAKEN,
        ANSWERED,
        ALONE,
        LATE
    }

    private static final class Asked<Q, A> {
        private final Q question;
        private final Thread thread;
        private final long since = System.nanoTime();
        private @Nullable A answer;
        private volatile State state = State.WAITING;

        Asked(Q question, Thread thread) {
            this.question = question;
            this.thread = thread;
        }

        boolean isOpen() {
            return state == State.WAITING || state == State.TAKEN;
        }

        void end(State how) {
            state = how;
            LockSupport.unpark(thread);
        }

        A answered() {
            A given = answer;
            if (given == null) {
                throw new IllegalStateException("answered without an answer");
            }
            return given;
        }
    }
}
