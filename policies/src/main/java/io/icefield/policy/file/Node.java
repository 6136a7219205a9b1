package io.icefield.policy.file;

import java.util.LinkedHashMap;
import java.util.List;

/// A piece of YAML that knows where it was written. Every scalar is text: `no` stays `no`, and `007` stays `007`.
public sealed interface Node {
    Position at();

    /// @param file as reported
    /// @param line from 1
    /// @param column from 1
    record Position(String file, int line, int column) {
        Position right(int characters) {
            return new Position(file, line, column + characters);
        }

        @Override
        public String toString() {
            return file + ":" + line + ":" + column;
        }
    }

    /// @param quoted whether the text stands in quotes on one line, so that its first character is one to the right
    /// @param plain whether it has no quotes, so that nothing at all means null
    record Text(Position at, String text, boolean quoted, boolean plain) implements Node {
        boolean isNull() {
            return plain && (text.isEmpty() || text.equals("~") || text.equals("null"));
        }
    }

    record Items(Position at, List<Node> items) implements Node {}

    record Fields(Position at, LinkedHashMap<String, Field> fields) implements Node {}

    record Field(Position at, Node value) {}

    default String kind() {
        return switch (this) {
            case Text text -> text.isNull() ? "nothing" : "text";
            case Items _ -> "a list";
            case Fields _ -> "a mapping";
        };
    }
}
