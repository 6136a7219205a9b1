package io.icefield.table;

import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.table.TableStore.Source;
import io.icefield.table.TableStore.Tag;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What columns hold: tags by field id. A job declares them with table properties `icefield.tags.<column>`; a steward's
/// answer wins.
final class Classification {
    static final String PROPERTY = "icefield.tags.";

    private static final Pattern TAG = Pattern.compile("[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*");
    private static final int TAGS_MAX = 20;

    private Classification() {}

    /// The columns with their tags.
    static List<Column> tagged(List<Column> columns, Map<Integer, Set<Tag>> tags) {
        return columns.stream()
                .map(column -> new Column(
                        column.fieldId(),
                        column.path(),
                        column.type(),
                        column.required(),
                        column.doc(),
                        names(tags.getOrDefault(column.fieldId(), Set.of()))))
                .toList();
    }

    /// What counts: a steward's answer if there is one, also when it is empty.
    static Set<String> names(Set<Tag> tags) {
        boolean decided = decided(tags);
        return tags.stream()
                .filter(tag -> !decided || tag.source() == Source.STEWARD)
                .map(Tag::name)
                .filter(name -> !name.isEmpty())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /// What counts, of each column of which there is something to say.
    static Map<Integer, Set<String>> names(Map<Integer, Set<Tag>> tags) {
        Map<Integer, Set<String>> names = new TreeMap<>();
        tags.forEach((field, all) -> names.put(field, names(all)));
        names.values().removeIf(Set::isEmpty);
        return names;
    }

    private static boolean decided(Set<Tag> tags) {
        return tags.stream().anyMatch(tag -> tag.source() == Source.STEWARD);
    }

    /// The tags after a change: properties that the change sets or alters declare anew, and so does every property
    /// whose column is another one than before; what a steward said stays.
    ///
    /// @param before properties before the change
    /// @param fields ids of the columns before the change
    static Map<Integer, Set<Tag>> declared(
            Map<String, String> before,
            Set<Integer> fields,
            TableFormat.Prepared after,
            Map<Integer, Set<Tag>> stored) {
        Map<String, Column> byPath =
                after.columns().stream().collect(Collectors.toMap(Column::path, column -> column, (a, _) -> a));
        Map<Integer, Set<Tag>> tags = new HashMap<>(stored);
        after.properties().forEach((key, value) -> {
            if (!key.startsWith(PROPERTY)) {
                return;
            }
            Column column = byPath.get(key.substring(PROPERTY.length()));
            if (value.equals(before.get(key)) && (column == null || fields.contains(column.fieldId()))) {
                return;
            }
            if (column == null) {
                throw new Refusal.Invalid(
                        "property `%s` classifies a column that the table does not have".formatted(key));
            }
            Set<Tag> declared = checked(List.of(value.split(","))).stream()
                    .map(name -> new Tag(name, Source.DECLARED))
                    .collect(Collectors.toSet());
            if (!decided(stored.getOrDefault(column.fieldId(), Set.of()))) {
                tags.put(column.fieldId(), declared);
            }
        });
        return tags;
    }

    /// These names, if they are names of tags.
    static Set<String> checked(Collection<String> names) {
        if (names.size() > TAGS_MAX) {
            throw new Refusal.Invalid("a column has at most %d tags".formatted(TAGS_MAX));
        }
        return names.stream()
                .map(String::strip)
                .peek(name -> {
                    if (name.length() > 100 || !TAG.matcher(name).matches()) {
                        throw new Refusal.Invalid(
                                "`%s` is no tag: use lower-case words joined by dots, like `pii.email` or `public`"
                                        .formatted(name.length() > 60 ? name.substring(0, 60) + "…" : name));
                    }
                })
                .collect(Collectors.toSet());
    }

    /// Columns that would no longer count as personal data.
    static List<String> declassified(List<Column> before, List<Column> after) {
        Map<Integer, Column> now = after.stream().collect(Collectors.toMap(Column::fieldId, column -> column));
        return before.stream()
                .filter(column -> {
                    Column then = now.get(column.fieldId());
                    return then != null && personal(column) && !personal(then);
                })
                .map(Column::path)
                .toList();
    }

    private static boolean personal(Column column) {
        return column.tags().stream().anyMatch(tag -> tag.equals("pii") || tag.startsWith("pii."));
    }
}
