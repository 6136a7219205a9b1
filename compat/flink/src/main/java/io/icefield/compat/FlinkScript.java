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
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/// Runs SQL in a Flink that lives in this process. Standard input has lines `conf NAME VALUE` (the catalog's properties),
/// then lines `sql STATEMENT` or `let NAME STATEMENT`, which keeps the first value of the answer for `${NAME}` in later
/// statements. For each statement standard output has a line `@@ {"rows":[[…]]}` or `@@ {"error":"…"}`.
public final class FlinkScript {
    private static final ObjectMapper JSON = new ObjectMapper();

    private FlinkScript() {}

    public static void main(String[] arguments) throws Exception {
        StringBuilder catalog = new StringBuilder("CREATE CATALOG ice WITH ('type'='iceberg'");
        List<String> statements = new ArrayList<>();
        try (BufferedReader script = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = script.readLine(); line != null; line = script.readLine()) {
                if (line.startsWith("conf ")) {
                    String[] words = line.split(" ", 3);
                    catalog.append(", '%s'='%s'".formatted(words[1], words[2]));
                } else {
                    statements.add(line);
                }
            }
        }
        Configuration settings = new Configuration();
        settings.setString("parallelism.default", "1");
        settings.setString("table.dml-sync", "true");
        TableEnvironment flink = TableEnvironment.create(
                EnvironmentSettings.newInstance().inBatchMode().withConfiguration(settings).build());
        flink.executeSql(catalog.append(")").toString());

        Map<String, String> kept = new HashMap<>();
        for (String line : statements) {
            String[] words = line.split(" ", 2);
            String statement = words[0].equals("let") ? words[1].split(" ", 2)[1] : words[1];
            for (Map.Entry<String, String> each : kept.entrySet()) {
                statement = statement.replace("${" + each.getKey() + "}", each.getValue());
            }
            ObjectNode answer = run(flink, statement);
            if (words[0].equals("let") && answer.has("rows")) {
                kept.put(words[1].split(" ", 2)[0], answer.path("rows").path(0).path(0).asText());
            }
            System.out.println("@@ " + JSON.writeValueAsString(answer));
        }
        System.exit(0); // the mini cluster leaves threads behind
    }

    private static ObjectNode run(TableEnvironment flink, String statement) {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode rows = JSON.createArrayNode();
        try {
            TableResult result = flink.executeSql(statement);
            // An INSERT has ended by now; to collect its answer would be to cancel a job that is gone.
            if (statement.startsWith("SELECT")) {
                collect(result, rows);
            }
            answer.set("rows", rows);
        } catch (Exception e) {
            StringBuilder all = new StringBuilder();
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                all.append(cause.getMessage()).append('\n');
            }
            answer.put("error", all.toString());
        }
        return answer;
    }

    private static void collect(TableResult result, ArrayNode rows) throws Exception {
        try (CloseableIterator<Row> found = result.collect()) {
            while (found.hasNext()) {
                Row row = found.next();
                ArrayNode values = rows.addArray();
                for (int column = 0; column < row.getArity(); column++) {
                    Object value = row.getField(column);
                    values.add(value == null ? "∅" : value.toString());
                }
            }
        }
    }
}
