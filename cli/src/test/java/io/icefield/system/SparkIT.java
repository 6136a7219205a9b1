package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// Spark 3.5 in its own process on Java 17, with nothing but the job's secret. Needs `compat/spark/target/lib`, which
/// `./mvnw -f compat/spark/pom.xml package` fills.
class SparkIT {
    private static final String DOMAIN = "spark";
    private static final Path LIBRARIES = Mesh.CHECKOUT.resolve("compat/spark/target/lib");
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /// What Spark's own launcher opens.
    private static final List<String> OPENED = List.of(
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.io",
            "java.net",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "sun.nio.ch",
            "sun.nio.cs",
            "sun.security.action",
            "sun.util.calendar");

    @Test
    void sparkWritesAndTrinoReads() throws Exception {
        Path java = java17().orElse(null);
        Assumptions.assumeTrue(
                Files.isDirectory(LIBRARIES),
                "no Spark in compat/spark/target/lib: .ci/run or its Maven build puts it");
        Assumptions.assumeTrue(java != null, "no JDK 17 or 21 for Spark in JAVA17_HOME or the usual folders");
        Mesh mesh = Mesh.shared();
        mesh.domain(DOMAIN);

        List<JsonNode> answers = spark(
                mesh,
                java == null ? Path.of("java") : java,
                List.of(
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
                        "CREATE TABLE spark.core.`BadName` (id BIGINT) USING iceberg"));

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

    private static List<JsonNode> spark(Mesh mesh, Path java, List<String> statements)
            throws IOException, InterruptedException {
        JsonNode status = mesh.status();
        Map<String, String> catalog = Map.of(
                "",
                "org.apache.iceberg.spark.SparkCatalog",
                ".type",
                "rest",
                ".uri",
                status.path("iceberg").path("uri").asText(),
                ".warehouse",
                DOMAIN,
                ".credential",
                mesh.identity(DOMAIN + "-job").credential(),
                ".oauth2-server-uri",
                status.path("iceberg").path("oauth2-server-uri").asText(),
                ".header.X-Iceberg-Access-Delegation",
                "vended-credentials");
        StringBuilder script = new StringBuilder();
        catalog.forEach((key, value) -> script.append("conf spark.sql.catalog.spark%s %s\n".formatted(key, value)));
        statements.forEach(statement -> script.append("sql ").append(statement).append('\n'));

        List<String> command = new ArrayList<>(List.of(java.toString(), "-Xmx768m", "-XX:+UseSerialGC"));
        OPENED.forEach(name -> command.add("--add-opens=java.base/" + name + "=ALL-UNNAMED"));
        command.addAll(List.of("-cp", LIBRARIES + "/*", "io.icefield.compat.SparkScript"));
        Path folder = Files.createDirectories(Mesh.CHECKOUT.resolve("cli/target/system/spark"));
        Ran ran = Ran.command(command, folder, Map.of(), script.toString(), PATIENCE)
                .ok();
        List<JsonNode> answers = new ArrayList<>();
        for (String line : ran.out().lines().toList()) {
            if (line.startsWith("@@ ")) {
                answers.add(Mesh.JSON.readTree(line.substring("@@ ".length())));
            }
        }
        assertThat(answers).as(ran.err()).hasSameSizeAs(statements);
        return answers;
    }

    private static Optional<Path> java17() throws IOException {
        List<Path> homes = new ArrayList<>();
        Optional.ofNullable(System.getenv("JAVA17_HOME")).map(Path::of).ifPresent(homes::add);
        for (Path folder : List.of(
                Path.of("/usr/lib/jvm"),
                Path.of("/Library/Java/JavaVirtualMachines"),
                Path.of(System.getProperty("user.home"), ".sdkman/candidates/java"))) {
            if (Files.isDirectory(folder)) {
                try (Stream<Path> found = Files.list(folder)) {
                    found.sorted().forEach(home -> {
                        homes.add(home);
                        homes.add(home.resolve("Contents/Home"));
                    });
                }
            }
        }
        for (Path home : homes) {
            Path release = home.resolve("release");
            Path java = home.resolve("bin/java");
            if (Files.isReadable(release)
                    && Files.isExecutable(java)
                    && Files.readString(release).matches("(?s).*JAVA_VERSION=\"(17|21)[.\"].*")) {
                return Optional.of(java);
            }
        }
        return Optional.empty();
    }
}
