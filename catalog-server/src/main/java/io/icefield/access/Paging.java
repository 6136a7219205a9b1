package io.icefield.access;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/// Keyset paging over rows of which some are not for this caller: a page is full or the list is at its end.
public final class Paging {
    private static final int BATCH_MAX = 10_000;
    private static final int BATCH_GROWTH = 4;

    private Paging() {}

    public static <S, T> Page<T> fill(
            Page.Request page,
            BiFunction<String, Integer, List<S>> rows,
            Predicate<S> visible,
            Function<S, String> key,
            Function<S, T> item) {
        List<T> items = new ArrayList<>();
        String after = page.after();
        // Where most rows are not for this caller, a small page would ask for each of them alone.
        for (int batch = Math.min(BATCH_MAX, page.size()); ; batch = Math.min(BATCH_MAX, batch * BATCH_GROWTH)) {
            List<S> found = rows.apply(after, batch);
            for (S row : found) {
                if (items.size() == page.size()) {
                    return new Page<>(items, Optional.of(after));
                }
                after = key.apply(row);
                if (visible.test(row)) {
                    items.add(item.apply(row));
                }
            }
            if (found.size() < batch) {
                return new Page<>(items, Optional.empty());
            }
            if (items.size() == page.size()) {
                return new Page<>(items, Optional.of(after));
            }
        }
    }
}
