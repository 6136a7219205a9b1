package io.icefield.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Pages of lists of which a caller sees only some rows.
class PagingTest {
    private static final List<String> ROWS =
            IntStream.range(0, 20_000).mapToObj("%05d"::formatted).toList();

    private int queries;

    private Page<String> page(String after, int size, Predicate<String> visible) {
        return Paging.fill(new Page.Request(after, size), this::rows, visible, row -> row, row -> row);
    }

    private List<String> rows(String after, int limit) {
        queries++;
        return ROWS.stream()
                .filter(row -> row.compareTo(after) > 0)
                .limit(limit)
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 3_000, 10_000, Integer.MAX_VALUE})
    void pagesHaveEveryVisibleRowOnce(int size) {
        for (Predicate<String> visible :
                List.<Predicate<String>>of(_ -> true, row -> row.endsWith("77"), _ -> false, "19999"::equals)) {
            List<String> seen = new ArrayList<>();
            Page<String> page = page("", size, visible);
            while (true) {
                seen.addAll(page.items());
                if (page.next().isEmpty() || seen.size() > 300) {
                    break;
                }
                assertThat(page.items()).hasSize(size);
                page = page(page.next().get(), size, visible);
            }
            List<String> all = ROWS.stream().filter(visible).toList();
            assertThat(seen).isEqualTo(all.subList(0, seen.size()));
            assertThat(page.next().isPresent() || seen.size() == all.size()).isTrue();
        }
    }

    @Test
    void aSmallPageBehindManyHiddenRowsTakesFewQueries() {
        assertThat(page("", 1, "19999"::equals).items()).containsExactly("19999");
        assertThat(queries).isLessThan(20);
    }
}
