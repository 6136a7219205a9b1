package io.icefield.compat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/// Runs SQL in a local Spark. Standard input has lines `conf NAME VALUE`, then lines `sql STATEMENT`; for each
/// statement standard output has a line `@@ {"rows":[…]}` or `@@ {"error":"…"}`.
public final class SparkScript {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SparkScript() {}

    public static void main(String[] arguments) throws Exception {
        SparkSession.Builder builder = SparkSession.builder()
                .appName("icefield")
                .master("local[2]")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "2")
                .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions");
        List<String> statements = new ArrayList<>();
        try (BufferedReader script = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = script.readLine(); line != null; line = script.readLine()) {
                String[] words = line.split(" ", 2);
                switch (words[0]) {
                    case "conf" -> builder.config(words[1].split(" ", 2)[0], words[1].split(" ", 2)[1]);
                    case "sql" -> statements.add(words[1]);
                    default -> throw new IllegalArgumentException("neither `conf` nor `sql`");
                }
            }
        }
        try (SparkSession spark = builder.getOrCreate()) {
            for (String statement : statements) {
                System.out.println("@@ " + JSON.writeValueAsString(run(spark, statement)));
            }
        }
    }

    private static ObjectNode run(SparkSession spark, String statement) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            ArrayNode rows = JSON.createArrayNode();
            for (String row : spark.sql(statement).toJSON().collectAsList()) {
                rows.add(JSON.readTree(row));
            }
            answer.set("rows", rows);
        } catch (Exception e) { // Scala throws checked exceptions that Java cannot name
            answer.put("error", String.valueOf(e.getMessage()));
        }
        return answer;
    }
}
