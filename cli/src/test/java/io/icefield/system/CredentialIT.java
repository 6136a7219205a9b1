package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;

/// How far a vended key reaches.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CredentialIT {
    private static final String DOMAIN = "keys";
    private static final String OTHER_DOMAIN = "keysother";
    private static final Namespace CORE = Namespace.of("core");
    private static final Schema PLAIN = new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    private static final Schema PEOPLE = new Schema(
            Types.NestedField.required(1, "id", Types.LongType.get()),
            Types.NestedField.optional(2, "email", Types.StringType.get()),
            Types.NestedField.optional(3, "phone", Types.StringType.get()));

    private Mesh mesh;
    private Table orders;
    private Table sibling;
    private Table foreign;

    @BeforeAll
    void start() throws Exception {
        mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        mesh.domain(OTHER_DOMAIN);
        RESTCatalog catalog = mesh.iceberg(DOMAIN, DOMAIN + "-job");
        catalog.createNamespace(CORE);
        orders = filled(catalog, "orders");
        sibling = filled(catalog, "orders2");
        RESTCatalog other = mesh.iceberg(OTHER_DOMAIN, OTHER_DOMAIN + "-job");
        other.createNamespace(CORE);
        foreign = filled(other, "orders");
        catalog.createTable(
                TableIdentifier.of(CORE, "people"),
                PEOPLE,
                PartitionSpec.unpartitioned(),
                Map.of("icefield.tags.email", "pii.email", "icefield.tags.phone", "pii.phone"));
    }

    private static Table filled(RESTCatalog catalog, String name) {
        Table table = catalog.createTable(TableIdentifier.of(CORE, name), PLAIN);
        Rows.append(table, List.of(Rows.row(table, 1L)));
        return table;
    }

    @Test
    void anAnalystsKeyReadsItsTableAndNothingElse() throws Exception {
        try (S3Client s3 = mesh.s3(vended("analyst", "orders"))) {
            String own = dataFile(orders);
            assertThat(s3.getObjectAsBytes(get -> get.bucket(bucket(own)).key(key(own)))
                            .asByteArray())
                    .isNotEmpty();
            refused("a sibling whose name begins alike", () -> read(s3, dataFile(sibling)));
            refused("another domain's object", () -> read(s3, dataFile(foreign)));
            refused("the table's own file for writing", () -> write(s3, bucket(own), key(own)));
            refused("a new file", () -> write(s3, bucket(own), key(own) + ".new"));
            refused(
                    "deleting",
                    () -> s3.deleteObject(delete -> delete.bucket(bucket(own)).key(key(own))));
            refused("listing the bucket", () -> s3.listObjectsV2(list -> list.bucket(bucket(own))));
            refused(
                    "listing the table",
                    () -> s3.listObjectsV2(list -> list.bucket(bucket(own)).prefix(key(orders.location()) + "/")));
            refused(
                    "copying from another domain into the table",
                    () -> s3.copyObject(copy -> copy.sourceBucket(bucket(dataFile(foreign)))
                            .sourceKey(key(dataFile(foreign)))
                            .destinationBucket(bucket(own))
                            .destinationKey(key(own) + ".copy")));
        }
        assertThat(mesh.objects(DOMAIN)).contains(key(dataFile(orders)));
    }

    @Test
    void aJobsKeyWritesItsTableAndNothingElse() throws Exception {
        try (S3Client s3 = mesh.s3(vended(DOMAIN + "-job", "orders"))) {
            String own = dataFile(orders);
            write(s3, bucket(own), key(own) + ".probe");
            s3.deleteObject(delete -> delete.bucket(bucket(own)).key(key(own) + ".probe"));
            refused("a sibling for writing", () -> write(s3, bucket(own), key(dataFile(sibling)) + ".probe"));
            refused("another domain", () -> write(s3, mesh.bucket(OTHER_DOMAIN), key(dataFile(foreign)) + ".probe"));
            refused(
                    "a sibling by way of ..",
                    () -> write(s3, bucket(own), key(orders.location()) + "/../" + key(sibling.location()) + "/probe"));
            refused("listing the bucket", () -> s3.listObjectsV2(list -> list.bucket(bucket(own))));

            String victim = key(dataFile(sibling));
            try {
                DeleteObjectsResponse bulk = s3.deleteObjects(delete -> delete.bucket(bucket(own))
                        .delete(Delete.builder()
                                .objects(ObjectIdentifier.builder().key(victim).build())
                                .build()));
                assertThat(bulk.deleted()).isEmpty();
            } catch (S3Exception e) {
                assertThat(e.statusCode()).isEqualTo(403);
            }
            assertThat(mesh.objects(DOMAIN)).contains(victim);
        }
    }

    @Test
    void keysAreShortLivedAndRenewable() throws Exception {
        JsonNode config = load("analyst", "orders").json().path("config");
        Instant expires = Instant.ofEpochMilli(
                config.path("s3.session-token-expires-at-ms").asLong());
        assertThat(expires)
                .isBetween(
                        Instant.now().plus(Duration.ofMinutes(14)),
                        Instant.now().plus(Duration.ofHours(12)));
        Mesh.Answer renewed =
                mesh.call("analyst", "GET", "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/orders/credentials", "");
        assertThat(renewed.status()).isEqualTo(200);
        JsonNode keys = renewed.json().path("storage-credentials");
        assertThat(keys).hasSize(1);
        assertThat(keys.get(0).path("prefix").asText()).startsWith(orders.location());
        assertThat(keys.get(0).path("config").has("s3.session-token")).isTrue();
    }

    @Test
    void whoSeesATableMaskedGetsNoKeyAndLearnsWhy() throws Exception {
        Mesh.Answer analyst = load("analyst", "people");
        assertThat(analyst.body()).doesNotContain("s3.secret-access-key", "s3.session-token");
        assertThat(analyst.status()).isEqualTo(403);
        assertThat(analyst.message()).contains("email", "phone", "masked");
        Mesh.Answer renewal =
                mesh.call("analyst", "GET", "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/people/credentials", "");
        assertThat(renewal.status()).isEqualTo(403);

        assertThat(load("steward", "people").json().path("config").has("s3.session-token"))
                .isTrue();
    }

    @Test
    void theRootKeyNeverLeavesTheServer() throws Exception {
        JsonNode secrets =
                Mesh.JSON.readTree(mesh.home().resolve("secrets.json").toFile());
        String rootKey = secrets.path("s3-access-key").asText();
        String rootSecret = secrets.path("s3-secret-key").asText();
        assertThat(rootSecret).isNotBlank();
        for (String principal : List.of("admin", "analyst", "steward", DOMAIN + "-job", "trino")) {
            for (String path : List.of(
                    "/iceberg/v1/config?warehouse=" + DOMAIN,
                    "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/orders",
                    "/api/v1/domains/" + DOMAIN,
                    "/api/v1/domains/" + DOMAIN + "/storage")) {
                assertThat(mesh.call(principal, "GET", path, "").body())
                        .as("%s gets %s", principal, path)
                        .doesNotContain(rootKey, rootSecret);
            }
        }
    }

    private Mesh.Answer load(String principal, String table) throws IOException, InterruptedException {
        URI uri = mesh.catalog("/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/" + table);
        return mesh.send(HttpRequest.newBuilder(uri)
                .header("Authorization", "Bearer " + mesh.token(principal))
                .header("X-Iceberg-Access-Delegation", "vended-credentials")
                .build());
    }

    private AwsSessionCredentials vended(String principal, String table) throws IOException, InterruptedException {
        Mesh.Answer answer = load(principal, table);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode config = answer.json().path("config");
        return AwsSessionCredentials.create(
                config.path("s3.access-key-id").asText(),
                config.path("s3.secret-access-key").asText(),
                config.path("s3.session-token").asText());
    }

    private static void read(S3Client s3, String location) {
        s3.getObjectAsBytes(get -> get.bucket(bucket(location)).key(key(location)));
    }

    private static void write(S3Client s3, String bucket, String key) {
        s3.putObject(put -> put.bucket(bucket).key(key), RequestBody.fromString("probe"));
    }

    private static void refused(String what, ThrowingCallable attempt) {
        S3Exception refusal = catchThrowableOfType(S3Exception.class, attempt);
        assertThat(refusal).as(what).isNotNull();
        // 400 is what a store says to a key that has `..` in it.
        assertThat(refusal.statusCode()).as(what).isIn(400, 403);
    }

    private static String dataFile(Table table) {
        return Rows.files(table).stream()
                .filter(file -> file.endsWith(".parquet"))
                .findFirst()
                .orElseThrow();
    }

    private static String bucket(String location) {
        return URI.create(location).getHost();
    }

    private static String key(String location) {
        return URI.create(location).getPath().substring(1);
    }
}
