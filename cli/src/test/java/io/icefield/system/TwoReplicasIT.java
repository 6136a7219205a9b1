package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/// Sixteen clients cross each other's transactions over two servers on one database, while one server after the
/// other is killed with `kill -9`. `ICEFIELD_REPLICA_ROUNDS` says how often. Afterwards every metadata file that the
/// tables ever pointed to is read.
class TwoReplicasIT {
    private static final int ROUNDS = Integer.parseInt(System.getenv().getOrDefault("ICEFIELD_REPLICA_ROUNDS", "2"));
    private static final int REPLICAS = 2;
    private static final int CLIENTS = 16;
    private static final int TABLES = 5;
    private static final int RANDOM_MOMENT_MILLIS = 1_500;
    /// The supervisor gives up on a part that dies more than five times a minute.
    private static final Duration BETWEEN_KILLS = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration AFTER_A_FAILURE = Duration.ofMillis(50);
    private static final String DOMAIN = "crossing";
    private static final String NAMESPACES = "/iceberg/v1/" + DOMAIN + "/namespaces";
    private static final String TABLES_PATH = NAMESPACES + "/core/tables";

    private enum Told {
        DONE,
        REFUSED,
        UNKNOWN
    }

    /// One transaction: the client's mark in each of these tables.
    private record Mark(int client, int number) {}

    private record Sent(Set<Integer> tables, Told told) {}

    private static final Sent NEVER = new Sent(Set.of(), Told.REFUSED);

    private final Map<Mark, Sent> transactions = new ConcurrentHashMap<>();
    private final List<AtomicInteger> done = List.of(new AtomicInteger(), new AtomicInteger());
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Set<String> unexpected = ConcurrentHashMap.newKeySet();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Test
    void everyTransactionIsAllOrNothingWhicheverServerIsKilled() throws Exception {
        long seed = new Random().nextLong();
        System.out.printf("TwoReplicasIT: seed %d, %d rounds%n", seed, ROUNDS);
        Random random = new Random(seed);
        try (Replicas replicas = Replicas.start(REPLICAS)) {
            String token = replicas.token(http);
            String bucket = setUp(replicas.admin(), replicas.uris().getFirst(), token);

            List<Thread> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                int number = client;
                Random own = new Random(random.nextLong());
                clients.add(Thread.ofPlatform()
                        .name("client " + client)
                        .start(() -> cross(replicas.uris(), token, number, own)));
            }
            for (int round = 1; round <= ROUNDS; round++) {
                for (int replica = 0; replica < REPLICAS; replica++) {
                    awaitDone(replica, CLIENTS);
                    Thread.sleep(BETWEEN_KILLS.plusMillis(random.nextInt(RANDOM_MOMENT_MILLIS)));
                    replicas.kill(replica);
                    // each client may still be counting an answer from before the kill
                    awaitDone(replica, CLIENTS + 1);
                }
                System.out.printf("TwoReplicasIT: round %d: %s%n", round, counts());
            }
            stop.set(true);
            for (Thread client : clients) {
                client.join(PATIENCE);
                assertThat(client.isAlive()).as(client.getName()).isFalse();
            }
            assertThat(unexpected).isEmpty();
            check(replicas, token, bucket);
        }
    }

    private Map<Told, Long> counts() {
        return transactions.values().stream()
                .collect(Collectors.groupingBy(Sent::told, TreeMap::new, Collectors.counting()));
    }

    private String setUp(ApiClient admin, URI uri, String token) throws Exception {
        ObjectNode domain = Mesh.JSON.createObjectNode().put("name", DOMAIN);
        domain.putArray("owners").add("platform");
        String bucket =
                admin.post(ApiClient.path("domains"), domain).path("bucket").asText();
        assertThat(post(uri, NAMESPACES, token, "{\"namespace\":[\"core\"]}").statusCode())
                .isEqualTo(200);
        for (int table = 0; table < TABLES; table++) {
            String body = """
                    {"name":"t%d","schema":{"type":"struct","schema-id":0,"fields":[
                    {"id":1,"name":"id","required":false,"type":"long"}]},
                    "properties":{"write.metadata.previous-versions-max":"1000000"}}""".formatted(table);
            assertThat(post(uri, TABLES_PATH, token, body).statusCode()).isEqualTo(200);
        }
        return bucket;
    }

    private HttpResponse<String> post(URI uri, String path, String token, String body)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(uri.resolve(path))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    // --- What the clients do

    private void cross(List<URI> replicas, String token, int client, Random random) {
        for (int number = 1; !stop.get(); number++) {
            List<Integer> order =
                    new ArrayList<>(IntStream.range(0, TABLES).boxed().toList());
            Collections.shuffle(order, random);
            List<Integer> tables = order.subList(0, 2 + random.nextInt(2));
            int replica = random.nextInt(REPLICAS);
            Told told = send(replicas.get(replica), token, new Mark(client, number), tables);
            transactions.put(new Mark(client, number), new Sent(new TreeSet<>(tables), told));
            if (told == Told.DONE) {
                done.get(replica).incrementAndGet();
            } else {
                pause(AFTER_A_FAILURE);
            }
        }
    }

    private Told send(URI uri, String token, Mark mark, List<Integer> tables) {
        ObjectNode body = Mesh.JSON.createObjectNode();
        ArrayNode changes = body.putArray("table-changes");
        for (int table : tables) {
            ObjectNode change = changes.addObject();
            change.putObject("identifier")
                    .put("name", "t" + table)
                    .putArray("namespace")
                    .add("core");
            change.putArray("requirements");
            change.putArray("updates")
                    .addObject()
                    .put("action", "set-properties")
                    .putObject("updates")
                    .put("mark-" + mark.client(), Integer.toString(mark.number()));
        }
        try {
            HttpResponse<String> answer =
                    post(uri, "/iceberg/v1/" + DOMAIN + "/transactions/commit", token, body.toString());
            return switch (answer.statusCode()) {
                case 204 -> Told.DONE;
                case 409 -> Told.REFUSED;
                case 500, 502, 503, 504 -> Told.UNKNOWN;
                default -> {
                    unexpected.add(answer.statusCode() + " " + answer.body());
                    yield Told.REFUSED;
                }
            };
        } catch (IOException e) {
            return Told.UNKNOWN;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void awaitDone(int replica, int more) {
        int wanted = done.get(replica).get() + more;
        Instant deadline = Instant.now().plus(PATIENCE);
        while (done.get(replica).get() < wanted) {
            assertThat(Instant.now()).as("replica %d answers again", replica).isBefore(deadline);
            pause(Duration.ofMillis(20));
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // --- What became of it

    private void check(Replicas replicas, String token, String bucket) throws Exception {
        Map<Mark, Set<Integer>> found = new HashMap<>();
        Set<String> named = new HashSet<>();
        Set<String> objects = new HashSet<>();
        try (S3Client s3 = replicas.bucket()) {
            for (int table = 0; table < TABLES; table++) {
                List<String> history = history(replicas, token, table);
                named.addAll(history);
                Map<Integer, Integer> last = new HashMap<>();
                for (int version = 0; version < history.size(); version++) {
                    String file = history.get(version);
                    JsonNode metadata = Mesh.JSON.readTree(s3.getObjectAsBytes(
                                    get -> get.bucket(bucket).key(file.substring(("s3://" + bucket + "/").length())))
                            .asByteArray());
                    JsonNode log = metadata.path("metadata-log");
                    assertThat(log).as("the log of %s", file).hasSize(version);
                    if (version > 0) {
                        assertThat(log.get(version - 1).path("metadata-file").asText())
                                .as("what %s was made of", file)
                                .isEqualTo(history.get(version - 1));
                    }
                    for (int client = 0; client < CLIENTS; client++) {
                        int number = metadata.path("properties")
                                .path("mark-" + client)
                                .asInt();
                        if (number > 0) {
                            found.computeIfAbsent(new Mark(client, number), _ -> new TreeSet<>())
                                    .add(table);
                        }
                        int before = last.getOrDefault(client, 0);
                        boolean back = number < before
                                && transactions
                                                .getOrDefault(new Mark(client, number), NEVER)
                                                .told()
                                        != Told.UNKNOWN;
                        assertThat(back)
                                .as("in %s client %d's mark falls from %d to %d", file, client, before, number)
                                .isFalse();
                        last.put(client, number);
                    }
                }
            }
            s3.listObjectsV2Paginator(list -> list.bucket(bucket)).contents().stream()
                    .map(S3Object::key)
                    .forEach(key -> objects.add("s3://" + bucket + "/" + key));
        }
        transactions.forEach((mark, sent) -> {
            Set<Integer> there = found.getOrDefault(mark, Set.of());
            switch (sent.told()) {
                case DONE -> assertThat(there).as("%s was acknowledged", mark).isEqualTo(sent.tables());
                case REFUSED -> assertThat(there).as("%s was refused", mark).isEmpty();
                case UNKNOWN ->
                    assertThat(there.isEmpty() || there.equals(sent.tables()))
                            .as("%s is in %s of %s", mark, there, sent.tables())
                            .isTrue();
            }
        });
        assertThat(transactions.keySet()).as("nothing else is there").containsAll(found.keySet());
        long unknown = counts().getOrDefault(Told.UNKNOWN, 0L);
        objects.removeAll(named);
        assertThat(objects.size())
                .as("files that no table names; %d transactions broke off", unknown)
                .isLessThanOrEqualTo((int) (3 * unknown));
        System.out.printf(
                "TwoReplicasIT: %s, %d metadata files read, %d left behind%n", counts(), named.size(), objects.size());
    }

    /// Every file that the table has pointed to, in their order; both servers say the same.
    private List<String> history(Replicas replicas, String token, int table) throws Exception {
        Set<List<String>> answers = new HashSet<>();
        for (URI uri : replicas.uris()) {
            HttpRequest request = HttpRequest.newBuilder(uri.resolve(TABLES_PATH + "/t" + table))
                    .timeout(PATIENCE)
                    .header("Authorization", "Bearer " + token)
                    .build();
            JsonNode loaded = Mesh.JSON.readTree(
                    http.send(request, HttpResponse.BodyHandlers.ofString()).body());
            List<String> files = new ArrayList<>();
            loaded.path("metadata")
                    .path("metadata-log")
                    .forEach(entry -> files.add(entry.path("metadata-file").asText()));
            files.add(loaded.path("metadata-location").asText());
            answers.add(files);
        }
        assertThat(answers).as("the servers' histories of t%d", table).hasSize(1);
        return answers.iterator().next();
    }
}
