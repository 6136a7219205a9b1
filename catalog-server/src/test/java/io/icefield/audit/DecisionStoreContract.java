package io.icefield.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.audit.Chain.Link;
import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Outcome;
import io.icefield.audit.Decision.Ruling;
import io.icefield.audit.DecisionStore.Ends;
import io.icefield.audit.DecisionStore.Entry;
import io.icefield.audit.DecisionStore.Filter;
import io.icefield.audit.DecisionStore.Viewer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// [DecisionStore]'s promises.
public abstract class DecisionStoreContract {
    protected static final Instant NOON = Instant.parse("2026-01-02T12:00:00.123456Z");
    protected static final Viewer ALL = new Viewer("boss", true, Set.of());
    private static final int THREADS = 8;
    private static final int BATCHES = 20;

    /// A log with nothing in it.
    protected abstract DecisionStore store();

    public static Decision decision(String who, String domain, String thing) {
        return decision(who, domain, thing, "", "", NOON, Outcome.ALLOWED);
    }

    protected static Decision decision(
            String who, String domain, String thing, String request, String query, Instant at, Outcome outcome) {
        return new Decision(
                at,
                at.plusSeconds(1),
                7,
                new Asked(who, "trino", "commit", "read", domain, thing, "columns a", request, query),
                new Ruling(outcome, "why\nnot", List.of("deny:naming/a", "warn:b"), "owner", true, false, "v1"),
                "replica-1");
    }

    private List<String> things(Viewer viewer, Filter filter) {
        return store().list(viewer, filter, Long.MAX_VALUE, 100).stream()
                .map(entry -> entry.decision().asked().thing())
                .toList();
    }

    @Test
    void whatIsAddedComesBackAsItWasEachLinkedToTheOneBefore() {
        assertThat(store().ends()).isEqualTo(new Ends(Chain.START, Chain.START));
        Decision first = decision("ann", "sales", "sales.crm");
        Decision second = decision("", "", "", "r", "q", NOON.plusSeconds(5), Outcome.DENIED);
        store().append(List.of(first, second));
        store().append(List.of(first));

        Link one = Chain.next(Chain.START, first);
        Link two = Chain.next(one, second);
        Link three = Chain.next(two, first);
        assertThat(store().after(0, 10))
                .containsExactly(new Entry(one, first), new Entry(two, second), new Entry(three, first));
        assertThat(store().after(1, 1)).containsExactly(new Entry(two, second));
        assertThat(store().ends()).isEqualTo(new Ends(Chain.START, three));
        assertThat(one.hash()).isNotEqualTo(three.hash());
    }

    @Test
    void whoeverAddsAtTheSameTimeAddsToOneChain() throws Exception {
        List<Callable<Void>> race = IntStream.range(0, THREADS)
                .<Callable<Void>>mapToObj(thread -> () -> {
                    for (int i = 0; i < BATCHES; i++) {
                        store().append(List.of(
                                decision("t" + thread, "d", i + "a"), decision("t" + thread, "d", i + "b")));
                    }
                    return null;
                })
                .toList();
        try (var threads = Executors.newCachedThreadPool()) {
            for (Future<Void> each : threads.invokeAll(race)) {
                each.get();
            }
        }
        Link last = Chain.START;
        List<Entry> all = store().after(0, 10_000);
        assertThat(all).hasSize(THREADS * BATCHES * 2);
        for (Entry entry : all) {
            last = Chain.next(last, entry.decision());
            assertThat(entry.link()).isEqualTo(last);
        }
        for (int thread = 0; thread < THREADS; thread++) {
            String who = "t" + thread;
            List<String> expected = new ArrayList<>();
            IntStream.range(0, BATCHES).forEach(i -> expected.addAll(List.of(i + "a", i + "b")));
            assertThat(all.stream()
                            .map(entry -> entry.decision().asked())
                            .filter(asked -> asked.who().equals(who))
                            .map(Asked::thing))
                    .containsExactlyElementsOf(expected);
        }
    }

    @Test
    void everyFilterFindsWhatItSaysNewestFirst() {
        store().append(List.of(
                decision("ann", "sales", "a", "r1", "q1", NOON, Outcome.ALLOWED),
                decision("bob", "sales", "b", "r2", "q1", NOON.plusSeconds(10), Outcome.DENIED),
                decision("ann", "hr", "c", "r3", "", NOON.plusSeconds(20), Outcome.FAILED)));
        Filter any = Filter.ANY;
        assertThat(things(ALL, any)).containsExactly("c", "b", "a");
        Optional<Outcome> noOutcome = Optional.empty();
        Optional<Instant> never = Optional.empty();
        assertThat(things(ALL, new Filter("ann", "", "", noOutcome, "", "", never, never)))
                .containsExactly("c", "a");
        assertThat(things(ALL, new Filter("", "sales", "", noOutcome, "", "", never, never)))
                .containsExactly("b", "a");
        assertThat(things(ALL, new Filter("", "", "b", noOutcome, "", "", never, never)))
                .containsExactly("b");
        assertThat(things(ALL, new Filter("", "", "", Optional.of(Outcome.FAILED), "", "", never, never)))
                .containsExactly("c");
        assertThat(things(ALL, new Filter("", "", "", noOutcome, "r2", "", never, never)))
                .containsExactly("b");
        assertThat(things(ALL, new Filter("", "", "", noOutcome, "", "q1", never, never)))
                .containsExactly("b", "a");
        assertThat(things(ALL, new Filter("ann", "", "", noOutcome, "", "q1", never, never)))
                .containsExactly("a");
        assertThat(things(ALL, new Filter("", "", "", noOutcome, "", "", Optional.of(NOON.plusSeconds(11)), never)))
                .containsExactly("c", "b");
        assertThat(things(ALL, new Filter("", "", "", noOutcome, "", "", never, Optional.of(NOON.plusSeconds(10)))))
                .containsExactly("a");
        assertThat(store().list(ALL, any, 3, 1))
                .extracting(entry -> entry.link().id())
                .containsExactly(2L);
    }

    @Test
    void aViewerSeesItsOwnAndThoseOfItsDomains() {
        store().append(List.of(
                decision("ann", "sales", "a"),
                decision("bob", "sales", "b"),
                decision("ann", "hr", "c"),
                decision("eve", "", "d")));
        assertThat(things(new Viewer("ann", false, Set.of()), Filter.ANY)).containsExactly("c", "a");
        assertThat(things(new Viewer("ann", false, Set.of("sales")), Filter.ANY))
                .containsExactly("c", "b", "a");
        assertThat(things(new Viewer("nobody", false, Set.of()), Filter.ANY)).isEmpty();
        Filter bobs = new Filter("bob", "", "", Optional.empty(), "", "", Optional.empty(), Optional.empty());
        assertThat(things(new Viewer("ann", false, Set.of("hr")), bobs)).isEmpty();
    }

    @Test
    void theBeginningIsCutOffWhereItIsOldAndTheRestStaysOneChain() {
        List<Decision> decisions = IntStream.range(0, 6)
                .mapToObj(i -> decision("ann", "d", "t" + i, "", "", NOON.plusSeconds(i), Outcome.ALLOWED))
                .toList();
        store().append(decisions);
        List<Entry> before = store().after(0, 10);

        assertThat(store().cut(NOON, 100, 100)).isZero();
        assertThat(store().cut(NOON.plusSeconds(5), 2, 100))
                .as("none after the last")
                .isEqualTo(2);
        assertThat(store().cut(NOON.plusSeconds(5), 100, 2))
                .as("no more than so many")
                .isEqualTo(2);
        assertThat(store().cut(NOON.plusSeconds(5), 100, 100))
                .as("only older ones")
                .isEqualTo(1);
        assertThat(store().cut(NOON.plusSeconds(5), 100, 100)).isZero();
        assertThat(store().after(0, 10)).containsExactly(before.getLast());
        assertThat(store().ends())
                .isEqualTo(new Ends(before.get(4).link(), before.getLast().link()));
        store().append(List.of(decisions.getFirst()));
        assertThat(store().ends().head()).isEqualTo(Chain.next(before.getLast().link(), decisions.getFirst()));
    }

    @Test
    void aYoungDecisionKeepsAllThatFollowIt() {
        store().append(List.of(
                decision("a", "d", "young", "", "", NOON.plusSeconds(9), Outcome.ALLOWED),
                decision("a", "d", "old", "", "", NOON, Outcome.ALLOWED)));
        assertThat(store().cut(NOON.plusSeconds(5), 100, 100)).isZero();
        assertThat(things(ALL, Filter.ANY)).containsExactly("old", "young");
    }
}
