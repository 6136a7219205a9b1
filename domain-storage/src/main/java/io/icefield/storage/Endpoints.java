package io.icefield.storage;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Which stores the server may speak to. An address of a store is a caller's text, and behind it could be a metadata
/// service or the server's own machine: so it must be public, or allowed by the platform.
///
/// A name may mean another address at the next look. Therefore every connection is checked, and without TLS, which
/// proves the name, only names that are allowed and plain addresses will do.
public final class Endpoints {
    private static final Pattern AMAZON =
            Pattern.compile("([a-z0-9.-]+\\.)?(s3|sts)(\\.dualstack)?([.-][a-z0-9-]+)?\\.amazonaws\\.com(\\.cn)?");
    private static final Pattern NAME = Pattern.compile("[a-z0-9_]([a-z0-9_-]{0,62})(\\.[a-z0-9_]([a-z0-9_-]{0,62}))*");
    private static final Pattern IPV4 =
            Pattern.compile("(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})\\.(0|[1-9][0-9]{0,2})");
    private static final Pattern NUMBER = Pattern.compile("[0-9]+|0x[0-9a-f]*");
    /// Not the internet: this machine, private and shared networks, links, groups, what is reserved or for examples,
    /// and
    /// IPv6 that leads to IPv4.
    private static final List<Network> NOT_PUBLIC = List.of(
                    "0.0.0.0/8",
                    "10.0.0.0/8",
                    "100.64.0.0/10",
                    "127.0.0.0/8",
                    "169.254.0.0/16",
                    "172.16.0.0/12",
                    "192.0.0.0/24",
                    "192.0.2.0/24",
                    "192.88.99.0/24",
                    "192.168.0.0/16",
                    "198.18.0.0/15",
                    "198.51.100.0/24",
                    "203.0.113.0/24",
                    "224.0.0.0/3",
                    "::/8",
                    "64:ff9b::/16",
                    "100::/8",
                    "2001::/23",
                    "2001:db8::/32",
                    "2002::/16",
                    "3ffe::/16",
                    "5f00::/8",
                    "fc00::/7",
                    "fe80::/9",
                    "ff00::/8")
            .stream()
            .map(Network::parse)
            .toList();

    private static final int URI_CHARS_MAX = 300;

    private final Set<String> hosts = new HashSet<>();
    private final List<Network> networks = new ArrayList<>();
    private final Resolver resolver;

    /// Finds the addresses of a host; another one in tests.
    @FunctionalInterface
    public interface Resolver {
        InetAddress[] addresses(String host) throws UnknownHostException;
    }

    /// @param allowed hosts (`minio.internal`, `minio.internal:9000`) and networks (`10.1.0.0/16`) that may be
    /// spoken to whatever they are; throws `IllegalArgumentException` for what is neither
    public Endpoints(Collection<String> allowed) {
        this(allowed, InetAddress::getAllByName);
    }

    public Endpoints(Collection<String> allowed, Resolver resolver) {
        this.resolver = resolver;
        for (String each : allowed) {
            if (each.contains("/")) {
                networks.add(Network.parse(each));
            } else {
                hosts.add(each.toLowerCase(Locale.ROOT));
            }
        }
    }

    /// The host and port of an address, as they can be allowed.
    public static String authority(URI endpoint) {
        return host(endpoint) + ":" + port(endpoint);
    }

    /// The same place in one spelling. Throws `IllegalArgumentException` for what cannot be the address of a store.
    public static URI normal(URI endpoint) {
        String text = endpoint.toString();
        String scheme = String.valueOf(endpoint.getScheme()).toLowerCase(Locale.ROOT);
        if (text.length() > URI_CHARS_MAX
                || !(scheme.equals("http") || scheme.equals("https"))
                || endpoint.getHost() == null
                || endpoint.getRawUserInfo() != null
                || endpoint.getRawQuery() != null
                || endpoint.getRawFragment() != null
                || !Set.of("", "/").contains(endpoint.getRawPath())
                || endpoint.getPort() == 0
                || endpoint.getPort() > 65_535) {
            throw new IllegalArgumentException(
                    "a store's address is `https://host:port` or `http://host:port`, without a path, a user or a secret in it");
        }
        String host = host(endpoint);
        boolean usual = port(endpoint) == (scheme.equals("https") ? 443 : 80);
        return URI.create(scheme + "://" + host + (usual ? "" : ":" + port(endpoint)));
    }

    /// Throws `IllegalArgumentException` with the reason why the server does not speak to this address.
    public void check(URI address) {
        URI endpoint = normal(address);
        String host = host(endpoint);
        boolean secure = "https".equals(endpoint.getScheme());
        if (isAllowed(host, port(endpoint)) || (secure && AMAZON.matcher(host).matches())) {
            return;
        }
        boolean literal = host.startsWith("[") || IPV4.matcher(host).matches();
        // `127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`: systems read them differently.
        if (!literal
                && (!NAME.matcher(host).matches() || NUMBER.matcher(last(host)).matches())) {
            throw new IllegalArgumentException("`%s` is no host name and no usual address".formatted(host));
        }
        if (!literal && !secure) {
            throw new IllegalArgumentException(
                    "`%s` is spoken to with https only: without it, nobody proves who answers to that name"
                            .formatted(host));
        }
        for (InetAddress each : addresses(host)) {
            if (networks.stream().noneMatch(allowed -> allowed.contains(each))
                    && NOT_PUBLIC.stream().anyMatch(closed -> closed.contains(each))) {
                throw new IllegalArgumentException(
                        "`%s` is an address inside, not on the internet: the platform team allows such stores with `ICEFIELD_STORAGE_ALLOW`"
                                .formatted(host));
            }
        }
    }

    /// The same for one connection, whose address may have a path.
    public void checkConnection(URI address) {
        check(URI.create(address.getScheme() + "://" + address.getRawAuthority()));
    }

    private boolean isAllowed(String host, int port) {
        if (hosts.contains(host) || hosts.contains(host + ":" + port)) {
            return true;
        }
        // a bucket before the host
        return hosts.stream().anyMatch(each -> (host + ":" + port).endsWith("." + each) || host.endsWith("." + each));
    }

    private InetAddress[] addresses(String host) {
        try {
            return resolver.addresses(host);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("there is no host `%s`".formatted(host), e);
        }
    }

    private static String last(String host) {
        return host.substring(host.lastIndexOf('.') + 1);
    }

    private static String host(URI endpoint) {
        String host = Optional.ofNullable(endpoint.getHost()).orElse("").toLowerCase(Locale.ROOT);
        return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    }

    private static int port(URI endpoint) {
        return endpoint.getPort() > 0 ? endpoint.getPort() : "https".equalsIgnoreCase(endpoint.getScheme()) ? 443 : 80;
    }
}
