package io.icefield.local;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashMap;
import java.util.Map;

/// Ports of 127.0.0.1 that are ours from the moment they are chosen, though the parts listen there only seconds
/// later: two meshes that start at the same moment, whoever starts them, never choose the same.
///
/// A claim is the UDP port of the same number. The kernel gives it to one process of the machine and takes it
/// back however that process ends, and a listener on TCP does not notice it.
final class PortClaims implements AutoCloseable {
    private final Map<Integer, DatagramSocket> held = new HashMap<>();

    /// Whether nobody listens there, nobody else has claimed it, and so it is ours until we close.
    synchronized boolean claim(int port) {
        if (held.containsKey(port)) {
            return false;
        }
        DatagramSocket claim;
        try {
            claim = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (IOException _) {
            return false;
        }
        if (!silent(port)) { // asked second: whoever was first with the claim may have begun to listen
            claim.close();
            return false;
        }
        held.put(port, claim);
        return true;
    }

    private static boolean silent(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // a port whose last connections are fading is free
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    @Override
    public synchronized void close() {
        held.values().forEach(DatagramSocket::close);
        held.clear();
    }
}
