package io.icefield.audit;

import io.icefield.access.Access;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.audit.Chain.Link;
import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Outcome;
import io.icefield.audit.Decision.Ruling;
import io.icefield.audit.DecisionStore.Entry;
import io.icefield.audit.DecisionStore.Filter;
import io.icefield.audit.DecisionStore.Viewer;
import io.icefield.domain.Domains;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/// The door to the log. The platform team sees all of it, stewards and owners what concerns their domains, everybody
/// what they asked for themselves.
public final class Decisions {
    /// Decisions of a page.
    public static final int PAGE_MAX = 1_000;

    private static final int CUT_MAX = 5_000;

    private final DecisionStore store;
    private final DecisionLog log;
    private final Domains domains;
    private final Duration retention;
    private final LongSupplier exported;
    private final Clock clock;

    /// @param retention how long decisions are kept; zero: for ever
    /// @param exported the last decision that is kept elsewhere too: none after it is cut
    public Decisions(
            DecisionStore store,
            DecisionLog log,
            Domains domains,
            Duration retention,
            LongSupplier exported,
            Clock clock) {
        this.store = store;
        this.log = log;
        this.domains = domains;
        this.retention = retention;
        this.exported = exported;
        this.clock = clock;
    }

    /// A decision as one viewer sees it.
    ///
    /// @param full it may be told what the caller was not
    public record Seen(Entry entry, boolean full) {}

    /// Newest first.
    public Page<Seen> list(Principal who, Filter filter, Page.Request page) {
        Viewer viewer = viewer(who);
        int limit = Math.min(page.size(), PAGE_MAX);
        List<Entry> found = store.list(viewer, filter, before(page.after()), limit);
        return new Page<>(
                found.stream().map(entry -> seen(viewer, entry)).toList(),
                found.size() < limit
                        ? Optional.empty()
                        : Optional.of(Long.toString(found.getLast().link().id())));
    }

    public Seen get(Principal who, long id) {
        Viewer viewer = viewer(who);
        return store.after(id - 1, 1).stream()
                .filter(entry -> entry.link().id() == id && viewer.sees(entry.decision()))
                .findFirst()
                .map(entry -> seen(viewer, entry))
                .orElseThrow(() -> new Refusal.NotFound(Refusal.Thing.DECISION, Long.toString(id)));
    }

    private Viewer viewer(Principal who) {
        boolean all = who.isPlatform();
        return new Viewer(who.name(), all, all ? Set.of() : domains.stewarded(who));
    }

    /// Who was told that there is no such thing must not learn from the log that there is.
    private static Seen seen(Viewer viewer, Entry entry) {
        Asked asked = entry.decision().asked();
        boolean full = viewer.all()
                || (viewer.domains().contains(asked.domain()) && !asked.who().equals(viewer.name()));
        return new Seen(full ? entry : new Entry(entry.link(), veiled(entry.decision())), full);
    }

    private static Decision veiled(Decision decision) {
        Ruling ruling = decision.ruling();
        boolean hadNothing = ruling.grounds().isEmpty() || ruling.grounds().equals(Trail.NO_ROLE);
        if (!isMissing(ruling) && (ruling.outcome() == Outcome.ALLOWED || !hadNothing)) {
            return decision;
        }
        Asked asked = decision.asked();
        return new Decision(
                decision.at(),
                decision.until(),
                decision.count(),
                new Asked(
                        asked.who(),
                        asked.engine(),
                        asked.action(),
                        "",
                        asked.domain(),
                        asked.thing(),
                        asked.detail(),
                        asked.request(),
                        asked.query()),
                new Ruling(
                        ruling.outcome(), ruling.reason(), List.of(), "", false, isMissing(ruling), ruling.policies()),
                decision.replica());
    }

    private static boolean isMissing(Ruling ruling) {
        return ruling.outcome() == Outcome.DENIED && (ruling.hidden() || ruling.absent());
    }

    private static long before(String after) {
        try {
            return after.isEmpty() ? Long.MAX_VALUE : Long.parseLong(after);
        } catch (NumberFormatException e) {
            throw new Refusal.Invalid("`pageToken` is not one that this list gave: start again without it");
        }
    }

    /// Computes hashes anew, see [Verified].
    public Verified verify(Principal who, Optional<Link> from) {
        Access.checkPlatform(who, "verify the log of decisions");
        return Verified.now(store, from);
    }

    // --- Retention

    /// Cuts off what is older than it is kept. Returns whether there was any. That it was cut is a decision too.
    public boolean tidy() {
        if (retention.isZero()) {
            return false;
        }
        Instant before = clock.instant().minus(retention);
        long last = Math.min(exported.getAsLong(), store.ends().head().id() - 1);
        int cut = store.cut(before, last, CUT_MAX);
        if (cut > 0) {
            Link end = store.ends().cut();
            Instant now = clock.instant();
            log.add(new Decision(
                    now,
                    now,
                    1,
                    new Asked(
                            "",
                            "",
                            "retention",
                            "",
                            "",
                            "decisions",
                            "%d cut off, up to %d with the hash %s".formatted(cut, end.id(), end.hash()),
                            "",
                            ""),
                    new Ruling(Outcome.ALLOWED, "", List.of(), "retention of " + retention, false, false, ""),
                    ""));
        }
        return cut > 0;
    }
}
