package io.icefield.compat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/// Runs SQL in a local Spark. Standard input has lines `conf NAME VALUE`, then lines `sql STATEMENT` or
/// `let NAME STATEMENT`, which keeps the first value of the answer for `${NAME}` in later statements. For each statement
/// standard output has a line `@@ {"rows":[[…]]}` or `@@ {"error":"…"}`.
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
                    case "sql", "let" -> statements.add(line);
                    default -> throw new IllegalArgumentException("neither `conf`, `sql` nor `let`");
                }
            }
        }
        try (SparkSession spark = builder.getOrCreate()) {
            Map<String, String> kept = new HashMap<>();
            for (String line : statements) {
                String[] words = line.split(" ", 2);
                String statement = words[0].equals("let") ? words[1].split(" ", 2)[1] : words[1];
                for (Map.Entry<String, String> each : kept.entrySet()) {
                    statement = statement.replace("${" + each.getKey() + "}", each.getValue());
                }
                ObjectNode answer = run(spark, statement);
                if (words[0].equals("let") && answer.has("rows")) {
                    kept.put(words[1].split(" ", 2)[0], answer.path("rows").path(0).path(0).asText());
                }
                System.out.println("@@ " + JSON.writeValueAsString(answer));
            }
        }
    }

    private static ObjectNode run(SparkSession spark, String statement) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            ArrayNode rows = JSON.createArrayNode();
            for (Row row : spark.sql(statement).collectAsList()) {
                ArrayNode values = rows.addArray();
                for (int column = 0; column < row.length(); column++) {
                    values.add(row.isNullAt(column) ? "∅" : row.get(column).toString());
                }
            }
            answer.set("rows", rows);
        } catch (Exception e) { // Scala throws checked exceptions that Java cannot name
            answer.put("error", String.valueOf(e.getMessage()));
        }
        return answer;
    }
}
