package io.icefield.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredFileTest {
    private static final Location ORDERS = new Location("sales", "crm/orders");

    @Test
    void aFileOfTheFolderHasTheKeyThatItsAddressSays() {
        assertThat(StoredFile.in(ORDERS, "s3a://sales/crm/orders/data/at=00%3A00/x y.parquet"))
                .map(StoredFile::key)
                .hasValue("crm/orders/data/at=00%3A00/x y.parquet");
        assertThat(StoredFile.in(new Location("sales", ""), "s3://sales/x"))
                .map(StoredFile::key)
                .hasValue("x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3://sales/crm/orders2/x",
                "s3://sales/crm/orders",
                "s3://sales/crm/orders/",
                "s3://sales2/crm/orders/x",
                "s3://sales/crm/orders/../payments/x",
                "s3://sales/crm/orders/..\\payments",
                "s3://sales/crm/orders/./x",
                "s3://sales/crm/orders//x",
                "s3://sales/crm/orders/a\0b",
                "file:///sales/crm/orders/x",
                "crm/orders/x"
            })
    void everythingElseIsNotInside(String uri) {
        assertThat(StoredFile.in(ORDERS, uri)).isEmpty();
    }

    @Test
    void nobodyMakesOneThatLeavesItsFolder() {
        assertThatIllegalArgumentException().isThrownBy(() -> new StoredFile(ORDERS, "a/../../x"));
        assertThatIllegalArgumentException().isThrownBy(() -> new StoredFile(ORDERS, "x".repeat(1_020)));
    }
}
