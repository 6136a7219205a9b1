package io.icefield.policy.rules;

import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Paths;
import io.icefield.policy.Policy;
import io.icefield.policy.Violation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What namespaces, tables, views and columns may be called. Judges only names that are new or changed.
///
/// @param reserved words that are no names, whatever their case
/// @param lengthMax characters, at most `NamePattern.NAME_LENGTH_MAX`
public record Naming(NamePattern pattern, Set<String> reserved, int lengthMax, Set<Subject> subjects)
        implements Policy {
    /// What a name is the name of; the violation's code is `naming/` and this.
    public enum Subject {
        NAMESPACE,
        TABLE,
        VIEW,
        COLUMN;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Naming {
        if (lengthMax < 1 || lengthMax > NamePattern.NAME_LENGTH_MAX) {
            throw new IllegalArgumentException("the longest name is 1 to " + NamePattern.NAME_LENGTH_MAX + " long");
        }
        reserved = reserved.stream().map(word -> word.toLowerCase(Locale.ROOT)).collect(Collectors.toUnmodifiableSet());
        subjects = Set.copyOf(EnumSet.copyOf(subjects));
    }

    @Override
    public List<Violation> check(Change change) {
        List<Violation> found = new ArrayList<>();
        switch (change.kind()) {
            case CREATE_NAMESPACE -> {
                List<String> levels = change.table().namespace();
                for (int i = 0; i < levels.size(); i++) {
                    judge(Subject.NAMESPACE, levels.get(i), "namespace." + i, "", found);
                }
            }
            case CREATE_TABLE, RENAME_TABLE, REGISTER_TABLE ->
                judge(Subject.TABLE, change.table().table(), "table", "", found);
            case CREATE_VIEW, RENAME_VIEW, REGISTER_VIEW ->
                judge(Subject.VIEW, change.table().table(), "view", "", found);
            case COMMIT, REPLACE_VIEW -> {}
        }
        Map<String, Column> before = Paths.index(change.before());
        Map<Integer, String> names = new HashMap<>();
        change.before().forEach(column -> names.put(column.fieldId(), Paths.name(column, before)));
        Map<String, Column> after = Paths.index(change.after());
        change.touched()
                .filter(column -> !Paths.isNameless(column, after))
                .filter(column -> !Paths.name(column, after).equals(names.get(column.fieldId())))
                .forEach(column -> judge(
                        Subject.COLUMN,
                        Paths.name(column, after),
                        "column." + column.path(),
                        change.table().table(),
                        found));
        return found;
    }

    private void judge(Subject subject, String name, String path, String table, List<Violation> found) {
        if (!subjects.contains(subject)) {
            return;
        }
        List<String> wrong = Stream.of(
                        name.length() > lengthMax
                                ? "has %d characters, and at most %d are allowed".formatted(name.length(), lengthMax)
                                : "",
                        name.length() <= lengthMax && !pattern.matches(name) ? "must match `" + pattern + "`" : "",
                        isReserved(name) ? "is a reserved word" : "")
                .filter(reason -> !reason.isEmpty())
                .toList();
        if (!wrong.isEmpty()) {
            String mend = suggestion(name, table)
                    .map(better -> "call it `" + better + "`")
                    .orElse("choose another name");
            found.add(new Violation(
                    "naming/" + subject.word(),
                    path,
                    "%s %s %s; %s".formatted(subject.word(), Words.quote(name), String.join(" and ", wrong), mend)));
        }
    }

    private boolean isReserved(String name) {
        return reserved.contains(name.toLowerCase(Locale.ROOT));
    }

    private boolean accepts(String name) {
        return name.length() <= lengthMax && pattern.matches(name) && !isReserved(name);
    }

    /// The nearest name in snake case that this policy accepts.
    private Optional<String> suggestion(String name, String table) {
        if (name.length() > NamePattern.NAME_LENGTH_MAX * 8) {
            return Optional.empty();
        }
        String snake = String.join("_", Words.of(name));
        if (snake.isEmpty()) {
            return Optional.empty();
        }
        List<String> tableWords = Words.of(table);
        String owner = tableWords.isEmpty() ? "the" : PiiNames.singular(tableWords.getLast());
        String shortened =
                snake.length() > lengthMax ? snake.substring(0, lengthMax).replaceAll("_+$", "") : snake;
        return Stream.of(
                        snake,
                        Character.isDigit(snake.codePointAt(0)) ? "_" + snake : snake,
                        owner + "_" + snake,
                        shortened,
                        snake.replace("_", "-"),
                        snake.replace("_", ""))
                .filter(better -> !better.equals(name))
                .filter(this::accepts)
                .findFirst();
    }
}
