package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.client.ApiException;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/// A server is killed with `kill -9` while it deletes a table's files. When it is back it finishes that, and deletes
/// nothing else.
class PurgeKillIT {
    private static final String DOMAIN = "purging";
    private static final Namespace CORE = Namespace.of("core");
    private static final Schema SCHEMA = new Schema(Types.NestedField.optional(1, "id", Types.LongType.get()));
    private static final int COMMITS = 20;
    /// Of which one is in the bucket: there are several batches to delete, and the bucket is quickly listed.
    private static final int FILES_EACH = 150;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void aPurgeThatWasKilledEndsAndDeletesNothingElse() throws Exception {
        try (Replicas replicas = Replicas.start(1);
                S3Client s3 = replicas.bucket()) {
            ObjectNode domain = Mesh.JSON.createObjectNode().put("name", DOMAIN);
            domain.putArray("owners").add("platform");
            String bucket = replicas.admin()
                    .post(ApiClient.path("domains"), domain)
                    .path("bucket")
                    .asText();
            try (RESTCatalog catalog = replicas.iceberg(DOMAIN)) {
                catalog.createNamespace(CORE);
                Set<String> others = new TreeSet<>();
                others.addAll(write(catalog, s3, bucket, "orders2", 1));
                others.addAll(write(catalog, s3, bucket, "waiting", 1));
                catalog.dropTable(TableIdentifier.of(CORE, "waiting"), false);
                Set<String> doomed = write(catalog, s3, bucket, "orders", COMMITS);
                assertThat(objects(s3, bucket)).containsAll(doomed).containsAll(others);
                assertThat(doomed).hasSizeGreaterThan(3 * COMMITS);

                catalog.dropTable(TableIdentifier.of(CORE, "orders"), true);
                replicas.admin().delete(ApiClient.path("domains", DOMAIN, "dropped", dropped(replicas, "orders")));
                await("the first file is gone", () -> objects(s3, bucket).size() < doomed.size() + others.size());
                replicas.kill(0);
                Set<String> left = objects(s3, bucket);
                left.retainAll(doomed);
                assertThat(left).as("what was not deleted yet").isNotEmpty();
                System.out.printf("PurgeKillIT: killed when %d of %d files were there%n", left.size(), doomed.size());

                leaseEnds(replicas);
                await("the purge ends", () -> purged(replicas));
                assertThat(objects(s3, bucket)).isEqualTo(others);
                replicas.admin()
                        .post(
                                ApiClient.path("domains", DOMAIN, "dropped", dropped(replicas, "waiting"), "undrop"),
                                Mesh.JSON.createObjectNode());
                assertThat(catalog.tableExists(TableIdentifier.of(CORE, "waiting")))
                        .isTrue();
            }
        }
    }

    /// All objects of a table that was written.
    private static Set<String> write(RESTCatalog catalog, S3Client s3, String bucket, String name, int commits) {
        Table table = catalog.createTable(TableIdentifier.of(CORE, name), SCHEMA, PartitionSpec.unpartitioned());
        String folder = table.location().substring(("s3://" + bucket + "/").length());
        for (int commit = 0; commit < commits; commit++) {
            AppendFiles append = table.newFastAppend();
            for (int file = 0; file < FILES_EACH; file++) {
                String path = "/data/%d-%d.parquet".formatted(commit, file);
                if (file == 0) {
                    s3.putObject(put -> put.bucket(bucket).key(folder + path), RequestBody.fromString("x"));
                }
                append.appendFile(DataFiles.builder(table.spec())
                        .withPath(table.location() + path)
                        .withFileSizeInBytes(1)
                        .withRecordCount(1)
                        .build());
            }
            append.commit();
        }
        return objects(s3, bucket).stream()
                .filter(key -> key.startsWith(folder + "/"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> objects(S3Client s3, String bucket) {
        return s3.listObjectsV2Paginator(list -> list.bucket(bucket)).contents().stream()
                .map(S3Object::key)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String dropped(Replicas replicas, String name) {
        JsonNode all = replicas.admin()
                .get(ApiClient.path("domains", DOMAIN, "dropped"))
                .path("dropped");
        for (JsonNode each : all) {
            if (each.path("name").asText().equals(name)) {
                return each.path("id").asText();
            }
        }
        throw new AssertionError("`%s` is not among %s".formatted(name, all));
    }

    /// As if its ten minutes were over.
    private static void leaseEnds(Replicas replicas) throws Exception {
        try (Connection database = replicas.database();
                Statement statement = database.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE dropped SET due_at = now() WHERE purging"))
                    .as("tables that are being purged")
                    .isEqualTo(1);
        }
    }

    private static boolean purged(Replicas replicas) {
        try {
            return !replicas.admin()
                    .get(ApiClient.path("domains", DOMAIN, "dropped"))
                    .toString()
                    .contains("orders");
        } catch (ApiException _) {
            return false; // the server is not back yet
        }
    }

    private static void await(String what, BooleanSupplier condition) {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (!condition.getAsBoolean()) {
            assertThat(Instant.now()).as(what).isBefore(deadline);
            Thread.onSpinWait();
        }
    }
}
