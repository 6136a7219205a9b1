package io.icefield.domain;

import io.icefield.access.Access;
import io.icefield.access.Action;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.access.Trail;
import io.icefield.storage.DomainName;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Gives roles and takes them back. An owner of a domain, namespace, table or view does it on that and below, the
/// platform team everywhere.
public final class Grants {
    /// So long an expired grant is listed.
    public static final Duration EXPIRED_LISTED = Duration.ofDays(30);

    private final Domains domains;
    private final GrantStore store;
    private final Clock clock;

    public Grants(Domains domains, GrantStore store, Clock clock) {
        this.domains = domains;
        this.store = store;
        this.clock = clock;
    }

    /// Grants on a domain, or on a namespace of it, and below; without a domain those on the whole mesh.
    public Page<Given> list(Principal who, Optional<DomainName> domain, List<String> namespace, Page.Request page) {
        domain.ifPresentOrElse(name -> check(who, on(name, namespace)), () -> checkMesh(who));
        return store.list(domain, namespace, page);
    }

    /// @param expiresAt empty: never
    public Given grant(Principal who, Grant grant, Optional<Instant> expiresAt, Optional<String> reason) {
        tell(grant);
        check(who, grant);
        Instant now = now();
        checkAhead("expires-at", expiresAt, now);
        Given given = new Given(grant, expiresAt, Optional.of(who.name()), Optional.of(now), reason);
        done(store.give(given), grant);
        return given;
    }

    /// Nobody has that role there by a grant any more, whether or not there was one.
    public void revoke(Principal who, Grant grant) {
        tell(grant);
        check(who, grant);
        done(store.revoke(grant), grant);
    }

    /// Replaces the groups that own a domain.
    public void setOwners(Principal who, DomainName name, Set<String> owners) {
        Trail.current().how("owners " + String.join(", ", owners));
        check(who, on(name, List.of()));
        if (owners.isEmpty()) {
            throw new Refusal.Invalid("domain `%s` needs at least one group of owners".formatted(name));
        }
        Set<String> before = domains.owners(List.of(name)).getOrDefault(name, Set.of());
        Instant now = now();
        for (String group : owners) {
            Given given = new Given(
                    owner(group, name), Optional.empty(), Optional.of(who.name()), Optional.of(now), Optional.empty());
            done(store.give(given), given.grant());
        }
        for (String group : before) {
            if (!owners.contains(group)) {
                done(store.revoke(owner(group, name)), owner(group, name));
            }
        }
    }

    /// What has been expired for long is not listed any more. Returns whether there was any.
    public boolean tidy() {
        return store.forget(EXPIRED_LISTED) > 0;
    }

    /// The request at hand gives or takes this.
    static void tell(Grant grant) {
        String domain = grant.domain().map(DomainName::value).orElse("");
        List<String> place = new ArrayList<>(grant.namespace());
        place.addFirst(domain.isEmpty() ? "mesh" : domain);
        grant.table().ifPresent(place::add);
        Trail.current().about(domain, String.join(".", place));
        Trail.current().how("%s for %s".formatted(grant.role().name().toLowerCase(Locale.ROOT), grant.grantee()));
    }

    private void check(Principal who, Grant on) {
        if (on.domain().isEmpty()) {
            checkMesh(who);
            return;
        }
        String domain = on.domain().get().value();
        Sight sight = store.sight(who.grantees(), on).orElseThrow(() -> new Refusal.NotFound(Thing.DOMAIN, domain));
        Access.check(who, sight, Action.GRANT, Thing.DOMAIN, domain);
    }

    private static void checkMesh(Principal who) {
        Access.checkPlatform(who, "look at or change grants on the whole mesh");
    }

    static void checkAhead(String field, Optional<Instant> end, Instant now) {
        end.filter(at -> !at.isAfter(now)).ifPresent(at -> {
            throw new Refusal.Invalid("`%s` is %s and must be in the future".formatted(field, at));
        });
    }

    private static void done(GrantStore.Effect outcome, Grant grant) {
        switch (outcome) {
            case DONE -> {}
            case LAST_OWNER ->
                throw new Refusal.NotAllowed(
                        "`%s` is the last owner of domain `%s` whose grant does not expire: grant `owner` to somebody else first"
                                .formatted(
                                        grant.grantee(),
                                        grant.domain().map(DomainName::value).orElse("")));
        }
    }

    private static Grant owner(String group, DomainName domain) {
        return new Grant(
                new Grantee(Grantee.Kind.GROUP, group), Role.OWNER, Optional.of(domain), List.of(), Optional.empty());
    }

    /// Only its place counts.
    private static Grant on(DomainName domain, List<String> namespace) {
        return new Grant(
                new Grantee(Grantee.Kind.GROUP, Principal.PLATFORM_GROUP),
                Role.OWNER,
                Optional.of(domain),
                namespace,
                Optional.empty());
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS); // as the store keeps it
    }
}
