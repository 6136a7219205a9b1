package io.icefield.table;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.table.PlanStore.Failure;
import io.icefield.table.PlanStore.Limits;
import io.icefield.table.PlanStore.Plan;
import io.icefield.table.PlanStore.State;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// [PlanStore]'s promises.
public abstract class PlanStoreContract {
    protected abstract PlanStore store();

    /// A table that is there.
    protected abstract Table table();

    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration OVER = Duration.ofMillis(-1);
    private static final Limits LIMITS = new Limits(LONG, LONG, 2);
    private static final int ATTEMPTS_MAX = 3;

    private final UUID runner = UUID.randomUUID();
    private final UUID other = UUID.randomUUID();

    private UUID added(Limits limits) {
        UUID plan = UUID.randomUUID();
        assertThat(store().add(plan, table(), "p" + plan, "{}", runner, limits)).isTrue();
        return plan;
    }

    private Plan now(UUID plan) {
        return store().find(plan).orElseThrow();
    }

    private static byte[] page(int number) {
        return ("page " + number).getBytes(UTF_8);
    }

    @Test
    void aPlanIsMadePageByPage() {
        UUID plan = added(LIMITS);
        assertThat(now(plan))
                .isEqualTo(new Plan(plan, table().id(), "p" + plan, "{}", State.SUBMITTED, 0, Optional.empty(), false));
        assertThat(store().addPage(plan, runner, 0, page(0))).isTrue();
        assertThat(store().addPage(plan, runner, 1, page(1))).isTrue();
        assertThat(store().page(plan, 0)).as("not before it is complete").isEmpty();
        store().complete(plan, runner);
        assertThat(now(plan).state()).isEqualTo(State.COMPLETED);
        assertThat(now(plan).pages()).isEqualTo(2);
        assertThat(store().page(plan, 0)).hasValue(page(0));
        assertThat(store().page(plan, 1)).hasValue(page(1));
        assertThat(store().page(plan, 2)).isEmpty();
        assertThat(store().page(UUID.randomUUID(), 0)).isEmpty();
        assertThat(store().find(UUID.randomUUID())).isEmpty();
    }

    @Test
    void aPlanIsItsRunnersWhileItRenewsItsLease() {
        UUID plan = added(LIMITS);
        assertThat(store().takeOver(plan, other, LONG, ATTEMPTS_MAX)).isFalse();
        assertThat(store().renew(plan, other, LONG)).isFalse();
        assertThat(store().addPage(plan, other, 0, page(0))).isFalse();
        store().complete(plan, other);
        store().fail(plan, other, new Failure(Failure.Kind.INVALID, "no"));
        store().release(plan, other);
        assertThat(now(plan).state()).isEqualTo(State.SUBMITTED);
        assertThat(now(plan).abandoned()).isFalse();
        assertThat(store().renew(plan, runner, LONG)).isTrue();
    }

    @Test
    void anAbandonedPlanBeginsAnewUnderAnotherRunner() {
        UUID plan = added(LIMITS);
        store().addPage(plan, runner, 0, page(7));
        store().release(plan, runner);
        assertThat(now(plan).abandoned()).isTrue();
        assertThat(store().takeOver(plan, other, LONG, ATTEMPTS_MAX)).isTrue();
        assertThat(now(plan).abandoned()).isFalse();
        assertThat(now(plan).pages()).isZero();

        assertThat(store().renew(plan, runner, LONG))
                .as("the first one comes back")
                .isFalse();
        assertThat(store().addPage(plan, runner, 1, page(8))).isFalse();
        assertThat(store().addPage(plan, other, 0, page(0))).isTrue();
        store().complete(plan, runner);
        assertThat(now(plan).state()).isEqualTo(State.SUBMITTED);
        store().complete(plan, other);
        assertThat(store().page(plan, 0)).hasValue(page(0));
    }

    @Test
    void aLeaseThatRunsOutIsOver() {
        UUID plan = added(new Limits(OVER, LONG, 2));
        assertThat(now(plan).abandoned()).isTrue();
        assertThat(store().renew(plan, runner, LONG)).as("nobody was faster").isTrue();
        assertThat(now(plan).abandoned()).isFalse();
        assertThat(store().renew(plan, runner, OVER)).isTrue();
        assertThat(now(plan).abandoned()).isTrue();
    }

    @Test
    void ofThoseWhoTakeOverOneDoes() throws Exception {
        UUID plan = added(new Limits(OVER, LONG, 2));
        try (var threads = Executors.newCachedThreadPool()) {
            List<Callable<Boolean>> race = Stream.generate(UUID::randomUUID)
                    .limit(6)
                    .<Callable<Boolean>>map(each -> () -> store().takeOver(plan, each, LONG, ATTEMPTS_MAX))
                    .toList();
            assertThat(threads.invokeAll(race)).map(Future::resultNow).containsOnlyOnce(true);
        }
    }

    @Test
    void aPlanThatIsAbandonedTooOftenFails() {
        UUID plan = added(new Limits(OVER, LONG, 2));
        assertThat(store().takeOver(plan, other, OVER, 2)).isTrue();
        assertThat(store().takeOver(plan, runner, OVER, 2)).isFalse();
        assertThat(now(plan).state()).isEqualTo(State.FAILED);
        assertThat(now(plan).failure().orElseThrow().kind()).isEqualTo(Failure.Kind.UNSUPPORTED);
    }

    @Test
    void aFailureKeepsItsReason() {
        UUID plan = added(LIMITS);
        Failure failure = new Failure(Failure.Kind.NOT_ALLOWED, "because");
        store().fail(plan, runner, failure);
        assertThat(now(plan).state()).isEqualTo(State.FAILED);
        assertThat(now(plan).failure()).hasValue(failure);
        store().complete(plan, runner);
        store().cancel(plan);
        assertThat(now(plan).state()).isEqualTo(State.FAILED);
    }

    @Test
    void aCancelledPlanTakesAndGivesNothing() {
        UUID running = added(LIMITS);
        store().addPage(running, runner, 0, page(0));
        store().cancel(running);
        assertThat(now(running).state()).isEqualTo(State.CANCELLED);
        assertThat(now(running).abandoned()).isFalse();
        assertThat(store().renew(running, runner, LONG)).isFalse();
        assertThat(store().addPage(running, runner, 1, page(1))).isFalse();
        store().complete(running, runner);
        assertThat(now(running).state()).isEqualTo(State.CANCELLED);

        UUID complete = added(LIMITS);
        store().addPage(complete, runner, 0, page(0));
        store().complete(complete, runner);
        store().cancel(complete);
        store().cancel(complete);
        store().cancel(UUID.randomUUID());
        assertThat(now(complete).state()).isEqualTo(State.CANCELLED);
        assertThat(store().page(complete, 0)).isEmpty();
    }

    @Test
    void oneHasOnlySoManyRunning() {
        List<UUID> plans = Stream.generate(UUID::randomUUID).limit(3).toList();
        String who = "busy-" + plans.getFirst();
        assertThat(store().add(plans.get(0), table(), who, "{}", runner, LIMITS))
                .isTrue();
        assertThat(store().add(plans.get(1), table(), who, "{}", runner, LIMITS))
                .isTrue();
        assertThat(store().add(plans.get(2), table(), who, "{}", runner, LIMITS))
                .isFalse();
        assertThat(store().find(plans.get(2))).isEmpty();
        store().complete(plans.get(0), runner);
        assertThat(store().add(plans.get(2), table(), who, "{}", runner, LIMITS))
                .isTrue();
    }

    @Test
    void anOldPlanIsForgotten() {
        UUID plan = added(new Limits(LONG, OVER, 2));
        assertThat(store().find(plan)).isEmpty();
        assertThat(store().page(plan, 0)).isEmpty();
        UUID _ = added(LIMITS);
        assertThat(store().renew(plan, runner, LONG)).isFalse();
    }
}
