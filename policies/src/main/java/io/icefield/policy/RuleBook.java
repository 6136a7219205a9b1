package io.icefield.policy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The policies, masks and row filters of one mesh, as they were written down.
public record RuleBook(List<Binding> bindings, List<Masking> masks, List<Filtering> filters) implements Governance {
    public RuleBook {
        bindings = List.copyOf(bindings);
        masks = List.copyOf(masks);
        filters = List.copyOf(filters);
    }

    /// What follows from a violation.
    public enum Mode {
        DENY,
        WARN,
        AUDIT
    }

    /// A policy, where it holds and how.
    public record Binding(String name, Policy policy, Mode mode, Scope scope) {}

    /// @param tag `pii.email`, or `pii.*` for every tag that no other mask names
    /// @param except groups that see the value
    public record Masking(String name, String tag, Mask mask, Set<String> except, Scope scope) {
        public Masking {
            tag = tag.toLowerCase(Locale.ROOT);
            except = Set.copyOf(except);
        }

        private boolean exact() {
            return !tag.endsWith("*");
        }

        private boolean covers(String other) {
            return exact() ? tag.equals(other) : other.startsWith(tag.substring(0, tag.length() - 1));
        }
    }

    /// @param column path of the column whose value decides; a table without it shows no rows
    /// @param except groups that see all rows
    public record Filtering(String name, String column, List<String> values, Set<String> except, Scope scope) {
        public Filtering {
            values = List.copyOf(values);
            except = Set.copyOf(except);
        }
    }

    @Override
    public Verdict judge(Change change) {
        List<Violation> denied = new ArrayList<>();
        List<Violation> warned = new ArrayList<>();
        for (Binding binding : bindings) {
            if (binding.scope().holds(change.table())) {
                judge(binding, change, denied, warned);
            }
        }
        return new Verdict(denied, warned);
    }

    private static void judge(Binding binding, Change change, List<Violation> denied, List<Violation> warned) {
        List<Violation> found;
        try {
            found = binding.policy().check(change);
        } catch (RuntimeException | StackOverflowError failure) {
            // Its message may hold anything; the policy's name is enough to find it.
            denied.add(new Violation(
                    "policy/failed",
                    change.table().table().isEmpty() ? "namespace" : "table",
                    "policy `%s` could not be evaluated (%s), so the change is refused. Ask the platform team to look at it."
                            .formatted(binding.name(), failure.getClass().getSimpleName())));
            return;
        }
        switch (binding.mode()) {
            case DENY -> denied.addAll(found);
            case WARN, AUDIT -> warned.addAll(found);
        }
    }

    /// The masks that the columns' types can take. A tagged nested field, and a tagged struct, list or map, hides
    /// its whole top-level column, because engines mask whole columns.
    @Override
    public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
        Map<String, Mask> hidden = new HashMap<>();
        if (!masks.isEmpty()) {
            Map<String, Column> byPath = Paths.index(columns);
            for (Column column : columns) {
                mask(table, column, groups).ifPresent(mask -> {
                    String root = Paths.root(column, byPath);
                    Mask effective = root.equals(column.path()) ? mask.on(column.type()) : Mask.REPLACE_WITH_NULL;
                    hidden.merge(root, effective, Mask::stricter);
                });
            }
        }
        List<Restrictions.RowFilter> rows = filters.stream()
                .filter(filter -> filter.scope().holds(table) && !shares(filter.except(), groups))
                .map(filter -> filter(filter, columns))
                .toList();
        return new Restrictions(hidden, rows);
    }

    private Optional<Mask> mask(TableName table, Column column, Set<String> groups) {
        return column.tags().stream()
                .flatMap(tag -> mask(table, tag.strip().toLowerCase(Locale.ROOT), groups).stream())
                .reduce(Mask::stricter);
    }

    /// The rules that name the tag count alone; where there are none, those with the longest `*` pattern.
    private Optional<Mask> mask(TableName table, String tag, Set<String> groups) {
        List<Masking> known = masks.stream()
                .filter(rule -> rule.covers(tag) && rule.scope().holds(table))
                .toList();
        if (known.isEmpty()) {
            return isPersonal(tag) ? Optional.of(Mask.REPLACE_WITH_NULL) : Optional.empty();
        }
        int closest = known.stream().mapToInt(RuleBook::closeness).max().orElseThrow();
        return known.stream()
                .filter(rule -> closeness(rule) == closest && !shares(rule.except(), groups))
                .map(Masking::mask)
                .reduce(Mask::stricter);
    }

    private static int closeness(Masking rule) {
        return rule.exact() ? Integer.MAX_VALUE : rule.tag().length();
    }

    private static boolean isPersonal(String tag) {
        return tag.equals("pii") || tag.startsWith("pii.");
    }

    private static boolean shares(Set<String> except, Set<String> groups) {
        return except.stream().anyMatch(groups::contains);
    }

    private static Restrictions.RowFilter filter(Filtering filter, List<Column> columns) {
        return columns.stream()
                .filter(column -> column.path().equalsIgnoreCase(filter.column()))
                .findFirst()
                .map(column -> new Restrictions.RowFilter(column.path(), column.type(), filter.values()))
                .orElseGet(() -> new Restrictions.RowFilter(filter.column(), "", List.of()));
    }
}
