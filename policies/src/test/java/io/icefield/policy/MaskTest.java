package io.icefield.policy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MaskTest {
    @ParameterizedTest
    @CsvSource({
        "MASK_ALPHANUM,string,MASK_ALPHANUM",
        "SHOW_LAST_4,string,SHOW_LAST_4",
        "SHOW_LAST_4,date,REPLACE_WITH_NULL",
        "SHOW_LAST_4,long,REPLACE_WITH_NULL",
        "SHOW_FIRST_4,binary,REPLACE_WITH_NULL",
        "SHA_256_GLOBAL,string,SHA_256_GLOBAL",
        "SHA_256_GLOBAL,uuid,REPLACE_WITH_NULL",
        "SHA_256_QUERY_LOCAL,int,REPLACE_WITH_NULL",
        "TRUNCATE_TO_YEAR,date,TRUNCATE_TO_YEAR",
        "TRUNCATE_TO_YEAR,timestamptz,TRUNCATE_TO_YEAR",
        "TRUNCATE_TO_MONTH,timestamp_ns,TRUNCATE_TO_MONTH",
        "TRUNCATE_TO_YEAR,time,REPLACE_WITH_NULL",
        "TRUNCATE_TO_YEAR,string,REPLACE_WITH_NULL",
        "MASK_TO_FIXED_VALUE,'decimal(9, 2)',MASK_TO_FIXED_VALUE",
        "MASK_TO_FIXED_VALUE,date,MASK_TO_FIXED_VALUE",
        "MASK_TO_FIXED_VALUE,boolean,REPLACE_WITH_NULL",
        "MASK_ALPHANUM,list,REPLACE_WITH_NULL",
        "MASK_ALPHANUM,list<string>,REPLACE_WITH_NULL",
        "MASK_TO_FIXED_VALUE,struct,REPLACE_WITH_NULL",
        "MASK_ALPHANUM,variant,REPLACE_WITH_NULL",
    })
    void aMaskThatTheTypeCannotTakeIsNull(Mask mask, String type, Mask effective) {
        assertThat(mask.on(type)).isEqualTo(effective);
    }

    @ParameterizedTest
    @ValueSource(strings = {"geometry", "unknown", "", "list", "map", "struct", "fixed[16]", "type of tomorrow"})
    void aTypeNobodyKnowsTakesOnlyNull(String type) {
        for (Mask mask : Mask.values()) {
            assertThat(mask.on(type)).isEqualTo(Mask.REPLACE_WITH_NULL);
        }
    }

    @ParameterizedTest
    @EnumSource(Mask.class)
    void ofTwoMasksTheStricterIsTheSameEitherWay(Mask one) {
        for (Mask other : Mask.values()) {
            assertThat(one.stricter(other)).isEqualTo(other.stricter(one)).isIn(one, other);
        }
        assertThat(one.stricter(Mask.REPLACE_WITH_NULL)).isEqualTo(Mask.REPLACE_WITH_NULL);
    }

    @Test
    void actionsHaveTheNamesOfTheSpecification() {
        assertThat(Mask.ofAction("show-last-4")).contains(Mask.SHOW_LAST_4);
        assertThat(Mask.ofAction("sha-256-query-local")).contains(Mask.SHA_256_QUERY_LOCAL);
        assertThat(Mask.ofAction("SHOW_LAST_4")).isEmpty();
        assertThat(Mask.REPLACE_WITH_NULL.action()).isEqualTo("replace-with-null");
    }
}
