package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.table.DroppedStore;
import io.icefield.table.Fate;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Published;
import io.icefield.table.TableStore.Renamed;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What one server grants or takes away holds for the next question to the other.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GrantsAcrossServersTest {
    private static final Grantee BOB = Grantee.parse("principal:bob");
    private static final Set<Grantee> WHO = Set.of(BOB, Mesh.ANALYSTS);

    private final Database.Settings settings = TestDatabase.fresh();
    private final Mesh mesh = new Mesh(Database.open(settings));
    private final Mesh other = new Mesh(Database.open(settings));
    private final Domain sales = mesh.domain("sales");
    private final Namespace crm = mesh.namespace(sales, "crm");

    @AfterAll
    void close() {
        mesh.database.close();
        other.database.close();
    }

    private static Set<Role> roles(Mesh server, TableId name) {
        return server.tables
                .find(WHO, name)
                .map(TableStore.Seen::sight)
                .orElseThrow()
                .roles();
    }

    private static Sight sight(Mesh server, Namespace namespace) {
        return server.namespaces
                .find(WHO, namespace.name())
                .map(NamespaceStore.Seen::sight)
                .orElseThrow();
    }

    @Test
    void aGrantIsThereAndGoneForTheNextQuestionToTheOtherServer() {
        TableId orders = mesh.table(crm, "orders").name();
        for (Grant grant : List.of(
                Mesh.grant(BOB, Role.READER),
                Mesh.grant(Mesh.ANALYSTS, Role.WRITER, "sales"),
                Mesh.grant(BOB, Role.STEWARD, "sales", "crm"),
                Mesh.tableGrant(Mesh.ANALYSTS, Role.OWNER, orders))) {
            boolean onTable = grant.table().isPresent();
            for (int round = 0; round < 20; round++) {
                assertThat(roles(other, orders)).isEmpty();
                assertThat(sight(other, crm)).isEqualTo(Sight.NOTHING);
                mesh.grant(grant);
                assertThat(roles(other, orders)).containsExactly(grant.role());
                assertThat(sight(other, crm)).isEqualTo(new Sight(onTable ? Set.of() : Set.of(grant.role()), onTable));
                assertThat(mesh.revoke(grant)).isTrue();
            }
        }
    }

    /// By every query that asks the grants.
    @Test
    void whatHasEndedGivesNothing() {
        Domain ended = mesh.domain("ended");
        Namespace space = mesh.namespace(ended, "space");
        TableId table = mesh.table(space, "t").name();
        TableId view = new TableId(space.name(), "v");
        Published first = Mesh.published(space, "space/v");
        assertThat(mesh.tables.createView(space, "v", UUID.randomUUID(), first.metadata(), first.location()))
                .isInstanceOf(Created.Done.class);
        TableId gone = mesh.table(space, "gone").name();
        assertThat(new PostgresDropped(mesh.database)
                        .drop(mesh.now(gone), new DroppedStore.Drop("bob", Fate.FORGET, Duration.ofDays(1))))
                .isTrue();

        for (Grant grant : List.of(
                Mesh.grant(BOB, Role.READER),
                Mesh.grant(BOB, Role.READER, "ended"),
                Mesh.grant(BOB, Role.READER, "ended", "space"),
                Mesh.tableGrant(BOB, Role.READER, table),
                Mesh.tableGrant(BOB, Role.READER, view))) {
            give(grant, Instant.now().plus(Duration.ofDays(1)));
            Map<String, Sight> before = sights(ended, space, table, view);
            // a grant on one table says nothing of the other, nor of what was dropped
            assertThat(before.values()).as("%s: %s", grant, before).anyMatch(sight -> !sight.equals(Sight.NOTHING));
            if (grant.table().isEmpty()) {
                assertThat(before).as("%s", grant).doesNotContainValue(Sight.NOTHING);
            }
            give(grant, Instant.now().minus(Duration.ofSeconds(1)));
            assertThat(sights(ended, space, table, view).entrySet())
                    .as("%s", grant)
                    .allSatisfy(seen ->
                            assertThat(seen.getValue()).as(seen.getKey()).isEqualTo(Sight.NOTHING));
            assertThat(mesh.revoke(grant)).isTrue();
        }
    }

    private void give(Grant grant, Instant end) {
        GrantStore.Effect _ = mesh.grants.revoke(grant);
        assertThat(mesh.grants.give(
                        new Given(grant, Optional.of(end), Optional.of("admin"), Optional.empty(), Optional.empty())))
                .isEqualTo(GrantStore.Effect.DONE);
    }

    private Map<String, Sight> sights(Domain domain, Namespace space, TableId table, TableId view) {
        Set<Grantee> bob = Set.of(BOB);
        PostgresDropped dropped = new PostgresDropped(mesh.database);
        Map<String, Sight> sights = new TreeMap<>();
        sights.put(
                "a domain", mesh.domains.find(bob, domain.name()).orElseThrow().sight());
        mesh.domains.list(bob, "", 100).stream()
                .filter(seen -> seen.domain().name().equals(domain.name()))
                .forEach(seen -> sights.put("domains", seen.sight()));
        sights.put(
                "a namespace",
                mesh.namespaces.find(bob, space.name()).orElseThrow().sight());
        mesh.namespaces
                .children(bob, domain, Optional.empty(), "", 100)
                .forEach(seen -> sights.put("namespaces", seen.sight()));
        sights.put("a table", mesh.tables.find(bob, table).orElseThrow().sight());
        mesh.tables.list(bob, space, "", 100).forEach(seen -> sights.put("tables", seen.sight()));
        sights.put("a view", mesh.tables.find(bob, view).orElseThrow().sight());
        mesh.tables.listViews(bob, space, "", 100).forEach(seen -> sights.put("views", seen.sight()));
        dropped.list(bob, domain, new DroppedStore.Wanted(Optional.empty(), Optional.empty()), Long.MAX_VALUE, 100)
                .forEach(seen -> {
                    sights.put("dropped tables", seen.sight());
                    sights.put(
                            "a dropped table",
                            dropped.find(bob, domain, seen.dropped().id())
                                    .orElseThrow()
                                    .sight());
                });
        for (Grant on : List.of(Mesh.grant(BOB, Role.OWNER, "ended"), Mesh.grant(BOB, Role.OWNER, "ended", "space"))) {
            sights.put("grants of " + on.namespace(), mesh.grants.sight(bob, on).orElseThrow());
        }
        assertThat(sights).hasSize(12);
        return sights;
    }

    @Test
    void grantsGoWithTheirTableAndComeBackWithIt() {
        Table items = mesh.table(crm, "items");
        Namespace moved = mesh.namespace(sales, "moved");
        mesh.grant(Mesh.tableGrant(BOB, Role.READER, items.name()));
        assertThat(roles(other, items.name())).containsExactly(Role.READER);

        assertThat(mesh.tables.rename(items, moved, "items")).isEqualTo(Renamed.DONE);
        TableId name = new TableId(moved.name(), "items");
        assertThat(roles(other, name)).containsExactly(Role.READER);
        assertThat(roles(other, mesh.table(crm, "items", "elsewhere").name())).isEmpty();

        PostgresDropped dropped = new PostgresDropped(mesh.database);
        assertThat(dropped.drop(mesh.now(name), new DroppedStore.Drop("bob", Fate.FORGET, Duration.ofDays(1))))
                .isTrue();
        assertThat(roles(other, mesh.table(moved, "items", "again").name())).isEmpty();
    }

    @Test
    void aDomainOfTheSameNameInheritsNothing() {
        Domain hr = mesh.domain("hr");
        mesh.grant(Mesh.grant(BOB, Role.OWNER, "hr"));
        Namespace staff = mesh.namespace(hr, "staff");
        assertThat(sight(other, staff).roles()).containsExactly(Role.OWNER);
        assertThat(mesh.namespaces.remove(staff)).isTrue();
        assertThat(mesh.domains.remove(hr)).isTrue();

        Namespace again = mesh.namespace(mesh.domain("hr"), "staff");
        assertThat(sight(other, again)).isEqualTo(Sight.NOTHING);
    }

    /// One owner of each grant gives it and takes it away on one server, and asks both after each step while the others
    /// do the same with theirs.
    @Test
    void amongManyWhoChangeGrantsEachSeesItsOwnAsItIs() throws Exception {
        long seed = System.nanoTime();
        System.out.println("GrantsAcrossServersTest seed " + seed);
        Namespace busy = mesh.namespace(sales, "busy");
        List<TableId> tables =
                List.of(mesh.table(busy, "a").name(), mesh.table(busy, "b").name());
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> all = new ArrayList<>();
            for (int owner = 0; owner < 8; owner++) {
                Random random = new Random(seed + owner);
                Grantee grantee = Grantee.parse("principal:p" + owner);
                all.add(threads.submit(() -> changing(grantee, tables, random)));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
    }

    private void changing(Grantee grantee, List<TableId> tables, Random random) {
        List<Role> roles = List.of(Role.values());
        for (int step = 0; step < 30; step++) {
            TableId name = tables.get(random.nextInt(tables.size()));
            Role role = roles.get(random.nextInt(roles.size()));
            Grant grant = random.nextBoolean()
                    ? Mesh.tableGrant(grantee, role, name)
                    : Mesh.grant(grantee, role, "sales", "busy");
            Mesh changes = random.nextBoolean() ? mesh : other;
            changes.grant(grant);
            assertThat(seen(grantee, name)).containsOnly(Set.of(role));
            assertThat(changes.revoke(grant)).isTrue();
            assertThat(seen(grantee, name)).containsOnly(Set.of());
        }
    }

    private List<Set<Role>> seen(Grantee grantee, TableId name) {
        return List.of(mesh, other).stream()
                .map(server -> server.tables
                        .find(Set.of(grantee), name)
                        .orElseThrow()
                        .sight()
                        .roles())
                .toList();
    }
}
