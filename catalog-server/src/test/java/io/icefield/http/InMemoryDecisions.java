package io.icefield.http;

import io.icefield.access.Refusal;
import io.icefield.audit.Chain;
import io.icefield.audit.Chain.Link;
import io.icefield.audit.Decision;
import io.icefield.audit.DecisionStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// The log of decisions in memory.
final class InMemoryDecisions implements DecisionStore {
    private final List<Entry> entries = new ArrayList<>();
    private Link cut = Chain.START;

    /// Nothing can be added.
    volatile boolean away;

    @Override
    public synchronized void append(List<Decision> decisions) {
        if (away) {
            throw new Refusal.Unavailable("the log is away");
        }
        for (Decision decision : decisions) {
            entries.add(new Entry(Chain.next(ends().head(), decision), decision));
        }
    }

    @Override
    public synchronized List<Entry> list(Viewer viewer, Filter filter, long before, int limit) {
        return entries.reversed().stream()
                .filter(entry -> entry.link().id() < before)
                .filter(entry -> viewer.sees(entry.decision()) && wants(filter, entry.decision()))
                .limit(limit)
                .toList();
    }

    private static boolean wants(Filter filter, Decision decision) {
        Decision.Asked asked = decision.asked();
        return is(filter.who(), asked.who())
                && is(filter.domain(), asked.domain())
                && is(filter.thing(), asked.thing())
                && is(filter.request(), asked.request())
                && is(filter.query(), asked.query())
                && filter.outcome().map(decision.ruling().outcome()::equals).orElse(true)
                && filter.since()
                        .map(since -> !decision.until().isBefore(since))
                        .orElse(true)
                && filter.until().map(decision.at()::isBefore).orElse(true);
    }

    private static boolean is(String wanted, String found) {
        return wanted.isEmpty() || wanted.equals(found);
    }

    @Override
    public synchronized List<Entry> after(long id, int limit) {
        return entries.stream()
                .filter(entry -> entry.link().id() > id)
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Ends ends() {
        return new Ends(cut, entries.isEmpty() ? cut : entries.getLast().link());
    }

    @Override
    public synchronized int cut(Instant before, long last, int limit) {
        int count = 0;
        while (count < limit
                && !entries.isEmpty()
                && entries.getFirst().link().id() <= last
                && entries.getFirst().decision().at().isBefore(before)) {
            cut = entries.removeFirst().link();
            count++;
        }
        return count;
    }
}
