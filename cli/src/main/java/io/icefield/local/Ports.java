package io.icefield.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// Which part listens where, on 127.0.0.1.
public record Ports(Map<Service, Integer> of) {
    /// The parts with a port, and the port each would like best.
    public enum Service {
        CATALOG(8181),
        S3(9000),
        TRINO(8443),
        POSTGRES(5433);

        private final int preferred;

        Service(int preferred) {
            this.preferred = preferred;
        }
    }

    public Ports {
        of = Map.copyOf(of);
    }

    public int port(Service service) {
        return Objects.requireNonNull(of.get(service), service.name());
    }

    /// What was asked for, or a refusal that names the port; else what was used last time; else what it would
    /// like best; else any free one. All are claimed.
    static Ports choose(Map<Service, Integer> asked, Map<Service, Integer> lastTime, PortClaims claims) {
        Map<Service, Integer> chosen = new EnumMap<>(Service.class);
        asked.forEach((service, port) -> {
            if (!claims.claim(port)) {
                throw new MeshException(
                        "port %d, asked for `%s`, is in use; stop what listens there or choose another port"
                                .formatted(port, label(service)));
            }
            chosen.put(service, port);
        });
        for (Service service : Service.values()) {
            if (chosen.containsKey(service)) {
                continue;
            }
            int port = lastTime.getOrDefault(service, service.preferred);
            boolean ours = claims.claim(port);
            if (!ours && port != service.preferred) {
                port = service.preferred;
                ours = claims.claim(port);
            }
            while (!ours) {
                port = any();
                ours = claims.claim(port);
            }
            chosen.put(service, port);
        }
        return new Ports(chosen);
    }

    static String label(Service service) {
        return service.name().toLowerCase(Locale.ROOT);
    }

    private static int any() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new MeshException("no free port on 127.0.0.1: " + MeshHome.reason(e), e);
        }
    }
}
