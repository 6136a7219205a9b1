package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Page;
import io.icefield.domain.Domain;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// What the queries cost does not grow with others' grants nor with the number of tables: no plan reads a whole table.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class QueryPlanTest {
    private static final int TABLES = 10_000;
    private static final int GRANTS = 100_000;

    private final Mesh mesh = Mesh.open();
    private final Domain sales = mesh.domain("sales");
    private final Namespace crm = mesh.namespace(sales, "crm");

    @BeforeAll
    void fill() {
        mesh.database.write(handle -> {
            handle.createUpdate("""
                            INSERT INTO relations
                                (domain_id, namespace_id, kind, name, uuid, location, metadata_location, version)
                            SELECT :domain, :namespace, 'table', 't' || i, gen_random_uuid(),
                                's3://bucket-sales/crm/t' || i, 's3://bucket-sales/crm/t' || i || '/metadata/x', 1
                            FROM generate_series(1, :count) i
                            """)
                    .bind("domain", sales.id())
                    .bind("namespace", crm.id())
                    .bind("count", TABLES)
                    .execute();
            handle.createUpdate("""
                            INSERT INTO grants (grantee, scope, role, domain)
                            SELECT 'group:g' || i % 500, 'sales' || chr(31) || 'crm' || chr(31) || chr(31) || 't' || i,
                                'reader', 'sales'
                            FROM generate_series(1, :count) i
                            """).bind("count", GRANTS).execute();
            handle.createUpdate("""
                            INSERT INTO dropped
                                (domain_id, namespace_id, namespace, relation_id, kind, name, uuid, location,
                                metadata_location, version, created_at, dropped_by, fate, due_at)
                            SELECT :domain, :namespace, 'crm', -i, 'table', 'd' || i, gen_random_uuid(),
                                's3://bucket-sales/crm/d' || i, 's3://bucket-sales/crm/d' || i || '/metadata/x', 1,
                                now(), 'bob', 'forget', now() + interval '1 day'
                            FROM generate_series(1, :count) i
                            """)
                    .bind("domain", sales.id())
                    .bind("namespace", crm.id())
                    .bind("count", TABLES)
                    .execute();
            return handle.execute("ANALYZE");
        });
    }

    @AfterAll
    void close() {
        mesh.database.close();
    }

    @Test
    void findingATableReadsIndexesOnly() {
        for (String mode : List.of("force_custom_plan", "force_generic_plan")) {
            String plan = plan(mode, "FIND", TableLookup.class, find -> questions(find, "sales", "crm", "t77"));

            assertThat(plan)
                    .containsPattern("domains_name_key on domains\\s+Index Cond: \\(name = q.domain\\)")
                    .containsPattern("Index Cond: \\(\\(domain_id = domains.id\\) AND \\(path = q.path\\)\\)")
                    .containsPattern("Index Cond: \\(\\(namespace_id = namespaces.id\\) AND \\(name = q.name\\)\\)");
            assertNoTableIsReadWhole(plan);
        }
    }

    /// Its parameters have no names.
    private Query questions(Query find, String domain, String path, String name) {
        return find.bindArray(0, String.class, domain)
                .bindArray(1, String.class, path)
                .bindArray(2, String.class, name)
                .bindArray(3, String.class, "group:g1\u001Egroup:g2\u001Eprincipal:bob")
                .bindArray(4, String.class, String.join("\u001E", scopes()));
    }

    @Test
    void findingANamespaceReadsIndexesOnly() {
        for (String mode : List.of("force_custom_plan", "force_generic_plan")) {
            String plan = plan(
                    mode,
                    "FIND",
                    NamespaceLookup.class,
                    find -> find.bindArray(0, String.class, "sales")
                            .bindArray(1, String.class, "crm")
                            .bindArray(2, String.class, "group:g1\u001Egroup:g2\u001Eprincipal:bob")
                            .bindArray(3, String.class, String.join("\u001E", Scope.enclosing(crm.name()))));

            assertThat(plan)
                    .containsPattern("domains_name_key on domains\\s+Index Cond: \\(name = q.domain\\)")
                    .containsPattern("Index Cond: \\(\\(domain_id = domains.id\\) AND \\(path = q.path\\)\\)");
            assertNoTableIsReadWhole(plan);
        }
    }

    @Test
    void listingTablesAndNamespacesReadsGrantsByIndex() {
        String tables = plan(
                "force_generic_plan",
                "LIST",
                PostgresTables.class,
                query -> query.bindArray("who", String.class, List.of("group:g1"))
                        .bindArray("scopes", String.class, scopes())
                        .bind("tables", Scope.tablesOf(crm.name()))
                        .bind("namespace", crm.id())
                        .bind("kind", "table")
                        .bind("after", "t5")
                        .bind("limit", 10));
        String children = plan(
                "force_generic_plan",
                "CHILDREN",
                PostgresNamespaces.class,
                query -> query.bindArray("who", String.class, List.of("group:g1"))
                        .bindArray("scopes", String.class, List.of("", "sales"))
                        .bind("inside", "sales" + NamespaceId.SEPARATOR)
                        .bind("parent", -sales.id())
                        .bind("after", "")
                        .bind("limit", 10));

        assertThat(tables).contains("relations_name");
        assertNoTableIsReadWhole(tables);
        assertNoTableIsReadWhole(children);
    }

    @Test
    void lookingForALocationReadsTheIndex() {
        String plan = plan(
                "force_generic_plan",
                "TOUCHED",
                PostgresTables.class,
                query -> query.bindArray(
                                "around",
                                String.class,
                                List.of("s3:", "s3:/", "s3://bucket-sales", "s3://bucket-sales/x"))
                        .bind("domain", sales.id())
                        .bind("id", 0L)
                        .bind("left", 0L)
                        .bind("inside", "s3://bucket-sales/x/")
                        .bind("beyond", "s3://bucket-sales/x0"));

        assertThat(plan)
                .contains("relations_location", "dropped_location")
                .doesNotContain("Seq Scan")
                .doesNotContainPattern("Filter: .*location");
    }

    /// Domains and namespaces have a row each here: reading them whole is right.
    private static void assertNoTableIsReadWhole(String plan) {
        assertThat(plan)
                .contains(" on grants g")
                .doesNotContain("Seq Scan on grants")
                .doesNotContain("Seq Scan on relations")
                .doesNotContainPattern("Filter: .*(grantee|scope)")
                .containsPattern("Index Cond: .*grantee = ANY.*scope|Index Cond: .*scope = ANY.*grantee");
    }

    private List<String> scopes() {
        List<String> scopes = new ArrayList<>(Scope.enclosing(crm.name()));
        scopes.add(Scope.tablesOf(crm.name()) + "t77");
        return scopes;
    }

    /// A generic plan has no values: it is what the server uses once a statement has run a few times.
    private String plan(String mode, String sql, Class<?> store, java.util.function.UnaryOperator<Query> bind) {
        return mesh.database.write(handle -> {
            handle.execute("SET LOCAL plan_cache_mode = " + mode);
            return explained(handle, bind, text(sql, store));
        });
    }

    private static String explained(Handle handle, java.util.function.UnaryOperator<Query> bind, String sql) {
        return String.join(
                "\n",
                bind.apply(handle.createQuery("EXPLAIN (COSTS OFF) " + sql))
                        .mapTo(String.class)
                        .list());
    }

    private static String text(String constant, Class<?> store) {
        try {
            Field field = store.getDeclaredField(constant);
            field.setAccessible(true);
            return (String) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void thereAreAsManyAsWeSay() {
        assertThat(mesh.tables.list(Set.of(), crm, "", Integer.MAX_VALUE)).hasSize(TABLES);
        assertThat(mesh.grants(java.util.Optional.of(sales.name()), Page.Request.ALL)
                        .items())
                .hasSize(GRANTS);
    }
}
