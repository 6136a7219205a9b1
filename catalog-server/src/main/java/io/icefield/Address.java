package io.icefield;

import io.icefield.config.Settings;
import java.net.URI;

/// Where clients find the catalog. The port is known once the server listens on it: the settings may leave the
/// choice to the system.
final class Address {
    private final Settings settings;
    private volatile int port;

    Address(Settings settings) {
        this.settings = settings;
        this.port = settings.port();
    }

    void serves(int chosen) {
        port = chosen;
    }

    /// Of all that is served.
    URI base() {
        return settings.publicUri()
                .orElseGet(() -> URI.create("%s://%s:%d"
                        .formatted(settings.door().tls().isPresent() ? "https" : "http", settings.host(), port)));
    }

    /// The Iceberg REST catalog's.
    URI iceberg() {
        return iceberg(base());
    }

    /// Below the path that the address may have: a proxy serves us there.
    static URI iceberg(URI base) {
        return URI.create(base.toString().replaceAll("/+$", "") + "/iceberg");
    }
}
