package io.icefield.system;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// A round written in SQL: statements that end with `;` at the end of a line, and marks on lines of their own before
/// them.
/// `-- job NAME` begins a job, whose answer is its last statement's. `-- let NAME` keeps the first value of the next
/// answer for `${NAME}`. `-- cannot REASON` says that the next statement must fail, and with it the job; `-- refused`,
/// that it must fail and the error is the answer. Other comments are comments.
record SqlRound(List<Step> steps) {
    private static final String JOB = "-- job ";
    private static final String LET = "-- let ";
    private static final String CANNOT = "-- cannot ";
    private static final String REFUSED = "-- refused";

    /// @param let empty: nothing is kept
    /// @param cannot empty: it can
    record Step(Job job, String sql, String let, String cannot, boolean refused) {}

    static SqlRound read(Path file) throws IOException {
        List<Step> steps = new ArrayList<>();
        Job job = Job.CREATE;
        String let = "";
        String cannot = "";
        boolean refused = false;
        StringBuilder sql = new StringBuilder();
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith(JOB)) {
                job = Job.of(line.substring(JOB.length()));
            } else if (line.startsWith(LET)) {
                let = line.substring(LET.length());
            } else if (line.startsWith(CANNOT)) {
                cannot = line.substring(CANNOT.length());
            } else if (line.equals(REFUSED)) {
                refused = true;
            } else if (!line.isBlank() && !line.startsWith("--")) {
                sql.append(sql.isEmpty() ? "" : " ").append(line.strip());
                if (line.endsWith(";")) {
                    steps.add(new Step(job, sql.substring(0, sql.length() - 1), let, cannot, refused));
                    sql.setLength(0);
                    let = "";
                    cannot = "";
                    refused = false;
                }
            }
        }
        return new SqlRound(steps);
    }

    /// As the clients' programs read it: a line for each statement.
    String lines() {
        return steps.stream()
                .map(step -> (step.let().isEmpty() ? "sql " : "let " + step.let() + " ") + step.sql() + "\n")
                .collect(Collectors.joining());
    }

    /// What a program printed: a line `@@ {"rows":[[…]]}` or `@@ {"error":"…"}` for each statement.
    static List<JsonNode> answers(Ran ran) throws IOException {
        List<JsonNode> answers = new ArrayList<>();
        for (String line : ran.out().lines().toList()) {
            if (line.startsWith("@@ ")) {
                answers.add(Mesh.JSON.readTree(line.substring("@@ ".length())));
            }
        }
        return answers;
    }

    /// @param answers one for each statement, `{"rows":[[…]]}` or `{"error":"…"}`
    List<Outcome> outcomes(List<JsonNode> answers) {
        if (answers.size() != steps.size()) {
            throw new AssertionError("%d answers to %d statements".formatted(answers.size(), steps.size()));
        }
        List<Outcome> outcomes = new ArrayList<>();
        for (int at = 0; at < steps.size(); at++) {
            Step step = steps.get(at);
            boolean failed = answers.get(at).has("error");
            if (failed == (step.cannot().isEmpty() && !step.refused())) {
                throw new AssertionError("`%s` answered %s".formatted(step.sql(), answers.get(at)));
            }
            if (at + 1 < steps.size() && steps.get(at + 1).job() == step.job()) {
                continue;
            }
            if (!step.cannot().isEmpty()) {
                outcomes.add(new Outcome.Cannot(step.job(), step.cannot()));
            } else if (step.refused()) {
                outcomes.add(new Outcome.Done(
                        step.job(),
                        List.of(List.of(answers.get(at).path("error").asText()))));
            } else {
                outcomes.add(new Outcome.Done(
                        step.job(), Outcome.rows(answers.get(at).path("rows"))));
            }
        }
        return outcomes;
    }
}
