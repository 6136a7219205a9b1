package io.icefield.domain;

import java.util.Optional;

/// How many bytes may be kept. Over the soft limit there is a warning, over the hard one nothing more is added.
public record Quota(Optional<Long> softBytes, Optional<Long> hardBytes) {
    public static final Quota NONE = new Quota(Optional.empty(), Optional.empty());

    public Quota {
        softBytes.ifPresent(Quota::check);
        hardBytes.ifPresent(Quota::check);
    }

    private static void check(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a quota is a number of bytes");
        }
    }

    public boolean isNone() {
        return softBytes.isEmpty() && hardBytes.isEmpty();
    }
}
