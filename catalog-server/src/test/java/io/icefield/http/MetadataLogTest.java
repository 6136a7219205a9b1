package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `write.metadata.previous-versions-max` and `delete-after-commit` are the server's to honour: clients never do.
class MetadataLogTest {
    private static final String TABLES = "/iceberg/v1/sales/namespaces/crm/tables";

    private RunningServer mesh;

    @BeforeEach
    void start() {
        mesh = new RunningServer();
    }

    @AfterEach
    void stop() {
        mesh.close();
    }

    private String create(String name, boolean delete) {
        Reply reply = mesh.send("POST", TABLES, mesh.seller, IcebergRoutesTest.createBody(name, """
                ,"properties":{"write.metadata.previous-versions-max":"2",
                "write.metadata.delete-after-commit.enabled":"%s"}""".formatted(delete)));
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply.json().path("metadata-location").asText();
    }

    private JsonNode set(String table, String key) {
        Reply reply = mesh.send(
                "POST",
                TABLES + "/" + table,
                mesh.seller,
                "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"k\":\"%s\"}}]}"
                        .formatted(key));
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply.json();
    }

    private boolean isThere(String file) {
        StorageProfile profile = mesh.mesh
                .domainStore
                .find(Set.of(), new DomainName("sales"))
                .orElseThrow()
                .domain()
                .storage();
        return mesh.mesh.storage.read(profile, Location.parse(file), 1 << 20).isPresent();
    }

    @Test
    void filesThatFallOutOfTheLogAreDeletedWhenTheTableWantsIt() {
        List<String> files = new ArrayList<>(List.of(create("t", true)));
        for (int commit = 1; commit <= 5; commit++) {
            JsonNode now = set("t", "v" + commit);
            files.add(now.path("metadata-location").asText());
            assertThat(now.path("metadata").path("metadata-log")).hasSize(Math.min(commit, 2));
        }
        assertThat(files.stream().filter(this::isThere)).containsExactlyElementsOf(files.subList(3, 6));
    }

    @Test
    void theyStayWhenItDoesNot() {
        List<String> files = new ArrayList<>(List.of(create("t", false)));
        for (int commit = 1; commit <= 5; commit++) {
            files.add(set("t", "v" + commit).path("metadata-location").asText());
        }
        assertThat(files).allMatch(this::isThere);
    }

    /// A log that was registered may name anything.
    @Test
    void whatIsNotInTheTablesFolderIsNotDeleted() {
        String foreign = create("u", true);
        String own = create("t", true);
        String file = own.replaceFirst("00000-", "00001-");
        JsonNode metadata =
                mesh.send("GET", TABLES + "/t", mesh.seller, "").json().path("metadata");
        ((ObjectNode) metadata)
                .putArray("metadata-log")
                .add(entry(metadata, foreign))
                .add(entry(metadata, own));
        mesh.mesh.overwrite(Location.parse(file), metadata.toString());
        assertThat(mesh.send("DELETE", TABLES + "/t", mesh.seller, "").status()).isEqualTo(204);
        Reply registered = mesh.send(
                "POST",
                TABLES.replace("/tables", "/register"),
                mesh.seller,
                "{\"name\":\"t\",\"metadata-location\":\"%s\"}".formatted(file));
        assertThat(registered.status()).as("%s", registered).isEqualTo(200);

        for (int commit = 1; commit <= 3; commit++) {
            set("t", "v" + commit);
        }
        assertThat(isThere(own)).isFalse();
        assertThat(isThere(foreign)).isTrue();
    }

    private static ObjectNode entry(JsonNode metadata, String file) {
        return ((ObjectNode) metadata)
                .objectNode()
                .put("metadata-file", file)
                .put("timestamp-ms", metadata.path("last-updated-ms").asLong());
    }

    @Test
    void aTransactionThatFailsDeletesNothing() {
        List<String> files = new ArrayList<>(List.of(create("t", true)));
        for (int commit = 1; commit <= 2; commit++) {
            files.add(set("t", "v" + commit).path("metadata-location").asText());
        }
        String change = """
                {"identifier":{"namespace":["crm"],"name":"%s"},"requirements":[%s],
                 "updates":[{"action":"set-properties","updates":{"k":"last"}}]}""";
        create("u", true);
        String wrong = "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":7}";
        Reply lost = mesh.send(
                "POST",
                "/iceberg/v1/sales/transactions/commit",
                mesh.seller,
                "{\"table-changes\":[%s,%s]}".formatted(change.formatted("t", ""), change.formatted("u", wrong)));
        assertThat(lost.status()).isEqualTo(409);
        assertThat(files).allMatch(this::isThere);

        Reply won = mesh.send(
                "POST",
                "/iceberg/v1/sales/transactions/commit",
                mesh.seller,
                "{\"table-changes\":[%s]}".formatted(change.formatted("t", "")));
        assertThat(won.status()).isEqualTo(204);
        assertThat(files.stream().filter(this::isThere)).containsExactlyElementsOf(files.subList(1, 3));
    }
}
