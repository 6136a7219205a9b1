package io.icefield.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.Main;
import io.icefield.access.SealingKey;
import io.icefield.client.Credential;
import io.icefield.config.KeyFile;
import io.icefield.demo.Demo;
import io.icefield.job.CatalogAddress;
import io.icefield.job.Ingest;
import io.icefield.job.IngestFailure;
import io.icefield.local.EmbeddedS3;
import io.icefield.local.LocalMesh;
import io.icefield.local.MeshException;
import io.icefield.local.MeshPlan;
import io.icefield.local.Part;
import io.icefield.local.TrinoPart;
import io.icefield.policy.file.PolicyFileException;
import io.icefield.policy.file.PolicyFiles;
import io.icefield.policy.rules.PiiNames;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Where commands meet the parts that do the work, which know nothing of commands.
final class Wiring {
    private Wiring() {}

    static void server() {
        Main.main(new String[0]);
    }

    /// Returns the ids of all keys, the new one first.
    static List<String> addSealingKey(Path file) {
        try {
            return new KeyFile(file).add().stream().map(SealingKey::id).toList();
        } catch (IllegalStateException | UncheckedIOException e) {
            throw new MeshException(String.valueOf(e.getMessage()));
        }
    }

    /// Settings come by the environment, where others cannot see them.
    static void objectStore(Map<String, String> environment) throws IOException {
        EmbeddedS3.run(new EmbeddedS3.Settings(
                Path.of(setting(environment, "ICEFIELD_S3_FOLDER")),
                Integer.parseInt(setting(environment, "ICEFIELD_S3_PORT")),
                setting(environment, "ICEFIELD_S3_ACCESS_KEY"),
                setting(environment, "ICEFIELD_S3_SECRET_KEY"),
                setting(environment, "ICEFIELD_S3_REGION")));
    }

    private static String setting(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name))
                .filter(value -> !value.isBlank())
                .orElseThrow(() -> new MeshException("%s is not set".formatted(name)));
    }

    static IngestCommand.Job ingest() {
        return (request, progress) -> {
            CatalogAddress address = new CatalogAddress(
                    request.server().resolve("/iceberg"),
                    request.server().resolve("/iceberg/v1/oauth/tokens"),
                    request.domain(),
                    request.credential().clientId(),
                    request.credential().clientSecret());
            try (Ingest job = Ingest.connect(address)) {
                Ingest.Options options = Ingest.Options.DEFAULT.withTags(tags(request));
                return answer(job.run(
                        new Ingest.Request(request.namespace(), request.table(), request.file(), options),
                        progress::at));
            } catch (IngestFailure.Refused e) {
                throw new ViolationsFound(String.valueOf(e.getMessage()));
            } catch (IngestFailure e) {
                throw new MeshException(String.valueOf(e.getMessage()));
            } catch (IOException e) {
                throw new MeshException("the catalog connection did not close: %s".formatted(e.getMessage()));
            }
        };
    }

    /// What the caller says wins over what the names say.
    private static Map<String, String> tags(IngestCommand.Request request) {
        Map<String, String> tags = new LinkedHashMap<>();
        if (request.classifyByName()) {
            for (String column : Ingest.columnNames(request.file(), Ingest.Options.DEFAULT)) {
                PiiNames.BUILT_IN.tag(request.table(), column, "string").ifPresent(tag -> tags.put(column, tag));
            }
        }
        tags.putAll(request.tags());
        return tags;
    }

    private static ObjectNode answer(Ingest.Result result) {
        ObjectNode answer = JsonNodeFactory.instance
                .objectNode()
                .put("rows", result.rows())
                .put("files", result.files())
                .put("bytes", result.bytes())
                .put("snapshot-id", result.snapshotId())
                .put("created", result.created());
        ArrayNode columns = answer.putArray("columns");
        result.columns()
                .forEach(
                        column -> columns.addObject().put("name", column.name()).put("type", column.type()));
        return answer;
    }

    static void lintPolicies(Path folder) {
        try {
            PolicyFiles.load(folder);
        } catch (PolicyFileException e) {
            throw new ViolationsFound(String.valueOf(e.getMessage()));
        }
    }

    /// Runs the story against a mesh that is up; returns the exit code.
    static int demo(DemoMesh mesh, double scale, Consumer<String> out, Consumer<String> progress) throws Exception {
        Demo.Outcome outcome = new Demo(mesh, scale, out, progress).run();
        out.accept("");
        if (outcome.failures().isEmpty()) {
            out.accept("All %d checks hold.".formatted(outcome.checks()));
            return Icefield.DONE;
        }
        out.accept("%d of %d checks do not hold:".formatted(outcome.failures().size(), outcome.checks()));
        outcome.failures().forEach(failure -> out.accept("  ✗ " + failure));
        return Icefield.FAILED;
    }

    /// The parts of a mesh on this machine.
    record EmbeddedParts(PrintStream messages) implements LocalMesh.Parts {
        @Override
        public Part trino(MeshPlan plan, Supplier<Credential> engine) {
            return new TrinoPart(plan, engine, messages);
        }
    }

    static List<String> domains(Target target) {
        return target.client().list("/api/v1/domains", "domains").stream()
                .map(domain -> domain.path("name").asText())
                .toList();
    }
}
