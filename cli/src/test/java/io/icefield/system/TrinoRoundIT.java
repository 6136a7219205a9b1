package io.icefield.system;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// The mesh's own Trino, over JDBC.
class TrinoRoundIT {
    @Test
    void round() throws Exception {
        String version = Mesh.shared()
                .rows("admin", "SELECT DISTINCT node_version FROM system.runtime.nodes")
                .getFirst()
                .getFirst();
        ClientRound round = new ClientRound("Trino " + version);
        SqlRound sql = SqlRound.read(ClientRound.COMPAT.resolve("trino/round.sql"));
        List<JsonNode> answers = new ArrayList<>();
        Map<String, String> kept = new HashMap<>();
        try (Connection connection = round.mesh().sql(round.job());
                Statement statement = connection.createStatement()) {
            for (SqlRound.Step step : sql.steps()) {
                String text = step.sql().replaceAll("\\bice\\.core\\b", round.domain() + ".core");
                for (Map.Entry<String, String> each : kept.entrySet()) {
                    text = text.replace("${" + each.getKey() + "}", each.getValue());
                }
                Map<String, Object> answer = new HashMap<>();
                try {
                    List<List<String>> rows = List.of();
                    if (statement.execute(text)) {
                        try (ResultSet result = statement.getResultSet()) {
                            rows = Mesh.texts(result);
                        }
                    }
                    if (!step.let().isEmpty()) {
                        kept.put(step.let(), rows.getFirst().getFirst());
                    }
                    answer.put("rows", rows);
                } catch (SQLException e) {
                    answer.put("error", String.valueOf(e.getMessage()));
                }
                answers.add(Mesh.JSON.valueToTree(answer));
            }
        }
        round.check(sql.outcomes(answers));
    }
}
