package io.icefield.policy.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.TableName;
import io.icefield.policy.Violation;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamingTest {
    private static final Naming SNAKE = new Naming(
            NamePattern.of("[a-z_][a-z0-9_]*"), Set.of("GROUP", "order"), 20, Set.of(Naming.Subject.values()));

    private static Change adding(String column) {
        return new Change(
                Change.Kind.COMMIT,
                new TableName("sales", List.of("crm"), "SalesTerritories"),
                List.of(),
                List.of(new Column(1, column, "string", false, "", Set.of())),
                Map.of());
    }

    private static String message(String column) {
        List<Violation> found = SNAKE.check(adding(column));
        assertThat(found).map(Violation::code).containsExactly("naming/column");
        return found.getFirst().message();
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            OrderDate,      order_date
            orderDate,      order_date
            'order date',   order_date
            SalesYTD,       sales_ytd
            BusinessEntityID, business_entity_id
            HTTPServer,     http_server
            Café,           cafe
            order-date,     order_date
            2nd_choice,     _2_nd_choice
            group,          territory_group
            Order,          territory_order
            ID,             id
            AVeryLongNameOfAColumn, a_very_long_name_of
            """)
    void proposesANameThatItAccepts(String name, String better) {
        assertThat(message(name)).endsWith("; call it `" + better + "`");
        assertThat(SNAKE.check(adding(better))).isEmpty();
    }

    @Test
    void saysEverythingThatIsWrongWithAName() {
        assertThat(message("ORDER"))
                .isEqualTo(
                        "column `ORDER` must match `[a-z_][a-z0-9_]*` and is a reserved word; call it `territory_order`");
        assertThat(message("😀")).isEqualTo("column `😀` must match `[a-z_][a-z0-9_]*`; choose another name");
    }

    @Test
    void aMessageHoldsNothingThatCouldBreakALog() {
        assertThat(message("a`b\r\n\u202E\u0000c")).doesNotContain("a`b", "\r", "\n", "\u202E", "\u0000");
        assertThat(message("x".repeat(100_000)))
                .startsWith("column `" + "x".repeat(80) + "…` has 100000 characters, and at most 20 are allowed")
                .hasSizeLessThan(300);
    }

    @Test
    void theLongestNameHasALimit() {
        assertThatThrownBy(() -> new Naming(NamePattern.of("a"), Set.of(), 256, Set.of(Naming.Subject.TABLE)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
