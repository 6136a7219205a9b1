package io.icefield.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointsTest {
    /// The names are nobody's: no look-up leaves this test.
    private static InetAddress[] addresses(String host) throws UnknownHostException {
        return switch (host) {
            case "store.example.com" -> new InetAddress[] {InetAddress.ofLiteral("93.184.216.34")};
            case "inside.example.com" -> new InetAddress[] {InetAddress.ofLiteral("10.1.2.3")};
            case "both.example.com" ->
                new InetAddress[] {InetAddress.ofLiteral("93.184.216.34"), InetAddress.ofLiteral("127.0.0.1")};
            default -> host.matches("[0-9.]+|\\[.*") ? InetAddress.getAllByName(host) : nobody(host);
        };
    }

    private static InetAddress[] nobody(String host) throws UnknownHostException {
        throw new UnknownHostException(host);
    }

    private final Endpoints closed = new Endpoints(List.of(), EndpointsTest::addresses);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:9000",
                "https://127.0.0.1",
                "http://0.0.0.0",
                "http://10.0.0.1",
                "http://172.16.0.1",
                "http://172.31.255.255",
                "http://192.168.1.1",
                "http://100.64.0.1",
                "http://169.254.169.254",
                "https://169.254.169.254/",
                "http://198.18.0.1",
                "http://224.0.0.1",
                "http://240.0.0.1",
                "http://255.255.255.255",
                "http://[::1]",
                "http://[::]",
                "http://[::ffff:127.0.0.1]",
                "http://[::ffff:7f00:1]",
                "http://[::ffff:169.254.169.254]",
                "http://[::127.0.0.1]",
                "http://[64:ff9b::a9fe:a9fe]",
                "http://[2002:7f00:1::]",
                "http://[2001:0:1::1]",
                "http://[fd00:ec2::254]",
                "http://[fc00::1]",
                "http://[fe80::1]",
                "http://[fe80::1%25eth0]",
                "http://[fec0::1]",
                "http://[ff02::1]",
                "http://2130706433",
                "http://127.1",
                "http://0177.0.0.1",
                "http://0x7f.0.0.1",
                "http://0x7f000001",
                "http://127.0.0.1.",
                "https://127.0.0.01",
                "https://1.2.3.0x4",
                "https://inside.example.com",
                "https://INSIDE.example.com.",
                "https://both.example.com",
                "http://store.example.com",
                "https://nowhere",
                "https://ec2-1-2-3-4.compute-1.amazonaws.com",
                "http://s3.amazonaws.com",
                "https://s3.amazonaws.com.evil",
                "https://user:password@store.example.com",
                "https://store.example.com@127.0.0.1",
                "https://127.0.0.1#@store.example.com",
                "https://store.example.com/path",
                "https://store.example.com?x",
                "https://store.example.com:0",
                "https://store.example.com:99999",
                "ftp://store.example.com",
                "file:///etc/passwd",
                "gopher://store.example.com",
                "jar:https://store.example.com!/",
                "//store.example.com",
                "store.example.com"
            })
    void whatIsInsideOrNoAddressOfAStoreIsRefused(String address) {
        assertThatIllegalArgumentException().isThrownBy(() -> closed.check(URI.create(address)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://store.example.com",
                "https://store.example.com:9000/",
                "https://93.184.216.34",
                "http://93.184.216.34:9000",
                "https://[2606:2800:220:1::1]",
                "https://s3.eu-central-1.amazonaws.com",
                "https://bucket.s3.eu-central-1.amazonaws.com",
                "https://s3.dualstack.us-east-1.amazonaws.com",
                "https://sts.amazonaws.com"
            })
    void whatIsOnTheInternetIsNot(String address) {
        assertThatCode(() -> closed.check(URI.create(address))).doesNotThrowAnyException();
    }

    @Test
    void thePlatformAllowsHostsWithOrWithoutTheirPortAndNetworks() {
        Endpoints some = new Endpoints(
                List.of("minio.internal", "127.0.0.1:9000", "10.1.0.0/16", "fd00:1::/32"), EndpointsTest::addresses);
        for (String allowed : List.of(
                "http://minio.internal:1234",
                "http://bucket.minio.internal",
                "http://127.0.0.1:9000",
                "https://inside.example.com",
                "http://10.1.255.1",
                "http://[fd00:1::5]")) {
            assertThatCode(() -> some.check(URI.create(allowed))).as(allowed).doesNotThrowAnyException();
        }
        for (String refused : List.of(
                "http://evilminio.internal",
                "http://127.0.0.1:9001",
                "http://127.0.0.2:9000",
                "http://inside.example.com",
                "http://10.2.0.1",
                "http://[fd00:2::5]")) {
            assertThatIllegalArgumentException().as(refused).isThrownBy(() -> some.check(URI.create(refused)));
        }
    }

    @Test
    void aNameThatMeansAnotherAddressLaterIsRefusedThen() {
        AtomicInteger looks = new AtomicInteger();
        Endpoints rebound = new Endpoints(List.of(), _ -> new InetAddress[] {
            InetAddress.ofLiteral(looks.getAndIncrement() == 0 ? "93.184.216.34" : "169.254.169.254")
        });
        rebound.check(URI.create("https://store.example.com"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rebound.checkConnection(URI.create("https://store.example.com/bucket/key?x=1")));
    }

    @Test
    void oneAddressHasOneSpelling() {
        assertThat(Endpoints.normal(URI.create("HTTPS://Store.Example.com:443/")))
                .isEqualTo(URI.create("https://store.example.com"));
        assertThat(Endpoints.normal(URI.create("http://store.example.com.:9000")))
                .isEqualTo(URI.create("http://store.example.com:9000"));
    }

    @Test
    void whatIsNoNetworkIsNotAllowed() {
        for (String wrong : List.of("10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/", "::/129")) {
            assertThatIllegalArgumentException().as(wrong).isThrownBy(() -> new Endpoints(List.of(wrong)));
        }
    }
}
