package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.NamespaceStore.Added;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PostgresNamespacesTest {
    private static final int ROUNDS = 10;

    private final Mesh mesh = Mesh.open();
    private final Domain sales = mesh.domain("sales");

    @AfterEach
    void close() {
        mesh.database.close();
    }

    @Test
    void whatWasAddedIsFoundWithItsProperties() {
        Map<String, String> properties = Map.of("owner", "ann", "quote", "\"',{}\\ é 😀", "empty", "");
        assertThat(mesh.namespaces.add(sales, id("crm"), properties)).isEqualTo(Added.DONE);

        Namespace crm = find("crm").orElseThrow();
        assertThat(crm.properties()).isEqualTo(properties);
        assertThat(crm.domain()).isEqualTo(sales);
        assertThat(mesh.namespaces.add(sales, id("crm"), Map.of())).isEqualTo(Added.EXISTS);
        assertThat(find("crm")).contains(crm);
        assertThat(find("CRM")).isEmpty();
    }

    @Test
    void aChildNeedsItsParentAndAParentWithChildrenStays() {
        assertThat(mesh.namespaces.add(sales, id("a", "b"), Map.of())).isEqualTo(Added.NO_PARENT);
        Namespace a = mesh.namespace(sales, "a");
        Namespace b = mesh.namespace(sales, "a", "b");

        assertThat(mesh.namespaces.remove(a)).isFalse();
        assertThat(mesh.namespaces.remove(b)).isTrue();
        assertThat(mesh.namespaces.remove(a)).isTrue();
        assertThatThrownBy(() -> mesh.namespaces.remove(a)).isInstanceOf(Refusal.NotFound.class);
        assertThat(find("a")).isEmpty();
    }

    @Test
    void aNamespaceWithTablesStays() {
        Namespace crm = mesh.namespace(sales, "crm");
        var table = mesh.table(crm, "orders");

        assertThat(mesh.namespaces.remove(crm)).isFalse();
        assertThat(mesh.now(table.name())).isEqualTo(table);
    }

    @Test
    void childrenAreDirectAndInTheOrderOfCodePoints() {
        List.of("b", "a", "B", "ä", "a b", "a-b").forEach(name -> mesh.namespace(sales, name));
        Namespace a = find("a").orElseThrow();
        mesh.namespace(sales, "a", "y");
        mesh.namespace(sales, "a", "x");
        mesh.namespace(sales, "a", "x", "deep");
        mesh.namespace(mesh.domain("hr"), "foreign");

        assertThat(children(Optional.empty(), "", 10)).containsExactly("B", "a", "a b", "a-b", "b", "ä");
        assertThat(children(Optional.empty(), "a", 2)).containsExactly("a b", "a-b");
        assertThat(children(Optional.of(a), "", 10)).containsExactly("x", "y");
        assertThat(children(Optional.of(a), "x", Integer.MAX_VALUE)).containsExactly("y");
        assertThat(mesh.namespaces
                        .children(Set.of(), sales, Optional.of(a), "", 1)
                        .getFirst()
                        .namespace()
                        .name())
                .isEqualTo(id("a", "x"));
    }

    /// A thousand namespaces with a megabyte each would not fit into the server.
    @Test
    void aListReadsNoProperties() {
        mesh.namespaces.add(sales, id("crm"), Map.of("a", "1"));
        assertThat(mesh.namespaces
                        .children(Set.of(), sales, Optional.empty(), "", 10)
                        .getFirst()
                        .namespace()
                        .properties())
                .isEmpty();
        assertThat(find("crm").orElseThrow().properties()).containsEntry("a", "1");
    }

    @Test
    void propertiesAreSetAndRemovedTogether() {
        mesh.namespaces.add(sales, id("crm"), Map.of("a", "1", "b", "2"));
        Namespace crm = find("crm").orElseThrow();

        assertThat(mesh.namespaces.change(crm, Map.of("a", "x", "c", "3"), Set.of("b", "unknown")))
                .contains(Map.of("a", "x", "c", "3"));
        assertThat(mesh.namespaces.change(crm, Map.of(), Set.of("a", "c"))).contains(Map.of());
        assertThat(find("crm").orElseThrow().properties()).isEmpty();
        mesh.namespaces.remove(crm);
        assertThat(mesh.namespaces.change(crm, Map.of("a", "x"), Set.of())).isEmpty();
    }

    @Test
    void racingChangesOfPropertiesAreAllThere() throws Exception {
        Namespace crm = mesh.namespace(sales, "crm");
        List<Callable<Boolean>> race = List.of("a", "b", "c", "d", "e").stream()
                .<Callable<Boolean>>map(key -> () ->
                        mesh.namespaces.change(crm, Map.of(key, key), Set.of()).isPresent())
                .toList();
        assertThat(run(race)).doesNotContain(false);
        assertThat(find("crm").orElseThrow().properties().keySet()).containsExactlyInAnyOrder("a", "b", "c", "d", "e");
    }

    @Test
    void aChildIsNotAddedToAParentThatIsBeingDropped() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            String name = "p" + round;
            Namespace parent = mesh.namespace(sales, name);
            List<Boolean> done = run(List.of(
                    () -> mesh.namespaces.remove(parent),
                    () -> mesh.namespaces.add(sales, id(name, "child"), Map.of()) == Added.DONE));

            assertThat(done).containsOnlyOnce(true);
            assertThat(find(name).isPresent()).isEqualTo(done.get(1));
        }
    }

    @Test
    void nothingIsAddedToADomainThatIsGone() {
        mesh.domains.remove(sales);
        assertThatThrownBy(() -> mesh.namespaces.add(sales, id("crm"), Map.of()))
                .isInstanceOf(Refusal.NotFound.class);
    }

    @Test
    void aNulInATextIsInvalid() {
        assertThatThrownBy(() -> mesh.namespaces.children(Set.of(), sales, Optional.empty(), "a\0", 10))
                .isInstanceOf(Refusal.Invalid.class);
    }

    private List<String> children(Optional<Namespace> parent, String after, int limit) {
        return mesh.namespaces.children(Set.of(), sales, parent, after, limit).stream()
                .map(seen -> seen.namespace().name().levels().getLast())
                .toList();
    }

    private Optional<Namespace> find(String... levels) {
        return mesh.namespaces.find(Set.of(), id(levels)).map(seen -> seen.namespace());
    }

    private NamespaceId id(String... levels) {
        return new NamespaceId(sales.name(), List.of(levels));
    }

    private static <T> List<T> run(List<Callable<T>> race) throws Exception {
        try (var threads = Executors.newCachedThreadPool()) {
            return threads.invokeAll(race).stream().map(Future::resultNow).toList();
        }
    }
}
