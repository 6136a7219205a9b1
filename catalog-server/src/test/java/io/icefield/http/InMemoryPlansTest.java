package io.icefield.http;

import io.icefield.domain.Domain;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.NamespaceId;
import io.icefield.table.PlanStore;
import io.icefield.table.PlanStoreContract;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

final class InMemoryPlansTest extends PlanStoreContract {
    private final PlanStore store = new InMemoryPlans();

    @Override
    protected PlanStore store() {
        return store;
    }

    @Override
    protected Table table() {
        DomainName sales = new DomainName("sales");
        Location folder = new Location("sales", "crm/orders");
        StorageProfile profile = new StorageProfile(
                sales,
                "sales",
                "",
                Optional.empty(),
                Optional.empty(),
                "us-east-1",
                true,
                "role",
                Credential.permanent("key", "secret"));
        return new Table(
                1,
                Table.Kind.TABLE,
                new Domain(1, sales, profile, Instant.EPOCH),
                new TableId(new NamespaceId(sales, List.of("crm")), "orders"),
                new UUID(0, 1),
                folder,
                folder.child("m.json"),
                1);
    }
}
