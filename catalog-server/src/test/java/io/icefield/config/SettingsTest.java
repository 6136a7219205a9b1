package io.icefield.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Throttle.Limit;
import io.icefield.storage.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class SettingsTest {
    private static final Map<String, String> NEEDED = Map.of(
            "ICEFIELD_DATABASE_URL",
            "jdbc:postgresql://db/icefield",
            "ICEFIELD_S3_ACCESS_KEY",
            "a",
            "ICEFIELD_S3_SECRET_KEY",
            "s");

    private static Settings.Door door(String... pairs) {
        Map<String, String> all = new HashMap<>(NEEDED);
        for (int i = 0; i < pairs.length; i += 2) {
            all.put(pairs[i], pairs[i + 1]);
        }
        return Settings.from(all).door();
    }

    @Test
    void theDoorIsShutAsFarAsNobodyIsKeptOut() {
        Settings.Door usual = door();
        assertThat(usual.limit()).isEqualTo(new Limit(20_000, 40_000, 100));
        assertThat(usual.connectionsMax()).isEqualTo(4_000);
        assertThat(usual.tls()).isEmpty();
        assertThat(usual.proxies()).isEmpty();
        assertThat(usual.origins()).isEmpty();
        assertThat(usual.openMetrics()).isFalse();
    }

    @Test
    void eachOfItsSettingsIsRead() {
        Settings.Door door = door(
                "ICEFIELD_RATE_LIMIT",
                "100",
                "ICEFIELD_RATE_BURST",
                "500",
                "ICEFIELD_CONCURRENT_REQUESTS",
                "8",
                "ICEFIELD_CONNECTIONS_MAX",
                "50",
                "ICEFIELD_TLS_CERTIFICATE",
                "/tls/tls.crt",
                "ICEFIELD_TLS_KEY",
                "/tls/tls.key",
                "ICEFIELD_TRUSTED_PROXIES",
                "10.0.0.0/8, 192.168.1.1",
                "ICEFIELD_CORS_ORIGINS",
                "https://portal.example,http://localhost:3000",
                "ICEFIELD_METRICS",
                "open");
        assertThat(door.limit()).isEqualTo(new Limit(100, 500, 8));
        assertThat(door.connectionsMax()).isEqualTo(50);
        assertThat(door.tls()).hasValue(new Settings.Tls(Path.of("/tls/tls.crt"), Path.of("/tls/tls.key")));
        assertThat(door.proxies()).containsExactly(Network.parse("10.0.0.0/8"), Network.parse("192.168.1.1/32"));
        assertThat(door.origins()).containsExactlyInAnyOrder("https://portal.example", "http://localhost:3000");
        assertThat(door.openMetrics()).isTrue();
        assertThat(door("ICEFIELD_RATE_LIMIT", "0", "ICEFIELD_CONCURRENT_REQUESTS", "0")
                        .limit()
                        .perSecond())
                .isZero();
    }

    @Test
    void whatCannotBeMeantIsRefused() {
        for (List<String> each : List.of(
                List.of("ICEFIELD_RATE_LIMIT", "-1"),
                List.of("ICEFIELD_RATE_LIMIT", "many"),
                List.of("ICEFIELD_CONNECTIONS_MAX", "99999999999"),
                List.of("ICEFIELD_TLS_KEY", "/tls/tls.key"),
                List.of("ICEFIELD_TLS_CERTIFICATE", "/tls/tls.crt"),
                List.of("ICEFIELD_TRUSTED_PROXIES", "proxy.internal"),
                List.of("ICEFIELD_TRUSTED_PROXIES", "10.0.0.0/33"),
                List.of("ICEFIELD_CORS_ORIGINS", "*"),
                List.of("ICEFIELD_CORS_ORIGINS", "https://portal.example/"),
                List.of("ICEFIELD_CORS_ORIGINS", "https://*.example"),
                List.of("ICEFIELD_CORS_ORIGINS", "null"),
                List.of("ICEFIELD_METRICS", "yes"))) {
            assertThatThrownBy(() -> door(each.toArray(String[]::new)))
                    .as("%s", each)
                    .isInstanceOf(Settings.Unusable.class)
                    .hasMessageContaining("ICEFIELD_");
        }
    }

    /// A name that the table lists and nobody reads is one of the problems.
    @Test
    void theTableInTheReadmeListsWhatIsRead() throws IOException {
        Set<String> listed = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("../README.md"))) {
            if (line.startsWith("| `ICEFIELD_")) {
                Matcher name = Pattern.compile("`(ICEFIELD_[A-Z0-9_]+)`").matcher(line.split("\\|", -1)[1]);
                while (name.find()) {
                    listed.add(name.group(1));
                }
            }
        }
        String code = Files.readString(Path.of("src/main/java/io/icefield/config/Settings.java"));
        Set<String> read = new TreeSet<>();
        Matcher name = Pattern.compile("reader\\s*\\.(?:read|value|required|optional)\\(\\s*\"([A-Z0-9_]+)\"")
                .matcher(code);
        while (name.find()) {
            read.add("ICEFIELD_" + name.group(1));
        }
        assertThat(listed).isEqualTo(read);
    }
}
