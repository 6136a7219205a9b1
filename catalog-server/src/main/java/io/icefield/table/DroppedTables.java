package io.icefield.table;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Page;
import io.icefield.access.Paging;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.storage.DomainName;

/// The door to the dropped tables and views.
public final class DroppedTables {
    private final Domains domains;
    private final DroppedStore store;

    public DroppedTables(Domains domains, DroppedStore store) {
        this.domains = domains;
        this.store = store;
    }

    /// None without saying what for.
    public Dropped get(Principal who, Action action, DomainName domain, long id) {
        Domain in = domains.get(who, Action.SEE, domain).domain();
        DroppedStore.Seen seen = store.find(who.grantees(), in, id).orElseThrow(() -> gone(id));
        if (!Access.allows(who, seen.sight(), Action.SEE)) {
            throw gone(id);
        }
        Table table = seen.dropped().table();
        Access.check(
                who, seen.sight(), action, table.kind().thing(), table.name().inDomain());
        return seen.dropped();
    }

    static Refusal gone(long id) {
        return new Refusal.NotFound(
                Refusal.Thing.TABLE, "%d is not among the dropped ones, or being purged".formatted(id));
    }

    /// Those of a domain that the caller may know of, the newest first.
    public Page<Dropped> list(Principal who, DomainName domain, DroppedStore.Wanted wanted, Page.Request page) {
        Domain in = domains.get(who, Action.SEE, domain).domain();
        return Paging.fill(
                page,
                (after, limit) -> store.list(who.grantees(), in, wanted, before(after), limit),
                seen -> Access.allows(who, seen.sight(), Action.SEE),
                seen -> Long.toString(seen.dropped().id()),
                DroppedStore.Seen::dropped);
    }

    private static long before(String after) {
        return after.isEmpty() ? Long.MAX_VALUE : Long.parseLong(after);
    }

    /// Deletes its files soon, without waiting for its time.
    public void purge(Principal who, DomainName domain, long id) {
        store.purgeNow(get(who, Action.KEEP, domain, id));
    }
}
