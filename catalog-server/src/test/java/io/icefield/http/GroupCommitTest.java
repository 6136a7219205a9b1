package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.EngineSync;
import io.icefield.domain.Grant;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import io.icefield.policy.Violation;
import io.icefield.query.QueryEngine;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.CommitTable;
import io.icefield.table.CreateTable;
import io.icefield.table.Delegation;
import io.icefield.table.Loaded;
import io.icefield.table.MetadataFiles;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.Once;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import io.icefield.table.Usages;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Commits that meet at one table: what they share, and what each of them is told.
class GroupCommitTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final NamespaceId CRM = new NamespaceId(new DomainName("sales"), List.of("crm"));
    private static final TableId ORDERS = new TableId(CRM, "orders");
    private static final Principal JOB = new Principal("job", Principal.Kind.JOB, Set.of("platform"));
    private static final Principal READER = new Principal("ann", Principal.Kind.USER, Set.of("analysts"));
    private static final Principal STRANGER = new Principal("eve", Principal.Kind.USER, Set.of("nobodies"));

    /// A column called `bad` is refused.
    private static final Governance GOVERNANCE = new Governance() {
        @Override
        public Verdict judge(Change change) {
            boolean bad =
                    change.after().stream().anyMatch(column -> column.path().equals("bad"))
                            && change.before().stream()
                                    .noneMatch(column -> column.path().equals("bad"));
            return new Verdict(
                    bad ? List.of(new Violation("naming/bad", "bad", "call it good")) : List.of(), List.of());
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return Restrictions.NONE;
        }
    };

    private final InMemoryMesh mesh = new InMemoryMesh();
    private final AtomicInteger writes = new AtomicInteger();
    private Optional<CommitTable> commits = Optional.empty();
    private Set<Location> before = Set.of();

    @BeforeEach
    void create() {
        StorageProfile profile = new StorageProfile(
                CRM.domain(),
                "bucket-sales",
                "",
                Optional.empty(),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                Credential.permanent("root", "root-secret"));
        Domain sales = mesh.domainStore.add(CRM.domain(), profile, Set.of()).orElseThrow();
        mesh.namespaceStore.add(sales, CRM, Map.of());
        mesh.grant(
                new Grant(Grantee.parse("group:analysts"), Role.READER, Optional.empty(), List.of(), Optional.empty()));
        IcebergFormat format = new IcebergFormat(1 << 20);
        Domains domains = new Domains(
                mesh.domainStore, mesh.storage, _ -> profile, new EngineSync(QueryEngine.NONE, List::of, domain -> {
                    throw new AssertionError(domain);
                }));
        Namespaces namespaces = new Namespaces(domains, mesh.namespaceStore, GOVERNANCE);
        Tables tables = new Tables(namespaces, mesh.tableStore);
        MetadataFiles files = new MetadataFiles(mesh.tableStore, mesh.storage);
        new CreateTable(namespaces, mesh.tableStore, format, GOVERNANCE, files, files, mesh.storage)
                .create(JOB, CRM, IcebergRoutesTest.createBody("orders", ""), Delegation.NONE, Once.UNTOLD);
        commits = Optional.of(new CommitTable(
                tables,
                namespaces,
                mesh.tableStore,
                format,
                GOVERNANCE,
                files,
                files,
                new Usages(domains, mesh.tableStore, InMemoryMesh.UNCOUNTED, files, format, Clock.systemUTC())));
        before = mesh.objects();
    }

    private static String updates(String... updates) {
        return "{\"requirements\":[],\"updates\":[" + String.join(",", updates) + "]}";
    }

    private static String set(String key, String value) {
        return "{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}".formatted(key, value);
    }

    private static String schema(String column) {
        return """
                {"action":"add-schema","schema":{"type":"struct","fields":[
                {"id":1,"name":"id","required":false,"type":"long"},
                {"id":2,"name":"email","required":false,"type":"string"},
                {"id":3,"name":"%s","required":false,"type":"string"}]}},
                {"action":"set-current-schema","schema-id":-1}""".formatted(column);
    }

    private Supplier<Loaded> commit(Principal who, String body) {
        return commit(who, body, Once.UNTOLD);
    }

    private Supplier<Loaded> commit(Principal who, String body, Once once) {
        return () -> commits.orElseThrow().commit(who, ORDERS, body, once);
    }

    private static Once key() {
        return new Once(List.of(new Once.Key("job", UUID.randomUUID(), "digest", Duration.ofMinutes(1))));
    }

    /// Those of the refused are not: they changed nothing.
    @Test
    void theKeysOfAllThatIsPublishedAreRecordedWithIt() throws Exception {
        List<Once> keys = Stream.generate(GroupCommitTest::key).limit(4).toList();
        together(
                List.of(
                        commit(JOB, updates(set("first", "1")), keys.get(0)),
                        commit(JOB, updates(set("a", "1")), keys.get(1)),
                        commit(JOB, updates(schema("bad")), keys.get(2)),
                        commit(JOB, updates(set("b", "1")), keys.get(3))),
                GroupCommitTest::nothing);

        assertThat(mesh.recorded.subList(mesh.recorded.size() - 2, mesh.recorded.size()))
                .extracting(Once::keys)
                .containsExactly(
                        keys.get(0).keys(),
                        Stream.of(keys.get(1), keys.get(3))
                                .flatMap(once -> once.keys().stream())
                                .toList());
    }

    /// What the pointer names, which must be there.
    private TableMetadata now() {
        Table table = mesh.tableStore.find(Set.of(), ORDERS).orElseThrow().table();
        assertThat(mesh.objects()).contains(table.metadata());
        return parsed(mesh.tableStore.content(table).orElseThrow());
    }

    private static TableMetadata parsed(byte[] json) {
        return TableMetadataParser.fromJson(new String(json, UTF_8));
    }

    private Set<Location> newObjects() {
        Set<Location> objects = new HashSet<>(mesh.objects());
        objects.removeAll(before);
        return objects;
    }

    /// Answers or refusals of commits that all wait, in their order, while the first one writes its file.
    ///
    /// @param then runs before the first one goes on
    private List<Object> together(List<Supplier<Loaded>> all, Runnable then) throws Exception {
        CountDownLatch writing = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        mesh.writing = () -> {
            if (writes.incrementAndGet() == 1) {
                writing.countDown();
                awaited(go);
            }
        };
        List<FutureTask<Object>> answers = new ArrayList<>();
        for (Supplier<Loaded> each : all) {
            FutureTask<Object> answer = new FutureTask<>(() -> {
                try {
                    return each.get();
                } catch (Refusal e) {
                    return e;
                }
            });
            answers.add(answer);
            Thread thread = Thread.ofPlatform().start(answer);
            if (answers.size() == 1) {
                awaited(writing);
            } else {
                waiting(thread);
            }
        }
        then.run();
        go.countDown();
        List<Object> results = new ArrayList<>();
        for (FutureTask<Object> answer : answers) {
            results.add(answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        }
        return results;
    }

    private static void waiting(Thread thread) {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (thread.getState() != Thread.State.WAITING) {
            assertThat(Instant.now()).as("%s is %s", thread, thread.getState()).isBefore(deadline);
            Thread.onSpinWait();
        }
    }

    private static void awaited(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void nothing() {}

    /// The first commit is published, the group behind it is refused once.
    private void theGroupIsTold(Refusal refusal) {
        mesh.writing = () -> {
            if (writes.incrementAndGet() == 2) {
                mesh.publishing = Optional.of(refusal);
            }
        };
    }

    @Test
    void thoseWhoWaitShareOneFileAndOneSwap() throws Exception {
        List<Supplier<Loaded>> all = new ArrayList<>();
        for (int i = 0; i <= 10; i++) {
            all.add(commit(JOB, updates(set("k" + i, "v"))));
        }
        List<Object> answers = together(all, GroupCommitTest::nothing);

        assertThat(answers).allSatisfy(answer -> assertThat(answer).isInstanceOf(Loaded.class));
        assertThat(newObjects()).as("metadata files of 11 commits").hasSize(2);
        assertThat(now().properties())
                .containsKeys(
                        IntStream.rangeClosed(0, 10).mapToObj(i -> "k" + i).toArray(String[]::new));
        for (int i = 0; i <= 10; i++) {
            assertThat(parsed(((Loaded) answers.get(i)).metadata()).properties())
                    .as("the answer to commit %d", i)
                    .containsKey("k" + i);
        }
        assertThat(now().previousFiles()).hasSize(2);
    }

    @Test
    void eachFailsByItself() throws Exception {
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(STRANGER, updates(set("stranger", "1"))),
                        commit(JOB, updates(set("a", "1"))),
                        commit(READER, updates(set("reader", "1"))),
                        commit(
                                JOB,
                                "{\"requirements\":[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}],\"updates\":[%s]}"
                                        .formatted(UUID.randomUUID(), set("conflict", "1"))),
                        commit(JOB, updates(schema("bad"))),
                        commit(JOB, updates("{\"action\":\"set-current-schema\",\"schema-id\":77}")),
                        commit(JOB, updates(set("icefield.tags.nothing", "pii.email"))),
                        commit(JOB, updates()),
                        commit(JOB, updates(set("b", "1")))),
                GroupCommitTest::nothing);

        assertThat(answers)
                .map(GroupCommitTest::kind)
                .containsExactly(
                        "done",
                        "NotFound",
                        "done",
                        "NotAllowed",
                        "Conflict",
                        "PolicyBroken",
                        "Invalid",
                        "Invalid",
                        "done",
                        "done");
        assertThat(now().properties())
                .containsKeys("first", "a", "b")
                .doesNotContainKeys("stranger", "reader", "conflict", "icefield.tags.nothing");
        assertThat(now().schema().findField("bad")).isNull();
        assertThat(newObjects()).hasSize(2);
    }

    private static String kind(Object answer) {
        return answer instanceof Loaded ? "done" : answer.getClass().getSimpleName();
    }

    @Test
    void eachIsJudgedByItsOwnChange() throws Exception {
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(JOB, updates(schema("good"))),
                        commit(JOB, updates(schema("bad"))),
                        commit(JOB, updates(set("last", "1")))),
                GroupCommitTest::nothing);

        assertThat(answers).map(GroupCommitTest::kind).containsExactly("done", "done", "PolicyBroken", "done");
        assertThat(now().schema().findField("good")).isNotNull();
        assertThat(now().properties()).containsKey("last");
    }

    @Test
    void aGroupThatLostTheRaceIsPreparedAgainOnTheNewState() throws Exception {
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(JOB, updates(set("a", "1"))),
                        commit(JOB, updates(set("b", "1")))),
                () -> theGroupIsTold(new Refusal.Conflict("a deadlock")));

        assertThat(answers).allSatisfy(answer -> assertThat(answer).isInstanceOf(Loaded.class));
        assertThat(now().properties()).containsKeys("first", "a", "b");
        assertThat(newObjects()).as("the file that lost is deleted").hasSize(2);
    }

    @Test
    void anUnknownOutcomeIsToldToAllWhoMayBePublishedAndNothingIsDeleted() throws Exception {
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(STRANGER, updates(set("stranger", "1"))),
                        commit(JOB, updates("{\"action\":\"set-current-schema\",\"schema-id\":77}")),
                        commit(JOB, updates(set("a", "1"))),
                        commit(JOB, updates("{\"action\":\"set-current-schema\",\"schema-id\":78}")),
                        commit(JOB, updates(set("b", "1")))),
                () -> theGroupIsTold(new Refusal.OutcomeUnknown("who knows")));

        assertThat(answers)
                .map(GroupCommitTest::kind)
                .containsExactly("done", "NotFound", "Invalid", "OutcomeUnknown", "OutcomeUnknown", "OutcomeUnknown");
        assertThat(newObjects()).as("kept").hasSize(2);
    }

    @Test
    void aChangeThatCannotBePublishedFailsAlone() throws Exception {
        String taken =
                mesh.tableStore.find(Set.of(), ORDERS).orElseThrow().table().location() + "/inside";
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(JOB, updates(set("a", "1"))),
                        commit(JOB, updates("{\"action\":\"set-location\",\"location\":\"s3://elsewhere/x\"}")),
                        commit(JOB, updates("{\"action\":\"set-location\",\"location\":\"" + taken + "\"}")),
                        commit(JOB, updates(set("b", "1")))),
                GroupCommitTest::nothing);

        assertThat(answers.get(0)).isInstanceOf(Loaded.class);
        assertThat(answers.get(1)).isInstanceOf(Loaded.class);
        assertThat(answers.get(2)).isInstanceOf(Refusal.Invalid.class);
        assertThat(answers.get(4)).isInstanceOf(Loaded.class);
        assertThat(now().properties()).containsKeys("first", "a", "b");
    }

    /// One of the requests has had its effect before: the others do not pay for it.
    @Test
    void aGroupWithARepeatedRequestIsTakenApart() throws Exception {
        List<Object> answers = together(
                List.of(
                        commit(JOB, updates(set("first", "1"))),
                        commit(JOB, updates(set("a", "1"))),
                        commit(JOB, updates(set("b", "1")))),
                () -> theGroupIsTold(new Refusal.Repeated(List.of(UUID.randomUUID()))));

        assertThat(answers).allSatisfy(answer -> assertThat(answer).isInstanceOf(Loaded.class));
        assertThat(now().properties()).containsKeys("first", "a", "b");
        assertThat(newObjects()).hasSize(3);
    }

    @Test
    void whoWaitsBehindAFullGroupIsServedNext() throws Exception {
        List<Supplier<Loaded>> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            all.add(commit(JOB, updates(set("k" + i, "v"))));
        }
        List<Object> answers = together(all, GroupCommitTest::nothing);

        assertThat(answers).allSatisfy(answer -> assertThat(answer).isInstanceOf(Loaded.class));
        assertThat(newObjects()).as("1, then 99 in groups of 32").hasSize(5);
        assertThat(now().properties()).hasSizeGreaterThanOrEqualTo(100);
    }
}
