package io.icefield.http;

import io.icefield.table.PlanStore;
import io.icefield.table.Table;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// Plans in memory.
public final class InMemoryPlans implements PlanStore {
    private final Map<UUID, Kept> plans = new HashMap<>();

    /// One plan, and all that a row of it has.
    private static final class Kept {
        private final long table;
        private final String principal;
        private final String scan;
        private final long expires;
        private final List<byte[]> pages = new ArrayList<>();
        private State state = State.SUBMITTED;
        private Optional<Failure> failure = Optional.empty();
        private UUID runner;
        private long leasedUntil;
        private int attempts = 1;

        Kept(long table, String principal, String scan, UUID runner, Limits limits) {
            this.table = table;
            this.principal = principal;
            this.scan = scan;
            this.runner = runner;
            this.leasedUntil = after(limits.lease());
            this.expires = after(limits.kept());
        }

        boolean isRunBy(UUID who) {
            return state == State.SUBMITTED && runner.equals(who);
        }

        boolean isAbandoned() {
            return state == State.SUBMITTED && System.nanoTime() - leasedUntil > 0;
        }
    }

    private static long after(Duration time) {
        return System.nanoTime() + time.toNanos();
    }

    private Optional<Kept> kept(UUID plan) {
        return Optional.ofNullable(plans.get(plan)).filter(kept -> System.nanoTime() - kept.expires < 0);
    }

    @Override
    public synchronized boolean add(UUID plan, Table table, String principal, String scan, UUID runner, Limits limits) {
        plans.values().removeIf(kept -> System.nanoTime() - kept.expires >= 0);
        long running = plans.values().stream()
                .filter(kept -> kept.principal.equals(principal) && kept.state == State.SUBMITTED)
                .count();
        if (running >= limits.runningMax()) {
            return false;
        }
        plans.put(plan, new Kept(table.id(), principal, scan, runner, limits));
        return true;
    }

    @Override
    public synchronized Optional<Plan> find(UUID plan) {
        return kept(plan)
                .map(kept -> new Plan(
                        plan,
                        kept.table,
                        kept.principal,
                        kept.scan,
                        kept.state,
                        kept.pages.size(),
                        kept.failure,
                        kept.isAbandoned()));
    }

    @Override
    public synchronized boolean takeOver(UUID plan, UUID runner, Duration lease, int attemptsMax) {
        Kept kept = plans.get(plan);
        if (kept == null || !kept.isAbandoned()) {
            return false;
        }
        if (kept.attempts >= attemptsMax) {
            kept.state = State.FAILED;
            kept.failure = Optional.of(new Failure(Failure.Kind.UNSUPPORTED, "begun too often"));
            return false;
        }
        kept.runner = runner;
        kept.leasedUntil = after(lease);
        kept.attempts++;
        kept.pages.clear();
        return true;
    }

    @Override
    public synchronized boolean renew(UUID plan, UUID runner, Duration lease) {
        Kept kept = plans.get(plan);
        if (kept == null || !kept.isRunBy(runner)) {
            return false;
        }
        kept.leasedUntil = after(lease);
        return true;
    }

    @Override
    public synchronized void release(UUID plan, UUID runner) {
        Kept kept = plans.get(plan);
        if (kept != null && kept.isRunBy(runner)) {
            kept.leasedUntil = System.nanoTime() - 1;
        }
    }

    @Override
    public synchronized boolean addPage(UUID plan, UUID runner, int page, byte[] body) {
        Kept kept = plans.get(plan);
        if (kept == null || !kept.isRunBy(runner) || kept.pages.size() != page) {
            return false;
        }
        return kept.pages.add(body);
    }

    @Override
    public synchronized void complete(UUID plan, UUID runner) {
        Kept kept = plans.get(plan);
        if (kept != null && kept.isRunBy(runner)) {
            kept.state = State.COMPLETED;
        }
    }

    @Override
    public synchronized void fail(UUID plan, UUID runner, Failure failure) {
        Kept kept = plans.get(plan);
        if (kept != null && kept.isRunBy(runner)) {
            kept.state = State.FAILED;
            kept.failure = Optional.of(failure);
        }
    }

    @Override
    public synchronized void cancel(UUID plan) {
        Kept kept = plans.get(plan);
        if (kept != null && kept.state != State.FAILED) {
            kept.state = State.CANCELLED;
            kept.pages.clear();
        }
    }

    @Override
    public synchronized Optional<byte[]> page(UUID plan, int page) {
        return kept(plan)
                .filter(kept -> kept.state == State.COMPLETED && page < kept.pages.size())
                .map(kept -> kept.pages.get(page));
    }
}
