package io.icefield.benchmark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// One caller's connection: HTTP/1.1 with as little work as possible, because what measures runs on the processors
/// that it measures. One request at a time.
final class Wire implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int from;
    private int to;

    Wire(URI server) throws IOException {
        this.socket = new Socket(server.getHost(), server.getPort());
        this.socket.setTcpNoDelay(true);
        this.in = socket.getInputStream();
        this.out = socket.getOutputStream();
    }

    /// A request as it goes over the wire.
    ///
    /// @param head lines of the head, each with its end
    static byte[] request(String method, String path, String head, String body) {
        String length = body.isEmpty() && !method.equals("POST")
                ? ""
                : "Content-Type: application/json\r\nContent-Length: %d\r\n".formatted(body.getBytes(UTF_8).length);
        return "%s %s HTTP/1.1\r\nHost: mesh\r\n%s%s\r\n%s"
                .formatted(method, path, head, length, body)
                .getBytes(UTF_8);
    }

    /// Sends, and passes over the body of the answer.
    int status(byte[] request) throws IOException {
        return exchange(request, false).status();
    }

    /// Sends, and reads all of the answer.
    Reply reply(byte[] request) throws IOException {
        return exchange(request, true);
    }

    /// @param head all its lines
    record Reply(int status, String head, byte[] body) {
        String text() {
            return new String(body, UTF_8);
        }

        Optional<String> header(String name) {
            String wanted = name.toLowerCase(Locale.ROOT) + ":";
            return head.lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(wanted))
                    .map(line -> line.substring(wanted.length()).strip())
                    .findFirst();
        }
    }

    private Reply exchange(byte[] request, boolean keep) throws IOException {
        out.write(request);
        String head = head();
        int status = Integer.parseInt(head.substring(9, 12));
        String lower = head.toLowerCase(Locale.ROOT);
        if (request[0] == 'H' || status == 204 || status == 304) {
            return new Reply(status, head, new byte[0]);
        }
        if (lower.contains("transfer-encoding: chunked")) {
            byte[] all = new byte[0];
            for (int size = chunk(); size > 0; size = chunk()) {
                byte[] part = body(size, keep);
                if (keep) {
                    int length = all.length;
                    all = Arrays.copyOf(all, length + part.length);
                    System.arraycopy(part, 0, all, length, part.length);
                }
                line();
            }
            line();
            return new Reply(status, head, all);
        }
        int at = lower.indexOf("content-length:") + "content-length:".length();
        int length =
                Integer.parseInt(lower.substring(at, lower.indexOf('\r', at)).strip());
        return new Reply(status, head, body(length, keep));
    }

    private byte[] body(int length, boolean keep) throws IOException {
        byte[] body = new byte[keep ? length : 0];
        for (int done = 0; done < length; ) {
            if (from == to) {
                fill();
            }
            int part = Math.min(to - from, length - done);
            if (keep) {
                System.arraycopy(buffer, from, body, done, part);
            }
            from += part;
            done += part;
        }
        return body;
    }

    private int chunk() throws IOException {
        return Integer.parseInt(line().strip(), 16);
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = next(); c != '\n'; c = next()) {
            line.append((char) c);
        }
        return line.toString();
    }

    /// Up to the empty line.
    private String head() throws IOException {
        if (from == to) {
            fill();
        }
        int start = from;
        for (int i = from; i + 3 < to; i++) {
            if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') {
                from = i + 4;
                return new String(buffer, start, i + 2 - start, ISO_8859_1);
            }
        }
        throw new IOException("the head of an answer came in parts");
    }

    private int next() throws IOException {
        if (from == to) {
            fill();
        }
        return buffer[from++] & 0xFF;
    }

    private void fill() throws IOException {
        from = 0;
        to = in.read(buffer);
        if (to < 0) {
            to = 0;
            throw new EOFException("the server has closed the connection");
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
