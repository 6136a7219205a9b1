package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Views beside tables: one space of names, of folders and of UUIDs.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PostgresViewsTest {
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

    private Created created(String name, String folder, UUID uuid) {
        Published published = Mesh.published(crm, folder);
        return mesh.tables.createView(crm, name, uuid, published.metadata(), published.location());
    }

    private Table view(String name) {
        return switch (created(name, "crm/" + name, UUID.randomUUID())) {
            case Created.Done(Table view) -> view;
            case Created other -> throw new IllegalStateException(other.toString());
        };
    }

    private TableId id(String name) {
        return new TableId(crm.name(), name);
    }

    @Test
    void aViewIsFoundAsWhatItIs() {
        Table view = view("v");

        assertThat(view.kind()).isEqualTo(Table.Kind.VIEW);
        assertThat(mesh.now(id("v"))).isEqualTo(view);
        assertThat(mesh.tables.content(view)).isPresent();
        assertThat(mesh.table(crm, "t").kind()).isEqualTo(Table.Kind.TABLE);
    }

    @Test
    void eachKindHasAListOfItsOwn() {
        mesh.table(crm, "b");
        view("c");
        view("a");

        assertThat(mesh.tables.listViews(Mesh.NOBODY, crm, "", 10))
                .extracting(seen -> seen.table().name().name())
                .containsExactly("a", "c");
        assertThat(mesh.tables.listViews(Mesh.NOBODY, crm, "a", 10)).hasSize(1);
        assertThat(mesh.tables.list(Mesh.NOBODY, crm, "", 10))
                .extracting(seen -> seen.table().name().name())
                .containsExactly("b");
    }

    @Test
    void aTablesNameIsTakenForViewsAndAViewsForTables() {
        mesh.table(crm, "t");
        Table view = view("v");

        assertThat(created("t", "elsewhere", UUID.randomUUID())).isInstanceOf(Created.NameTaken.class);
        assertThat(mesh.tables.create(crm, "v", UUID.randomUUID(), Mesh.published(crm, "elsewhere")))
                .isInstanceOf(Created.NameTaken.class);
        assertThat(mesh.tables.rename(view, crm, "t")).isEqualTo(Renamed.NAME_TAKEN);
        assertThat(mesh.tables.rename(mesh.now(id("t")), crm, "v")).isEqualTo(Renamed.NAME_TAKEN);
    }

    @Test
    void ofARacingTableAndViewOfOneNameExactlyOneWins() throws Exception {
        List<Callable<Created>> race = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            String folder = "crm/" + i;
            race.add(() -> created("x", folder + "v", UUID.randomUUID()));
            race.add(() -> mesh.tables.create(crm, "x", UUID.randomUUID(), Mesh.published(crm, folder + "t")));
        }
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow))
                    .filteredOn(Created.Done.class::isInstance)
                    .hasSize(1);
        }
    }

    @Test
    void aViewsFolderIsNoTablesFolder() {
        mesh.table(crm, "t", "crm/t");
        assertThat(created("v", "crm/t/inside", UUID.randomUUID())).isInstanceOf(Created.LocationTaken.class);
        assertThat(created("v", "crm", UUID.randomUUID())).isInstanceOf(Created.LocationTaken.class);
        Table view = view("v");
        Location onto = mesh.now(id("t")).location();
        assertThat(mesh.tables.swap(view, Mesh.published(onto, "{}", Map.of()))).isEqualTo(Swapped.LOCATION_TAKEN);
    }

    @Test
    void aViewIsSwappedRenamedAndDroppedLikeATable() {
        Table view = view("v");
        mesh.grant(Mesh.tableGrant(Mesh.ANALYSTS, Role.READER, id("v")));
        assertThat(mesh.tables.swap(view, Mesh.next(view))).isEqualTo(Swapped.DONE);
        assertThat(mesh.tables.swap(view, Mesh.next(view))).isEqualTo(Swapped.LOST);
        assertThat(mesh.now(id("v")).kind()).isEqualTo(Table.Kind.VIEW);

        assertThat(mesh.tables.rename(mesh.now(id("v")), crm, "w")).isEqualTo(Renamed.DONE);
        assertThat(mesh.tables
                        .find(Set.of(Mesh.ANALYSTS), id("w"))
                        .orElseThrow()
                        .sight()
                        .roles())
                .containsExactly(Role.READER);
        assertThat(mesh.tables.drop(mesh.now(id("w")))).isTrue();
        assertThat(mesh.tables.find(Mesh.NOBODY, id("w"))).isEmpty();
    }

    @Test
    void aPublicationOfTablesFindsNamesAndFoldersOfViewsTaken() {
        view("v");
        Table table = mesh.table(crm, "t");
        Step change = new Step.Swap(table, Mesh.next(table));

        Step named = new Step.Create(crm, "v", UUID.randomUUID(), Mesh.published(crm, "elsewhere"));
        assertThat(mesh.tables.publish(List.of(change, named))).isEqualTo(new Outcome.NameTaken(id("v")));
        Published inside = Mesh.published(crm, "crm/v/inside");
        Step placed = new Step.Create(crm, "w", UUID.randomUUID(), inside);
        assertThat(mesh.tables.publish(List.of(change, placed)))
                .isEqualTo(new Outcome.LocationTaken(inside.location()));
        assertThat(mesh.now(id("t"))).isEqualTo(table);

        Step free = new Step.Create(crm, "w", UUID.randomUUID(), Mesh.published(crm, "crm/w"));
        assertThat(mesh.tables.publish(List.of(change, free))).isEqualTo(new Outcome.Done());
        assertThat(mesh.now(id("w")).kind()).isEqualTo(Table.Kind.TABLE);
    }

    @Test
    void aNamespaceWithAViewStays() {
        view("v");
        assertThat(mesh.namespaces.remove(crm)).isFalse();
    }

    @Test
    void aViewWithTheUuidOfADroppedTableLeavesTheTablesTagsAlone() {
        Tag email = new Tag("pii.email", Source.DECLARED);
        UUID uuid = UUID.randomUUID();
        Published published =
                Mesh.published(new Location(sales.storage().bucket(), "crm/t"), "{}", Map.of(1, Set.of(email)));
        assertThat(mesh.tables.create(crm, "t", uuid, published)).isInstanceOf(Created.Done.class);
        assertThat(mesh.tables.drop(mesh.now(id("t")))).isTrue();

        assertThat(created("v", "crm/v", uuid)).isInstanceOf(Created.Done.class);
        Table view = mesh.now(id("v"));
        assertThat(mesh.tables.swap(view, Mesh.next(view))).isEqualTo(Swapped.DONE);
        assertThat(mesh.tables.tags(uuid)).isEqualTo(Map.of(1, Set.of(email)));
    }
}
