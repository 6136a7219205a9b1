package io.icefield.http;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One request to one route: its text decoded once, strictly, and its body never longer than the route allows.
final class Call implements AutoCloseable {
    /// Of an IPv6 address: who has one has the 2^64 beside it.
    private static final int NETWORK_GROUPS = 4;

    private final HttpServletRequest request;
    private final Route route;
    private final Optional<Principal> who;
    private final Bodies bodies;
    private final String address;
    private @Nullable String body;
    private @Nullable Runnable done;

    /// @param address where the request comes from
    Call(HttpServletRequest request, Route route, Optional<Principal> who, String address, Bodies bodies) {
        this.request = request;
        this.route = route;
        this.who = who;
        this.address = address;
        this.bodies = bodies;
    }

    /// Who calls; only for routes that need a login.
    Principal who() {
        return who.orElseThrow(() -> new IllegalStateException("a route that needs nothing asks who calls"));
    }

    /// A decoded segment of the path.
    String path(String name) {
        return path(request, route, name);
    }

    static String path(HttpServletRequest request, Route route, String name) {
        String[] template = route.path().split("/", -1);
        String[] segments = request.getRequestURI().split("/", -1);
        for (int i = 0; i < Math.min(template.length, segments.length); i++) {
            if (template[i].equals("{" + name + "}")) {
                return Text.decoded(segments[i]);
            }
        }
        throw new IllegalStateException("no {%s} in %s".formatted(name, route.path()));
    }

    /// Has the route this segment?
    boolean has(String name) {
        return route.path().contains("{" + name + "}");
    }

    Optional<String> query(String name) {
        String raw = request.getQueryString();
        return raw == null
                ? Optional.empty()
                : Optional.ofNullable(Text.form(raw).get(name));
    }

    /// The same as it came, for what is split before it is decoded.
    Optional<String> rawQuery(String name) {
        String raw = request.getQueryString();
        return raw == null
                ? Optional.empty()
                : Stream.of(raw.split("&", -1))
                        .filter(pair -> pair.startsWith(name + "="))
                        .map(pair -> pair.substring(name.length() + 1))
                        .findFirst();
    }

    Optional<String> header(String name) {
        return Optional.ofNullable(request.getHeader(name));
    }

    /// All lines of a header as one.
    Optional<String> headers(String name) {
        List<String> lines = Collections.list(request.getHeaders(name));
        return lines.isEmpty() ? Optional.empty() : Optional.of(String.join(",", lines));
    }

    /// Path and query, as they came.
    String address() {
        String query = request.getQueryString();
        return request.getMethod() + " " + request.getRequestURI() + (query == null ? "" : "?" + query);
    }

    /// The machine that calls, or the network of one that has many addresses.
    String caller() {
        return network(address);
    }

    static String network(String address) {
        String[] groups = address.replace("[", "").split(":", -1);
        return groups.length < NETWORK_GROUPS + 1
                ? address
                : String.join(":", List.of(groups).subList(0, NETWORK_GROUPS));
    }

    String template() {
        return route.path();
    }

    /// The body as text, unpacked if it is gzip'd; throws `TooLarge` without reading or unpacking more than the
    /// route allows.
    String body() {
        String known = body;
        if (known == null) {
            known = read();
            body = known;
        }
        return known;
    }

    private String read() {
        if (request.getContentLengthLong() > route.bodyBytesMax()) {
            throw Bodies.tooLarge(route.bodyBytesMax());
        }
        boolean gzip = isGzip();
        try {
            Bodies.Body whole = bodies.read(
                    request.getInputStream(),
                    request.getContentLengthLong(),
                    gzip,
                    route.bodyBytesMax(),
                    who.map(Principal::name).orElse("callers without a token"), // together as many as one principal
                    who.filter(by -> by.kind() == Principal.Kind.ENGINE).isPresent()
                            ? Bodies.ARRIVING_MAX
                            : Bodies.ARRIVING_OF_ONE_MAX);
            done = whole.done();
            return Text.utf8(whole.bytes(), "the body");
        } catch (IOException e) {
            throw new Refusal.Invalid("the body ended early");
        }
    }

    private boolean isGzip() {
        return switch (header("Content-Encoding").orElse("").strip().toLowerCase(Locale.ROOT)) {
            case "", "identity" -> false;
            case "gzip", "x-gzip" -> true;
            default -> throw new Refusal.Invalid("send the body plain or with `Content-Encoding: gzip`");
        };
    }

    /// The body is needed no more.
    @Override
    public void close() {
        Runnable last = done;
        if (last != null) {
            done = null;
            last.run();
        }
    }

    /// The body as a JSON object, an empty one if there is none.
    Fields optionalJson() {
        return body().isBlank() ? new Fields(Json.tree("{}")) : json();
    }

    /// The body as a JSON object.
    Fields json() {
        return new Fields(Json.tree(body()));
    }

    /// The body as JSON text that others read.
    String jsonText() {
        String text = body();
        Json.check(text);
        return text;
    }

    Map<String, String> form() {
        return Text.form(body());
    }
}
