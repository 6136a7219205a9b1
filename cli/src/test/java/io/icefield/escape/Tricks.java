package io.icefield.escape;

import static io.icefield.escape.World.ICEBERG;
import static io.icefield.escape.World.JSON;
import static io.icefield.escape.World.quoted;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// What could make the server itself, with its own key, read, write or delete outside a table's folder. MAKER may make
/// tables in the namespace `alpha.core`, and LORD in all of `alpha`.
final class Tricks {
    static final String MAKER = "maker";
    static final String LORD = "lord";

    /// Objects that a trick may name, as clients name them.
    static final List<String> VICTIMS = List.of(
            "s3://alpha/vault/secret-namespace",
            "s3://alpha/core/orders2/data/secret-sibling",
            "s3://beta/core/orders/data/secret-other-domain");

    private static final String CORE = ICEBERG + "alpha/namespaces/core";

    /// Where no table of MAKER's may be.
    private static final List<String> NOT_MAKERS = List.of(
            "s3://alpha/vault/mine",
            "s3://alpha/vault",
            "s3://alpha/core",
            "s3://alpha/core/",
            "s3://alpha/corex/mine",
            "s3a://alpha/vault/mine");

    /// Where no table of `alpha` may be.
    private static final List<String> NOWHERE = List.of(
            "s3://beta/core/mine",
            "s3a://beta/core/mine",
            "s3n://beta/core/mine",
            "s3://alpha",
            "s3://alpha/",
            "s3://alpha/core/orders",
            "s3://alpha/core/orders/",
            "s3://alpha/core/orders/data",
            "s3://alpha/core/orders2/metadata/mine",
            "s3://alpha/core/x/../../vault/mine",
            "s3://alpha/core/x/..",
            "s3://alpha/core/./mine",
            "s3://alpha/core//mine",
            "s3://alpha/core/%2e%2e/vault/mine",
            "s3://alpha/core/%252e%252e/vault/mine",
            "s3://alpha/core/x%2F..%2F..%2Fvault",
            "s3://alpha/core/x\\..\\..\\vault",
            "s3://alpha/core/*",
            "s3://alpha/core/orders*",
            "s3://alpha/core/order?",
            "s3://alpha/core/mine?versionId=1",
            "s3://alpha/core/mine#x",
            "s3://alpha/core/${aws:username}",
            "s3://alpha/core/mine\",\"Resource\":\"*",
            "s3://alpha/core/mine'x",
            "s3://alpha/core/mine\u0000x",
            "s3://alpha/core/mine\nx",
            "s3://alpha/core/mine\u202ex",
            "s3://user@alpha/core/mine",
            "s3://user:secret@alpha/core/mine",
            "s3://alpha:9000/core/mine",
            "s3://alpha@beta/core/mine",
            "s3://alpha.evil.example/core/mine",
            "s3://ALPHA/core/mine",
            "S3://alpha/core/mine",
            "s3:/alpha/core/mine",
            "s3:alpha/core/mine",
            "s3:///core/mine",
            "//alpha/core/mine",
            "/alpha/core/mine",
            "file:///tmp/mine",
            "http://169.254.169.254/latest/meta-data",
            "https://alpha.s3.amazonaws.com/core/mine",
            "arn:aws:s3:::alpha/core/mine",
            "gs://alpha/core/mine",
            "hdfs://alpha/core/mine",
            " s3://alpha/core/mine",
            "");

    private static final List<String> FOLDERS =
            List.of("write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path");

    /// One request to the catalog that must be refused.
    record Trick(String area, String name, String who, String method, String path, String body) {}

    private final World world;
    private final List<Trick> all = new ArrayList<>();

    private Tricks(World world) {
        this.world = world;
    }

    static List<Trick> all(World world) {
        Tricks tricks = new Tricks(world);
        tricks.creations();
        tricks.commits();
        tricks.registrations();
        tricks.moves();
        tricks.views();
        return tricks.all;
    }

    private void post(String area, String name, String who, String path, String body) {
        all.add(new Trick(area, name, who, "POST", path, body));
    }

    private void creations() {
        for (boolean staged : List.of(false, true)) {
            String how = staged ? " staged" : " made";
            for (String location : NOWHERE.subList(0, NOWHERE.size() - 1)) {
                post(
                        "a table's location",
                        location.strip() + how,
                        LORD,
                        CORE + "/tables",
                        World.creation("trick", location, "{}", staged));
            }
            for (String location : NOT_MAKERS) {
                post(
                        "a table's location",
                        location + how,
                        MAKER,
                        CORE + "/tables",
                        World.creation("trick", location, "{}", staged));
            }
            for (String property : FOLDERS) {
                for (String folder : List.of(
                        "s3://beta/core/mine",
                        "s3://alpha/core/orders/data",
                        "s3://alpha/vault/mine",
                        "s3://alpha/core/trick/../orders",
                        "file:///tmp/mine")) {
                    post(
                            "a table's folders",
                            property + " " + folder + how,
                            LORD,
                            CORE + "/tables",
                            World.creation("trick", "", "{\"%s\":\"%s\"}".formatted(property, folder), staged));
                }
            }
        }
        for (String location :
                List.of("s3://beta/core/mine", "s3://alpha/core/orders", "s3://alpha/core/x/../orders")) {
            String updates = """
                    [{"action":"assign-uuid","uuid":"00000000-0000-4000-8000-000000000001"},
                     {"action":"upgrade-format-version","format-version":2},
                     {"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]},"last-column-id":1},
                     {"action":"set-current-schema","schema-id":-1},
                     {"action":"add-spec","spec":{"spec-id":0,"fields":[]}},{"action":"set-default-spec","spec-id":-1},
                     {"action":"add-sort-order","sort-order":{"order-id":0,"fields":[]}},{"action":"set-default-sort-order","sort-order-id":-1},
                     {"action":"set-location","location":%s}]""".formatted(quoted(location));
            post(
                    "a table's location",
                    location + " committed",
                    LORD,
                    CORE + "/tables/trick",
                    "{\"requirements\":[{\"type\":\"assert-create\"}],\"updates\":" + updates + "}");
            post(
                    "a table's location",
                    location + " committed in a transaction",
                    LORD,
                    ICEBERG + "alpha/transactions/commit",
                    transaction("trick", "{\"type\":\"assert-create\"}", updates));
        }
    }

    private static String transaction(String table, String requirement, String updates) {
        return """
                {"table-changes":[{"identifier":{"namespace":["core"],"name":"%s"},"requirements":[%s],"updates":%s}]}""".formatted(table, requirement, updates);
    }

    static ObjectNode snapshot(String manifests) {
        return JSON.createObjectNode()
                .put("snapshot-id", 77)
                .put("sequence-number", 1)
                .put("timestamp-ms", System.currentTimeMillis())
                .put("manifest-list", manifests)
                .put("schema-id", 0)
                .set("summary", JSON.createObjectNode().put("operation", "append"));
    }

    private static ObjectNode statistics(String path) {
        return JSON.createObjectNode()
                .put("snapshot-id", 77)
                .put("statistics-path", path)
                .put("file-size-in-bytes", 10)
                .put("file-footer-size-in-bytes", 5)
                .set("blob-metadata", JSON.createArrayNode());
    }

    private void commits() {
        JsonNode _ = world.done(MAKER, "POST", CORE + "/tables", World.creation("spare", "", "{}", false));
        List<String> places = new ArrayList<>(VICTIMS);
        places.addAll(List.of(
                "s3://alpha/core/orders2/metadata/secret-x.avro",
                "s3://alpha/core/spare/../orders2/data/secret-sibling",
                "http://169.254.169.254/",
                "file:///etc/hostname"));
        for (String place : places) {
            updates(
                    "files of a commit",
                    "a list of manifests, " + place,
                    "[{\"action\":\"add-snapshot\",\"snapshot\":%s}]".formatted(snapshot(place)));
            updates(
                    "files of a commit",
                    "statistics, " + place,
                    "[{\"action\":\"set-statistics\",\"snapshot-id\":77,\"statistics\":%s}]"
                            .formatted(statistics(place)));
            updates(
                    "files of a commit",
                    "partition statistics, " + place,
                    "[{\"action\":\"set-partition-statistics\",\"partition-statistics\":{\"snapshot-id\":77,\"statistics-path\":%s,\"file-size-in-bytes\":1}}]"
                            .formatted(quoted(place)));
        }
        for (String location : List.of(
                "s3://beta/core/mine",
                "s3://alpha/core/orders",
                "s3://alpha/core/orders2/data",
                "s3://alpha/core",
                "s3://alpha/",
                "s3://alpha/core/x/../orders2",
                "file:///tmp/mine")) {
            updates(
                    "a table's location",
                    "moved to " + location,
                    "[{\"action\":\"set-location\",\"location\":%s}]".formatted(quoted(location)));
        }
        updates(
                "a table's location",
                "MAKER's moved to s3://alpha/vault/mine",
                "[{\"action\":\"set-location\",\"location\":\"s3://alpha/vault/mine\"}]");
        for (String property : FOLDERS) {
            for (String folder : List.of(
                    "s3://beta/core/mine",
                    "s3://alpha/core/orders/data",
                    "s3://alpha/vault/mine",
                    "file:///tmp/mine")) {
                updates(
                        "a table's folders",
                        property + " set to " + folder,
                        "[{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}]".formatted(property, folder));
            }
        }
    }

    private void updates(String area, String name, String updates) {
        post(area, name, MAKER, CORE + "/tables/spare", "{\"requirements\":[],\"updates\":" + updates + "}");
        post(
                area,
                name + ", in a transaction",
                MAKER,
                ICEBERG + "alpha/transactions/commit",
                transaction("spare", "", updates));
    }

    private void registrations() {
        List<String> files = new ArrayList<>(VICTIMS);
        // MAKER may read all of its namespace, so the server may read it for MAKER.
        files.removeIf(file -> file.startsWith("s3://alpha/core/"));
        for (String table : List.of(
                "alpha/namespaces/core/tables/orders2",
                "alpha/namespaces/vault/tables/gold",
                "beta/namespaces/core/tables/orders")) {
            files.add(world.done("chief", "GET", ICEBERG + table, "")
                    .path("metadata-location")
                    .asText());
        }
        files.addAll(NOWHERE);
        files.addAll(List.of(
                "s3://alpha/core/orders/../orders2/metadata/x.json",
                "s3://alpha/secret-root",
                "s3://alpha/.minio.sys/config/config.json",
                "s3://.minio.sys/config/config.json"));
        for (String file : files) {
            for (boolean overwrite : List.of(false, true)) {
                post(
                        "registered files",
                        file.strip() + (overwrite ? " over a table" : ""),
                        MAKER,
                        CORE + "/register",
                        registration(overwrite ? "spare" : "trick", file, overwrite));
            }
        }

        JsonNode made = world.done(
                MAKER,
                "POST",
                CORE + "/tables",
                World.creation("crafted", "", "{}", false),
                "X-Iceberg-Access-Delegation: vended-credentials");
        String folder = made.path("metadata").path("location").asText();
        Sigv4.Key key = World.key(made.path("config"));
        List<Map.Entry<String, Consumer<ObjectNode>>> changes = new ArrayList<>();
        for (String place : VICTIMS) {
            changes.add(Map.entry("a list of manifests, " + place, json -> add(json, snapshot(place))));
            changes.add(Map.entry(
                    "statistics, " + place, json -> json.putArray("statistics").add(statistics(place))));
            changes.add(Map.entry(
                    "partition statistics, " + place,
                    json -> json.putArray("partition-statistics")
                            .addObject()
                            .put("snapshot-id", 77)
                            .put("statistics-path", place)
                            .put("file-size-in-bytes", 1)));
            changes.add(Map.entry("manifests, " + place, json -> {
                ObjectNode old = snapshot("x");
                old.remove("manifest-list");
                old.putArray("manifests").add(place);
                add(json, old);
            }));
            for (String property : FOLDERS) {
                changes.add(Map.entry(
                        property + ", " + place,
                        json -> json.withObject("properties").put(property, place)));
            }
        }
        for (String place : List.of(
                "s3://beta/core/orders",
                "s3://beta/core/mine",
                "s3://alpha/core/orders",
                "s3://alpha/core/orders2/data",
                "s3://alpha/vault/mine",
                "s3://alpha/core",
                "s3://alpha",
                "s3://alpha/core/x/../orders2",
                "s3://alpha/core/*",
                "file:///tmp")) {
            changes.add(Map.entry("the location " + place, json -> json.put("location", place)));
        }
        int number = 0;
        for (Map.Entry<String, Consumer<ObjectNode>> change : changes) {
            ObjectNode json = made.path("metadata").deepCopy();
            change.getValue().accept(json);
            String file = folder + "/metadata/crafted-" + number++ + ".metadata.json";
            world.put(key, file, json.toString());
            post("crafted metadata", change.getKey(), MAKER, CORE + "/register", registration("trick", file, false));
        }
        // The folder is free, and registering its last state would work: that is the control.
        JsonNode _ = world.done(MAKER, "POST", CORE + "/tables/crafted/unregister", "");
    }

    static String registration(String name, String file, boolean overwrite) {
        return "{\"name\":\"%s\",\"metadata-location\":%s,\"overwrite\":%s}".formatted(name, quoted(file), overwrite);
    }

    private static void add(ObjectNode json, ObjectNode snapshot) {
        json.withArray("snapshots").add(snapshot);
        json.put("current-snapshot-id", 77).put("last-sequence-number", 1);
        json.withObject("refs").putObject("main").put("snapshot-id", 77).put("type", "branch");
    }

    private void moves() {
        String rename =
                "{\"source\":{\"namespace\":[%s],\"name\":\"spare\"},\"destination\":{\"namespace\":[%s],\"name\":\"moved\"}}";
        post(
                "moves",
                "to another namespace",
                MAKER,
                ICEBERG + "alpha/tables/rename",
                rename.formatted("\"core\"", "\"vault\""));
        post(
                "moves",
                "to another domain",
                MAKER,
                ICEBERG + "mesh/tables/rename",
                rename.formatted("\"alpha\",\"core\"", "\"beta\",\"core\""));
        post(
                "moves",
                "to another domain, as LORD",
                LORD,
                ICEBERG + "mesh/tables/rename",
                rename.formatted("\"alpha\",\"core\"", "\"beta\",\"core\""));
        post(
                "moves",
                "from another namespace",
                MAKER,
                ICEBERG + "alpha/tables/rename",
                rename.formatted("\"vault\"", "\"core\"").replace("spare", "gold"));
        JsonNode _ = world.done(
                "chief", "POST", ICEBERG + "alpha/namespaces/vault/tables", World.creation("gone", "", "{}", false));
        JsonNode _ = world.done("chief", "DELETE", ICEBERG + "alpha/namespaces/vault/tables/gone", "");
        String id = world.done("chief", "GET", "/api/v1/domains/alpha/dropped?name=gone", "")
                .path("dropped")
                .path(0)
                .path("id")
                .asText();
        post("moves", "undropped", MAKER, "/api/v1/domains/alpha/dropped/" + id + "/undrop", "{}");
        post(
                "moves",
                "undropped into its own namespace",
                MAKER,
                "/api/v1/domains/alpha/dropped/" + id + "/undrop",
                "{\"namespace\":\"core\"}");
        all.add(new Trick("moves", "purged", MAKER, "DELETE", "/api/v1/domains/alpha/dropped/" + id, ""));
        all.add(new Trick(
                "moves",
                "another's table dropped",
                "writer",
                "DELETE",
                CORE + "/tables/orders2?purgeRequested=true",
                ""));
        all.add(new Trick(
                "moves",
                "another domain's table dropped",
                LORD,
                "DELETE",
                ICEBERG + "beta/namespaces/core/tables/orders?purgeRequested=true",
                ""));
    }

    private void views() {
        String view = """
                {"name":"trick","location":%s,"properties":%s,"schema":{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]},
                 "view-version":{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":["core"],"representations":[{"type":"sql","sql":"SELECT 1","dialect":"trino"}]}}""";
        for (String location : NOWHERE.subList(0, NOWHERE.size() - 1)) {
            post("views", "at " + location.strip(), LORD, CORE + "/views", view.formatted(quoted(location), "{}"));
        }
        post(
                "views",
                "with metadata elsewhere",
                LORD,
                CORE + "/views",
                view.formatted("\"s3://alpha/core/trickview\"", "{\"write.metadata.path\":\"s3://beta/core/mine\"}"));
        for (String file : List.of(VICTIMS.getFirst(), VICTIMS.getLast())) {
            post(
                    "views",
                    "registered " + file,
                    MAKER,
                    CORE + "/register-view",
                    "{\"name\":\"trick\",\"metadata-location\":%s}".formatted(quoted(file)));
        }
    }
}
