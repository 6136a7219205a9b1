package io.icefield.http;

import java.io.IOException;
import java.util.Objects;

/// One method of one path. There is no route without a word on what it needs of its caller.
///
/// @param path template: a `{name}` is one segment
/// @param bodyBytesMax a longer body is refused unread
record Route(String method, String path, Needs needs, int bodyBytesMax, Handler handler) {
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
        return new Route("GET", path, needs, BODY_BYTES_MAX, handler);
    }

    static Route head(String path, Handler handler, Needs needs) {
        return new Route("HEAD", path, needs, BODY_BYTES_MAX, handler);
    }

    static Route post(String path, Handler handler, Needs needs) {
        return new Route("POST", path, needs, BODY_BYTES_MAX, handler);
    }

    static Route put(String path, Handler handler, Needs needs) {
        return new Route("PUT", path, needs, BODY_BYTES_MAX, handler);
    }

    static Route patch(String path, Handler handler, Needs needs) {
        return new Route("PATCH", path, needs, BODY_BYTES_MAX, handler);
    }

    static Route delete(String path, Handler handler, Needs needs) {
        return new Route("DELETE", path, needs, BODY_BYTES_MAX, handler);
    }

    /// The same route with another limit for its body.
    Route limit(int bytesMax) {
        return new Route(method, path, needs, bytesMax, handler);
    }
}
