package io.icefield.table;

import java.time.Duration;

/// How long what was dropped can come back.
///
/// @param undrop when only the name was to go; the files stay after that
/// @param purge when the files were to go as well
public record Retention(Duration undrop, Duration purge) {
    public Retention {
        if (undrop.isNegative() || purge.isNegative()) {
            throw new IllegalArgumentException("a retention is not negative");
        }
    }

    Duration of(Fate fate) {
        return switch (fate) {
            case FORGET -> undrop;
            case PURGE -> purge;
        };
    }
}
