package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.TableCommit;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `transactions/commit` as clients use it.
class TransactionTest {
    private static final String TABLES = "/iceberg/v1/sales/namespaces/crm/tables";

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private void create(String name) {
        Reply reply = mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(name, ""));
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
    }

    private JsonNode metadata(String table) {
        return mesh.send("GET", TABLES + "/" + table, mesh.seller, "").json().path("metadata");
    }

    private String property(String table, String key) {
        return metadata(table).path("properties").path(key).asText();
    }

    private Reply commit(String token, String... changes) {
        return mesh.send(
                "POST",
                "/iceberg/v1/sales/transactions/commit",
                token,
                "{\"table-changes\":[" + String.join(",", changes) + "]}");
    }

    private static String change(String table, String requirement, String... updates) {
        return "{\"identifier\":{\"namespace\":[\"crm\"],\"name\":\"%s\"},\"requirements\":[%s],\"updates\":[%s]}"
                .formatted(table, requirement, String.join(",", updates));
    }

    private static String set(String key, String value) {
        return "{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}".formatted(key, value);
    }

    /// What a client makes of a staged creation.
    private static String creation(String table) {
        return creation(table, java.util.UUID.randomUUID().toString());
    }

    static String creation(String table, String uuid) {
        return change(
                table,
                "{\"type\":\"assert-create\"}",
                "{\"action\":\"assign-uuid\",\"uuid\":\"%s\"}".formatted(uuid),
                "{\"action\":\"upgrade-format-version\",\"format-version\":2}",
                "{\"action\":\"add-schema\",\"schema\":{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
                        + "{\"id\":1,\"name\":\"id\",\"required\":false,\"type\":\"long\"}]}}",
                "{\"action\":\"set-current-schema\",\"schema-id\":-1}",
                "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[]}}",
                "{\"action\":\"set-default-spec\",\"spec-id\":-1}",
                "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}}",
                "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}");
    }

    @Test
    void changesOfManyTablesAndStagedCreationsBecomeVisibleTogether() {
        create("a");
        create("b");

        Reply reply =
                commit(mesh.seller, change("b", "", set("k", "1")), creation("c"), change("a", "", set("k", "2")));
        assertThat(reply.status()).as("%s", reply).isEqualTo(204);
        assertThat(reply.text()).isEmpty();
        assertThat(property("a", "k")).isEqualTo("2");
        assertThat(property("b", "k")).isEqualTo("1");
        assertThat(metadata("c").path("location").asText()).startsWith("s3://bucket-sales/crm/c-");
    }

    @Test
    void theSameTableTwiceIsChangedInOrderAndWritesOneFile() {
        create("a");
        String ours = "{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}"
                .formatted(metadata("a").path("table-uuid").asText());

        assertThat(commit(
                                mesh.seller,
                                change("a", ours, set("first", "1"), set("last", "1")),
                                change("a", ours, set("last", "2")))
                        .status())
                .isEqualTo(204);
        assertThat(property("a", "first")).isEqualTo("1");
        assertThat(property("a", "last")).isEqualTo("2");
        assertThat(metadata("a").path("metadata-log")).hasSize(1);

        assertThat(commit(mesh.seller, creation("c"), change("c", "", set("k", "1")))
                        .status())
                .isEqualTo(204);
        assertThat(property("c", "k")).isEqualTo("1");

        String theirs = "{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}".formatted(java.util.UUID.randomUUID());
        Reply lost = commit(mesh.seller, change("a", ours, set("first", "3")), change("a", theirs, set("last", "3")));
        assertThat(lost.status()).as("%s", lost).isEqualTo(409);
        assertThat(property("a", "first")).isEqualTo("1");

        Reply twice = commit(mesh.seller, creation("d"), creation("d"));
        assertThat(twice.status()).as("%s", twice).isEqualTo(409);
        assertThat(mesh.send("HEAD", TABLES + "/d", mesh.seller, "").status()).isEqualTo(404);
    }

    @Test
    void oneRequirementThatDoesNotHoldStopsAllOfIt() {
        create("a");
        create("b");
        String wrong = "{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}".formatted(java.util.UUID.randomUUID());
        String noMain = "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":7}";
        for (String other : List.of(change("b", wrong, set("k", "1")), change("b", noMain), creation("b"))) {
            Reply reply = commit(mesh.seller, change("a", "", set("k", "1")), creation("c"), other);

            assertThat(reply.status()).as("%s", reply).isEqualTo(409);
            assertThat(reply.errorType()).isEqualTo("CommitFailedException");
            assertThat(property("a", "k")).isEmpty();
            assertThat(mesh.send("HEAD", TABLES + "/c", mesh.seller, "").status())
                    .isEqualTo(404);
        }
    }

    @Test
    void aViewIsNoTableOfATransactionAndItsNameIsTaken() {
        create("a");
        String views = TABLES.replace("tables", "views");
        Reply view = mesh.send("POST", views, mesh.seller, ViewRoutesTest.createBody("v", ""));
        assertThat(view.status()).as("%s", view).isEqualTo(200);

        Reply changed = commit(mesh.seller, change("a", "", set("k", "1")), change("v", "", set("k", "1")));
        assertThat(changed.status()).as("%s", changed).isEqualTo(404);
        assertThat(changed.errorType()).isEqualTo("NoSuchTableException");
        Reply created = commit(mesh.seller, change("a", "", set("k", "1")), creation("v"));
        assertThat(created.status()).as("%s", created).isEqualTo(409);
        assertThat(created.text()).contains("View with same name already exists: crm.v");
        assertThat(property("a", "k")).isEmpty();
        assertThat(mesh.send("GET", views + "/v", mesh.seller, "").json()).isEqualTo(view.json());
    }

    @Test
    void allViolationsOfAllTablesAreAnsweredAtOnce() {
        create("a");

        Reply reply = commit(mesh.seller, creation("bad_1"), change("a", "", set("k", "1")), creation("bad_2"));
        assertThat(reply.status()).as("%s", reply).isEqualTo(403);
        assertThat(reply.json().path("error").path("message").asText())
                .contains("4 policies")
                .containsSubsequence(
                        "[naming/pattern] sales.crm.bad_1",
                        "[naming/length] sales.crm.bad_1",
                        "[naming/pattern] sales.crm.bad_2",
                        "[naming/length] sales.crm.bad_2");
        assertThat(property("a", "k")).isEmpty();
    }

    @Test
    void whoMayNotChangeOneOfTheTablesChangesNone() {
        create("a");
        create("b");
        mesh.grant(new Grant(
                Grantee.parse("group:analysts"),
                Role.WRITER,
                Optional.of(new DomainName("sales")),
                List.of("crm"),
                Optional.of("a")));

        Reply reply = commit(mesh.analyst, change("a", "", set("k", "1")), change("b", "", set("k", "1")));
        assertThat(reply.status()).as("%s", reply).isEqualTo(403);
        assertThat(property("a", "k")).isEmpty();
        assertThat(commit(mesh.analyst, change("a", "", set("k", "1"))).status())
                .isEqualTo(204);
        assertThat(commit(mesh.analyst, creation("c")).status()).isEqualTo(403);
        assertThat(commit(mesh.stranger, change("a", "", set("k", "2"))).status())
                .isEqualTo(404);
        assertThat(commit(mesh.seller, change("a", "", set("k", "3")), change("none", "", set("k", "1")))
                        .errorType())
                .isEqualTo("NoSuchTableException");
        assertThat(property("a", "k")).isEqualTo("1");
    }

    @Test
    void malformedTransactionsAreRefused() {
        create("a");
        for (String body : List.of(
                "{}",
                "{\"table-changes\":[]}",
                "{\"table-changes\":{}}",
                "{\"table-changes\":[{\"requirements\":[],\"updates\":[]}]}",
                "{\"table-changes\":[%s]}".formatted(change("", "")),
                "{\"table-changes\":[%s,%s]}"
                        .formatted(change("a", "", set("k", "1")), change("a", "", "{\"action\":\"explode\"}")))) {
            Reply reply = mesh.send("POST", "/iceberg/v1/sales/transactions/commit", mesh.seller, body);
            assertThat(reply.status()).as("%s -> %s", body, reply).isEqualTo(400);
            assertThat(reply.errorType()).isEqualTo("BadRequestException");
        }
        assertThat(property("a", "k")).isEmpty();
    }

    private RESTCatalog client() {
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize(
                "sales",
                Map.of(
                        "uri",
                        mesh.uri("/iceberg").toString(),
                        "warehouse",
                        "sales",
                        "token",
                        mesh.seller,
                        "io-impl",
                        "org.apache.iceberg.inmemory.InMemoryFileIO"));
        return catalog;
    }

    private static TableCommit changed(Table table, String key, String value) {
        Transaction transaction = table.newTransaction();
        transaction.updateProperties().set(key, value).commit();
        var before = ((org.apache.iceberg.BaseTable) table).operations().current();
        var after = ((org.apache.iceberg.BaseTransaction) transaction).currentMetadata();
        return TableCommit.create(TableIdentifier.of("crm", name(table)), before, after);
    }

    private static String name(Table table) {
        return table.name().substring(table.name().lastIndexOf('.') + 1);
    }

    @Test
    void theJavaClientCommitsATransactionAndIsToldOfConflictsAndPolicies() throws Exception {
        create("a");
        create("b");
        try (RESTCatalog catalog = client()) {
            Table a = catalog.loadTable(TableIdentifier.of("crm", "a"));
            Table b = catalog.loadTable(TableIdentifier.of("crm", "b"));
            catalog.commitTransaction(changed(a, "k", "1"), changed(b, "k", "1"));
            assertThat(property("a", "k") + property("b", "k")).isEqualTo("11");

            TableCommit commitOfA = changed(a, "k", "2");
            TableCommit commitOfB = changed(b, "k", "2");
            catalog.dropTable(TableIdentifier.of("crm", "b"), false);
            create("b");
            assertThatThrownBy(() -> catalog.commitTransaction(commitOfA, commitOfB))
                    .isInstanceOf(CommitFailedException.class);
            assertThat(property("a", "k")).isEqualTo("1");

            mesh.grant(new Grant(
                    Grantee.parse("group:others"),
                    Role.OWNER,
                    Optional.of(new DomainName("sales")),
                    List.of(),
                    Optional.empty()));
            mesh.revoke(new Grant(
                    Grantee.parse("group:sellers"),
                    Role.OWNER,
                    Optional.of(new DomainName("sales")),
                    List.of(),
                    Optional.empty()));
            mesh.grant(new Grant(
                    Grantee.parse("group:sellers"), Role.READER, Optional.empty(), List.of(), Optional.empty()));
            assertThatThrownBy(() -> catalog.commitTransaction(commitOfA)).isInstanceOf(ForbiddenException.class);
        }
    }

    /// Each caller writes its mark into two tables, in its own order: the two always show the same marks.
    @Test
    void crossingTransactionsAreAllOrNothing() throws Exception {
        List<String> names = List.of("a", "b", "c");
        names.forEach(this::create);
        List<Callable<List<String>>> callers = IntStream.range(0, 16)
                .mapToObj(caller -> (Callable<List<String>>) () -> {
                    List<String> done = new ArrayList<>();
                    for (int i = 0; i < 5; i++) {
                        String mark = "m%d-%d".formatted(caller, i);
                        String one = names.get((caller + i) % 3);
                        String other = names.get((caller + i + 1 + caller % 2) % 3);
                        Reply reply = commit(
                                mesh.seller, change(one, "", set(mark, other)), change(other, "", set(mark, one)));
                        assertThat(reply.status()).as("%s", reply).isEqualTo(204);
                        done.add(mark);
                    }
                    return done;
                })
                .toList();
        List<String> marks = new ArrayList<>();
        try (var threads = Executors.newCachedThreadPool()) {
            for (Future<List<String>> caller : threads.invokeAll(callers)) {
                marks.addAll(caller.get());
            }
        }
        for (String mark : marks) {
            List<String> marked = names.stream()
                    .filter(name -> !property(name, mark).isEmpty())
                    .toList();
            assertThat(marked).as(mark).hasSize(2);
            assertThat(property(marked.get(0), mark)).isEqualTo(marked.get(1));
            assertThat(property(marked.get(1), mark)).isEqualTo(marked.get(0));
        }
    }
}
