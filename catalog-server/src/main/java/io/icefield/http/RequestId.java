package io.icefield.http;

import java.util.UUID;

/// Names one request in answers (`X-Request-Id`) and in the log.
final class RequestId {
    static final ScopedValue<String> CURRENT = ScopedValue.newInstance();

    private RequestId() {}

    static String next() {
        return UUID.randomUUID().toString();
    }
}
