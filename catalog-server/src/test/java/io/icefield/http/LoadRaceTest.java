package io.icefield.http;

import static io.icefield.http.Caller.TABLES;
import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.setProperty;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import io.icefield.storage.DomainName;
import io.icefield.table.Delegation;
import io.icefield.table.LoadTable;
import io.icefield.table.Loaded;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataFiles;
import io.icefield.table.MetadataSource;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.Restricted;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.Tables;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A load between whose two looks, at the pointer and at what it names, others commit.
class LoadRaceTest {
    private static final TableId ORDERS =
            new TableId(new NamespaceId(new DomainName("sales"), List.of("crm")), "orders");
    private static final Principal SELLER = new Principal("seller", Principal.Kind.JOB, Set.of("sellers"));
    private static final Governance OPEN = new Governance() {
        @Override
        public Verdict judge(Change change) {
            return new Verdict(List.of(), List.of());
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return Restrictions.NONE;
        }
    };

    private Caller caller;

    @BeforeEach
    void start() {
        caller = new Caller();
        caller.create("orders");
    }

    @AfterEach
    void stop() {
        caller.close();
    }

    private Loaded load(Consumer<Table> between) {
        InMemoryMesh mesh = caller.mesh.mesh;
        MetadataFiles files = new MetadataFiles(mesh.tableStore, mesh.storage);
        MetadataSource racing = new MetadataSource() {
            @Override
            public Metadata of(Table table) {
                between.accept(table);
                return files.of(table);
            }

            @Override
            public void remember(Table table, Metadata metadata) {}
        };
        IcebergFormat format = new IcebergFormat(1 << 20);
        LoadTable loading = new LoadTable(
                new Tables(new Namespaces(caller.mesh.domains, mesh.namespaceStore, OPEN), mesh.tableStore),
                mesh.tableStore,
                racing,
                format,
                new Restricted(OPEN, format, mesh.tableStore),
                mesh.storage);
        return loading.load(SELLER, ORDERS, LoadTable.Snapshots.ALL, Delegation.NONE);
    }

    @Test
    void whatThePointerNamedAndIsNotKeptAnyMoreIsLookedForAgain() {
        int[] looks = {0};
        Loaded loaded = load(table -> {
            if (looks[0]++ < 2) {
                ok(caller.commit("orders", "", setProperty("k", "v" + looks[0])));
                caller.mesh.mesh.lose(table.metadata());
            }
        });
        assertThat(new String(loaded.metadata(), UTF_8)).contains("\"v2\"");
        assertThat(loaded.metadataLocation().orElseThrow().toString())
                .isEqualTo(caller.get(TABLES + "/orders")
                        .json()
                        .path("metadata-location")
                        .asText());
        assertThat(looks[0]).isEqualTo(3);
    }

    @Test
    void whatIsLostIsNotLookedForForEver() {
        int[] looks = {0};
        assertThatThrownBy(() -> load(table -> {
                    looks[0]++;
                    caller.mesh.mesh.lose(table.metadata());
                }))
                .isInstanceOf(Refusal.Unavailable.class);
        assertThat(looks[0]).isEqualTo(1);
    }
}
