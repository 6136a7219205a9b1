package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Spark in its own process on Java 17, with nothing but the job's secret.
class SparkIT {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @ParameterizedTest
    @ValueSource(strings = {"3.5.9", "4.1.1"})
    void round(String version) throws Exception {
        Path _ = ClientRound.installed("spark", version, "lib");
        ClientRound round = new ClientRound("Spark " + version);
        SqlRound sql = SqlRound.read(ClientRound.COMPAT.resolve("spark/round.sql"));
        round.check(sql.outcomes(spark(round, version, "ice", sql.lines())));
    }

    @Test
    void sparkMergesAndTrinoReads() throws Exception {
        String version = "3.5.9";
        Path _ = ClientRound.installed("spark", version, "lib");
        ClientRound round = new ClientRound("spark");
        Mesh mesh = round.mesh();

        List<JsonNode> answers = spark(
                round,
                version,
                "spark",
                Stream.of(
                                "CREATE NAMESPACE spark.core",
                                "CREATE TABLE spark.core.orders (id BIGINT, amount DECIMAL(10,2), status STRING) USING iceberg"
                                        + " TBLPROPERTIES ('write.merge.mode'='merge-on-read', 'write.delete.mode'='merge-on-read')",
                                "INSERT INTO spark.core.orders VALUES (1, 5.00, 'new'), (2, 6.00, 'new'), (3, 7.00, 'new')",
                                "MERGE INTO spark.core.orders t USING (SELECT * FROM VALUES (2L, CAST(6.50 AS DECIMAL(10,2)), 'paid'),"
                                        + " (4L, CAST(8.00 AS DECIMAL(10,2)), 'paid') AS s(id, amount, status)) s ON t.id = s.id"
                                        + " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
                                "DELETE FROM spark.core.orders WHERE id = 3",
                                "ALTER TABLE spark.core.orders ADD COLUMN note STRING",
                                "INSERT INTO spark.core.orders VALUES (5, 9.00, 'new', 'noted')",
                                "CREATE TABLE spark.core.copied USING iceberg AS SELECT * FROM spark.core.orders WHERE amount > 8",
                                "SELECT * FROM spark.core.orders ORDER BY id",
                                "CREATE TABLE spark.core.people (id BIGINT, email STRING) USING iceberg",
                                "ALTER TABLE spark.core.orders ADD COLUMN phone_number STRING",
                                "CREATE TABLE spark.core.`BadName` (id BIGINT) USING iceberg")
                        .map(statement -> "sql " + statement + "\n")
                        .collect(Collectors.joining()));

        assertThat(answers).hasSize(12);
        assertThat(answers.subList(0, 9))
                .allSatisfy(answer ->
                        assertThat(answer.has("rows")).as(answer.toString()).isTrue());
        assertThat(answers.get(8).path("rows")).hasSize(4);
        assertThat(answers.get(9).path("error").asText())
                .contains("pii/unclassified", "pii.email", "icefield.tags.email");
        assertThat(answers.get(10).path("error").asText()).contains("pii/unclassified", "pii.phone");
        assertThat(answers.get(11).path("error").asText()).contains("naming/table", "bad_name");

        assertThat(mesh.rows("analyst", "SELECT id, amount, status, note FROM spark.core.orders ORDER BY id"))
                .isEqualTo(List.of(
                        List.of("1", "5.00", "new", "∅"),
                        List.of("2", "6.50", "paid", "∅"),
                        List.of("4", "8.00", "paid", "∅"),
                        List.of("5", "9.00", "new", "noted")));
        assertThat(mesh.rows("analyst", "SELECT id FROM spark.core.copied")).isEqualTo(List.of(List.of("5")));
    }

    /// The warehouse `mesh`: the buyers' domain is read, the sellers' written, each with keys of its own bucket.
    @ParameterizedTest
    @ValueSource(strings = {"3.5.9", "4.1.1"})
    void oneSessionJoinsTwoDomainsAndWritesToOne(String version) throws Exception {
        Path _ = ClientRound.installed("spark", version, "lib");
        ClientRound sellers = new ClientRound("sellers " + version);
        ClientRound buyers = new ClientRound("buyers " + version);
        String ours = sellers.domain();
        String theirs = buyers.domain();
        sellers.mesh()
                .icefield("domain", "grant", theirs, "--to", "principal:" + sellers.job(), "--role", "reader")
                .ok();

        List<JsonNode> answers = answers(
                version,
                conf("mesh", mesh(sellers)) + conf("own", mesh(buyers)),
                Stream.of(
                        "CREATE NAMESPACE own.THEIRS.crm",
                        "CREATE TABLE own.THEIRS.crm.buyers (id BIGINT, region STRING) USING iceberg",
                        "INSERT INTO own.THEIRS.crm.buyers VALUES (1, 'eu'), (2, 'us')",
                        "CREATE TABLE own.THEIRS.crm.people (id BIGINT, email STRING) USING iceberg"
                                + " TBLPROPERTIES ('icefield.tags.email'='pii.email')",
                        "CREATE NAMESPACE mesh.OURS.trade",
                        "CREATE TABLE mesh.OURS.trade.orders (id BIGINT, buyer BIGINT) USING iceberg",
                        "INSERT INTO mesh.OURS.trade.orders VALUES (10, 1), (11, 2), (12, 1)",
                        "CREATE TABLE mesh.OURS.trade.by_region USING iceberg AS SELECT region, count(*) AS orders"
                                + " FROM mesh.OURS.trade.orders o JOIN mesh.THEIRS.crm.buyers b ON o.buyer = b.id"
                                + " GROUP BY region",
                        "SELECT * FROM mesh.OURS.trade.by_region ORDER BY region",
                        "SHOW NAMESPACES IN mesh",
                        "INSERT INTO mesh.THEIRS.crm.buyers VALUES (3, 'ap')",
                        "CREATE TABLE mesh.THEIRS.crm.mine (id BIGINT) USING iceberg",
                        "SELECT * FROM mesh.THEIRS.crm.people",
                        "ALTER TABLE mesh.OURS.trade.orders RENAME TO mesh.OURS.trade.sold",
                        "ALTER TABLE mesh.OURS.trade.orders RENAME TO OURS.trade.sold"),
                ours,
                theirs);

        assertThat(answers).hasSize(15);
        assertThat(answers.subList(0, 10))
                .allSatisfy(answer ->
                        assertThat(answer.has("rows")).as(answer.toString()).isTrue());
        assertThat(answers.get(8)).isEqualTo(Mesh.JSON.readTree("{\"rows\":[[\"eu\",\"2\"],[\"us\",\"1\"]]}"));
        assertThat(answers.get(9).path("rows").toString()).contains(ours, theirs);
        assertThat(answers.get(10).has("error"))
                .as("a reader's key writes nothing")
                .isTrue();
        assertThat(answers.get(11).path("error").asText()).contains("writer");
        assertThat(answers.get(12).path("error").asText()).contains("masked", "[email]");
        assertThat(answers.get(13).path("error").asText()).contains("`mesh` is the catalog");
        assertThat(answers.get(14).has("rows")).as(answers.get(14).toString()).isTrue();

        assertThat(sellers.mesh().rows("analyst", "SELECT * FROM %s.trade.by_region ORDER BY 1".formatted(ours)))
                .isEqualTo(List.of(List.of("eu", "2"), List.of("us", "1")));
        assertThat(sellers.mesh().rows("analyst", "SELECT count(*) FROM %s.trade.sold".formatted(ours)))
                .isEqualTo(List.of(List.of("3")));
        assertThat(sellers.mesh().rows("analyst", "SELECT count(*) FROM %s.crm.buyers".formatted(theirs)))
                .isEqualTo(List.of(List.of("2")));
    }

    private static Map<String, String> mesh(ClientRound job) throws Exception {
        Map<String, String> properties = new HashMap<>(job.properties());
        properties.put("warehouse", "mesh");
        return properties;
    }

    private static List<JsonNode> answers(
            String version, String conf, Stream<String> statements, String ours, String theirs) throws Exception {
        return run(
                version,
                conf
                        + statements
                                .map(sql -> "sql " + sql.replace("OURS", ours).replace("THEIRS", theirs) + "\n")
                                .collect(Collectors.joining()));
    }

    private static List<JsonNode> spark(ClientRound round, String version, String catalog, String statements)
            throws Exception {
        return run(version, conf(catalog, round.properties()) + statements);
    }

    static String conf(String catalog, Map<String, String> properties) {
        String name = "conf spark.sql.catalog." + catalog;
        return name + " org.apache.iceberg.spark.SparkCatalog\n"
                + name + ".type rest\n"
                + name + ".rest-catalog-purge true\n"
                + properties.entrySet().stream()
                        .map(each -> "%s.%s %s\n".formatted(name, each.getKey(), each.getValue()))
                        .collect(Collectors.joining());
    }

    static List<JsonNode> run(String version, String script) throws Exception {
        List<String> command =
                Java17.command(ClientRound.installed("spark", version, "lib"), "io.icefield.compat.SparkScript");
        Path folder = Files.createDirectories(Mesh.CHECKOUT.resolve("cli/target/system/spark"));
        return SqlRound.answers(
                Ran.command(command, folder, Map.of(), script, PATIENCE).ok());
    }
}
