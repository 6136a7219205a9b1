package io.icefield.http;

import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/// Names one request in answers (`X-Request-Id`) and in the log.
final class RequestId {
    static final ScopedValue<String> CURRENT = ScopedValue.newInstance();

    private RequestId() {}

    static String next() {
        ThreadLocalRandom random = ThreadLocalRandom.current(); // it names something, it proves nothing
        return new UUID(random.nextLong(), random.nextLong()).toString();
    }
}
