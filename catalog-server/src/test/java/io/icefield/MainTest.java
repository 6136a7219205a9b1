package io.icefield;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import java.util.List;
import org.junit.jupiter.api.Test;

class MainTest {
    @Test
    void everyDomainHasABucketThatCanBe() {
        for (String name : List.of("hr", "sales", "human_resources", "a23456789_123456789_123456789_1234567890")) {
            String bucket = Main.bucket("", new DomainName(name));
            assertThat(new Location(bucket, "x").bucket()).isEqualTo(bucket);
        }
        assertThat(Main.bucket("", new DomainName("human_resources"))).isEqualTo("human-resources");
        assertThat(Main.bucket("acme-", new DomainName("hr"))).isEqualTo("acme-hr");
    }
}
