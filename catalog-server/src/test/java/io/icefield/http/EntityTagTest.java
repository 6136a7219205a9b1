package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.Delegation;
import io.icefield.table.LoadTable.Snapshots;
import io.icefield.table.Loaded;
import io.icefield.table.NamespaceId;
import io.icefield.table.TableId;
import java.net.URI;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Whoever is told that nothing has changed keeps all of the last answer: so all of it is in the tag.
class EntityTagTest {
    private static final DomainName SALES = new DomainName("sales");
    private static final Instant END = Instant.parse("2026-01-02T03:04:05Z");
    private static final TableId ORDERS = orders("orders");
    private static final StorageProfile STORE = store("http://127.0.0.1:9000", "us-east-1", true);

    private static TableId orders(String name) {
        return new TableId(new NamespaceId(SALES, List.of("crm")), name);
    }

    private static StorageProfile store(String endpoint, String region, boolean pathStyle) {
        return new StorageProfile(
                SALES,
                "sales",
                "",
                Optional.of(URI.create(endpoint)),
                Optional.empty(),
                region,
                pathStyle,
                "role",
                Credential.permanent("root", "secret"));
    }

    private static Loaded loaded(StorageProfile store, String file, String key, Instant end, Set<String> tags) {
        return new Loaded(
                Optional.of(Location.parse("s3://sales/orders/metadata/" + file)),
                new byte[] {'{', '}'},
                Location.parse("s3://sales/orders"),
                store,
                key.isEmpty()
                        ? Optional.empty()
                        : Optional.of(new Credential(key, "secret", Optional.of("token"), Optional.of(end))),
                key.isEmpty() ? Delegation.NONE : Delegation.VENDED_CREDENTIALS,
                Map.of(1, tags));
    }

    private static String tag(Loaded loaded) {
        return EntityTag.of(ORDERS, loaded, 7, Snapshots.ALL);
    }

    @Test
    void whateverAnAnswerHoldsIsInItsTag() {
        Loaded usual = loaded(STORE, "1.json", "key", END, Set.of("pii.email"));
        Loaded unsigned = loaded(STORE, "1.json", "", END, Set.of("pii.email"));
        Loaded signed = new Loaded(
                unsigned.metadataLocation(),
                unsigned.metadata(),
                unsigned.location(),
                STORE,
                Optional.empty(),
                Delegation.REMOTE_SIGNING,
                unsigned.labels());
        List<String> tags = List.of(
                tag(usual),
                tag(loaded(STORE, "2.json", "key", END, Set.of("pii.email"))),
                tag(loaded(STORE, "1.json", "another", END, Set.of("pii.email"))),
                tag(loaded(STORE, "1.json", "key", END.plusSeconds(1), Set.of("pii.email"))),
                tag(loaded(STORE, "1.json", "key", END, Set.of("public"))),
                tag(loaded(
                        store("http://127.0.0.1:9001", "us-east-1", true), "1.json", "key", END, Set.of("pii.email"))),
                tag(loaded(
                        store("http://127.0.0.1:9000", "eu-west-1", true), "1.json", "key", END, Set.of("pii.email"))),
                tag(loaded(
                        store("http://127.0.0.1:9000", "us-east-1", false), "1.json", "key", END, Set.of("pii.email"))),
                tag(unsigned),
                tag(signed),
                EntityTag.of(orders("orders2"), usual, 7, Snapshots.ALL),
                EntityTag.of(ORDERS, usual, 8, Snapshots.ALL),
                EntityTag.of(ORDERS, usual, 7, Snapshots.REFS));
        assertThat(new HashSet<>(tags)).hasSameSizeAs(tags);
        assertThat(tag(loaded(STORE, "1.json", "key", END, Set.of("pii.email"))))
                .isEqualTo(tags.getFirst());
    }
}
