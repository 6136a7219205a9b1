package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.local.Minio;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// One mesh on two stores: a domain on the embedded one, a domain on a MinIO with a key of its own.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TwoStoresIT {
    private static final String NEAR = "twonear";
    private static final String FAR = "twofar";
    private static final String FAR_JOB = FAR + "-job";
    private static final int ROTATIONS = 5;

    @TempDir
    private static Path folder;

    private @Nullable Minio minio;
    private Mesh mesh;

    @BeforeAll
    void start() throws Exception {
        minio = new Minio(folder);
        mesh = Mesh.shared();
        mesh.domain(NEAR);
        mesh.domain(FAR);
        Mesh.Answer added = mesh.call(
                "admin",
                "POST",
                storages(FAR),
                key().put("name", "minio")
                        .put("endpoint", minio.endpoint().toString())
                        .put("bucket", "twofar-data")
                        .put("default", true)
                        .toString());
        assertThat(added.status()).as(added.body()).isEqualTo(201);
        mesh.execute(NEAR + "-job", "CREATE SCHEMA " + NEAR + ".core");
        mesh.execute(NEAR + "-job", """
                CREATE TABLE %s.core.customers AS SELECT * FROM (VALUES (1, 'north'), (2, 'south')) AS t (id, region)""".formatted(NEAR));
        mesh.execute(FAR_JOB, "CREATE SCHEMA " + FAR + ".core");
        mesh.execute(FAR_JOB, """
                CREATE TABLE %s.core.orders AS SELECT * FROM (VALUES (10, 1), (11, 1), (12, 2)) AS t (id, customer)""".formatted(FAR));
    }

    @AfterAll
    void stop() throws Exception {
        if (minio != null) {
            minio.close();
        }
    }

    private ObjectNode key() {
        Minio store = Objects.requireNonNull(minio);
        return Mesh.JSON.createObjectNode().put("access-key", store.accessKey()).put("secret-key", store.secretKey());
    }

    private static String storages(String domain) {
        return "/api/v1/domains/" + domain + "/storage";
    }

    @Test
    void oneQueryJoinsThem() throws Exception {
        assertThat(mesh.rows("analyst", """
                SELECT c.region, count(*) FROM %s.core.orders o JOIN %s.core.customers c ON c.id = o.customer
                GROUP BY c.region ORDER BY c.region""".formatted(FAR, NEAR)))
                .isEqualTo(List.of(List.of("north", "2"), List.of("south", "1")));
        Mesh.Answer loaded = mesh.call("admin", "GET", "/iceberg/v1/" + FAR + "/namespaces/core/tables/orders", "");
        assertThat(loaded.json().at("/metadata/location").asText()).startsWith("s3://twofar-data/core/orders-");
        assertThat(loaded.json().at("/config/s3.endpoint").asText()).isNotEmpty();
        assertThat(loaded.body()).doesNotContain(Objects.requireNonNull(minio).secretKey());
    }

    @Test
    void bothStoresPassTheProbeButForTheHoleThatMinioHas() throws Exception {
        Ran near = mesh.icefield("storage", "validate", NEAR, "main").ok();
        assertThat(near.out()).contains("outside-read", "passed").doesNotContain("failed");
        Ran far = mesh.icefield("storage", "validate", FAR, "minio");
        assertThat(far.out().lines().filter(line -> line.contains("failed")))
                .as("%s%s", far.out(), far.err())
                .singleElement()
                .asString()
                .contains("unsigned-write");
        assertThat(mesh.icefield("storage", "list", FAR).ok().out()).contains("minio", "twofar-data");
        assertThat(mesh.icefield("storage", "usage", FAR).ok().out()).contains("kept-bytes");
    }

    @Test
    void keysChangeUnderQueriesAndNothingFails() throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        try (var threads = Executors.newCachedThreadPool()) {
            Future<Integer> queries = threads.submit(() -> {
                int count = 0;
                do {
                    mesh.execute(FAR_JOB, "INSERT INTO %s.core.orders VALUES (%d, 9)".formatted(FAR, 100 + count));
                    assertThat(mesh.rows(
                                    FAR_JOB, "SELECT count(*) FROM %s.core.orders WHERE customer = 9".formatted(FAR)))
                            .isEqualTo(List.of(List.of(Integer.toString(++count))));
                } while (!done.get());
                return count;
            });
            for (int i = 0; i < ROTATIONS; i++) {
                Mesh.Answer changed =
                        mesh.call("admin", "POST", storages(FAR) + "/minio/credentials", key().toString());
                assertThat(changed.status()).as(changed.body()).isEqualTo(200);
            }
            done.set(true);
            assertThat(queries.get()).isPositive();
        }
        ObjectNode dead = key().put("secret-key", "not-the-secret");
        assertThat(mesh.call("admin", "POST", storages(FAR) + "/minio/credentials", dead.toString())
                        .status())
                .isEqualTo(400);
    }

    @Test
    void trinoMakesNoTableInAStoreThatItsCatalogDoesNotKnow() throws Exception {
        Mesh.Answer made = mesh.call("admin", "POST", "/iceberg/v1/" + FAR + "/namespaces", """
                {"namespace":["old"],"properties":{"icefield.storage":"main"}}""");
        assertThat(made.status()).as(made.body()).isEqualTo(200);
        assertThatThrownBy(() -> mesh.execute(FAR_JOB, "CREATE TABLE %s.old.t (id integer)".formatted(FAR)))
                .isInstanceOf(SQLException.class);
    }
}
