package io.icefield.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScopeTest {
    @ParameterizedTest
    @CsvSource({
        "orders,orders,true",
        "orders,orders2,false",
        "orders*,orders2,true",
        "ORDERS,orders,true",
        "*,'',true",
        "*_tmp,a_tmp_b_tmp,true",
        "*_tmp,a_tmp_b,false",
        "a?c,abc,true",
        "a?c,ac,false",
        "a.c,abc,false",
        "'','',true",
        "'',a,false",
    })
    void aGlobMatchesTheWholeName(String glob, String text, boolean expected) {
        assertThat(Scope.matches(glob, text)).isEqualTo(expected);
    }

    @Test
    void aGlobOfStarsIsQuick() {
        assertThat(Scope.matches("*a".repeat(500) + "b", "a".repeat(2_000))).isFalse();
    }

    @Test
    void eachListNarrows() {
        Scope scope = new Scope(List.of("sales", "hr*"), List.of("crm.*"), List.of("cust*"));
        assertThat(scope.holds(new TableName("hr_emea", List.of("crm", "eu"), "customers")))
                .isTrue();
        assertThat(scope.holds(new TableName("payments", List.of("crm", "eu"), "customers")))
                .isFalse();
        assertThat(scope.holds(new TableName("sales", List.of("crm"), "customers")))
                .isFalse();
        assertThat(scope.holds(new TableName("sales", List.of("crm", "eu"), "orders")))
                .isFalse();
        assertThat(scope.holds(new TableName("sales", List.of("crm", "eu"), "")))
                .isFalse();
        assertThat(Scope.EVERYTHING.holds(new TableName("sales", List.of("crm"), "")))
                .isTrue();
    }
}
