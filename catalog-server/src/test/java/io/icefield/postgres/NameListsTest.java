package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Page;
import io.icefield.domain.Domain;
import io.icefield.table.Namespace;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Renamed;
import io.icefield.table.TableStore.Swapped;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class NameListsTest {
    private final Mesh mesh = Mesh.open();
    private final Domain sales = mesh.domain("sales");

    @AfterAll
    void close() {
        mesh.database.close();
    }

    private Page<TableId> all(Namespace namespace) {
        return page(namespace, Page.Request.ALL);
    }

    private Page<TableId> page(Namespace namespace, Page.Request page) {
        return mesh.tables.tables(
                mesh.namespaces.find(Mesh.NOBODY, namespace.name()).orElseThrow(), page);
    }

    private static List<String> names(Page<TableId> page) {
        return page.items().stream().map(TableId::name).toList();
    }

    @Test
    void aListIsTheSameObjectUntilANameComesGoesOrChanges() {
        Namespace crm = mesh.namespace(sales, "crm");
        Namespace other = mesh.namespace(sales, "other");
        Page<TableId> none = all(crm);
        assertThat(names(none)).isEmpty();
        Table orders = mesh.table(crm, "orders");
        Page<TableId> one = all(crm);
        Page<TableId> elsewhere = all(other);
        assertThat(names(one)).containsExactly("orders");

        assertThat(mesh.tables.swap(orders, Mesh.next(orders))).isEqualTo(Swapped.DONE);
        assertThat(all(crm)).isSameAs(one);

        mesh.table(crm, "items");
        assertThat(names(all(crm))).containsExactly("items", "orders");
        assertThat(all(other)).isSameAs(elsewhere);

        assertThat(mesh.tables.rename(mesh.now(orders.name()), other, "sold")).isEqualTo(Renamed.DONE);
        assertThat(names(all(crm))).containsExactly("items");
        assertThat(names(all(other))).containsExactly("sold");

        mesh.database.write(handle -> handle.execute("DELETE FROM relations WHERE name = 'items'"));
        assertThat(names(all(crm))).isEmpty();
    }

    @Test
    void pagesJoinToTheList() {
        Namespace wide = mesh.namespace(sales, "wide");
        IntStream.range(0, 7).forEach(i -> mesh.table(wide, "t" + i));
        Page<TableId> first = page(wide, new Page.Request("", 3));
        Page<TableId> second = page(wide, new Page.Request(first.next().orElseThrow(), 3));
        Page<TableId> third = page(wide, new Page.Request(second.next().orElseThrow(), 3));

        assertThat(names(first)).containsExactly("t0", "t1", "t2");
        assertThat(names(second)).containsExactly("t3", "t4", "t5");
        assertThat(names(third)).containsExactly("t6");
        assertThat(third.next()).isEmpty();
        assertThat(page(wide, new Page.Request("", 3))).isSameAs(first);
    }

    /// Whoever has made a table finds it in the list, whatever others do and cache meanwhile.
    @Test
    void noListIsOlderThanWhatItsReaderHasMade() throws Exception {
        Namespace busy = mesh.namespace(sales, "busy");
        List<Callable<Void>> makers = IntStream.range(0, 6)
                .<Callable<Void>>mapToObj(maker -> () -> {
                    for (int i = 0; i < 12; i++) {
                        String name = "t_%d_%d".formatted(maker, i);
                        mesh.table(busy, name);
                        assertThat(names(all(busy))).contains(name);
                    }
                    return null;
                })
                .toList();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (Future<Void> each : threads.invokeAll(makers)) {
                each.get();
            }
        }
        assertThat(all(busy).items()).hasSize(72);
    }
}
