package io.icefield.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// Prints results in the format that was asked for. Control characters of values do not reach a terminal.
final class Printer {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Output output;
    private final PrintWriter out;

    Printer(Output output, PrintWriter out) {
        this.output = output;
        this.out = out;
    }

    /// One thing: its fields below one another, or as the server said it.
    void object(JsonNode answer) {
        if (output == Output.JSON) {
            json(answer);
            return;
        }
        rows(
                List.of("field", "value"),
                answer.properties().stream()
                        .map(field ->
                                List.<JsonNode>of(JsonNodeFactory.instance.textNode(field.getKey()), field.getValue()))
                        .iterator());
    }

    /// A line for people.
    void line(String text) {
        out.println(printable(text));
        out.flush();
    }

    /// What belongs to the line above, under a short name; its own lines stay lines.
    void field(String name, String text) {
        String indent = "  %-5s".formatted(name);
        for (String line : text.split("\n", -1)) {
            out.println(indent + printable(line));
            indent = " ".repeat(indent.length());
        }
        out.flush();
    }

    /// Several things: chosen fields as columns, or all of them under one field as JSON.
    void list(String field, List<JsonNode> answers, List<String> columns) {
        if (output == Output.JSON) {
            ObjectNode all = JsonNodeFactory.instance.objectNode();
            all.putArray(field).addAll(answers);
            json(all);
            return;
        }
        rows(
                columns,
                answers.stream()
                        .map(answer -> columns.stream()
                                .map(column -> answer.path(column))
                                .toList())
                        .iterator());
    }

    /// Rows as they come; only a table waits for the last one, to know its widths.
    void rows(List<String> columns, Iterator<List<JsonNode>> rows) {
        switch (output) {
            case TABLE -> table(columns, rows);
            case CSV -> csv(columns, rows);
            case JSON -> jsonRows(columns, rows);
        }
        out.flush();
    }

    private void json(JsonNode value) {
        try {
            out.println(JSON.writeValueAsString(value));
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void jsonRows(List<String> columns, Iterator<List<JsonNode>> rows) {
        try (JsonGenerator json = new ObjectMapper().getFactory().createGenerator(out)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            json.writeStartArray();
            while (rows.hasNext()) {
                List<JsonNode> row = rows.next();
                json.writeRaw("\n");
                json.writeStartObject();
                for (int column = 0; column < row.size(); column++) {
                    json.writeFieldName(columns.get(column));
                    json.writeTree(row.get(column));
                }
                json.writeEndObject();
            }
            json.writeRaw("\n");
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println();
    }

    private void csv(List<String> columns, Iterator<List<JsonNode>> rows) {
        out.print(columns.stream().map(Printer::quoted).collect(Collectors.joining(",")) + "\r\n");
        while (rows.hasNext()) {
            out.print(rows.next().stream()
                            .map(value -> absent(value) ? "" : quoted(text(value)))
                            .collect(Collectors.joining(","))
                    + "\r\n");
        }
    }

    /// An empty text is quoted, so that it differs from null.
    private static String quoted(String text) {
        return text.isEmpty() || text.chars().anyMatch(c -> c == '"' || c == ',' || c == '\n' || c == '\r')
                ? "\"" + text.replace("\"", "\"\"") + "\""
                : text;
    }

    private void table(List<String> columns, Iterator<List<JsonNode>> rows) {
        List<List<String>> lines = new ArrayList<>();
        List<Boolean> numbers = new ArrayList<>(columns.stream().map(_ -> true).toList());
        lines.add(columns.stream().map(Printer::printable).toList());
        while (rows.hasNext()) {
            List<JsonNode> row = rows.next();
            for (int column = 0; column < row.size(); column++) {
                JsonNode value = row.get(column);
                numbers.set(column, numbers.get(column) && (value.isNumber() || absent(value)));
            }
            lines.add(row.stream()
                    .map(value -> absent(value) ? "" : printable(text(value)))
                    .toList());
        }
        List<Integer> widths = Stream.iterate(0, column -> column < columns.size(), column -> column + 1)
                .map(column -> lines.stream()
                        .mapToInt(line -> width(line.get(column)))
                        .max()
                        .orElse(0))
                .toList();
        for (int line = 0; line < lines.size(); line++) {
            out.println(row(lines.get(line), widths, numbers));
            if (line == 0) {
                out.println(widths.stream().map("─"::repeat).collect(Collectors.joining("  ")));
            }
        }
    }

    private static String row(List<String> values, List<Integer> widths, List<Boolean> numbers) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < values.size(); column++) {
            String value = values.get(column);
            String padding = " ".repeat(widths.get(column) - width(value));
            line.append(numbers.get(column) ? padding + value : value + padding).append("  ");
        }
        return line.toString().stripTrailing();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    private static String printable(String text) {
        return text.codePoints()
                .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '\uFFFD' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static boolean absent(JsonNode value) {
        return value.isNull() || value.isMissingNode();
    }

    private static String text(JsonNode value) {
        if (value.isArray()) {
            return StreamSupport.stream(value.spliterator(), false)
                    .map(Printer::text)
                    .collect(Collectors.joining(", "));
        }
        return value.isObject() ? value.toString() : value.asText();
    }
}
