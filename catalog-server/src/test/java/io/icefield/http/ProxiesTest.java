package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.storage.Network;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProxiesTest {
    private static final Proxies TRUSTING =
            new Proxies(List.of(Network.parse("10.0.0.0/8"), Network.parse("192.168.7.7"), Network.parse("fd00::/8")));

    private static String client(String neighbour, String... forwarded) {
        return TRUSTING.client(neighbour, List.of(forwarded));
    }

    @Test
    void whoIsNotTrustedSpeaksForItself() {
        assertThat(client("203.0.113.9", "198.51.100.1")).isEqualTo("203.0.113.9");
        assertThat(client("192.168.7.8", "198.51.100.1")).isEqualTo("192.168.7.8");
        assertThat(new Proxies(List.of()).client("10.0.0.1", List.of("198.51.100.1")))
                .as("nobody is, unless it is said")
                .isEqualTo("10.0.0.1");
    }

    @Test
    void aProxySpeaksForItsNeighbour() {
        assertThat(client("10.0.0.1", "198.51.100.1")).isEqualTo("198.51.100.1");
        assertThat(client("192.168.7.7", "10.2.3.4"))
                .as("no client is further away")
                .isEqualTo("10.2.3.4");
        assertThat(client("10.0.0.1", "203.0.113.5, 10.9.9.9, 192.168.7.7")).isEqualTo("203.0.113.5");
        assertThat(client("10.0.0.1", "203.0.113.5", "10.9.9.9"))
                .as("in two lines")
                .isEqualTo("203.0.113.5");
        assertThat(client("[fd00:0:0:0:0:0:0:1]", "2001:db8::1"))
                .as("in one spelling")
                .isEqualTo("2001:db8:0:0:0:0:0:1");
        assertThat(client("10.0.0.1", "[2001:db8::1]:4711")).isEqualTo("2001:db8:0:0:0:0:0:1");
        assertThat(client("10.0.0.1", "203.0.113.5:8080"))
                .as("some proxies add the port")
                .isEqualTo("203.0.113.5");
        assertThat(client("10.0.0.1")).isEqualTo("10.0.0.1");
    }

    @Test
    void whatAClientMadeUpIsNotBelieved() {
        assertThat(client("10.0.0.1", "1.1.1.1, 203.0.113.5"))
                .as("only what the proxy saw")
                .isEqualTo("203.0.113.5");
        assertThat(client("10.0.0.1", "1.1.1.1", "203.0.113.5")).isEqualTo("203.0.113.5");
        for (String odd :
                List.of("", "unknown", "_hidden", "localhost", "127.1", "0x7f.0.0.1", "10.0.0.0/8", "999.1.1.1")) {
            assertThat(client("10.0.0.1", odd)).as(odd).isEqualTo("10.0.0.1");
            assertThat(client("10.0.0.1", "203.0.113.5, " + odd)).as(odd).isEqualTo("10.0.0.1");
        }
    }
}
