package io.icefield.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.client.ApiException;
import io.icefield.client.Credential;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/// The principals of a local mesh whose secrets are kept in its home, in a file that only its owner can read.
public final class Principals {
    public static final String ADMIN = "admin";
    public static final String ENGINE = "trino";

    private static final String MESH = "mesh";
    private static final String FILE = "principals.json";
    private static final Duration LOCK_WAIT = Duration.ofSeconds(30);
    private static final int CONFLICT = 409;
    private static final int NOT_FOUND = 404;

    private final MeshHome home;

    public Principals(MeshHome home) {
        this.home = home;
    }

    /// A principal with its secret.
    ///
    /// @param granted what its first role was given on, so that a role which is taken back stays so: the mesh, or
    ///     a domain's time of birth; empty when nothing
    public record Known(String name, String kind, Credential credential, List<String> groups, String granted) {
        public Known {
            groups = List.copyOf(groups);
        }

        private Known with(String nowGranted) {
            return new Known(name, kind, credential, groups, nowGranted);
        }

        /// Includes the secret.
        public ObjectNode toJson() {
            ObjectNode node = JsonNodeFactory.instance
                    .objectNode()
                    .put("name", name)
                    .put("client-id", credential.clientId())
                    .put("client-secret", credential.clientSecret());
            groups.forEach(node.putArray("groups")::add);
            return node;
        }
    }

    public List<Known> all() {
        return List.copyOf(load().values());
    }

    public Optional<Known> find(String name) {
        return Optional.ofNullable(load().get(name));
    }

    /// Remembers the administrator, whose secret the catalog was started with.
    void keepAdmin(String secret) {
        locked(known ->
                known.put(ADMIN, new Known(ADMIN, "user", new Credential(ADMIN, secret), List.of("platform"), MESH)));
    }

    /// Creates the mesh's own principals where they are missing, and grants each its role once.
    void ensureMesh(ApiClient admin) {
        locked(known -> {
            ensure(admin, known, "analyst", "user", List.of("analysts"));
            ensure(admin, known, "steward", "user", List.of("stewards"));
            ensure(admin, known, ENGINE, "engine", List.of());
            grantOnce(admin, known, "analyst", MESH, "/api/v1/grants", "group:analysts", "reader");
            grantOnce(admin, known, "steward", MESH, "/api/v1/grants", "group:stewards", "steward");
        });
    }

    /// Makes sure that every domain has its job, a principal that may write there. A domain that was deleted and
    /// made anew is another one.
    public void ensureJobs(ApiClient admin) {
        List<JsonNode> domains = admin.list("/api/v1/domains", "domains");
        Map<String, Known> have = load();
        if (domains.stream().allMatch(domain -> hasJob(have, domain))) {
            return;
        }
        locked(known -> {
            for (JsonNode domain : domains) {
                if (!hasJob(known, domain)) {
                    String name = domain.path("name").asText();
                    String job = jobOf(name);
                    ensure(admin, known, job, "job", List.of());
                    String grants = ApiClient.path("domains", name, "grants");
                    grantOnce(admin, known, job, birth(domain), grants, "principal:" + job, "writer");
                }
            }
        });
    }

    private static boolean hasJob(Map<String, Known> known, JsonNode domain) {
        Known job = known.get(jobOf(domain.path("name").asText()));
        return job != null && job.granted().equals(birth(domain));
    }

    private static String birth(JsonNode domain) {
        return domain.path("created-at").asText();
    }

    /// Keeps a secret that the server has just shown.
    public void keep(JsonNode answer) {
        locked(known -> {
            Known next = parse(answer);
            Optional<Known> last = Optional.ofNullable(known.get(next.name()));
            known.put(next.name(), next.with(last.map(Known::granted).orElse("")));
        });
    }

    public void forget(String name) {
        locked(known -> known.remove(name));
    }

    public static String jobOf(String domain) {
        return domain + "-job";
    }

    private static void ensure(
            ApiClient admin, Map<String, Known> known, String name, String kind, List<String> groups) {
        if (known.containsKey(name) && exists(admin, name)) {
            return;
        }
        ObjectNode wanted =
                JsonNodeFactory.instance.objectNode().put("name", name).put("kind", kind);
        ArrayNode list = wanted.putArray("groups");
        groups.forEach(list::add);
        try {
            put(known, admin.post("/api/v1/principals", wanted));
        } catch (ApiException e) {
            if (e.status() != CONFLICT) {
                throw e;
            }
            // It is there, but its secret is lost to us: ask for a new one.
            ObjectNode renewed = wanted.deepCopy();
            renewed.setAll((ObjectNode)
                    admin.post(ApiClient.path("principals", name, "secret"), JsonNodeFactory.instance.objectNode()));
            put(known, renewed);
        }
    }

    private static boolean exists(ApiClient admin, String name) {
        try {
            admin.get(ApiClient.path("principals", name));
            return true;
        } catch (ApiException e) {
            if (e.status() == NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    private static void grantOnce(
            ApiClient admin,
            Map<String, Known> known,
            String name,
            String on,
            String path,
            String grantee,
            String role) {
        Known principal = Objects.requireNonNull(known.get(name), name);
        if (principal.granted().equals(on)) {
            return;
        }
        try {
            admin.post(
                    path,
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("grantee", grantee)
                            .put("role", role));
        } catch (ApiException e) {
            if (e.status() != CONFLICT) { // granted already
                throw e;
            }
        }
        known.put(name, principal.with(on));
    }

    private static void put(Map<String, Known> known, JsonNode answer) {
        Known principal = parse(answer);
        known.put(principal.name(), principal);
    }

    private static Known parse(JsonNode node) {
        String name = node.path("name").asText();
        return new Known(
                name,
                node.path("kind").asText("user"),
                new Credential(
                        node.path("client-id").asText(name),
                        node.path("client-secret").asText()),
                StreamSupport.stream(node.path("groups").spliterator(), false)
                        .map(JsonNode::asText)
                        .toList(),
                node.path("granted").asText());
    }

    private Map<String, Known> load() {
        return home.read(FILE)
                .map(file -> StreamSupport.stream(file.path("principals").spliterator(), false)
                        .map(Principals::parse)
                        .collect(Collectors.toMap(Known::name, known -> known, (a, _) -> a, LinkedHashMap::new)))
                .orElseGet(LinkedHashMap::new);
    }

    private interface Change {
        void apply(Map<String, Known> known);
    }

    /// Several commands may run at once. What was learnt is kept even when the change fails half-way.
    private void locked(Change change) {
        try (MeshHome.Lock _ = lock()) {
            Map<String, Known> known = load();
            try {
                change.apply(known);
            } finally {
                ObjectNode file = JsonNodeFactory.instance.objectNode();
                ArrayNode list = file.putArray("principals");
                new ArrayList<>(known.values())
                        .forEach(one ->
                                list.add(one.toJson().put("kind", one.kind()).put("granted", one.granted())));
                home.write(FILE, file);
            }
        }
    }

    private MeshHome.Lock lock() {
        Instant deadline = Instant.now().plus(LOCK_WAIT);
        while (true) {
            Optional<MeshHome.Lock> lock = home.tryLock("principals.lock");
            if (lock.isPresent()) {
                return lock.get();
            }
            if (Instant.now().isAfter(deadline)) {
                throw new MeshException("another command holds `%s`".formatted(home.file("principals.lock")));
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new MeshException("interrupted", e);
            }
        }
    }
}
