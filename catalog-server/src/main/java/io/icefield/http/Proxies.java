package io.icefield.http;

import io.icefield.storage.Network;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;

/// Whom to believe when it says for whom it asks. Nothing else that a proxy adds is read: no address in an answer is
/// made of a request.
final class Proxies {
    private final List<Network> trusted;

    Proxies(List<Network> trusted) {
        this.trusted = trusted;
    }

    /// Where a request comes from: the last address that no trusted proxy has, as its neighbour reports it.
    ///
    /// @param neighbour who is connected to us
    /// @param forwarded all values of `X-Forwarded-For`, in their order
    String client(String neighbour, List<String> forwarded) {
        if (trusted.isEmpty()) {
            return neighbour;
        }
        List<String> hops = forwarded.stream()
                .flatMap(line -> Stream.of(line.split(",", -1)))
                .map(Proxies::bare)
                .toList()
                .reversed();
        String client = bare(neighbour);
        for (String hop : hops) {
            if (!isTrusted(client) || !isAddress(hop)) {
                break;
            }
            client = InetAddress.ofLiteral(hop).getHostAddress(); // all eight groups of an IPv6 one
        }
        return client;
    }

    private boolean isTrusted(String text) {
        if (!isAddress(text)) {
            return false;
        }
        InetAddress address = InetAddress.ofLiteral(text);
        return trusted.stream().anyMatch(network -> network.contains(address));
    }

    private static String bare(String address) {
        String text = address.strip();
        if (text.startsWith("[")) {
            return text.substring(1, text.indexOf(']') < 0 ? text.length() : text.indexOf(']'));
        }
        boolean hasPort = text.indexOf(':') >= 0 && text.indexOf(':') == text.lastIndexOf(':');
        return hasPort ? text.substring(0, text.indexOf(':')) : text;
    }

    private static boolean isAddress(String text) {
        try {
            return !text.contains("/") && Network.parse(text).bits() > 0;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
