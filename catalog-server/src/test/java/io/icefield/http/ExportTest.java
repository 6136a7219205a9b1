package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.audit.DecisionStore;
import io.icefield.audit.DecisionStoreContract;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.inmemory.InMemoryFileIO;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.parquet.Parquet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The log of decisions as a table.
class ExportTest {
    private static final Principal ADMIN = new Principal("admin", Principal.Kind.USER, Set.of("platform"));
    private static final String TABLE = "/iceberg/v1/governance/namespaces/audit/tables/decisions";
    private static final DomainName GOVERNANCE = new DomainName("governance");

    private final RunningServer mesh = new RunningServer();
    private final DecisionStore log = mesh.stores.decisions();

    @AfterEach
    void stop() {
        mesh.close();
    }

    private Reply export() {
        return mesh.send("POST", "/api/v1/decisions/export", mesh.admin, "");
    }

    private JsonNode exported() {
        Reply reply = export();
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply.json();
    }

    private TableMetadata table() {
        Reply reply = mesh.send("GET", TABLE, mesh.admin, "");
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return TableMetadataParser.fromJson(reply.json().path("metadata").toString());
    }

    private byte[] content(String uri) {
        StorageProfile profile = RunningServer.storage(GOVERNANCE);
        return mesh.mesh.storage.read(profile, Location.parse(uri), 64 << 20).orElseThrow();
    }

    /// What a reader of the table sees.
    private List<Record> rows() {
        TableMetadata table = table();
        InMemoryFileIO io = new InMemoryFileIO();
        mesh.mesh.objects().forEach(at -> io.addFile(at.toString(), content(at.toString())));
        List<Record> rows = new ArrayList<>();
        for (ManifestFile manifest : table.currentSnapshot().allManifests(io)) {
            try (ManifestReader<DataFile> files = ManifestFiles.read(manifest, io, table.specsById())) {
                for (DataFile file : files) {
                    InputFile in = new InMemoryInputFile(content(file.location()));
                    try (CloseableIterable<Record> some = Parquet.read(in)
                            .project(table.schema())
                            .createReaderFunc(type -> GenericParquetReaders.buildReader(table.schema(), type))
                            .build()) {
                        some.forEach(rows::add);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return rows;
    }

    private void rowsAreTheLogOnceUpTo(long through) {
        Map<Long, Record> rows = new TreeMap<>();
        for (Record row : rows()) {
            assertThat(rows.put((Long) row.getField("id"), row)).as("twice").isNull();
        }
        assertThat(rows.keySet())
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, through).boxed().toList());
        for (DecisionStore.Entry entry : log.after(0, Integer.MAX_VALUE)) {
            if (entry.link().id() <= through) {
                Record row = Objects.requireNonNull(rows.get(entry.link().id()));
                assertThat(row.getField("hash")).isEqualTo(entry.link().hash());
                assertThat(row.getField("thing"))
                        .isEqualTo(entry.decision().asked().thing());
                assertThat(row.getField("rules"))
                        .isEqualTo(entry.decision().ruling().rules());
                assertThat(row.getField("at").toString().substring(0, 19))
                        .isEqualTo(entry.decision().at().toString().substring(0, 19));
            }
        }
    }

    @Test
    void theTableHasEachDecisionOnce() {
        long first = exported().path("through").asLong();
        assertThat(first).isPositive();
        rowsAreTheLogOnceUpTo(first);
        JsonNode second = exported();
        assertThat(second.path("through").asLong())
                .isEqualTo(first + second.path("added").asLong());
        assertThat(second.path("added").asLong()).isPositive();
        rowsAreTheLogOnceUpTo(second.path("through").asLong());
        assertThat(table().currentSnapshot().summary())
                .containsEntry(
                        "icefield.decisions.through", second.path("through").asText());
        assertThat(table().snapshots()).hasSize(2);
    }

    @Test
    void thereIsAPartitionForEachDayAndManyAreExportedInParts() {
        log.append(IntStream.range(0, 25_000)
                .mapToObj(i -> DecisionStoreContract.decision("ann", "sales", "t" + i))
                .toList());
        long through = exported().path("through").asLong();
        rowsAreTheLogOnceUpTo(through);
        assertThat(table().snapshots()).hasSize(2);
        assertThat(mesh.mesh.objects().stream()
                        .map(Location::toString)
                        .filter(uri -> uri.contains("at_day=2026-01-02")))
                .hasSize(2);
    }

    @Test
    void twoWhoExportAtTheSameTimeAddNothingTwice() throws Exception {
        long _ = exported().path("through").asLong();
        for (int round = 0; round < 3; round++) {
            log.append(IntStream.range(0, 50)
                    .mapToObj(i -> DecisionStoreContract.decision("ann", "sales", "t" + i))
                    .toList());
            List<Callable<Boolean>> race = IntStream.range(0, 4)
                    .<Callable<Boolean>>mapToObj(_ -> () -> {
                        try {
                            return mesh.another().export(ADMIN).added() >= 0;
                        } catch (Refusal.Conflict e) {
                            return false;
                        }
                    })
                    .toList();
            try (var threads = Executors.newCachedThreadPool()) {
                Set<Boolean> outcomes = new HashSet<>();
                for (Future<Boolean> each : threads.invokeAll(race)) {
                    outcomes.add(each.get());
                }
                assertThat(outcomes).contains(true);
            }
            rowsAreTheLogOnceUpTo(exported().path("through").asLong());
        }
    }

    /// The 1st, 2nd, 3rd … write fails, until none does.
    @Test
    void whoFailsOnTheWayHasAddedNothing() {
        long before = exported().path("through").asLong();
        int failing = 0;
        int status;
        do {
            failing++;
            AtomicInteger left = new AtomicInteger(failing);
            mesh.mesh.writing = () -> {
                if (left.decrementAndGet() == 0) {
                    throw new DomainStorage.StorageException("full");
                }
            };
            status = export().status();
            mesh.mesh.writing = () -> {};
            if (status != 200) {
                assertThat(status).isEqualTo(503);
                rowsAreTheLogOnceUpTo(before);
            }
        } while (status != 200);
        assertThat(failing).as("rows, a manifest, a list of them, metadata").isGreaterThan(4);
        rowsAreTheLogOnceUpTo(exported().path("through").asLong());
    }

    @Test
    void aGrantOnTheWholeMeshDoesNotReachIt() {
        long _ = exported().path("through").asLong();
        assertThat(mesh.send("GET", TABLE, mesh.analyst, "").status()).isEqualTo(404);
        assertThat(mesh.send("GET", TABLE, mesh.seller, "").status()).isEqualTo(404);
        assertThat(mesh.send("GET", "/api/v1/domains", mesh.analyst, "").text()).doesNotContain("governance");
        assertThat(mesh.send("POST", "/api/v1/decisions/export", mesh.seller, "")
                        .status())
                .isEqualTo(403);
        mesh.grant(new Grant(
                Grantee.parse("group:analysts"), Role.STEWARD, Optional.of(GOVERNANCE), List.of(), Optional.empty()));
        assertThat(mesh.send("GET", TABLE, mesh.analyst, "").status()).isEqualTo(200);
    }

    @Test
    void aDomainOfSomebodyElseIsNotFilled() {
        mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"governance\",\"owners\":[\"sellers\"]}");
        Reply refused = export();
        assertThat(refused.status()).as("%s", refused).isEqualTo(403);
        assertThat(refused.text()).contains("grant the role writer on it to `principal:icefield-audit`");
        mesh.send(
                "POST",
                "/api/v1/domains/governance/grants",
                mesh.seller,
                "{\"grantee\":\"principal:icefield-audit\",\"role\":\"writer\"}");
        rowsAreTheLogOnceUpTo(exported().path("through").asLong());
    }
}
