package io.icefield.policy.file;

import io.icefield.policy.file.Node.Field;
import io.icefield.policy.file.Node.Fields;
import io.icefield.policy.file.Node.Items;
import io.icefield.policy.file.Node.Position;
import io.icefield.policy.file.Node.Text;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// One mapping of a policy file, read field by field. A field nobody asked for is a problem when the form is `closed`.
public final class Form {
    private final Position at;
    private final String what;
    private final Map<String, Field> fields;
    private final List<String> known = new ArrayList<>();
    private final Problems problems;

    /// @param what names the mapping in messages: `spec`
    public Form(Node node, String what, Problems problems) {
        this.at = node.at();
        this.what = what;
        this.problems = problems;
        if (node instanceof Fields mapping) {
            this.fields = mapping.fields();
        } else {
            this.fields = Map.of();
            problems.add(at, "%s must be a mapping, not %s".formatted(Problems.quote(what), node.kind()));
        }
    }

    private Form(Position at, String what, Problems problems) {
        this.at = at;
        this.what = what;
        this.problems = problems;
        this.fields = Map.of();
    }

    public Optional<Field> field(String name) {
        known.add(name);
        return Optional.ofNullable(fields.get(name));
    }

    /// The mapping under this name; an empty one when it is absent.
    Form form(String name) {
        String path = what.isEmpty() ? name : what + "." + name;
        return field(name)
                .map(field -> new Form(field.value(), path, problems))
                .orElseGet(() -> new Form(at, path, problems));
    }

    /// The mapping under this name, which must be there.
    Form required(String name) {
        if (field(name).isEmpty()) {
            missing(name);
        }
        return form(name);
    }

    public Optional<Text> text(String name) {
        return field(name).flatMap(field -> {
            Optional<Text> text = filled(field.value());
            if (text.isEmpty()) {
                problems.add(
                        field.value().at(),
                        "%s must be text, not %s"
                                .formatted(quoted(name), field.value().kind()));
            }
            return text;
        });
    }

    public Optional<Text> requiredText(String name) {
        if (field(name).isEmpty()) {
            missing(name);
        }
        return text(name);
    }

    /// The texts under this name; a single text counts as a list of one.
    public List<Text> texts(String name) {
        return field(name).map(field -> texts(field.value(), quoted(name))).orElse(List.of());
    }

    List<Text> texts(Node node, String name) {
        return switch (node) {
            case Text text when !text.isNull() -> List.of(text);
            case Items list ->
                list.items().stream()
                        .flatMap(item -> {
                            Optional<Text> text = filled(item);
                            if (text.isEmpty()) {
                                problems.add(item.at(), "%s must hold only text, not %s".formatted(name, item.kind()));
                            }
                            return text.stream();
                        })
                        .toList();
            case Text _, Fields _ -> {
                problems.add(node.at(), "%s must be a list of texts, not %s".formatted(name, node.kind()));
                yield List.of();
            }
        };
    }

    public List<String> strings(String name) {
        return texts(name).stream().map(Text::text).toList();
    }

    /// One of these words, or the first problem.
    <T> Optional<T> oneOf(Text text, Map<String, T> choices, String name) {
        T chosen = choices.get(text.text());
        if (chosen == null) {
            problems.add(
                    text.at(),
                    "%s is no %s (there are %s)%s"
                            .formatted(
                                    Problems.quote(text.text()),
                                    name,
                                    choices.keySet().stream()
                                            .map(Problems::quote)
                                            .collect(Collectors.joining(", ")),
                                    hint(text.text(), choices.keySet())));
        }
        return Optional.ofNullable(chosen);
    }

    /// All entries, for mappings whose names are free.
    Map<String, Field> entries() {
        known.addAll(fields.keySet());
        return fields;
    }

    /// Says of every field nobody asked for that it is unknown.
    public void closed() {
        fields.forEach((name, field) -> {
            if (!known.contains(name)) {
                String where = what.isEmpty() ? "" : " in " + Problems.quote(what);
                problems.add(
                        field.at(), "unknown field %s%s%s".formatted(Problems.quote(name), where, hint(name, known)));
            }
        });
    }

    void empty(Position list, String name) {
        problems.add(list, quoted(name) + " is empty; leave it out to mean all");
    }

    public void missing(String name) {
        problems.add(at, quoted(name) + " is missing");
    }

    public String quoted(String name) {
        return Problems.quote(what.isEmpty() ? name : what + "." + name);
    }

    private static Optional<Text> filled(Node node) {
        return node instanceof Text text && !text.isNull() ? Optional.of(text) : Optional.empty();
    }

    private static String hint(String word, Collection<String> known) {
        return known.stream()
                .filter(candidate ->
                        word.length() <= 40 && distance(word, candidate) <= Math.max(2, candidate.length() / 3))
                .min(Comparator.comparingInt(candidate -> distance(word, candidate)))
                .map(candidate -> ", did you mean " + Problems.quote(candidate) + "?")
                .orElse("");
    }

    /// How many letters to put in, take out or change; case does not count.
    private static int distance(String left, String right) {
        int[] row = new int[right.length() + 1];
        for (int j = 0; j <= right.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= left.length(); i++) {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= right.length(); j++) {
                char a = Character.toLowerCase(left.charAt(i - 1));
                char b = Character.toLowerCase(right.charAt(j - 1));
                int changed = corner + (a == b ? 0 : 1);
                corner = row[j];
                row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[right.length()];
    }
}
