package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.LongAdder;

/// Keeps what clients report of their scans and commits, so that a table's use can be seen. No query waits for
/// this or fails with it: reports are queued and written later, and when there are too many they are dropped and
/// counted.
public final class ReportMetrics {
    /// Reports of a table that are kept.
    public static final int PER_TABLE_MAX = 1_000;

    /// A longer report is dropped.
    public static final int REPORT_CHARS_MAX = 64 << 10;

    /// Reports of a page.
    public static final int PAGE_MAX = 100;

    private static final int QUEUED_MAX = 512;
    private static final int BATCH_MAX = 64;
    private static final int KIND_CHARS_MAX = 100;
    private static final Duration FORGET_EVERY = Duration.ofHours(1);
    private static final System.Logger LOG = System.getLogger(ReportMetrics.class.getName());

    private final Tables tables;
    private final MetricsStore store;
    private final Duration retention;
    private final Clock clock;
    private final BlockingQueue<Told> queue = new ArrayBlockingQueue<>(QUEUED_MAX);
    private final LongAdder dropped = new LongAdder();
    private Instant forgotten = Instant.EPOCH;

    /// @param retention how long reports are kept; zero: they are not
    public ReportMetrics(Tables tables, MetricsStore store, Duration retention, Clock clock) {
        this.tables = tables;
        this.store = store;
        this.retention = retention;
        this.clock = clock;
    }

    private record Told(
            Principal who, TableId table, String kind, Optional<Long> snapshot, String body, Instant receivedAt) {}

    /// Takes a report, if there is room for it. Neither waits nor fails. Whether the table is there, and is the
    /// caller's to read, is found out later.
    public void report(Principal who, TableId table, String kind, Optional<Long> snapshot, String body) {
        if (retention.isZero()) {
            return;
        }
        String name = kind.length() > KIND_CHARS_MAX ? kind.substring(0, KIND_CHARS_MAX) : kind;
        if (body.length() > REPORT_CHARS_MAX
                || !queue.offer(new Told(who, table, name, snapshot, body, clock.instant()))) {
            dropped.increment();
        }
    }

    /// Reports that were not kept since the server started.
    public long dropped() {
        return dropped.sum();
    }

    /// Writes what is queued, until its thread is interrupted.
    public void run() {
        List<Told> batch = new ArrayList<>();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                batch.clear();
                batch.add(queue.take());
                queue.drainTo(batch, BATCH_MAX - 1);
                write(batch);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) { // the database is away: what comes next may be luckier
                dropped.add(batch.size());
                LOG.log(System.Logger.Level.DEBUG, "reports were not kept", e);
            }
        }
    }

    private void write(List<Told> batch) {
        List<MetricsStore.Report> reports =
                batch.stream().flatMap(told -> found(told).stream()).toList();
        if (reports.isEmpty()) {
            return;
        }
        try {
            store.add(reports, PER_TABLE_MAX);
        } catch (Refusal.Invalid e) { // one of them cannot be stored, so each for itself
            reports.forEach(this::writeAlone);
        }
        Instant now = clock.instant();
        if (forgotten.plus(FORGET_EVERY).isBefore(now)) {
            store.forget(now.minus(retention));
            forgotten = now;
        }
    }

    private void writeAlone(MetricsStore.Report report) {
        try {
            store.add(List.of(report), PER_TABLE_MAX);
        } catch (Refusal.Invalid e) {
            dropped.increment();
        }
    }

    private Optional<MetricsStore.Report> found(Told told) {
        try {
            Table table = tables.get(told.who(), Action.READ, told.table()).table();
            return Optional.of(new MetricsStore.Report(
                    table, told.kind(), told.snapshot(), told.who().name(), told.receivedAt(), told.body()));
        } catch (Refusal.NotFound | Refusal.NotAllowed e) {
            dropped.increment();
            return Optional.empty();
        }
    }

    /// The reports of a table, newest first. Filters of scans name values of columns, so who sees the table
    /// masked sees none.
    public Page<MetricsStore.Kept> list(Principal who, TableId id, Page.Request page) {
        TableStore.Seen seen = tables.get(who, Action.READ, id);
        if (!Access.readsClear(who, seen.sight())) {
            throw new Refusal.NotAllowed(
                    "`%s` may not read the reports on table `%s`: they hold values of its columns; ask an owner of its domain for the role steward"
                            .formatted(who.name(), id));
        }
        int limit = Math.min(page.size(), PAGE_MAX);
        List<MetricsStore.Kept> found = store.list(seen.table(), before(page.after()), limit);
        return new Page<>(
                found,
                found.size() < limit
                        ? Optional.empty()
                        : Optional.of(Long.toString(found.getLast().id())));
    }

    private static long before(String after) {
        try {
            return after.isEmpty() ? Long.MAX_VALUE : Long.parseLong(after);
        } catch (NumberFormatException e) {
            throw new Refusal.Invalid("`pageToken` is not one that this list gave: start again without it");
        }
    }
}
