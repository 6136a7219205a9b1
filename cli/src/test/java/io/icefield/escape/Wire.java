package io.icefield.escape;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;

/// Requests on a bare connection each: nothing is normalised, checked or made well-formed.
final class Wire {
    private static final int ANSWER_MILLIS_MAX = 10_000;

    private final URI server;
    private final String host;

    /// @param host what requests say that they are for, if they do not say another
    Wire(URI server, String host) {
        this.server = server;
        this.host = host;
    }

    String host() {
        return host;
    }

    Reply send(Ask ask) {
        StringBuilder head = new StringBuilder(ask.method() + " " + ask.target() + " HTTP/1.1\r\n");
        if (!ask.has("Host")) {
            head.append("Host: ").append(host).append("\r\n");
        }
        ask.headers().forEach(each -> head.append(each).append("\r\n"));
        if (!ask.has("Content-Length")) {
            head.append("Content-Length: ").append(ask.body().length).append("\r\n");
        }
        head.append("Connection: close\r\n\r\n");
        try (Socket socket = new Socket(server.getHost(), server.getPort())) {
            socket.setSoTimeout(ANSWER_MILLIS_MAX);
            OutputStream out = socket.getOutputStream();
            out.write(head.toString().getBytes(UTF_8));
            out.write(ask.body());
            out.flush();
            return Reply.of(all(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(ask.toString(), e);
        }
    }

    /// Until the other side ends, however it does.
    private static byte[] all(Socket socket) {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        byte[] some = new byte[8_192];
        try {
            for (int n = socket.getInputStream().read(some);
                    n >= 0;
                    n = socket.getInputStream().read(some)) {
                received.write(some, 0, n);
            }
        } catch (SocketTimeoutException e) {
            throw new AssertionError("no end of the answer", e);
        } catch (IOException reset) {
            // what came before counts
        }
        return received.toByteArray();
    }
}
