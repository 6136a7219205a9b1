package io.icefield.http;

import io.icefield.access.Throttle;
import io.icefield.storage.Network;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What keeps the server safe from who reaches its port, and its clients safe from others.
///
/// @param limit of each principal, and of each address that shows no token; engines have none
/// @param connectionsMax the next ones wait
/// @param tls empty: none, a proxy may have it
/// @param secure clients reach us by TLS only, here or at a proxy
/// @param proxies who may say for whom it asks
/// @param origins of pages that a browser lets read our answers
/// @param openMetrics `/metrics` needs no token
public record Protection(
        Throttle.Limit limit,
        int connectionsMax,
        Patience patience,
        Optional<Tls.Pem> tls,
        boolean secure,
        List<Network> proxies,
        Set<String> origins,
        boolean openMetrics) {
    public static final int CONNECTIONS_MAX = 4_000;

    public static final Protection USUAL = new Protection(
            Throttle.Limit.NONE, CONNECTIONS_MAX, Patience.USUAL, Optional.empty(), false, List.of(), Set.of(), false);
}
