package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.EngineSync;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.policy.Governance;
import io.icefield.query.QueryEngine;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.Delegation;
import io.icefield.table.MetadataFiles;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.Once;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore;
import io.icefield.table.Tables;
import io.icefield.table.Usages;
import io.icefield.table.Warehouse;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A transaction over two tables and a staged creation, with the 1st, 2nd, 3rd … call to the outside failing until a
/// run
/// succeeds.
class CommitFaultTest {
    private static final Principal WHO = new Principal("job", Principal.Kind.JOB, Set.of("platform"));
    private static final NamespaceId CRM = new NamespaceId(new DomainName("sales"), List.of("crm"));

    /// When a call fails.
    enum When {
        BEFORE,
        AFTER
    }

    // Files are written at the same time.
    private final Object lock = new Object();
    private int call;
    private int failing;
    private String failed = "";
    private final Set<String> objects = new TreeSet<>();

    @ParameterizedTest
    @EnumSource
    void whicheverCallFailsAllIsVisibleOrNothing(When when) {
        int number = 1;
        while (run(number, when)) {
            number++;
        }
        assertThat(number).as("calls of a run without a failure").isBetween(10, 40);
    }

    /// @return did a call fail?
    private boolean run(int number, When when) {
        InMemoryMesh mesh = new InMemoryMesh();
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
        TableStore store = faulty(TableStore.class, mesh.tableStore, when);
        DomainStorage storage = faulty(DomainStorage.class, mesh.storage, when);

        IcebergFormat format = new IcebergFormat(1 << 20);
        Domains domains = new Domains(
                mesh.domainStore, storage, _ -> profile, new EngineSync(QueryEngine.NONE, List::of, domain -> {
                    throw new AssertionError(domain);
                }));
        Namespaces namespaces = new Namespaces(domains, mesh.namespaceStore, Governance.NONE);
        Tables tables = new Tables(namespaces, store);
        MetadataFiles files = new MetadataFiles(store, storage);
        CreateTable create = new CreateTable(namespaces, store, format, Governance.NONE, files, files, storage);
        CommitTable commits = new CommitTable(
                tables,
                namespaces,
                store,
                format,
                Governance.NONE,
                files,
                files,
                new Usages(domains, store, InMemoryMesh.UNCOUNTED, files, format, Clock.systemUTC()));
        failing = 0;
        failed = "";
        objects.clear();
        for (String name : List.of("a", "b")) {
            create.create(WHO, CRM, IcebergRoutesTest.createBody(name, ""), Delegation.NONE, Once.UNTOLD);
        }
        Set<String> filesBefore = Set.copyOf(objects);
        Set<Table> before =
                Set.of(table(mesh, "a").orElseThrow(), table(mesh, "b").orElseThrow());

        call = 0;
        failing = number;
        Optional<RuntimeException> thrown = Optional.empty();
        try {
            new CommitTransaction(domains, format, commits)
                    .commit(WHO, new Warehouse.OneDomain(CRM.domain()), """
                    {"table-changes":[
                     {"identifier":{"namespace":["crm"],"name":"a"},"requirements":[],
                      "updates":[{"action":"set-properties","updates":{"k":"1"}}]},
                     {"identifier":{"namespace":["crm"],"name":"new"},
                      "requirements":[{"type":"assert-create"}],
                      "updates":[
                        {"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[]}},
                        {"action":"set-current-schema","schema-id":-1},
                        {"action":"add-spec","spec":{"spec-id":0,"fields":[]}},
                        {"action":"set-default-spec","spec-id":-1},
                        {"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}},
                        {"action":"set-default-sort-order","sort-order-id":-1}]},
                     {"identifier":{"namespace":["crm"],"name":"b"},"requirements":[],
                      "updates":[{"action":"set-properties","updates":{"k":"1"}}]}]}""", Once.UNTOLD);
        } catch (Refusal | DomainStorage.StorageException e) {
            thrown = Optional.of(e);
        }

        String run = "call %d, %s, failed %s: %s".formatted(number, when, failed, thrown);
        boolean done = table(mesh, "new").isPresent();
        Set<Table> now = Set.of(table(mesh, "a").orElseThrow(), table(mesh, "b").orElseThrow());
        assertThat(now.stream().filter(before::contains).count()).as(run).isEqualTo(done ? 0 : 2);
        assertThat(thrown.isEmpty()).as(run).isEqualTo(done && !(thrown.orElse(null) instanceof Refusal));
        now.forEach(
                table -> assertThat(objects).as(run).contains(table.metadata().toString()));
        table(mesh, "new")
                .ifPresent(
                        table -> assertThat(objects).contains(table.metadata().toString()));
        boolean mayLeaveFiles = when == When.AFTER && Set.of("write", "publish").contains(failed);
        if (!done && !mayLeaveFiles) {
            assertThat(objects).as(run).isEqualTo(filesBefore);
        }
        return !failed.isEmpty();
    }

    private static Optional<Table> table(InMemoryMesh mesh, String name) {
        return mesh.tableStore.find(Set.of(), new TableId(CRM, name)).map(TableStore.Seen::table);
    }

    private <T> T faulty(Class<T> port, T real, When when) {
        return port.cast(Proxy.newProxyInstance(
                port.getClassLoader(), new Class<?>[] {port}, (proxy, method, arguments) -> {
                    if (method.getName().equals("recording")) {
                        return proxy;
                    }
                    synchronized (lock) {
                        return called(port, real, when, method, arguments);
                    }
                }));
    }

    private Object called(Class<?> port, Object real, When when, Method method, Object[] arguments) throws Throwable {
        boolean fails = ++call == failing;
        if (fails) {
            failed = method.getName();
        }
        if (fails && when == When.BEFORE) {
            throw failure(port, new Refusal.Unavailable("nothing was done"));
        }
        try {
            Object answer = method.invoke(real, arguments);
            follow(method.getName(), arguments);
            if (fails) {
                throw failure(port, new Refusal.OutcomeUnknown("who knows"));
            }
            return answer;
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static RuntimeException failure(Class<?> port, Refusal refusal) {
        return port == TableStore.class ? refusal : new DomainStorage.StorageException("it broke");
    }

    private void follow(String method, Object[] arguments) {
        switch (method) {
            case "write" -> objects.add(((Location) arguments[1]).toString());
            case "delete" -> ((Collection<?>) arguments[1]).forEach(gone -> objects.remove(gone.toString()));
            default -> {}
        }
    }
}
