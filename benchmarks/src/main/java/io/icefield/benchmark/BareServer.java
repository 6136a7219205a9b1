package io.icefield.benchmark;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/// The bound of an answer: the web server that the catalog stands on, without anything on top. A virtual thread looks
/// the token up in a hash table and answers bytes that are ready. Argument: a folder; each file is served under its
/// name, with `.gz` behind it to who takes gzip. Environment: `TOKEN`. Prints its port.
public final class BareServer {
    private BareServer() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, byte[]> bodies = new HashMap<>();
        try (Stream<Path> files = Files.list(Path.of(arguments[0]))) {
            for (Path file : files.toList()) {
                bodies.put("/" + file.getFileName(), Files.readAllBytes(file));
            }
        }
        Server server = new Server(new QueuedThreadPool());
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        server.setHandler(new Ready(bodies, Map.of("Bearer " + System.getenv("TOKEN"), "caller")));
        server.start();
        System.out.println(connector.getLocalPort());
    }

    private static final class Ready extends Handler.Abstract {
        private final Map<String, byte[]> bodies;
        private final Map<String, String> callers;

        Ready(Map<String, byte[]> bodies, Map<String, String> callers) {
            this.bodies = bodies;
            this.callers = callers;
        }

        @Override
        public boolean handle(Request request, Response response, Callback callback) {
            String token = request.getHeaders().get(HttpHeader.AUTHORIZATION);
            if (token == null || !callers.containsKey(token)) {
                return false;
            }
            String path = request.getHttpURI().getPath();
            if (request.getMethod().equals("HEAD")) {
                response.setStatus(204);
                callback.succeeded();
                return true;
            }
            if (request.getHeaders().contains(HttpHeader.IF_NONE_MATCH)) {
                response.setStatus(304);
                callback.succeeded();
                return true;
            }
            boolean gzip = request.getHeaders().contains(HttpHeader.ACCEPT_ENCODING, "gzip");
            byte @Nullable [] body = bodies.get(gzip ? path + ".gz" : path);
            if (body == null) {
                return false;
            }
            List.of(
                            new HttpField(HttpHeader.CONTENT_TYPE, "application/json"),
                            new HttpField(HttpHeader.CONTENT_LENGTH, Integer.toString(body.length)))
                    .forEach(response.getHeaders()::put);
            response.write(true, ByteBuffer.wrap(body), callback);
            return true;
        }
    }
}
