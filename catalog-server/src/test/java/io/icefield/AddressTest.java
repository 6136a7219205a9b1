package io.icefield;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.config.Settings;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AddressTest {
    private static Settings settings(Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "ICEFIELD_DATABASE_URL", "jdbc:postgresql://x/y",
                "ICEFIELD_S3_ACCESS_KEY", "a",
                "ICEFIELD_S3_SECRET_KEY", "b"));
        environment.putAll(more);
        return Settings.from(environment);
    }

    @Test
    void aPortThatTheSystemChoseIsNamed() {
        Address address = new Address(settings(Map.of("ICEFIELD_PORT", "0")));
        address.serves(4711);
        assertThat(address.iceberg()).isEqualTo(URI.create("http://127.0.0.1:4711/iceberg"));
    }

    @Test
    void thePathOfThePublicAddressStays() {
        for (String base : new String[] {"https://mesh.example/catalog", "https://mesh.example/catalog/"}) {
            assertThat(new Address(settings(Map.of("ICEFIELD_PUBLIC_URI", base))).iceberg())
                    .isEqualTo(URI.create("https://mesh.example/catalog/iceberg"));
        }
        assertThat(Address.iceberg(URI.create("http://host:1"))).isEqualTo(URI.create("http://host:1/iceberg"));
    }
}
