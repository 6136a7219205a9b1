package io.icefield.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocationTest {
    private static final Location ORDERS = Location.parse("s3://sales/wh/orders");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3://sales/wh/*",
                "s3://sales/wh/or?ers",
                "s3://sales/wh/orders?x=1",
                "s3://sales/wh/orders#x",
                "s3://sales/wh/%2e%2e/customers",
                "s3://sales/wh/orders%2Fx",
                "s3://sales/wh/../customers",
                "s3://sales/wh/./orders",
                "s3://sales/..",
                "s3://sales/wh//orders",
                "s3://sales//wh",
                "s3://sales/wh/orders//",
                "s3://sales/wh/\"orders",
                "s3://sales/wh/'orders",
                "s3://sales/wh/`orders`",
                "s3://sales/wh/${aws:username}",
                "s3://sales/wh/{orders}",
                "s3://sales/wh/or\\ders",
                "s3://sales/wh/or\nders",
                "s3://sales/wh/or\u0000ders",
                "s3://sales/wh/or\u202eders",
                "s3://sales/wh/🦊",
                "s3://sales/wh/<orders>",
                "s3://sales/wh/a|b",
                "s3://Sales/wh",
                "s3://sa*es/wh",
                "s3:///wh",
                "s3://sales\u0000/wh",
                "s3://user@sales/wh",
                "s3://sales:9000/wh",
                "s4://sales/wh",
                "file:///etc/passwd",
                "/sales/wh",
                "s3:/sales/wh",
                ""
            })
    void whatCouldMeanSomethingElseIsNoLocation(String uri) {
        assertThatIllegalArgumentException().isThrownBy(() -> Location.parse(uri));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3://sales/wh/orders/data/ts_day=2026-01-01/00000-0-8f3c.parquet",
                "s3://sales/wh/orders/data/city=Zürich, Altstadt (1)/x.parquet",
                "s3://sales/wh/orders/metadata/00001-a.gz.metadata.json",
                "s3://sales/wh/注文/x",
                "s3://sales/wh/a+b@c~d!e:f/x",
                "s3://sales/wh/..orders/x"
            })
    void whatIcebergWritesIsOne(String uri) {
        assertThat(Location.parse(uri)).hasToString(uri);
    }

    @Test
    void aKeyHasAnEnd() {
        assertThatIllegalArgumentException().isThrownBy(() -> Location.parse("s3://sales/" + "x".repeat(2_000)));
        assertThatIllegalArgumentException().isThrownBy(() -> Location.parse("s3://sales/" + "注".repeat(342)));
        assertThat(Location.parse("s3://sales/" + "x".repeat(1_024)).key()).hasSize(1_024);
    }

    @Test
    void theSchemesOfHadoopAreTheSamePlaceAndASlashAtTheEndIsNothing() {
        assertThat(Location.parse("s3a://sales/wh/orders/")).isEqualTo(ORDERS);
        assertThat(Location.parse("s3n://sales/wh/orders")).isEqualTo(ORDERS);
        assertThat(Location.parse("s3://sales/")).isEqualTo(Location.parse("s3://sales"));
    }

    @Test
    void aNeighbourWithALongerNameIsNotWithin() {
        assertThat(Location.parse("s3://sales/wh/orders/data/x").isWithin(ORDERS))
                .isTrue();
        assertThat(ORDERS.isWithin(ORDERS)).isTrue();
        assertThat(Location.parse("s3://sales/wh/orders2").isWithin(ORDERS)).isFalse();
        assertThat(Location.parse("s3://sales/wh/orders2/x").isWithin(ORDERS)).isFalse();
        assertThat(Location.parse("s3://sales/wh").isWithin(ORDERS)).isFalse();
        assertThat(Location.parse("s3://sales2/wh/orders/x").isWithin(ORDERS)).isFalse();
        assertThat(ORDERS.isWithin(Location.parse("s3://sales"))).isTrue();
    }

    @Test
    void aMessageIsShortWhateverTheInput() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Location.parse("s3://" + "b".repeat(100_000) + "/x"))
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(500));
    }
}
