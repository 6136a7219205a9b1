package io.icefield.escape;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Stands between the catalog server and its store, and remembers what it asks with its own key.
final class Relay implements AutoCloseable {
    private static final Pattern TOUCHED = Pattern.compile(
            "(?m)^(?:GET|HEAD|PUT|POST|DELETE) (\\S+) HTTP/1\\.1\r\n|<Key>([^<]*)</Key>|(?i:x-amz-copy-source): *(\\S+)");

    private final ServerSocket door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<ByteArrayOutputStream> sent = new CopyOnWriteArrayList<>();
    private final URI store;

    Relay(URI store) throws IOException {
        this.store = store;
        Thread.ofPlatform().daemon().name("relay").start(this::accept);
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + door.getLocalPort());
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket client = door.accept();
                Socket server = new Socket(store.getHost(), store.getPort());
                ByteArrayOutputStream record = new ByteArrayOutputStream();
                sent.add(record);
                Thread.ofPlatform().daemon().start(() -> pipe(client, server, record));
                Thread.ofPlatform().daemon().start(() -> pipe(server, client, OutputStream.nullOutputStream()));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private static void pipe(Socket from, Socket to, OutputStream record) {
        byte[] some = new byte[65_536];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(some); n >= 0; n = in.read(some)) {
                record.write(some, 0, n);
                out.write(some, 0, n);
                out.flush();
            }
        } catch (IOException gone) {
            // one of them hung up
        }
    }

    /// The addresses and keys that the server has asked the store for.
    List<String> touched() {
        List<String> touched = new ArrayList<>();
        for (ByteArrayOutputStream each : sent) {
            Matcher match = TOUCHED.matcher(each.toString(ISO_8859_1));
            while (match.find()) {
                for (int group = 1; group <= 3; group++) {
                    if (match.group(group) != null) {
                        touched.add(URLDecoder.decode(match.group(group), StandardCharsets.UTF_8));
                    }
                }
            }
        }
        return touched;
    }

    @Override
    public void close() throws IOException {
        door.close();
    }
}
