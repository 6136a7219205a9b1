package io.icefield.http;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What goes back: a status, headers and a body.
///
/// @param contentType empty: there is no body
/// @param spliced instead of `body`
record Answer(
        int status, String contentType, byte[] body, Optional<Splices.Spliced> spliced, Map<String, String> headers) {
    private static final String JSON = "application/json";

    Answer {
        headers = Map.copyOf(headers);
    }

    /// @param value see [Json#bytes]
    static Answer json(int status, Object value) {
        return new Answer(status, JSON, Json.bytes(value), Optional.empty(), Map.of());
    }

    static Answer json(int status, byte[] json) {
        return new Answer(status, JSON, json, Optional.empty(), Map.of());
    }

    static Answer json(Splices.Spliced json) {
        return new Answer(200, JSON, new byte[0], Optional.of(json), Map.of());
    }

    /// The client has it already.
    static Answer notModified() {
        return new Answer(304, "", new byte[0], Optional.empty(), Map.of());
    }

    static Answer noContent() {
        return new Answer(204, "", new byte[0], Optional.empty(), Map.of());
    }

    static Answer text(String contentType, byte[] body) {
        return new Answer(200, contentType, body, Optional.empty(), Map.of());
    }

    Answer with(String header, String value) {
        Map<String, String> more = new TreeMap<>(headers);
        more.put(header, value);
        return new Answer(status, contentType, body, spliced, more);
    }

    /// Nobody on the way keeps it: it holds a secret.
    Answer secret() {
        return with("Cache-Control", "no-store");
    }

    @Override
    public String toString() {
        return "Answer[%d, %d bytes]".formatted(status, body.length);
    }
}
