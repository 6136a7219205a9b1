package io.icefield.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.icefield.access.Throttle.Limit;
import io.icefield.access.Throttle.Turn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ThrottleTest {
    /// It may be anything, also about to overflow.
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000);

    private Throttle throttle(int perSecond, int burst, int atOnce) {
        return new Throttle(new Limit(perSecond, burst, atOnce), now::get);
    }

    private void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }

    private static void ask(Throttle throttle, String who, int times) {
        for (int i = 0; i < times; i++) {
            throttle.enter(who).close();
        }
    }

    private static Duration refused(Throttle throttle, String who) {
        return catchThrowableOfType(Refusal.TooManyRequests.class, () -> throttle.enter(who))
                .waiting();
    }

    @Test
    void afterTheBurstThePaceHolds() {
        Throttle throttle = throttle(10, 3, 0);
        ask(throttle, "anna", 3);
        assertThat(refused(throttle, "anna")).isEqualTo(Duration.ofMillis(100));
        ask(throttle, "bob", 3);
        pass(Duration.ofMillis(99));
        assertThat(refused(throttle, "anna")).isEqualTo(Duration.ofMillis(1));
        pass(Duration.ofMillis(1));
        ask(throttle, "anna", 1);
        assertThat(refused(throttle, "anna")).as("refusals cost nothing").isEqualTo(Duration.ofMillis(100));
        pass(Duration.ofHours(1));
        ask(throttle, "anna", 3);
        assertThat(refused(throttle, "anna"))
                .as("a long pause saves no more than the burst")
                .isPositive();
    }

    @Test
    void overALongTimeExactlyThePaceIsServed() {
        Throttle throttle = throttle(7, 1, 0);
        int served = 0;
        for (int i = 0; i < 100_000; i++) {
            pass(Duration.ofMillis(1));
            try {
                throttle.enter("anna").close();
                served++;
            } catch (Refusal.TooManyRequests _) {
                // later
            }
        }
        assertThat(served).isBetween(690, 701);
    }

    @Test
    void onlySoManyAreServedAtOnce() {
        Throttle throttle = throttle(0, 0, 2);
        Turn first = throttle.enter("anna");
        Turn second = throttle.enter("anna");
        assertThatThrownBy(() -> throttle.enter("anna"))
                .isInstanceOf(Refusal.TooManyRequests.class)
                .hasMessageContaining("2 requests of `anna` are being served");
        throttle.enter("bob").close();
        first.close();
        throttle.enter("anna").close();
        second.close();
    }

    @Test
    void atTheSameTimeNoMoreThanTheLimitComeIn() throws Exception {
        Throttle throttle = new Throttle(new Limit(0, 0, 5));
        try (var threads = Executors.newCachedThreadPool()) {
            List<Callable<Boolean>> race = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                race.add(() -> {
                    try {
                        Turn _ = throttle.enter("anna"); // and stays
                        return true;
                    } catch (Refusal.TooManyRequests _) {
                        return false;
                    }
                });
            }
            assertThat(threads.invokeAll(race))
                    .map(Future::resultNow)
                    .filteredOn(in -> in)
                    .hasSize(5);
        }
    }

    @Test
    void withoutALimitNobodyIsRemembered() {
        Throttle throttle = new Throttle(Limit.NONE, now::get);
        ask(throttle, "anna", 1_000);
        assertThat(throttle.tracked()).isZero();
    }

    @Test
    void idleCallersAreForgottenAndBusyOnesAreNot() {
        Throttle throttle = throttle(1, 2, 1);
        Turn busy = throttle.enter("busy");
        for (int i = 0; i < Throttle.TRACKED_MAX - 1; i++) {
            ask(throttle, "caller " + i, 1);
        }
        assertThat(throttle.tracked()).isEqualTo(Throttle.TRACKED_MAX);
        ask(throttle, "new", 2);
        assertThat(throttle.tracked()).as("none is idle yet").isEqualTo(Throttle.TRACKED_MAX);
        assertThat(refused(throttle, "newer")).as("those beyond share one pace").isPositive();

        pass(Duration.ofSeconds(2));
        ask(throttle, "newest", 2);
        assertThat(throttle.tracked()).isEqualTo(2);
        assertThatThrownBy(() -> throttle.enter("busy")).isInstanceOf(Refusal.TooManyRequests.class);
        busy.close();
        throttle.enter("busy").close();
    }
}
