package io.icefield.iceberg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.domain.Domain;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.Metadata;
import io.icefield.table.MetadataSource;
import io.icefield.table.NamespaceId;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class CachedMetadataTest {
    private static final DomainName SALES = new DomainName("sales");
    private static final Location FOLDER = new Location("sales", "crm/orders");
    private static final Domain DOMAIN = new Domain(
            1,
            SALES,
            new StorageProfile(
                    SALES,
                    "sales",
                    "",
                    Optional.empty(),
                    Optional.empty(),
                    "us-east-1",
                    true,
                    "role",
                    Credential.permanent("key", "secret")),
            Instant.EPOCH);

    private static Table table(long id) {
        TableId name = new TableId(new NamespaceId(SALES, List.of("crm")), "orders");
        return new Table(
                id, Table.Kind.TABLE, DOMAIN, name, new UUID(0, 1), FOLDER, FOLDER.child("m.metadata.json"), 1);
    }

    @Test
    void aTableThatWasRegisteredAnewAtTheSameFileHasItsOwnContent() {
        CachedMetadata cache = new CachedMetadata(
                new MetadataSource() {
                    @Override
                    public Metadata of(Table table) {
                        return new Metadata(
                                table.metadata(), Long.toString(table.id()).getBytes(UTF_8));
                    }

                    @Override
                    public void remember(Table table, Metadata metadata) {}
                },
                1 << 20);
        for (long id = 1; id <= 2; id++) {
            assertThat(new String(cache.of(table(id)).json(), UTF_8)).isEqualTo(Long.toString(id));
        }
        cache.remember(table(3), new Metadata(table(3).metadata(), "remembered".getBytes(UTF_8)));
        assertThat(new String(cache.of(table(3)).json(), UTF_8)).isEqualTo("remembered");
    }
}
