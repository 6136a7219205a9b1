package io.icefield.escape;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A request to a store, as it goes over the wire: no client library has made it better.
///
/// @param target path and query, percent-encoded or not, as it is sent
/// @param headers `name: value` each; a name may come twice
record Ask(String method, String target, List<String> headers, byte[] body) {
    static Ask of(String method, String target, String... headers) {
        return new Ask(method, target, List.of(headers), new byte[0]);
    }

    static Ask get(String target, String... headers) {
        return of("GET", target, headers);
    }

    static Ask put(String target, String... headers) {
        return of("PUT", target, headers).with("changed");
    }

    Ask with(String text) {
        return new Ask(method, target, headers, text.getBytes(UTF_8));
    }

    Ask with(byte[] bytes) {
        return new Ask(method, target, headers, bytes);
    }

    Ask and(String... more) {
        List<String> all = new ArrayList<>(headers);
        all.addAll(List.of(more));
        return new Ask(method, target, all, body);
    }

    Ask at(String other) {
        return new Ask(method, other, headers, body);
    }

    String path() {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    String query() {
        int query = target.indexOf('?');
        return query < 0 ? "" : target.substring(query + 1);
    }

    boolean has(String header) {
        return headers.stream()
                .anyMatch(each -> each.toLowerCase(Locale.ROOT).startsWith(header.toLowerCase(Locale.ROOT) + ":"));
    }

    /// All of it that a store might repeat in its answer.
    String text() {
        return method + " " + target + " " + headers + " " + new String(body, UTF_8);
    }

    @Override
    public String toString() {
        String more = headers.isEmpty() ? "" : " " + headers;
        return method + " " + target + more;
    }
}
