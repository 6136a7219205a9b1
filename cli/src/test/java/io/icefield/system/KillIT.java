package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.CleanableFailure;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;

/// Eight writers append to four tables while the catalog server, then PostgreSQL, is killed with `kill -9` at
/// random moments. `ICEFIELD_KILL_ROUNDS` says how often.
class KillIT {
    private static final String DOMAIN = "endurance";
    private static final Namespace CORE = Namespace.of("core");
    private static final int TABLES = 4;
    private static final int WRITERS = 8;
    private static final int ROUNDS = Integer.parseInt(System.getenv().getOrDefault("ICEFIELD_KILL_ROUNDS", "3"));
    /// The supervisor gives up on a part that dies more than five times a minute.
    private static final Duration BETWEEN_KILLS_OF_ONE_PART = Duration.ofSeconds(13);
    private static final Duration RECOVERY_PATIENCE = Duration.ofSeconds(90);
    private static final int RANDOM_MOMENT_MILLIS = 4_000;
    private static final Duration BETWEEN_APPENDS = Duration.ofMillis(100);
    private static final Schema ENTRIES = new Schema(
            Types.NestedField.required(1, "id", Types.StringType.get()),
            Types.NestedField.required(2, "writer", Types.IntegerType.get()));

    /// What the writers were told, by the id of each row.
    private final Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
    private final Queue<String> refused = new ConcurrentLinkedQueue<>();
    private final Queue<String> unknown = new ConcurrentLinkedQueue<>();
    private final AtomicInteger notTried = new AtomicInteger();
    private final AtomicBoolean stop = new AtomicBoolean();

    @Test
    void whatWasAcknowledgedIsThereExactlyOnceWhateverIsKilled() throws Exception {
        Mesh mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        RESTCatalog catalog = mesh.iceberg(DOMAIN, DOMAIN + "-job");
        catalog.createNamespace(CORE);
        for (int table = 0; table < TABLES; table++) {
            catalog.createTable(name(table), ENTRIES);
        }
        long seed = new Random().nextLong();
        System.out.printf("KillIT: seed %d, %d rounds%n", seed, ROUNDS);
        Random random = new Random(seed);

        List<Thread> writers = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
            int number = writer;
            RESTCatalog own = mesh.iceberg(DOMAIN, DOMAIN + "-job");
            writers.add(Thread.ofPlatform().name("writer " + writer).start(() -> write(own, number)));
        }
        Map<String, Instant> lastKill = new HashMap<>();
        for (int round = 1; round <= ROUNDS; round++) {
            for (String part : List.of("catalog", "postgres")) {
                Instant earliest = lastKill.getOrDefault(part, Instant.EPOCH).plus(BETWEEN_KILLS_OF_ONE_PART);
                Instant moment = Instant.now().plusMillis(random.nextInt(RANDOM_MOMENT_MILLIS));
                until(earliest.isAfter(moment) ? earliest : moment);
                mesh.kill(part);
                lastKill.put(part, Instant.now());
                awaitAppendAfter(acknowledged.size(), part);
            }
            System.out.printf(
                    "KillIT: round %d: %d acknowledged, %d refused, %d unknown, %d not tried%n",
                    round, acknowledged.size(), refused.size(), unknown.size(), notTried.get());
        }
        stop.set(true);
        for (Thread writer : writers) {
            writer.join(RECOVERY_PATIENCE);
            assertThat(writer.isAlive()).as(writer.getName()).isFalse();
        }
        mesh.awaitReady(RECOVERY_PATIENCE);

        Map<String, Integer> found = new HashMap<>();
        Set<String> named = new TreeSet<>();
        RESTCatalog fresh = mesh.iceberg(DOMAIN, DOMAIN + "-job");
        for (int number = 0; number < TABLES; number++) {
            Table table = fresh.loadTable(name(number));
            for (Record row : Rows.read(table)) {
                found.merge((String) row.getField("id"), 1, Integer::sum);
            }
            named.addAll(Rows.files(table));
        }
        assertThat(acknowledged).hasSizeGreaterThan(ROUNDS);
        assertThat(found.keySet()).as("acknowledged rows are there").containsAll(acknowledged);
        assertThat(found.values()).as("and exactly once").containsOnly(1);
        assertThat(found.keySet()).as("refused rows are not").doesNotContainAnyElementsOf(nonEmpty(refused));
        Set<String> possible = new TreeSet<>(acknowledged);
        possible.addAll(unknown);
        assertThat(possible).as("nothing else is there").containsAll(found.keySet());

        String bucket = "s3://" + mesh.bucket(DOMAIN) + "/";
        Set<String> objects = mesh.objects(DOMAIN);
        assertThat(named.stream()
                        .filter(file -> !file.startsWith(bucket) || !objects.contains(file.substring(bucket.length())))
                        .toList())
                .as("files that a table names and that are missing, of %d", named.size())
                .isEmpty();
    }

    private void write(RESTCatalog catalog, int writer) {
        while (!stop.get()) {
            String id = UUID.randomUUID().toString();
            Table table;
            DataFile file;
            try {
                table = catalog.loadTable(name(writer % TABLES));
                file = Rows.write(table, List.of(Rows.row(table, id, writer)));
            } catch (RuntimeException e) {
                notTried.incrementAndGet(); // the server is away: no row was offered yet
                until(Instant.now().plus(BETWEEN_APPENDS));
                continue;
            }
            try {
                table.newAppend().appendFile(file).commit();
                acknowledged.add(id);
            } catch (RuntimeException e) {
                (e instanceof CleanableFailure ? refused : unknown).add(id);
            }
            until(Instant.now().plus(BETWEEN_APPENDS));
        }
    }

    /// The mesh has recovered when an append is acknowledged that was begun after the kill; as many may have been
    /// under way as there are writers.
    private void awaitAppendAfter(int before, String killed) {
        Instant deadline = Instant.now().plus(RECOVERY_PATIENCE);
        while (acknowledged.size() <= before + WRITERS) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError(
                        "no append is acknowledged %s after `%s` was killed".formatted(RECOVERY_PATIENCE, killed));
            }
            until(Instant.now().plusMillis(50));
        }
    }

    private static List<String> nonEmpty(Queue<String> ids) {
        // AssertJ refuses an empty list of what must not be there.
        return ids.isEmpty() ? List.of("nothing was refused") : List.copyOf(ids);
    }

    private static TableIdentifier name(int table) {
        return TableIdentifier.of(CORE, "entries_" + table);
    }

    private static void until(Instant moment) {
        try {
            Thread.sleep(Duration.between(Instant.now(), moment));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
