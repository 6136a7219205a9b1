package io.icefield.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;

/// A connection to a server, byte by byte: what no client library sends.
final class Raw implements AutoCloseable {
    private static final int UNREAD_BYTES_MAX = 4 << 10;

    private final Socket socket = new Socket();

    Raw(RunningServer mesh) throws IOException {
        // The system takes no more for a client that does not read.
        socket.setReceiveBufferSize(UNREAD_BYTES_MAX);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), mesh.server.port()));
        socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
        socket.setTcpNoDelay(true);
    }

    /// The lines of a head, separated by `|`.
    Raw head(String head) throws IOException {
        return send(head.replace("|", "\r\n") + "\r\n\r\n");
    }

    Raw send(String text) throws IOException {
        return send(text.getBytes(ISO_8859_1));
    }

    Raw send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
        return this;
    }

    InputStream in() throws IOException {
        return socket.getInputStream();
    }

    /// All until the server closes the connection.
    String rest() throws IOException {
        return new String(in().readAllBytes(), ISO_8859_1);
    }

    /// The next bytes that come; empty after `patience`.
    String next(Duration patience) throws IOException {
        socket.setSoTimeout((int) patience.toMillis());
        byte[] part = new byte[UNREAD_BYTES_MAX];
        try {
            int count = in().read(part);
            return count < 0 ? "" : new String(part, 0, count, ISO_8859_1);
        } catch (SocketTimeoutException e) {
            return "";
        } finally {
            socket.setSoTimeout((int) RunningServer.PATIENCE.toMillis());
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
