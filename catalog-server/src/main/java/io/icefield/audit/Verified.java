package io.icefield.audit;

import io.icefield.audit.Chain.Link;
import io.icefield.audit.DecisionStore.Ends;
import io.icefield.audit.DecisionStore.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The log, or a part of it, with every hash computed anew.
///
/// @param verified decisions that were looked at
/// @param last how far; the next part starts there
/// @param done the end of the log was reached
public record Verified(Ends ends, long verified, Link last, boolean done, List<Break> breaks) {
    /// Decisions of one part.
    public static final int VERIFIED_MAX = 200_000;

    /// Breaks that one part reports.
    public static final int BREAKS_MAX = 100;

    private static final int STEP = 1_000;

    public Verified {
        breaks = List.copyOf(breaks);
    }

    /// What is wrong with the log at one place.
    ///
    /// @param id of the decision that is not what it was, or is not there
    public record Break(long id, String what) {}

    /// @param from where the part before ended; empty: from the beginning
    public static Verified now(DecisionStore store, Optional<Link> from) {
        Ends ends = store.ends();
        Link last = from.filter(link -> link.id() > ends.cut().id()).orElse(ends.cut());
        List<Break> breaks = new ArrayList<>();
        long verified = 0;
        while (verified < VERIFIED_MAX
                && breaks.size() < BREAKS_MAX
                && last.id() < ends.head().id()) {
            List<Entry> entries = store.after(last.id(), STEP);
            if (entries.isEmpty()) {
                break;
            }
            Link cut = store.ends().cut();
            if (entries.getFirst().link().id() > last.id() + 1 && cut.id() > last.id()) {
                last = cut; // it was cut off meanwhile
                continue;
            }
            for (Entry entry : entries) {
                check(last, entry).ifPresent(breaks::add);
                last = entry.link();
                verified++;
            }
        }
        Link head = store.ends().head();
        boolean done = store.after(last.id(), 1).isEmpty(); // after the head: what comes meanwhile is not looked at
        if (done && !last.equals(head)) {
            breaks.add(
                    last.id() < head.id()
                            ? new Break(last.id() + 1, "decisions from here to %d are missing".formatted(head.id()))
                            : new Break(
                                    last.id(),
                                    "it is not the last one that was added: that was %d".formatted(head.id())));
        }
        return new Verified(ends, verified, last, done, breaks);
    }

    private static Optional<Break> check(Link before, Entry entry) {
        long id = entry.link().id();
        if (id != before.id() + 1) {
            return Optional.of(new Break(
                    before.id() + 1,
                    id == before.id() + 2
                            ? "it is missing"
                            : "decisions from here to %d are missing".formatted(id - 1)));
        }
        return entry.link().hash().equals(Chain.hash(before.hash(), id, entry.decision()))
                ? Optional.empty()
                : Optional.of(new Break(id, "it was altered, or the one before it was"));
    }
}
