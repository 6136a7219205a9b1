package io.icefield.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ColumnNamesTest {

    @ParameterizedTest(name = "{0} becomes {1}")
    @CsvSource({
        "BusinessEntityID, business_entity_id",
        "rowguid, rowguid",
        "SalesYTD, sales_ytd",
        "BOMLevel, bom_level",
        "AddressLine1, address_line1",
        "already_snake, already_snake",
        "Unit price (€), unit_price",
        "a.b/c, a_b_c",
        "2024 sales, _2024_sales",
        "Straße, straße",
        "ПолноеИмя, полное_имя",
        "ALLCAPS, allcaps",
    })
    void namesBecomeSnakeCase(String original, String name) {
        assertThat(ColumnNames.SNAKE_CASE.names(List.of(original))).containsExactly(name);
    }

    @Test
    void noTwoNamesAreEqual() {
        assertThat(ColumnNames.SNAKE_CASE.names(List.of("id", "ID", "Id", "id_2", "", "%", "column_5")))
                .containsExactly("id", "id_3", "id_4", "id_2", "column_5_2", "column_6", "column_5");
    }

    @Test
    void namesAsTheyAreMustDiffer() {
        assertThat(ColumnNames.AS_IS.names(List.of("Id", "ID", "a b"))).containsExactly("Id", "ID", "a b");
        assertThatThrownBy(() -> ColumnNames.AS_IS.names(List.of("x", "x"))).hasMessageContaining("`x`");
    }

    @Test
    void aVeryLongNameIsKept() {
        String name = "n".repeat(2000);
        assertThat(ColumnNames.SNAKE_CASE.names(List.of(name))).containsExactly(name);
    }
}
