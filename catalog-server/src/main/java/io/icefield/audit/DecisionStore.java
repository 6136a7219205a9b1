package io.icefield.audit;

import io.icefield.access.Refusal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The log: it grows at its end, and is cut at its beginning. Nothing in between changes.
public interface DecisionStore {
    /// A decision in its place.
    record Entry(Chain.Link link, Decision decision) {}

    /// The log between its ends.
    ///
    /// @param cut the last one that was cut off; what follows it is the first of the log
    /// @param head the last one that was added; the same as `cut` when the log is empty
    record Ends(Chain.Link cut, Chain.Link head) {}

    /// What is looked for; an empty text is not looked at.
    ///
    /// @param outcome empty: any
    record Filter(
            String who,
            String domain,
            String thing,
            Optional<Decision.Outcome> outcome,
            String request,
            String query,
            Optional<Instant> since,
            Optional<Instant> until) {
        public static final Filter ANY =
                new Filter("", "", "", Optional.empty(), "", "", Optional.empty(), Optional.empty());
    }

    /// Who looks.
    ///
    /// @param all sees everything
    /// @param domains sees all of these
    record Viewer(String name, boolean all, Set<String> domains) {
        public Viewer {
            domains = Set.copyOf(domains);
        }

        public boolean sees(Decision decision) {
            return all
                    || decision.asked().who().equals(name)
                    || domains.contains(decision.asked().domain());
        }
    }

    /// Adds these at the end in their order, all of them or none. Whoever adds at the same time, on this server or
    /// another, comes before all of them or after. After a failure the same list may be given again, and nothing
    /// else before it: what was added in spite of the failure is not added twice. Throws `Unavailable` when nothing
    /// was added, `OutcomeUnknown` when that is not sure.
    void append(List<Decision> decisions) throws Refusal;

    /// What the viewer may see and the filter wants, newest first, before this id.
    List<Entry> list(Viewer viewer, Filter filter, long before, int limit);

    /// The same in the order of their ids, after this one, whoever looks.
    List<Entry> after(long id, int limit);

    Ends ends();

    /// Cuts off at most `limit` decisions from the beginning: older ones than `before`, none after `last`. Their last
    /// one's hash is kept. Returns how many they were.
    int cut(Instant before, long last, int limit);
}
