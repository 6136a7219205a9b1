package io.icefield.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/// What a running mesh says about itself, in its home: who watches over it, where its parts are, which processes
/// it has.
public record MeshState(Phase phase, Running supervisor, Addresses addresses, List<Running> processes) {
    static final String FILE = "mesh.json";

    public enum Phase {
        STARTING,
        READY
    }

    /// Where the parts answer, embedded or not.
    public record Addresses(
            URI catalog,
            String jdbcUrl,
            String s3Endpoint,
            String s3Region,
            boolean s3PathStyle,
            URI trino,
            Optional<Path> trinoTrustStore) {
        static Addresses of(MeshPlan plan) {
            return new Addresses(
                    plan.catalogUri(),
                    plan.jdbcUrl(),
                    plan.s3Endpoint(),
                    plan.s3Region(),
                    plan.s3PathStyle(),
                    URI.create(plan.trinoUri()),
                    plan.trinoTrustStore());
        }

        public URI iceberg() {
            return catalog.resolve("/iceberg");
        }

        public URI tokens() {
            return catalog.resolve("/iceberg/v1/oauth/tokens");
        }

        public URI api() {
            return catalog.resolve("/api/v1");
        }
    }

    public MeshState {
        processes = List.copyOf(processes);
    }

    static Optional<MeshState> read(MeshHome home) {
        return home.read(FILE).map(MeshState::parse);
    }

    void write(MeshHome home) {
        home.write(FILE, toJson());
    }

    MeshState with(Phase next) {
        return new MeshState(next, supervisor, addresses, processes);
    }

    MeshState with(List<Running> next) {
        return new MeshState(phase, supervisor, addresses, next);
    }

    /// Whether somebody still watches over it; after a crash the file is there, but nobody is.
    public boolean alive() {
        return supervisor.alive().isPresent();
    }

    private ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("phase", phase.name());
        json.set("supervisor", toJson(supervisor));
        json.put("catalog", addresses.catalog().toString())
                .put("jdbc-url", addresses.jdbcUrl())
                .put("s3-endpoint", addresses.s3Endpoint())
                .put("s3-region", addresses.s3Region())
                .put("s3-path-style", addresses.s3PathStyle())
                .put("trino", addresses.trino().toString());
        addresses.trinoTrustStore().ifPresent(path -> json.put("trino-trust-store", path.toString()));
        ArrayNode list = json.putArray("processes");
        processes.forEach(process -> list.add(toJson(process)));
        return json;
    }

    private static MeshState parse(JsonNode json) {
        return new MeshState(
                Phase.valueOf(json.path("phase").asText()),
                running(json.path("supervisor")),
                new Addresses(
                        URI.create(json.path("catalog").asText()),
                        json.path("jdbc-url").asText(),
                        json.path("s3-endpoint").asText(),
                        json.path("s3-region").asText(),
                        json.path("s3-path-style").asBoolean(),
                        URI.create(json.path("trino").asText()),
                        json.path("trino-trust-store").isTextual()
                                ? Optional.of(
                                        Path.of(json.path("trino-trust-store").asText()))
                                : Optional.empty()),
                StreamSupport.stream(json.path("processes").spliterator(), false)
                        .map(MeshState::running)
                        .toList());
    }

    private static ObjectNode toJson(Running running) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("name", running.name())
                .put("pid", running.pid())
                .put("started", running.started().toString())
                .put("log", running.log().toString());
    }

    private static Running running(JsonNode json) {
        return new Running(
                json.path("name").asText(),
                json.path("pid").asLong(),
                Instant.parse(json.path("started").asText()),
                Path.of(json.path("log").asText()));
    }
}
