package io.icefield.domain;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.AccessRequest.Decision;
import io.icefield.domain.AccessRequest.State;
import io.icefield.domain.AccessRequestStore.Asked;
import io.icefield.storage.DomainName;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/// Principals ask for access, those who may grant it decide. Asking tells nothing: the answer is the same for what is
/// there and what is not.
public final class AccessRequests {
    /// Of one principal.
    public static final int OPEN_MAX = 20;

    /// What an approval gives when neither the request nor the owner says until when.
    public static final Duration GRANTED_FOR = Duration.ofDays(90);

    /// So long a request that has ended is listed.
    public static final Duration ENDED_LISTED = Duration.ofDays(365);

    private final AccessRequestStore store;
    private final Clock clock;

    public AccessRequests(AccessRequestStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /// What is asked for.
    public record Ask(
            Role role,
            DomainName domain,
            List<String> namespace,
            Optional<String> table,
            String reason,
            Optional<Instant> until) {
        public Ask {
            namespace = List.copyOf(namespace);
            Given.checkedReason(reason);
        }
    }

    public AccessRequest ask(Principal who, Ask ask) {
        Instant now = now();
        Grants.checkAhead("until", ask.until(), now);
        Grant wanted = new Grant(
                new Grantee(Grantee.Kind.PRINCIPAL, who.name()),
                ask.role(),
                Optional.of(ask.domain()),
                ask.namespace(),
                ask.table());
        Grants.tell(wanted);
        return switch (store.add(wanted, ask.reason(), ask.until(), now, OPEN_MAX)) {
            case Asked.Done(AccessRequest request) -> request;
            case Asked.Twice(AccessRequest request) ->
                throw new Refusal.AlreadyExists(Thing.ACCESS_REQUEST, Long.toString(request.id()));
            case Asked.TooMany _ ->
                throw new Refusal.NotAllowed(
                        "`%s` has %d open access requests and may not have more: withdraw one, or wait"
                                .formatted(who.name(), OPEN_MAX));
        };
    }

    /// The caller's own, and those that the caller may decide; newest first.
    public Page<AccessRequest> list(Principal who, AccessRequestStore.Selection wanted, Page.Request page) {
        return Paging.fill(
                page,
                (after, limit) -> store.list(
                        who.grantees(), wanted, after.isEmpty() ? Long.MAX_VALUE : Long.parseLong(after), limit),
                seen -> mayKnow(who, seen),
                seen -> Long.toString(seen.request().id()),
                AccessRequestStore.Seen::request);
    }

    /// Gives the grant.
    ///
    /// @param expiresAt empty: when the request says, else after [#GRANTED_FOR]
    public AccessRequest approve(Principal who, long id, String reason, Optional<Instant> expiresAt) {
        AccessRequest request = toDecide(who, id);
        Instant now = now();
        Grants.checkAhead("expires-at", expiresAt, now);
        Instant end = expiresAt
                .or(() -> request.until().filter(until -> until.isAfter(now)))
                .orElse(now.plus(GRANTED_FOR));
        return end(request, new Decision(State.APPROVED, who.name(), now, Optional.of(reason), Optional.of(end)));
    }

    public AccessRequest refuse(Principal who, long id, String reason) {
        return end(
                toDecide(who, id),
                new Decision(State.REFUSED, who.name(), now(), Optional.of(reason), Optional.empty()));
    }

    /// By who made it.
    public AccessRequest withdraw(Principal who, long id) {
        AccessRequest request = get(who, id).request();
        if (!isOf(who, request)) {
            throw new Refusal.NotAllowed(
                    "access request `%d` is of `%s`: only who made it withdraws it".formatted(id, request.requester()));
        }
        return end(request, new Decision(State.WITHDRAWN, who.name(), now(), Optional.empty(), Optional.empty()));
    }

    /// What has ended long ago is not listed any more. Returns whether there was any.
    public boolean tidy() {
        return store.forget(ENDED_LISTED) > 0;
    }

    private AccessRequestStore.Seen get(Principal who, long id) {
        return store.find(who.grantees(), id)
                .filter(seen -> mayKnow(who, seen))
                .orElseThrow(() -> new Refusal.NotFound(Thing.ACCESS_REQUEST, Long.toString(id)));
    }

    private AccessRequest toDecide(Principal who, long id) {
        AccessRequestStore.Seen seen = get(who, id);
        Grants.tell(seen.request().wanted());
        if (!Access.decides(who, seen.sight(), Action.GRANT)) {
            throw new Refusal.NotAllowed("`%s` may not decide access request `%d`: an owner of what it asks for does"
                    .formatted(who.name(), id));
        }
        return seen.request();
    }

    private AccessRequest end(AccessRequest request, Decision decision) {
        return store.end(request, decision)
                .orElseThrow(() -> new Refusal.Conflict(
                        "access request `%d` has ended already: nothing was changed".formatted(request.id())));
    }

    private static boolean mayKnow(Principal who, AccessRequestStore.Seen seen) {
        return isOf(who, seen.request()) || mayDecide(who, seen.sight());
    }

    private static boolean mayDecide(Principal who, Sight sight) {
        return Access.allows(who, sight, Action.GRANT);
    }

    private static boolean isOf(Principal who, AccessRequest request) {
        return request.requester().equals(who.name());
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS); // as the store keeps it
    }
}
