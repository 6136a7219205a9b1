package io.icefield.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DomainNameTest {
    @ParameterizedTest
    @ValueSource(strings = {"ab", "sales", "a_b", "a1", "a23456789_123456789_123456789_1234567890"})
    void aNameIsAlsoABucketsName(String name) {
        String bucket = new DomainName(name).value().replace('_', '-');
        assertThat(new Location(bucket.length() < 3 ? bucket + "1" : bucket, "x").bucket())
                .startsWith(bucket);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "1a", "a_", "sales_", "_a", "a-b", "Sales", "system", "a b"})
    void whatIsNoNameIsRefused(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> new DomainName(name));
    }
}
