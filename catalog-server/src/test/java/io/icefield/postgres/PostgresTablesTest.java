package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import io.icefield.table.Namespace;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Outcome;
import io.icefield.table.TableStore.Published;
import io.icefield.table.TableStore.Renamed;
import io.icefield.table.TableStore.Source;
import io.icefield.table.TableStore.Step;
import io.icefield.table.TableStore.Swapped;
import io.icefield.table.TableStore.Tag;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PostgresTablesTest {
    private static final int RACERS = 8;
    private static final Tag EMAIL = new Tag("pii.email", Source.DECLARED);
    private static final Tag NAME = new Tag("pii.name", Source.STEWARD);

    private final Mesh mesh = Mesh.open();
    private int domains;
    private Domain sales = mesh.domain("setup");
    private Namespace crm = mesh.namespace(sales, "setup");

    @AfterAll
    void close() {
        mesh.database.close();
    }

    @BeforeEach
    void freshDomain() {
        sales = mesh.domain("sales" + ++domains);
        crm = mesh.namespace(sales, "crm");
    }

    @Test
    void whatWasCreatedIsFoundWithItsContent() {
        Published published = Mesh.published(
                folder("orders"),
                "{\"a\":\"é\"}",
                Map.of(1, Set.of(EMAIL), 7, Set.of(new Tag("pii.name", Source.DECLARED), EMAIL)));
        UUID uuid = UUID.randomUUID();
        Created created = mesh.tables.create(crm, "orders", uuid, published);

        Table table = mesh.now(id("orders"));
        assertThat(created).isEqualTo(new Created.Done(table));
        assertThat(table.uuid()).isEqualTo(uuid);
        assertThat(table.version()).isEqualTo(1);
        assertThat(table.location()).isEqualTo(folder("orders"));
        assertThat(table.metadata()).isEqualTo(published.metadata().location());
        assertThat(table.domain()).isEqualTo(sales);
        assertThat(content(table)).isEqualTo("{\"a\":\"é\"}");
        assertThat(mesh.tables.tags(uuid)).isEqualTo(published.tags());
    }

    @Test
    void whatIsNotThereIsNotFound() {
        Table gone = mesh.table(crm, "orders");
        mesh.tables.drop(gone);

        assertThat(mesh.tables.find(Mesh.NOBODY, gone.name())).isEmpty();
        assertThat(mesh.tables.content(gone)).isEmpty();
        assertThat(mesh.tables.drop(gone)).isFalse();
        assertThat(mesh.tables.swap(gone, Mesh.next(gone))).isEqualTo(Swapped.LOST);
        assertThat(mesh.tables.rename(gone, crm, "other")).isEqualTo(Renamed.GONE);
    }

    @Test
    void namesThatDifferInCaseOrByAnAccentAreDifferentTables() {
        List.of("a", "A", "ä", "Ä").forEach(name -> mesh.table(crm, name));

        assertThat(names(mesh.tables.list(Mesh.NOBODY, crm, "", 10))).containsExactly("A", "a", "Ä", "ä");
    }

    @Test
    void listsGoOnAfterAName() {
        List.of("c", "a", "e", "b", "d").forEach(name -> mesh.table(crm, name));

        assertThat(names(mesh.tables.list(Mesh.NOBODY, crm, "", 2))).containsExactly("a", "b");
        assertThat(names(mesh.tables.list(Mesh.NOBODY, crm, "bb", 2))).containsExactly("c", "d");
        assertThat(names(mesh.tables.list(Mesh.NOBODY, crm, "d", Integer.MAX_VALUE)))
                .containsExactly("e");
    }

    @Test
    void aTakenNameIsTakenAndNothingChanged() {
        Table orders = mesh.table(crm, "orders");

        assertThat(mesh.tables.create(crm, "orders", UUID.randomUUID(), Mesh.published(crm, "elsewhere")))
                .isEqualTo(new Created.NameTaken());
        assertThat(mesh.tables.create(crm, "orders", UUID.randomUUID(), Mesh.published(crm, "crm/orders")))
                .isEqualTo(new Created.NameTaken());
        assertThat(mesh.now(id("orders"))).isEqualTo(orders);
    }

    @Test
    void noTwoTablesShareALocationNorLieInsideEachOther() {
        mesh.table(crm, "orders", "a/orders");

        assertThat(create("x1", "a/orders")).isEqualTo(new Created.LocationTaken());
        assertThat(create("x2", "a/orders/2024")).isEqualTo(new Created.LocationTaken());
        assertThat(create("x3", "a")).isEqualTo(new Created.LocationTaken());
        assertThat(create("x4", "")).isEqualTo(new Created.LocationTaken());
        for (String beside : List.of("a/orders2", "a/orders-2", "a/order", "a/orders.x", "b")) {
            assertThat(create("beside " + Math.floorMod(beside.hashCode(), 1_000_000), beside))
                    .as(beside)
                    .isInstanceOf(Created.Done.class);
        }
    }

    @Test
    void aLocationMayMoveButNotOntoAnother() {
        Table orders = mesh.table(crm, "orders");
        mesh.table(crm, "items");

        assertThat(mesh.tables.swap(orders, Mesh.published(folder("crm/items/x"), "{}", Map.of())))
                .isEqualTo(Swapped.LOCATION_TAKEN);
        assertThat(mesh.now(id("orders"))).isEqualTo(orders);
        assertThat(mesh.tables.swap(orders, Mesh.published(folder("orders/deeper"), "{}", Map.of())))
                .isEqualTo(Swapped.DONE);
        assertThat(mesh.now(id("orders")).location()).isEqualTo(folder("orders/deeper"));
    }

    @Test
    void ofRacingOverlappingLocationsExactlyOneWins() throws Exception {
        List<String> folders = List.of("r", "r/a", "r/a/b", "r", "r/a", "r/a/b", "r/a/b/c", "r");
        List<Created> results =
                race(i -> mesh.tables.create(crm, "t" + i, UUID.randomUUID(), Mesh.published(crm, folders.get(i))));

        assertThat(results.stream().filter(Created.Done.class::isInstance).count())
                .isGreaterThanOrEqualTo(1);
        List<Table> there = mesh.tables.list(Mesh.NOBODY, crm, "", 100).stream()
                .map(seen -> seen.table())
                .toList();
        assertThat(there).hasSize(1);
    }

    @Test
    void ofRacingCreationsOfOneNameExactlyOneWins() throws Exception {
        List<Created> results =
                race(i -> mesh.tables.create(crm, "orders", UUID.randomUUID(), Mesh.published(crm, "folder" + i)));

        assertThat(results.stream().filter(Created.Done.class::isInstance)).hasSize(1);
        assertThat(results.stream().filter(Created.NameTaken.class::isInstance)).hasSize(RACERS - 1);
    }

    @Test
    void nobodyTakesTheUuidOfAnothersTable() {
        Table orders = mesh.table(crm, "orders");
        Namespace foreign = mesh.namespace(mesh.domain("thieves"), "n");

        assertThatThrownBy(() -> mesh.tables.create(foreign, "t", orders.uuid(), Mesh.published(foreign, "t")))
                .isInstanceOf(Refusal.Invalid.class);
        assertThat(mesh.tables.list(Mesh.NOBODY, foreign, "", 10)).isEmpty();

        Table own = mesh.table(foreign, "t");
        assertThatThrownBy(() -> mesh.tables.replace(own, orders.uuid(), Mesh.next(own)))
                .isInstanceOf(Refusal.Invalid.class);
        assertThat(mesh.now(own.name())).isEqualTo(own);
    }

    /// Whoever unregisters a table is given its last metadata: it must be that.
    @Test
    void aTableIsForgottenAsItWasSeen() {
        Table orders = mesh.table(crm, "orders");
        assertThat(mesh.tables.swap(orders, Mesh.next(orders))).isEqualTo(Swapped.DONE);

        assertThat(mesh.tables.drop(orders)).isFalse();
        assertThat(mesh.tables.drop(mesh.now(orders.name()))).isTrue();
    }

    @Test
    void whatTakesATablesPlaceHasItsNameAndNothingElseOfIt() {
        Table orders = mesh.table(crm, "orders");
        mesh.tables.classify(orders.uuid(), Map.of(1, Set.of("pii.name")));
        UUID uuid = UUID.randomUUID();
        Published other = Mesh.published(folder("other"), "{\"other\":1}", Map.of(2, Set.of(EMAIL)));

        assertThat(mesh.tables.replace(orders, uuid, other)).isEqualTo(Swapped.DONE);
        Table now = mesh.now(orders.name());
        assertThat(now.uuid()).isEqualTo(uuid);
        assertThat(now.location()).isEqualTo(folder("other"));
        assertThat(now.metadata()).isEqualTo(other.metadata().location());
        assertThat(content(now)).isEqualTo("{\"other\":1}");
        assertThat(mesh.tables.tags(uuid)).isEqualTo(other.tags());
        assertThat(mesh.tables.tags(orders.uuid())).isEqualTo(Map.of(1, Set.of(NAME)));
        assertThat(mesh.tables.swap(orders, Mesh.next(orders))).isEqualTo(Swapped.LOST);
    }

    @Test
    void ofRacingSwapsExactlyOneWins() throws Exception {
        Table seen = mesh.table(crm, "orders");
        List<Published> wanted = IntStream.range(0, RACERS)
                .mapToObj(i -> Mesh.published(seen.location(), "{\"by\":" + i + "}", Map.of()))
                .toList();
        List<Swapped> results = race(i -> mesh.tables.swap(seen, wanted.get(i)));

        assertThat(results).containsOnlyOnce(Swapped.DONE);
        assertThat(Collections.frequency(results, Swapped.LOST)).isEqualTo(RACERS - 1);
        Table now = mesh.now(seen.name());
        int winner = results.indexOf(Swapped.DONE);
        assertThat(now.version()).isEqualTo(2);
        assertThat(now.metadata()).isEqualTo(wanted.get(winner).metadata().location());
        assertThat(content(now)).isEqualTo("{\"by\":" + winner + "}");
    }

    @Test
    void aLostSwapChangesNothing() {
        Table seen = mesh.table(crm, "orders");
        mesh.tables.swap(seen, Mesh.published(seen.location(), "{}", Map.of(1, Set.of(EMAIL))));
        Table now = mesh.now(seen.name());

        assertThat(mesh.tables.swap(seen, Mesh.published(folder("other"), "{}", Map.of(2, Set.of(EMAIL)))))
                .isEqualTo(Swapped.LOST);
        assertThat(mesh.now(seen.name())).isEqualTo(now);
        assertThat(mesh.tables.tags(seen.uuid())).isEqualTo(Map.of(1, Set.of(EMAIL)));
    }

    @Test
    void contentIsKeptForTheCurrentPointerAndTheOneBefore() {
        Table first = mesh.table(crm, "orders");
        mesh.tables.swap(first, Mesh.next(first));
        Table second = mesh.now(first.name());
        assertThat(mesh.tables.content(first)).isPresent();
        mesh.tables.swap(second, Mesh.next(second));
        Table third = mesh.now(first.name());

        assertThat(mesh.tables.content(first)).isEmpty();
        assertThat(mesh.tables.content(second)).isPresent();
        assertThat(mesh.tables.content(third)).isPresent();
    }

    @Test
    void aCommitReplacesDeclaredTagsAndAStewardOnlyAnswers() {
        Table seen = mesh.table(crm, "orders");
        mesh.tables.classify(seen.uuid(), Map.of(2, Set.of("pii.name")));
        mesh.tables.swap(seen, Mesh.published(seen.location(), "{}", Map.of(1, Set.of(EMAIL))));
        assertThat(mesh.tables.tags(seen.uuid())).isEqualTo(Map.of(1, Set.of(EMAIL), 2, Set.of(NAME)));

        // What the steward said meanwhile stays, and what a commit has seen of earlier answers does not
        // come back.
        mesh.tables.classify(seen.uuid(), Map.of(2, Set.of("public")));
        mesh.tables.swap(
                mesh.now(seen.name()),
                Mesh.published(seen.location(), "{}", Map.of(2, Set.of(NAME), 3, Set.of(EMAIL))));
        assertThat(mesh.tables.tags(seen.uuid()))
                .isEqualTo(Map.of(2, Set.of(new Tag("public", Source.STEWARD)), 3, Set.of(EMAIL)));

        // An answer about one column leaves a tag alone that was declared for another meanwhile.
        mesh.tables.classify(seen.uuid(), Map.of(2, Set.of()));
        assertThat(mesh.tables.tags(seen.uuid()))
                .isEqualTo(Map.of(2, Set.of(new Tag("", Source.STEWARD)), 3, Set.of(EMAIL)));
    }

    @Test
    void ofTwoAnswersToOneColumnOneCounts() throws Exception {
        Table table = mesh.table(crm, "orders");
        race(i -> {
            mesh.tables.classify(table.uuid(), Map.of(1, Set.of("racer" + i)));
            return i;
        });
        assertThat(mesh.tables.tags(table.uuid()).get(1)).hasSize(1);
    }

    @Test
    void tagsOutliveADropAndARegistration() {
        Table table = mesh.table(crm, "orders");
        mesh.tables.classify(table.uuid(), Map.of(2, Set.of("pii.name")));
        mesh.tables.drop(table);
        mesh.tables.create(crm, "again", table.uuid(), Mesh.published(crm, "orders"));

        assertThat(mesh.tables.tags(table.uuid())).isEqualTo(Map.of(2, Set.of(NAME)));
    }

    @Test
    void aRenamedTableIsTheSameTable() {
        Table orders = mesh.table(crm, "orders");
        Namespace other = mesh.namespace(sales, "other");

        assertThat(mesh.tables.rename(orders, other, "sold")).isEqualTo(Renamed.DONE);
        Table sold = mesh.now(new TableId(other.name(), "sold"));
        assertThat(sold.id()).isEqualTo(orders.id());
        assertThat(sold.uuid()).isEqualTo(orders.uuid());
        assertThat(mesh.tables.content(sold)).isPresent();
        assertThat(mesh.tables.find(Mesh.NOBODY, orders.name())).isEmpty();
        assertThat(mesh.tables.rename(orders, crm, "thrice")).isEqualTo(Renamed.GONE);
        assertThat(mesh.tables.drop(orders)).isFalse();
        assertThat(mesh.now(sold.name())).isEqualTo(sold);
    }

    @Test
    void aTableIsNotRenamedOntoAnotherNorIntoNothing() {
        Table orders = mesh.table(crm, "orders");
        mesh.table(crm, "items");
        Namespace gone = mesh.namespace(sales, "gone");
        mesh.namespaces.remove(gone);

        assertThat(mesh.tables.rename(orders, crm, "items")).isEqualTo(Renamed.NAME_TAKEN);
        assertThat(mesh.tables.rename(orders, gone, "orders")).isEqualTo(Renamed.GONE);
        assertThat(mesh.now(id("orders"))).isEqualTo(orders);
    }

    @Test
    void aTablesGrantsMoveWithItAndGoWithIt() {
        Table orders = mesh.table(crm, "orders");
        TableId sold = id("sold");
        mesh.grant(Mesh.tableGrant(Mesh.ANALYSTS, Role.READER, orders.name()));
        mesh.tables.rename(orders, crm, "sold");

        assertThat(roles(sold)).containsExactly(Role.READER);
        mesh.table(crm, "another");
        assertThat(roles(id("another"))).isEmpty();
        mesh.tables.drop(mesh.now(sold));
        assertThat(mesh.grants(Optional.of(sales.name()), Page.Request.ALL).items())
                .isEmpty();
    }

    @Test
    void aTableIsNeitherCreatedInNorRenamedIntoANamespaceThatIsBeingDropped() throws Exception {
        for (int round = 0; round < 10; round++) {
            Namespace target = mesh.namespace(sales, "target" + round);
            Table mover = mesh.table(crm, "mover" + round);
            String folder = "r" + round;
            List<Callable<Boolean>> race = List.of(
                    () -> mesh.namespaces.remove(target),
                    () -> mesh.tables.create(target, "t", UUID.randomUUID(), Mesh.published(target, folder))
                            instanceof Created.Done,
                    () -> mesh.tables.rename(mover, target, "moved") == Renamed.DONE);
            List<Boolean> done = run(race);
            if (done.getFirst()) {
                assertThat(done).containsExactly(true, false, false);
                assertThat(mesh.tables.find(Mesh.NOBODY, mover.name())).isPresent();
            } else {
                assertThat(done.subList(1, 3)).contains(true);
                assertThat(mesh.namespaces.find(Mesh.NOBODY, target.name())).isPresent();
            }
        }
    }

    @Test
    void aPublicationDoesAllItsSteps() {
        Table orders = mesh.table(crm, "orders");
        Table items = mesh.table(crm, "items");
        Table read = mesh.table(crm, "read");
        Published first = Mesh.published(folder("new"), "{\"n\":1}", Map.of(1, Set.of(EMAIL)));
        Published next = Mesh.published(items.location(), "{\"n\":2}", Map.of(2, Set.of(EMAIL)));
        UUID uuid = UUID.randomUUID();

        assertThat(mesh.tables.publish(List.of(
                        new Step.Create(crm, "new", uuid, first),
                        new Step.Swap(items, next),
                        new Step.Keep(read),
                        new Step.Swap(orders, Mesh.next(orders)))))
                .isEqualTo(new Outcome.Done());
        assertThat(content(mesh.now(id("new")))).isEqualTo("{\"n\":1}");
        assertThat(mesh.now(id("new")).uuid()).isEqualTo(uuid);
        assertThat(mesh.tables.tags(uuid)).isEqualTo(first.tags());
        assertThat(content(mesh.now(items.name()))).isEqualTo("{\"n\":2}");
        assertThat(mesh.tables.tags(items.uuid())).isEqualTo(next.tags());
        assertThat(mesh.now(orders.name()).version()).isEqualTo(2);
        assertThat(mesh.now(read.name())).isEqualTo(read);
    }

    @Test
    void aPublicationThatLacksOneStepDoesNone() {
        Table orders = mesh.table(crm, "orders");
        Table stale = mesh.table(crm, "stale");
        mesh.tables.swap(stale, Mesh.next(stale));
        Namespace gone = mesh.namespace(sales, "gone");
        mesh.namespaces.remove(gone);
        Step swap = new Step.Swap(orders, Mesh.published(orders.location(), "{}", Map.of(1, Set.of(EMAIL))));
        Step creation = creation(crm, "new", "new");
        Map<Step, Outcome> refused = Map.of(
                new Step.Swap(stale, Mesh.next(stale)),
                new Outcome.Lost(),
                new Step.Keep(stale),
                new Outcome.Lost(),
                creation(crm, "orders", "other"),
                new Outcome.NameTaken(id("orders")),
                creation(gone, "t", "other"),
                new Outcome.NoNamespace(gone.name()),
                creation(crm, "inside", "crm/stale/x"),
                new Outcome.LocationTaken(folder("crm/stale/x")));
        refused.forEach((step, outcome) -> {
            assertThat(mesh.tables.publish(List.of(creation, swap, step))).isEqualTo(outcome);
            assertThat(mesh.now(orders.name())).isEqualTo(orders);
            assertThat(mesh.tables.tags(orders.uuid())).isEmpty();
            assertThat(mesh.tables.find(Mesh.NOBODY, id("new"))).isEmpty();
        });
        assertThatThrownBy(() -> mesh.tables.publish(
                        List.of(swap, new Step.Create(crm, "new", stale.uuid(), Mesh.published(crm, "new")))))
                .isInstanceOf(Refusal.Invalid.class);
        assertThat(mesh.now(orders.name())).isEqualTo(orders);
    }

    @Test
    void tablesOfOnePublicationMayTradeTheirFoldersButNotShareOne() {
        Table orders = mesh.table(crm, "orders");
        Table items = mesh.table(crm, "items");
        List<Step> share =
                List.of(new Step.Swap(orders, Mesh.published(crm, "both")), creation(crm, "new", "both/inside"));

        assertThat(mesh.tables.publish(share)).isInstanceOf(Outcome.LocationTaken.class);
        assertThat(mesh.tables.publish(List.of(
                        new Step.Swap(orders, Mesh.published(items.location(), "{}", Map.of())),
                        new Step.Swap(items, Mesh.published(orders.location(), "{}", Map.of())))))
                .isEqualTo(new Outcome.Done());
        assertThat(mesh.now(orders.name()).location()).isEqualTo(items.location());
        assertThat(mesh.now(items.name()).location()).isEqualTo(orders.location());
    }

    /// Sixteen callers, each with other pairs in another order: two pointers move at once, or none does.
    @Test
    void crossingPublicationsAreAllOrNothing() throws Exception {
        List<Table> tables =
                IntStream.range(0, 4).mapToObj(i -> mesh.table(crm, "t" + i)).toList();
        int wins = 10;
        List<Callable<Integer>> callers = IntStream.range(0, 16)
                .mapToObj(caller -> (Callable<Integer>) () -> {
                    int tries = 0;
                    for (int won = 0; won < wins; tries++) {
                        Table first = mesh.now(tables.get((caller + tries) % 4).name());
                        Table second = mesh.now(tables.get((caller + tries + 1 + caller % 3) % 4)
                                .name());
                        Outcome outcome = mesh.tables.publish(List.of(
                                new Step.Swap(first, Mesh.next(first)), new Step.Swap(second, Mesh.next(second))));
                        won += outcome.equals(new Outcome.Done()) ? 1 : 0;
                    }
                    return tries;
                })
                .toList();
        try (var threads = Executors.newCachedThreadPool()) {
            for (Future<Integer> done : threads.invokeAll(callers)) {
                assertThat(done.get()).isGreaterThanOrEqualTo(wins);
            }
        }
        assertThat(tables.stream()
                        .mapToLong(table -> mesh.now(table.name()).version() - 1)
                        .sum())
                .as("each publication moved two pointers")
                .isEqualTo(2L * 16 * wins);
    }

    private static Step creation(Namespace in, String name, String folder) {
        return new Step.Create(in, name, UUID.randomUUID(), Mesh.published(in, folder));
    }

    private Set<Role> roles(TableId name) {
        return mesh.tables
                .find(Set.of(Mesh.ANALYSTS), name)
                .orElseThrow()
                .sight()
                .roles();
    }

    private Created create(String name, String folder) {
        return mesh.tables.create(crm, name, UUID.randomUUID(), Mesh.published(crm, folder));
    }

    private String content(Table table) {
        return new String(mesh.tables.content(table).orElseThrow(), UTF_8);
    }

    private Location folder(String key) {
        return new Location(sales.storage().bucket(), key);
    }

    private TableId id(String name) {
        return new TableId(crm.name(), name);
    }

    private static List<String> names(List<io.icefield.table.TableStore.Seen> seen) {
        return seen.stream().map(each -> each.table().name().name()).toList();
    }

    private static <T> List<T> race(java.util.function.IntFunction<T> racer) throws Exception {
        return run(IntStream.range(0, RACERS)
                .mapToObj(i -> (Callable<T>) () -> racer.apply(i))
                .toList());
    }

    private static <T> List<T> run(List<Callable<T>> race) throws Exception {
        try (var threads = Executors.newCachedThreadPool()) {
            return threads.invokeAll(race).stream().map(Future::resultNow).toList();
        }
    }
}
