package io.icefield.job;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// How the names in a file become column names.
public enum ColumnNames {
    /// `BusinessEntityID` becomes `business_entity_id`, `Unit price (€)` becomes `unit_price`; a leading digit
    /// gets a `_`, a name that is left empty becomes `column_3` after its place, and a name that is taken gets
    /// `_2`, then `_3`.
    SNAKE_CASE {
        @Override
        String name(String original) {
            String name = WORD_START.matcher(original).replaceAll("_");
            name = NOT_IN_A_NAME.matcher(name).replaceAll("_").toLowerCase(Locale.ROOT);
            name = EDGES.matcher(name).replaceAll("");
            return !name.isEmpty() && Character.isDigit(name.codePointAt(0)) ? "_" + name : name;
        }
    },
    /// Exactly as in the file. Two equal names are then an error.
    AS_IS {
        @Override
        String name(String original) {
            return original;
        }
    };

    // Between `aB`, between `1B`, and before the last capital of `ABc`.
    private static final Pattern WORD_START =
            Pattern.compile("(?<=[\\p{Ll}\\p{Nd}])(?=\\p{Lu})|(?<=\\p{Lu})(?=\\p{Lu}\\p{Ll})");
    private static final Pattern NOT_IN_A_NAME = Pattern.compile("[^\\p{L}\\p{M}\\p{Nd}]+");
    private static final Pattern EDGES = Pattern.compile("^_+|_+$");

    abstract String name(String original);

    /// One name for each original, in order, no two equal.
    List<String> names(List<String> originals) {
        Set<String> wished = new HashSet<>();
        originals.forEach(original -> wished.add(name(original)));
        Set<String> taken = new HashSet<>();
        Map<String, Integer> counters = new HashMap<>();
        List<String> names = new ArrayList<>(originals.size());
        for (int place = 1; place <= originals.size(); place++) {
            String wish = name(originals.get(place - 1));
            String name = wish.isEmpty() ? "column_" + place : wish;
            if (this == AS_IS && taken.contains(name)) {
                throw new IngestFailure.BadFile(
                        "two columns are called `%s`; rename one, or let names become snake_case, which numbers them"
                                .formatted(name));
            }
            String base = name;
            // A made-up name gives way to a column that really has it.
            boolean madeUp = wish.isEmpty();
            while (taken.contains(name) || (madeUp && wished.contains(name))) {
                name = base + "_" + next(counters, base);
                madeUp = true;
            }
            taken.add(name);
            names.add(name);
        }
        return names;
    }

    private static int next(Map<String, Integer> counters, String base) {
        int number = counters.getOrDefault(base, 1) + 1;
        counters.put(base, number);
        return number;
    }
}
