package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Refusal;
import io.icefield.table.Namespace;
import io.icefield.table.Once;
import io.icefield.table.RequestKeys.Refused;
import io.icefield.table.Table;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Outcome;
import io.icefield.table.TableStore.Step;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PostgresRequestKeysTest {
    private final Mesh mesh = Mesh.open();
    private final PostgresRequestKeys keys = new PostgresRequestKeys(mesh.database);
    private final Namespace crm = mesh.namespace(mesh.domain("sales"), "crm");
    private final Table orders = mesh.table(crm, "orders");

    @AfterEach
    void close() {
        mesh.database.close();
    }

    private static Once.Key key(String principal, UUID id) {
        return new Once.Key(principal, id, "digest", Duration.ofMinutes(1));
    }

    private Outcome publish(Once.Key... requests) {
        return mesh.tables
                .recording(new Once(List.of(requests)))
                .publish(List.of(new Step.Swap(mesh.now(orders.name()), Mesh.next(orders))));
    }

    @Test
    void aChangeIsRecordedForAllItsRequestsAndForEachOnce() {
        UUID id = UUID.randomUUID();
        Once.Key ann = key("ann", id);
        Once.Key bob = key("bob", id);

        assertThat(publish(ann, bob)).isEqualTo(new Outcome.Done());
        assertThat(keys.find(ann)).isPresent();
        assertThat(keys.find(bob)).isPresent();
        assertThatThrownBy(() -> publish(key("cid", id), bob))
                .isInstanceOfSatisfying(
                        Refusal.Repeated.class, e -> assertThat(e.keys()).containsExactly(id));
        assertThat(keys.find(key("cid", id))).isEmpty();
        assertThat(mesh.now(orders.name()).version()).isEqualTo(2);
    }

    @Test
    void oneThatIsThereTwiceInAChangeIsRepeated() {
        Once.Key twice = key("ann", UUID.randomUUID());

        assertThatThrownBy(() -> publish(twice, twice)).isInstanceOf(Refusal.Repeated.class);
        assertThat(keys.find(twice)).isEmpty();
        assertThat(mesh.now(orders.name()).version()).isEqualTo(1);
    }

    @Test
    void whatChangedNothingRecordsNothing() {
        Once.Key key = key("ann", UUID.randomUUID());
        assertThat(mesh.tables
                        .recording(new Once(List.of(key)))
                        .create(crm, "orders", UUID.randomUUID(), Mesh.published(crm, "elsewhere")))
                .isEqualTo(new Created.NameTaken());
        assertThat(keys.find(key)).isEmpty();
    }

    @Test
    void aRefusalDoesNotReplaceWhatWasDone() {
        Once.Key key = key("ann", UUID.randomUUID());
        assertThat(publish(key)).isEqualTo(new Outcome.Done());
        keys.refused(key, new Refused(404, "{}"));
        assertThat(keys.find(key))
                .hasValueSatisfying(done -> assertThat(done.refusal()).isEmpty());
    }
}
