package io.icefield.benchmark;

import io.javalin.Javalin;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// The bound of a load: Javalin on virtual threads that looks a token up in a hash table and answers bytes it has
/// ready. Argument: the file with the bytes. Environment: `TOKEN`. Prints its port.
public final class BareServer {
    private BareServer() {}

    public static void main(String[] arguments) throws Exception {
        byte[] body = Files.readAllBytes(Path.of(arguments[0]));
        Map<String, String> callers = Map.of("Bearer " + System.getenv("TOKEN"), "caller");
        Javalin server = Javalin.create(config -> {
            config.concurrency.useVirtualThreads = true;
            config.startup.showJavalinBanner = false;
            config.routes.get("/table", context -> {
                String authorization = context.header("Authorization");
                if (authorization == null || !callers.containsKey(authorization)) {
                    context.status(401);
                    return;
                }
                context.contentType("application/json").result(body);
            });
        });
        server.start("127.0.0.1", 0);
        System.out.println(server.port());
    }
}
