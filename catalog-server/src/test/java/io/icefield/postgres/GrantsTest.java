package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.table.Namespace;
import io.icefield.table.Table;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Who sees what: every kind of grant against every kind of thing.
final class GrantsTest {
    private static final Set<Grantee> WHO = Set.of(Mesh.ANALYSTS, Grantee.parse("principal:bob"));

    private final Mesh mesh = Mesh.open();
    private final Domain sales = mesh.domain("sales");
    private final Domain sales2 = mesh.domain("sales2");
    private final Namespace crm = mesh.namespace(sales, "crm");
    private final Namespace crm2 = mesh.namespace(sales, "crm2");
    private final Namespace nested = mesh.namespace(sales, "crm", "eu");
    private final Namespace dashed = mesh.namespace(sales, "crm eu");
    private final Namespace foreign = mesh.namespace(sales2, "crm");
    private final Table customers = mesh.table(crm, "customers");
    private final Table customers2 = mesh.table(crm, "customers2");
    private final Table inNested = mesh.table(nested, "customers");
    private final Table inCrm2 = mesh.table(crm2, "customers");
    private final Table inForeign = mesh.table(foreign, "customers");

    @AfterEach
    void close() {
        mesh.database.close();
    }

    @Test
    void aGrantReachesWhatLiesBeneathItAndNothingElse() {
        Map<String, Sight> nothing = sights();
        assertThat(nothing.values()).allMatch(sight -> sight.equals(Sight.NOTHING));

        check(Mesh.grant(Mesh.ANALYSTS, Role.READER), Set.copyOf(nothing.keySet()), Set.of());
        check(
                Mesh.grant(Mesh.ANALYSTS, Role.WRITER, "sales"),
                Set.of(
                        "sales",
                        "sales.crm",
                        "sales.crm2",
                        "sales.crm.eu",
                        "sales.crm eu",
                        "sales.crm.customers",
                        "sales.crm.customers2",
                        "sales.crm.eu.customers",
                        "sales.crm2.customers"),
                Set.of());
        check(
                Mesh.grant(Grantee.parse("principal:bob"), Role.WRITER, "sales", "crm"),
                Set.of(
                        "sales.crm",
                        "sales.crm.eu",
                        "sales.crm.customers",
                        "sales.crm.customers2",
                        "sales.crm.eu.customers"),
                Set.of("sales"));
        check(
                Mesh.grant(Mesh.ANALYSTS, Role.STEWARD, "sales", "crm", "eu"),
                Set.of("sales.crm.eu", "sales.crm.eu.customers"),
                Set.of("sales", "sales.crm"));
        check(
                Mesh.tableGrant(Mesh.ANALYSTS, Role.READER, customers.name()),
                Set.of("sales.crm.customers"),
                Set.of("sales", "sales.crm"));
        check(Mesh.grant(Grantee.parse("group:bob"), Role.READER, "sales"), Set.of(), Set.of());
        check(Mesh.grant(Grantee.parse("principal:analysts"), Role.READER, "sales"), Set.of(), Set.of());
    }

    @Test
    void rolesAddUp() {
        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER));
        mesh.grant(Mesh.grant(Grantee.parse("principal:bob"), Role.WRITER, "sales", "crm"));
        mesh.grant(Mesh.tableGrant(Mesh.ANALYSTS, Role.STEWARD, customers.name()));

        assertThat(sights().get("sales.crm.customers"))
                .isEqualTo(new Sight(Set.of(Role.READER, Role.WRITER, Role.STEWARD), false));
    }

    @Test
    void grantsAreListedAsTheyWereGivenAndGivingTwiceIsOnce() {
        List<Grant> given = List.of(
                Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales"),
                Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales", "crm", "eu"),
                Mesh.tableGrant(Mesh.ANALYSTS, Role.OWNER, inNested.name()));
        Grant everywhere = Mesh.grant(Mesh.ANALYSTS, Role.STEWARD);
        given.forEach(mesh::grant);
        given.forEach(mesh::grant);
        mesh.grant(everywhere);
        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales2"));

        assertThat(mesh.grants(Optional.of(sales.name()), Page.Request.ALL).items())
                .containsExactlyInAnyOrderElementsOf(given);
        assertThat(mesh.grants(Optional.empty(), Page.Request.ALL).items()).containsExactly(everywhere);
        assertThat(mesh.revoke(everywhere)).isTrue();
        assertThat(mesh.revoke(everywhere)).isFalse();
        assertThat(mesh.grants(Optional.empty(), Page.Request.ALL).items()).isEmpty();
    }

    @Test
    void nothingIsGrantedOnADomainThatIsNotThere() {
        assertThatThrownBy(() -> mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER, "nowhere")))
                .isInstanceOf(Refusal.NotFound.class)
                .hasMessageContaining("nowhere");
    }

    @Test
    void aRemovedPrincipalTakesItsGrantsAlong() {
        mesh.principals.add(new Principal("bob", Principal.Kind.USER, Set.of()), new byte[32]);
        mesh.grant(Mesh.grant(Grantee.parse("principal:bob"), Role.STEWARD, "sales"));
        mesh.grant(Mesh.grant(Grantee.parse("group:bob"), Role.READER, "sales"));
        assertThat(mesh.principals.remove("bob")).isTrue();

        assertThat(mesh.grants(Optional.of(sales.name()), Page.Request.ALL).items())
                .containsExactly(Mesh.grant(Grantee.parse("group:bob"), Role.READER, "sales"));
    }

    @Test
    void aRemovedNamespaceTakesItsGrantsAlongAndNotItsNeighbours() {
        mesh.tables.drop(inNested);
        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales", "crm", "eu"));
        mesh.grant(Mesh.tableGrant(Mesh.ANALYSTS, Role.READER, inNested.name()));
        Grant stays = Mesh.grant(Mesh.ANALYSTS, Role.READER, "sales", "crm", "eu2");
        mesh.grant(stays);
        assertThat(mesh.namespaces.remove(nested)).isTrue();

        assertThat(mesh.grants(Optional.of(sales.name()), Page.Request.ALL).items())
                .containsExactly(stays);
    }

    private void check(Grant grant, Set<String> reached, Set<String> known) {
        mesh.grant(grant);
        Map<String, Sight> sights = sights();
        mesh.revoke(grant);

        Set<String> withRole = new TreeSet<>();
        Set<String> below = new TreeSet<>();
        sights.forEach((thing, sight) -> {
            if (sight.roles().equals(Set.of(grant.role()))) {
                withRole.add(thing);
            } else if (sight.below()) {
                below.add(thing);
            }
        });
        assertThat(withRole).as("%s reaches", grant).isEqualTo(new TreeSet<>(reached));
        assertThat(below).as("%s lets know of", grant).isEqualTo(new TreeSet<>(known));
    }

    /// Each thing looked up by itself; lists must say the same.
    private Map<String, Sight> sights() {
        Map<String, Sight> sights = new LinkedHashMap<>();
        Map<String, Sight> listed = new LinkedHashMap<>();
        for (Domain domain : List.of(sales, sales2)) {
            sights.put(
                    domain.name().value(),
                    mesh.domains.find(WHO, domain.name()).orElseThrow().sight());
        }
        mesh.domains
                .list(WHO, "", 10)
                .forEach(seen -> listed.put(seen.domain().name().value(), seen.sight()));
        for (Namespace namespace : List.of(crm, crm2, nested, dashed, foreign)) {
            sights.put(
                    namespace.name().toString(),
                    mesh.namespaces.find(WHO, namespace.name()).orElseThrow().sight());
        }
        for (Domain domain : List.of(sales, sales2)) {
            mesh.namespaces
                    .children(WHO, domain, Optional.empty(), "", 10)
                    .forEach(seen -> listed.put(seen.namespace().name().toString(), seen.sight()));
        }
        mesh.namespaces
                .children(WHO, sales, Optional.of(crm), "", 10)
                .forEach(seen -> listed.put(seen.namespace().name().toString(), seen.sight()));
        for (Table table : List.of(customers, customers2, inNested, inCrm2, inForeign)) {
            sights.put(
                    table.name().toString(),
                    mesh.tables.find(WHO, table.name()).orElseThrow().sight());
        }
        for (Namespace namespace : List.of(crm, crm2, nested, foreign)) {
            mesh.tables
                    .list(WHO, namespace, "", 10)
                    .forEach(seen -> listed.put(seen.table().name().toString(), seen.sight()));
        }
        assertThat(listed).isEqualTo(sights);
        return sights;
    }

    @Test
    void aRemovedDomainTakesItsGrantsAlong() {
        Domain empty = mesh.domain("empty");
        mesh.grant(Mesh.grant(Mesh.ANALYSTS, Role.READER, "empty"));
        assertThat(mesh.domains.remove(empty)).isTrue();

        assertThat(mesh.grants(Optional.of(new DomainName("empty")), Page.Request.ALL)
                        .items())
                .isEmpty();
        assertThat(mesh.domains.find(Set.of(), new DomainName("empty"))).isEmpty();
    }
}
