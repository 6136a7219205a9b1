package io.icefield.system;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/// What became of one job: done, with the rows that the client read, or impossible for this client.
sealed interface Outcome {
    Job job();

    /// Values are text, `null` is `∅`.
    record Done(Job job, List<List<String>> rows) implements Outcome {}

    record Cannot(Job job, String reason) implements Outcome {}

    /// What a client's program printed: one line of JSON for each job, `{"job":"write","rows":[…]}` or
    /// `{"job":"view","cannot":"reason"}`.
    static List<Outcome> printed(String lines) throws JsonProcessingException {
        List<Outcome> outcomes = new ArrayList<>();
        for (String line : lines.lines().filter(each -> each.startsWith("{")).toList()) {
            JsonNode said = Mesh.JSON.readTree(line);
            Job job = Job.of(said.path("job").asText());
            outcomes.add(
                    said.has("cannot")
                            ? new Cannot(job, said.path("cannot").asText())
                            : new Done(job, rows(said.path("rows"))));
        }
        return outcomes;
    }

    static List<List<String>> rows(JsonNode rows) {
        List<List<String>> texts = new ArrayList<>();
        for (JsonNode row : rows) {
            List<String> values = new ArrayList<>();
            row.forEach(value -> values.add(value.asText()));
            texts.add(values);
        }
        return texts;
    }
}
