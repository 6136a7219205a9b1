package io.icefield.http;

import java.io.IOException;
import java.util.Objects;

/// One method of one path. There is no route without a word on what it needs of its caller.
///
/// @param path template: a `{name}` is one segment
/// @param bodyBytesMax a longer body is refused unread
/// @param effect what it does to the mesh, and so how its decisions are logged
record Route(String method, String path, Needs needs, Effect effect, int bodyBytesMax, Handler handler) {
    /// What comes of a request.
    enum Effect {
        /// Nobody decides anything.
        NOTHING,
        READS,
        CHANGES
    }

    Route {
        // Also where nobody checked for null: such a route must not be served.
        Objects.requireNonNull(needs, () -> "%s %s does not say what it needs of its caller".formatted(method, path));
    }

    static final int BODY_BYTES_MAX = 1 << 20;

    /// Turns one request into an answer.
    @FunctionalInterface
    interface Handler {
        Answer answer(Call call) throws IOException;
    }

    static Route get(String path, Handler handler, Needs needs) {
        return new Route("GET", path, needs, read(needs), BODY_BYTES_MAX, handler);
    }

    static Route head(String path, Handler handler, Needs needs) {
        return new Route("HEAD", path, needs, read(needs), BODY_BYTES_MAX, handler);
    }

    static Route post(String path, Handler handler, Needs needs) {
        return new Route("POST", path, needs, Effect.CHANGES, BODY_BYTES_MAX, handler);
    }

    static Route put(String path, Handler handler, Needs needs) {
        return new Route("PUT", path, needs, Effect.CHANGES, BODY_BYTES_MAX, handler);
    }

    static Route patch(String path, Handler handler, Needs needs) {
        return new Route("PATCH", path, needs, Effect.CHANGES, BODY_BYTES_MAX, handler);
    }

    static Route delete(String path, Handler handler, Needs needs) {
        return new Route("DELETE", path, needs, Effect.CHANGES, BODY_BYTES_MAX, handler);
    }

    private static Effect read(Needs needs) {
        return needs == Needs.NOTHING ? Effect.NOTHING : Effect.READS;
    }

    /// The same route with another limit for its body.
    Route limit(int bytesMax) {
        return new Route(method, path, needs, effect, bytesMax, handler);
    }

    /// The same route, of which no decision is logged: it answers also while the log does not.
    Route unlogged() {
        return new Route(method, path, needs, Effect.NOTHING, bodyBytesMax, handler);
    }

    /// The same route, which changes nothing whatever its method.
    Route reads() {
        return new Route(method, path, needs, Effect.READS, bodyBytesMax, handler);
    }
}
