package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.table.DroppedStore;
import io.icefield.table.Fate;
import io.icefield.table.Namespace;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Outcome;
import io.icefield.table.TableStore.Seen;
import io.icefield.table.TableStore.Source;
import io.icefield.table.TableStore.Step;
import io.icefield.table.TableStore.Tag;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The traps that only a real database has. The 15th, an answer that is lost, is `LostConnectionTest`.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StoreTrapsTest {
    private Mesh mesh;

    @BeforeAll
    void open() {
        mesh = Mesh.open();
    }

    @AfterAll
    void close() {
        mesh.database.close();
    }

    private static <T> List<Future<T>> together(List<Callable<T>> work) throws InterruptedException {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            return threads.invokeAll(work, 60, TimeUnit.SECONDS);
        }
    }

    @Test
    void trap10_aNamespaceIsDroppedOrHasTheTableNeverBoth() throws Exception {
        var domain = mesh.domain("trap10");
        for (int round = 0; round < 30; round++) {
            Namespace namespace = mesh.namespace(domain, "n" + round);
            Namespace from = mesh.namespace(domain, "from" + round);
            Table renamed = mesh.table(from, "t");
            List<Future<Boolean>> done = together(List.of(
                    () -> mesh.namespaces.remove(namespace),
                    () -> mesh.tables.create(
                                    namespace,
                                    "made",
                                    UUID.randomUUID(),
                                    Mesh.published(namespace, namespace.name().inDomain() + "/made"))
                            instanceof Created.Done,
                    () -> mesh.tables.rename(renamed, namespace, "moved")
                            == io.icefield.table.TableStore.Renamed.DONE));
            boolean dropped = done.get(0).resultNow();
            assertThat(dropped)
                    .as("round %d", round)
                    .isNotEqualTo(done.get(1).resultNow() || done.get(2).resultNow());
            assertThat(mesh.namespaces.find(Mesh.NOBODY, namespace.name()).isPresent())
                    .isNotEqualTo(dropped);
            assertThat(mesh.tables
                            .find(Mesh.NOBODY, new TableId(namespace.name(), "made"))
                            .isPresent())
                    .isEqualTo(done.get(1).resultNow());
        }
    }

    /// Whoever was told that it is protected finds it as it was.
    @Test
    void aTableThatIsBeingProtectedIsNeitherRenamedNorReplacedNorDropped() throws Exception {
        Namespace namespace = mesh.namespace(mesh.domain("protecting"), "n");
        PostgresDropped dropped = new PostgresDropped(mesh.database);
        List<Consumer<Table>> changes = List.of(
                table -> mesh.tables.rename(table, namespace, "other"),
                table -> mesh.tables.replace(table, UUID.randomUUID(), Mesh.next(table)),
                table -> mesh.tables.drop(table),
                table -> dropped.drop(table, new DroppedStore.Drop("x", Fate.PURGE, Duration.ZERO)));
        for (int i = 0; i < changes.size(); i++) {
            Table table = mesh.table(namespace, "t" + i);
            Consumer<Table> change = changes.get(i);
            FutureTask<Void> changing = new FutureTask<>(() -> change.accept(table), null);
            mesh.database.write(handle -> {
                int done = handle.execute("UPDATE relations SET protected = true WHERE id = ?", table.id());
                Thread.ofPlatform().daemon().start(changing);
                awaitSomebodyWaits(handle);
                return done;
            });
            assertThatThrownBy(() -> changing.get(30, TimeUnit.SECONDS))
                    .as("change %d", i)
                    .cause()
                    .isInstanceOf(Refusal.NotAllowed.class);
            assertThat(mesh.now(table.name())).isEqualTo(table);
        }
    }

    private static void awaitSomebodyWaits(Handle handle) {
        Instant deadline = Instant.now().plusSeconds(30);
        while (handle.createQuery("SELECT count(*) FROM pg_locks WHERE NOT granted")
                        .mapTo(Integer.class)
                        .one()
                == 0) {
            assertThat(Instant.now()).isBefore(deadline);
        }
    }

    @Test
    void trap14_aDeadlockIsALostRaceAndNothingWasApplied() throws Exception {
        mesh.database.write(handle -> {
            handle.execute("CREATE TABLE trap14 (id int PRIMARY KEY, n int)");
            return handle.execute("INSERT INTO trap14 VALUES (1, 0), (2, 0)");
        });
        CyclicBarrier bothHaveOne = new CyclicBarrier(2);
        List<Future<Integer>> done = together(List.of(crossing(1, 2, bothHaveOne), crossing(2, 1, bothHaveOne)));
        assertThat(done.stream()
                        .filter(each -> each.state() == Future.State.FAILED)
                        .toList())
                .hasSize(1)
                .allSatisfy(lost -> assertThat(lost.exceptionNow()).isInstanceOf(Refusal.Conflict.class));
        assertThat(mesh.database.<List<Integer>>read(handle -> handle.createQuery("SELECT n FROM trap14")
                        .mapTo(Integer.class)
                        .list()))
                .containsExactly(1, 1);
    }

    private Callable<Integer> crossing(int first, int second, CyclicBarrier bothHaveOne) {
        return () -> mesh.database.write(handle -> {
            handle.execute("UPDATE trap14 SET n = n + 1 WHERE id = " + first);
            try {
                bothHaveOne.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            return handle.execute("UPDATE trap14 SET n = n + 1 WHERE id = " + second);
        });
    }

    @Test
    void trap14_publicationsOverDomainsCrossWithoutDeadlock() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Namespace a = mesh.namespace(mesh.domain("crossinga"), "n");
        Namespace b = mesh.namespace(mesh.domain("crossingb"), "n");
        for (int round = 0; round < 10; round++) {
            List<Callable<Outcome>> crossing = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                String name = "t%d_%d".formatted(round, i);
                List<Step> steps = new ArrayList<>(List.of(creation(a, name), creation(b, name)));
                java.util.Collections.shuffle(steps, random);
                crossing.add(() -> mesh.tables.publish(steps));
            }
            for (Future<Outcome> each : together(crossing)) {
                assertThat(each.resultNow()).isInstanceOf(Outcome.Done.class);
            }
        }
    }

    @Test
    void foldersAreComparedInEveryDomainOfAPublication() throws Exception {
        Namespace a = mesh.namespace(mesh.domain("foldersa"), "n");
        Namespace b = mesh.namespace(mesh.domain("foldersb"), "n");
        for (int round = 0; round < 20; round++) {
            // Both make a table in the same folder of `b`, each beside one of its own in `a`.
            String one = "one" + round;
            String two = "two" + round;
            List<Future<Outcome>> done = together(List.of(
                    () -> mesh.tables.publish(List.of(creation(a, one), creation(b, one, "same" + one))),
                    () -> mesh.tables.publish(List.of(creation(b, two, "same" + one + "/below"), creation(a, two)))));
            assertThat(done.stream().map(Future::resultNow).filter(Outcome.Done.class::isInstance))
                    .as("round %d: %s", round, done)
                    .hasSize(1);
        }
    }

    @Test
    void whoeverChangesTagsTheTableHasAnotherVersionOfThem() {
        Namespace namespace = mesh.namespace(mesh.domain("versions"), "n");
        Table table = mesh.table(namespace, "t");
        Table beside = mesh.table(namespace, "beside");
        List<Seen> seen = new ArrayList<>(List.of(seen(table)));
        assertThat(mesh.tables.tags(seen.getLast())).isEmpty();

        mesh.tables.classify(table.uuid(), Map.of(1, Set.of("pii.email")));
        seen.add(seen(table));
        assertThat(mesh.tables.tags(seen.getLast())).containsOnlyKeys(1);

        Map<Integer, Set<Tag>> declared = Map.of(2, Set.of(new Tag("public", Source.DECLARED)));
        mesh.tables.swap(seen.getLast().table(), Mesh.published(table.location(), "{}", declared));
        seen.add(seen(table));
        assertThat(mesh.tables.tags(seen.getLast())).containsOnlyKeys(1, 2);

        mesh.tables.swap(seen.getLast().table(), Mesh.published(table.location(), "{}", Map.of()));
        seen.add(seen(table));
        assertThat(mesh.tables.tags(seen.getLast())).containsOnlyKeys(1);

        mesh.tables.replace(
                seen.getLast().table(), UUID.randomUUID(), Mesh.published(table.location(), "{}", Map.of()));
        seen.add(seen(table));
        assertThat(mesh.tables.tags(seen.getLast())).isEmpty();

        assertThat(seen.stream().map(Seen::tagsVersion)).doesNotHaveDuplicates().doesNotContain(0L);
        mesh.tables.swap(seen.getLast().table(), Mesh.published(table.location(), "{}", Map.of()));
        assertThat(seen(table).tagsVersion())
                .as("a commit that classifies nothing")
                .isEqualTo(seen.getLast().tagsVersion());
        assertThat(mesh.tables.tags(seen(beside))).isEmpty();
    }

    private Seen seen(Table table) {
        return mesh.tables.find(Mesh.NOBODY, table.name()).orElseThrow();
    }

    private static Step.Create creation(Namespace namespace, String name) {
        return creation(namespace, name, "n/" + name);
    }

    private static Step.Create creation(Namespace namespace, String name, String folder) {
        return new Step.Create(namespace, name, UUID.randomUUID(), Mesh.published(namespace, folder));
    }
}
