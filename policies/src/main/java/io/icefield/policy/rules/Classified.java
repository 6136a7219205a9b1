package io.icefield.policy.rules;

import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Paths;
import io.icefield.policy.Policy;
import io.icefield.policy.Violation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// A column whose name says that it holds personal data must be classified: a `pii.…` tag, `confidential`, or `public`
/// when it holds none. A classified struct, list or map speaks for what is in it, unless it is `public`. Views hold
/// nothing.
public record Classified(PiiNames names) implements Policy {
    @Override
    public List<Violation> check(Change change) {
        if (change.kind().ofView()) {
            return List.of();
        }
        Map<String, Column> byPath = Paths.index(change.after());
        Set<Column> touched = judged(change);
        Map<String, Violation> found = new LinkedHashMap<>();
        for (Column leaf : change.after()) {
            if (!Paths.isContainer(leaf)) {
                List<Column> line = line(leaf, byPath);
                if (line.stream().anyMatch(touched::contains)) {
                    judge(change, line, byPath).ifPresent(wrong -> found.putIfAbsent(wrong.path(), wrong));
                }
            }
        }
        return List.copyOf(found.values());
    }

    /// A new table name may make personal data of a `name`, so a rename looks at every column.
    private static Set<Column> judged(Change change) {
        return change.kind() == Change.Kind.RENAME_TABLE
                ? new HashSet<>(change.after())
                : change.touched().collect(Collectors.toSet());
    }

    /// The leaf and everything it is in, inside first.
    private static List<Column> line(Column leaf, Map<String, Column> byPath) {
        List<Column> line = new ArrayList<>(List.of(leaf));
        for (Optional<Column> holder = Paths.parent(leaf, byPath);
                holder.isPresent();
                holder = Paths.parent(holder.get(), byPath)) {
            line.add(holder.get());
        }
        return line;
    }

    private Optional<Violation> judge(Change change, List<Column> line, Map<String, Column> byPath) {
        // The element of a list has no name of its own: the list's counts, and its tags.
        int named = 0;
        while (Paths.isNameless(line.get(named), byPath)) {
            named++;
        }
        Column subject = line.get(named);
        List<String> steps = line.subList(named, line.size()).reversed().stream()
                .filter(column -> !Paths.isNameless(column, byPath))
                .map(column -> Paths.name(column, byPath))
                .toList();
        Set<String> own = tags(line.subList(0, named + 1));
        boolean classified = own.stream().anyMatch(tag -> isSecret(tag) || tag.equals("public"))
                || tags(line).stream().anyMatch(Classified::isSecret);
        if (classified) {
            return Optional.empty();
        }
        String path = "column." + subject.path();
        if (steps.getLast().length() > NamePattern.NAME_LENGTH_MAX) {
            return Optional.of(new Violation(
                    "pii/unreadable",
                    path,
                    "column %s has a name of %d characters, more than the %d in which personal data is looked for; shorten or classify it"
                            .formatted(
                                    Words.quote(subject.path()),
                                    steps.getLast().length(),
                                    NamePattern.NAME_LENGTH_MAX)));
        }
        return names.tag(change.table().table(), steps, line.getFirst().type())
                .map(tag -> new Violation("pii/unclassified", path, message(subject, tag, own)));
    }

    private static Set<String> tags(List<Column> columns) {
        return columns.stream()
                .flatMap(column -> column.tags().stream())
                .map(tag -> tag.strip().toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
    }

    private static boolean isSecret(String tag) {
        return tag.startsWith("pii.") || tag.equals("confidential");
    }

    private static String message(Column column, String tag, Set<String> own) {
        String state = own.isEmpty()
                ? "is not classified"
                : "is only tagged " + own.stream().sorted().map(Words::quote).collect(Collectors.joining(", "));
        String property = Words.quote("icefield.tags." + column.path());
        return "column %s looks like personal data and %s; set the table property %s = `%s`, or = `public` if it is none"
                .formatted(Words.quote(column.path()), state, property, tag);
    }
}
