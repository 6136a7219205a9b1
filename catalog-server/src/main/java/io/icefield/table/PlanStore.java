package io.icefield.table;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/// Plans that take more than one answer, for all replicas. One runner at a time has a plan, by a lease that it renews;
/// what it writes after it has lost the lease to another, or after the plan was cancelled, is not taken.
public interface PlanStore {
    /// @param principal who asked for it
    /// @param scan text of the scan
    /// @param pages those that are there
    /// @param failure if it failed
    /// @param abandoned nobody runs it (any more)
    record Plan(
            UUID id,
            long table,
            String principal,
            String scan,
            State state,
            int pages,
            Optional<Failure> failure,
            boolean abandoned) {}

    enum State {
        SUBMITTED,
        COMPLETED,
        CANCELLED,
        FAILED
    }

    /// Why there is no plan. The message is for the caller.
    record Failure(Kind kind, String message) {
        public enum Kind {
            INVALID,
            NOT_ALLOWED,
            UNSUPPORTED,
            UNAVAILABLE
        }
    }

    /// Keeps a new plan that `runner` has, and forgets old ones. `false` and nothing is kept when the principal has so
    /// many that run.
    boolean add(UUID plan, Table table, String principal, String scan, UUID runner, Limits limits);

    /// @param lease how long a runner has a plan unless it renews that
    /// @param kept how long a plan is kept
    /// @param runningMax plans that one principal may have running
    record Limits(Duration lease, Duration kept, int runningMax) {}

    /// Empty also for one that is too old.
    Optional<Plan> find(UUID plan);

    /// Gives an abandoned plan to another runner, without the pages that there were. `false`: somebody was
    /// faster. A plan that was abandoned too often fails.
    boolean takeOver(UUID plan, UUID runner, Duration lease, int attemptsMax);

    /// `false`: the runner has it no more.
    boolean renew(UUID plan, UUID runner, Duration lease);

    /// Ends the lease, so that another may take over.
    void release(UUID plan, UUID runner);

    /// Keeps the next page. `false`: the runner has the plan no more.
    boolean addPage(UUID plan, UUID runner, int page, byte[] body);

    void complete(UUID plan, UUID runner);

    void fail(UUID plan, UUID runner, Failure failure);

    /// Forgets the pages. A plan that has ended otherwise keeps its end.
    void cancel(UUID plan);

    /// A page of a completed plan, counted from 0.
    Optional<byte[]> page(UUID plan, int page);
}
