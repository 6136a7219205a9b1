package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import io.icefield.storage.DomainName;
import io.icefield.table.Delegation;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataFiles;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.PlanScan;
import io.icefield.table.PlanScan.Planned;
import io.icefield.table.Restricted;
import io.icefield.table.ScanPlanner;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Plans that take longer than an answer, on two replicas that share their store.
class PlanScanTest {
    private static final Principal WHO = new Principal("seller", Principal.Kind.JOB, Set.of("sellers"));
    private static final TableId PEOPLE =
            new TableId(new NamespaceId(new DomainName("sales"), List.of("crm")), "people");
    private static final TableId OLD = new TableId(new NamespaceId(new DomainName("sales"), List.of("crm")), "old");
    private static final Principal ANALYST = new Principal("analyst", Principal.Kind.USER, Set.of("analysts"));
    private static final Duration SHORT = Duration.ofMillis(30);
    private static final Duration LONG = Duration.ofMinutes(10);

    private static final Governance OPEN = new Governance() {
        @Override
        public Verdict judge(Change change) {
            return new Verdict(List.of(), List.of());
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return Restrictions.NONE;
        }
    };

    /// Masks what is tagged.
    private static final Governance MASKING = new Governance() {
        @Override
        public Verdict judge(Change change) {
            return new Verdict(List.of(), List.of());
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return new Restrictions(
                    columns.stream()
                            .filter(column -> column.tags().contains("pii.email"))
                            .collect(Collectors.toMap(Column::path, _ -> Mask.REPLACE_WITH_NULL)),
                    List.of());
        }
    };

    private final RunningServer mesh = new RunningServer();
    private final List<PlanScan> replicas = new ArrayList<>();
    private final HeldPlanner planner = new HeldPlanner();

    @BeforeEach
    void aTable() {
        mesh.send(
                "POST",
                "/iceberg/v1/sales/namespaces/crm/tables",
                mesh.seller,
                IcebergRoutesTest.createBody("people", ""));
    }

    @AfterEach
    void stop() {
        planner.gate.countDown();
        replicas.forEach(PlanScan::close);
        mesh.close();
    }

    private PlanScan replica(Duration answer, Duration lease) {
        return replica(answer, lease, OPEN);
    }

    private PlanScan replica(Duration answer, Duration lease, Governance governance) {
        MetadataFiles files = new MetadataFiles(mesh.mesh.tableStore, mesh.mesh.storage);
        PlanScan made = new PlanScan(
                new Tables(new Namespaces(mesh.domains, mesh.mesh.namespaceStore, OPEN), mesh.mesh.tableStore),
                files,
                new Restricted(governance, new IcebergFormat(1 << 20), mesh.mesh.tableStore),
                planner,
                mesh.mesh.planStore,
                mesh.mesh.storage,
                new PlanScan.Patience(answer, lease));
        replicas.add(made);
        return made;
    }

    /// A planner of large tables that waits before its second page until it may go on.
    private static final class HeldPlanner implements ScanPlanner {
        private volatile CountDownLatch gate = new CountDownLatch(1);
        private volatile Supplier<Optional<RuntimeException>> failure = Optional::empty;
        private final AtomicInteger begun = new AtomicInteger();
        private final AtomicInteger parsed = new AtomicInteger();
        private volatile CountDownLatch parsing = new CountDownLatch(0);

        @Override
        public Scan scan(Metadata metadata, String request) {
            parsed.incrementAndGet();
            try {
                parsing.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new Scan(request, request);
        }

        @Override
        public Effort effort(Table table, Scan scan) {
            return new Effort(1_000, 1_000_000);
        }

        @Override
        public Pages pages(Table table, Scan scan) {
            begun.incrementAndGet();
            return new Pages() {
                private int page;

                @Override
                public boolean hasNext() {
                    return page < 3;
                }

                @Override
                public byte[] next() {
                    if (page == 3) {
                        throw new NoSuchElementException();
                    }
                    if (page == 1) {
                        try {
                            gate.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        failure.get().ifPresent(e -> {
                            throw e;
                        });
                    }
                    return "{\"page\":%d}".formatted(page++).getBytes(UTF_8);
                }

                @Override
                public void close() {}
            };
        }
    }

    private static UUID submitted(Planned planned) {
        return switch (planned) {
            case Planned.Submitted(UUID plan) -> plan;
            default -> throw new AssertionError(planned.toString());
        };
    }

    private UUID submit(PlanScan replica) {
        return submitted(replica.plan(WHO, PEOPLE, "{}", Delegation.NONE));
    }

    private static Planned fetch(PlanScan replica, UUID plan) {
        return replica.fetch(WHO, PEOPLE, plan.toString(), Delegation.NONE);
    }

    private static String task(PlanScan replica, UUID plan, int page) {
        return new String(replica.tasks(WHO, PEOPLE, PlanScan.task(plan, page)), UTF_8);
    }

    private static Planned awaited(PlanScan replica, UUID plan) {
        long deadline = System.nanoTime() + RunningServer.PATIENCE.toNanos();
        while (System.nanoTime() - deadline < 0) {
            Planned now = fetch(replica, plan);
            if (!(now instanceof Planned.Submitted)) {
                return now;
            }
        }
        throw new AssertionError("the plan was never ready");
    }

    @Test
    void whatTakesLongIsSubmittedAndAnyReplicaTellsOfIt() {
        PlanScan one = replica(SHORT, LONG);
        PlanScan two = replica(SHORT, LONG);
        UUID plan = submit(one);
        assertThat(fetch(two, plan)).isInstanceOf(Planned.Submitted.class);
        assertThatExceptionOfType(Refusal.NotFound.class).isThrownBy(() -> task(two, plan, 0));
        planner.gate.countDown();
        assertThat(awaited(two, plan))
                .isInstanceOfSatisfying(
                        Planned.Ready.class, ready -> assertThat(ready.pages()).isEqualTo(3));
        assertThat(task(two, plan, 2)).isEqualTo("{\"page\":2}");
        assertThat(planner.begun).hasValue(1);
    }

    @Test
    void whoStopsLeavesItsPlansToTheOthers() {
        PlanScan one = replica(SHORT, LONG);
        UUID plan = submit(one);
        one.close();
        PlanScan two = replica(SHORT, LONG);
        assertThat(fetch(two, plan)).isInstanceOf(Planned.Submitted.class);
        planner.gate.countDown();
        assertThat(awaited(two, plan)).isInstanceOf(Planned.Ready.class);
        assertThat(task(two, plan, 0)).isEqualTo("{\"page\":0}");
        assertThat(planner.begun).hasValue(2);
    }

    @Test
    void whatARunnerLeavesUndoneIsTakenOver() {
        PlanScan two = replica(SHORT, LONG);
        UUID plan = UUID.randomUUID();
        UUID dead = UUID.randomUUID();
        Table table = mesh.mesh.tableStore.find(Set.of(), PEOPLE).orElseThrow().table();
        assertThat(mesh.mesh.planStore.add(
                        plan,
                        table,
                        WHO.name(),
                        "{}",
                        dead,
                        new io.icefield.table.PlanStore.Limits(Duration.ofMillis(-1), LONG, 1)))
                .isTrue();
        planner.gate.countDown();
        assertThat(awaited(two, plan)).isInstanceOf(Planned.Ready.class);
    }

    @Test
    void aLeaseIsRenewedWhileThePlanIsMade() {
        Duration lease = Duration.ofMillis(90);
        PlanScan one = replica(lease.multipliedBy(5), lease);
        PlanScan two = replica(lease.multipliedBy(5), lease);
        UUID plan = submit(one);
        assertThat(fetch(two, plan)).isInstanceOf(Planned.Submitted.class);
        planner.gate.countDown();
        assertThat(awaited(two, plan)).isInstanceOf(Planned.Ready.class);
        assertThat(planner.begun).hasValue(1);
    }

    @Test
    void aCancelledPlanIsGivenUp() {
        PlanScan one = replica(SHORT, Duration.ofMillis(90));
        UUID plan = submit(one);
        one.cancel(WHO, PEOPLE, plan.toString());
        assertThat(fetch(one, plan)).isInstanceOf(Planned.Cancelled.class);
        one.cancel(WHO, PEOPLE, plan.toString());
        planner.gate.countDown();
        assertThat(awaited(one, plan)).isInstanceOf(Planned.Cancelled.class);
    }

    @Test
    void aPlanThatFailsSaysWhy() {
        planner.gate.countDown();
        PlanScan one = replica(RunningServer.PATIENCE, LONG);
        planner.failure = () -> Optional.of(new Refusal.NotAllowed("not this one"));
        assertThat(one.plan(WHO, PEOPLE, "{}", Delegation.NONE))
                .isInstanceOfSatisfying(
                        Planned.Failed.class,
                        failed -> assertThat(failed.why())
                                .isInstanceOf(Refusal.NotAllowed.class)
                                .hasMessage("not this one"));
        planner.failure = () -> Optional.of(new IllegalStateException("host-17 is on fire"));
        assertThat(one.plan(WHO, PEOPLE, "{}", Delegation.NONE))
                .isInstanceOfSatisfying(
                        Planned.Failed.class,
                        failed -> assertThat(failed.why())
                                .isInstanceOf(Refusal.Unavailable.class)
                                .hasMessageNotContaining("host-17"));
    }

    /// Clean-ups remove the schemas of snapshots that have expired; the files of that time are still read.
    @Test
    void aColumnThatOnlyOldFilesHoldStaysHidden() {
        String tables = "/iceberg/v1/sales/namespaces/crm/tables";
        mesh.send("POST", tables, mesh.seller, """
                {"name":"old","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"},
                {"id":2,"name":"mail","required":false,"type":"string"}]},
                "properties":{"icefield.tags.mail":"pii.email"}}""");
        PlanScan one = replica(SHORT, LONG, MASKING);
        assertThatExceptionOfType(Refusal.NotAllowed.class)
                .isThrownBy(() -> one.plan(ANALYST, OLD, "{}", Delegation.NONE))
                .withMessageContaining("mail");
        for (String updates : List.of("""
                {"action":"add-schema","schema":{"type":"struct","schema-id":1,"fields":[
                {"id":1,"name":"id","required":false,"type":"long"}]},"last-column-id":2},
                {"action":"set-current-schema","schema-id":-1},
                {"action":"remove-properties","removals":["icefield.tags.mail"]}""", "{\"action\":\"remove-schemas\",\"schema-ids\":[0]}")) {
            String body = "{\"requirements\":[],\"updates\":[%s]}".formatted(updates);
            assertThat(mesh.send("POST", tables + "/old", mesh.seller, body).status())
                    .isEqualTo(200);
            assertThatExceptionOfType(Refusal.NotAllowed.class)
                    .isThrownBy(() -> one.plan(ANALYST, OLD, "{}", Delegation.NONE));
        }
        assertThat(one.plan(WHO, OLD, "{}", Delegation.NONE)).isInstanceOf(Planned.Submitted.class);
    }

    /// Parsed metadata is long: a server that is asked for many plans at once must not hold that of each.
    @Test
    void onlyAFewHaveParsedMetadataInMemory() throws Exception {
        PlanScan one = replica(SHORT, LONG);
        planner.parsing = new CountDownLatch(1);
        try (var threads = Executors.newCachedThreadPool()) {
            List<Future<UUID>> asked = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                asked.add(threads.submit(() -> submit(one)));
            }
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (refused(asked) < 6 && System.nanoTime() - deadline < 0) {
                Thread.onSpinWait();
            }
            int inMemory = planner.parsed.get();
            long refused = refused(asked);
            planner.parsing.countDown();
            assertThat(inMemory).isEqualTo(6);
            assertThat(refused).isEqualTo(6);
            while (planner.begun.get() < 2 && System.nanoTime() - deadline < 0) {
                Thread.onSpinWait();
            }
        }
        assertThat(planner.parsed)
                .as("of six large plans two are made, and the others wait")
                .hasValue(8);
    }

    private static long refused(List<Future<UUID>> asked) {
        return asked.stream()
                .filter(each -> each.state() == Future.State.FAILED)
                .peek(each -> assertThat(each.exceptionNow()).isInstanceOf(Refusal.Unavailable.class))
                .count();
    }

    @Test
    void onePrincipalHasOnlySoManyRunning() {
        PlanScan one = replica(Duration.ZERO, LONG);
        for (int i = 0; i < 20; i++) {
            submit(one);
        }
        assertThatExceptionOfType(Refusal.Unavailable.class).isThrownBy(() -> submit(one));
    }
}
