package io.icefield.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

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
    /// like best; else any free one.
    public static Ports choose(Map<Service, Integer> asked, Map<Service, Integer> lastTime) {
        Map<Service, Integer> chosen = new EnumMap<>(Service.class);
        Set<Integer> taken = new HashSet<>(asked.values());
        asked.forEach((service, port) -> {
            if (!free(port)) {
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
            int last = lastTime.getOrDefault(service, service.preferred);
            int port = last;
            if (taken.contains(port) || !free(port)) {
                port = service.preferred;
            }
            while (taken.contains(port) || !free(port)) {
                port = any();
            }
            taken.add(port);
            chosen.put(service, port);
        }
        return new Ports(chosen);
    }

    static String label(Service service) {
        return service.name().toLowerCase(Locale.ROOT);
    }

    private static boolean free(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // a port whose last connections are fading is free
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    private static int any() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new MeshException("no free port on 127.0.0.1: " + MeshHome.reason(e), e);
        }
    }
}
