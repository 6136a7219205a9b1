package io.icefield.http;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Closes connections that wait for their client too long: for the rest of a TLS handshake, of a request's head or
/// body,
/// or for its taking an answer. The web server's own timeout starts anew with every byte; this one does not. It looks
/// at all connections now and then, so that requests pay nothing for it. (Who reads a body, see [Bodies], is told so
/// before.)
final class SlowClients implements Runnable {
    private static final Duration LOOK_EVERY_MAX = Duration.ofSeconds(1);
    private static final Logger LOG = LoggerFactory.getLogger(SlowClients.class);

    private final ServerConnector connector;
    private final Patience patience;
    private final AtomicLong closed = new AtomicLong();
    private Map<EndPoint, Seen> seen = new HashMap<>();

    /// @param requests that came until then
    /// @param waiting for the client, and not the client for us
    /// @param since when it became so
    /// @param bytes that had come and gone by then
    /// @param bytesNow until the last look
    private record Seen(long requests, boolean waiting, long since, long bytes, long bytesNow) {}

    SlowClients(ServerConnector connector, Patience patience) {
        this.connector = connector;
        this.patience = patience;
    }

    /// How many so far.
    long closed() {
        return closed.get();
    }

    @Override
    public void run() {
        Duration pause = patience.grace().dividedBy(8);
        try {
            while (true) {
                Thread.sleep(pause.compareTo(LOOK_EVERY_MAX) < 0 ? pause : LOOK_EVERY_MAX);
                look(System.nanoTime());
            }
        } catch (InterruptedException _) {
            // the server stops
        }
    }

    private void look(long now) {
        Map<EndPoint, Seen> next = new HashMap<>();
        for (EndPoint each : connector.getConnectedEndPoints()) {
            Connection connection = each.getConnection();
            Connection inner = connection instanceof SslConnection ssl
                    ? ssl.getSslEndPoint().getConnection()
                    : connection;
            if (inner instanceof HttpConnection http) {
                Seen current = after(seen.get(each), http, now);
                next.put(each, current);
                long allowed = patience.idle().toNanos() + patience.nanos(current.bytesNow() - current.bytes());
                if (current.waiting() && now - current.since() > allowed) {
                    LOG.debug("a client was too slow: {}", each.getRemoteSocketAddress());
                    closed.incrementAndGet();
                    each.close(new TimeoutException("the client is too slow"));
                }
            }
        }
        seen = next;
    }

    private static Seen after(@Nullable Seen before, HttpConnection http, long now) {
        long requests = http.getMessagesIn();
        // When a request is there, with its body, it is ours until the first byte of its answer.
        boolean waiting = http.getHttpChannel().getRequest() == null
                || http.getParser().inContentState()
                || http.getGenerator().isCommitted();
        long bytes = http.getBytesIn() + http.getBytesOut();
        if (before == null) {
            return new Seen(requests, waiting, now, 0, bytes);
        }
        return before.requests() == requests && before.waiting() == waiting
                ? new Seen(requests, waiting, before.since(), before.bytes(), bytes)
                : new Seen(requests, waiting, now, before.bytesNow(), bytes);
    }
}
