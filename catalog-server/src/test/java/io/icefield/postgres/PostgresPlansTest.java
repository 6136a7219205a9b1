package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.table.PlanStore;
import io.icefield.table.PlanStoreContract;
import io.icefield.table.Table;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class PostgresPlansTest extends PlanStoreContract {
    private static final Mesh MESH = Mesh.open();
    private static Table orders = MESH.table(MESH.namespace(MESH.domain("sales"), "crm"), "orders");

    @BeforeAll
    static void aTable() {
        orders = MESH.now(orders.name());
    }

    @AfterAll
    static void close() {
        MESH.database.close();
    }

    @Override
    protected PlanStore store() {
        return new PostgresPlans(MESH.database);
    }

    @Override
    protected Table table() {
        return orders;
    }

    @Test
    void aTableTakesItsPlansWithIt() {
        Table gone = MESH.table(MESH.namespace(MESH.domain("gone"), "crm"), "orders");
        UUID plan = UUID.randomUUID();
        PlanStore.Limits limits = new PlanStore.Limits(Duration.ofHours(1), Duration.ofHours(1), 1);
        assertThat(store().add(plan, gone, "p", "{}", plan, limits)).isTrue();
        assertThat(store().addPage(plan, plan, 0, new byte[1])).isTrue();
        assertThat(MESH.tables.drop(gone)).isTrue();
        assertThat(store().find(plan)).isEmpty();
    }
}
