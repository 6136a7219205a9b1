package io.icefield.storage;

import java.util.Optional;

/// What a store does by itself with what is in a storage. What is left out stays as it is.
///
/// @param versioning are objects kept that were written over or deleted?
/// @param uploadDays after so many days an upload that was not completed is abandoned
/// @param versionDays after so many days an old version of an object goes
public record Upkeep(Optional<Boolean> versioning, Optional<Integer> uploadDays, Optional<Integer> versionDays) {
    public static final int DAYS_MAX = 36_500;
    public static final Upkeep NONE = new Upkeep(Optional.empty(), Optional.empty(), Optional.empty());

    public Upkeep {
        uploadDays.ifPresent(days -> check("abandoned-upload-days", days));
        versionDays.ifPresent(days -> check("old-version-days", days));
    }

    private static void check(String name, int days) {
        if (days < 1 || days > DAYS_MAX) {
            throw new IllegalArgumentException("`%s` is 1 to %d".formatted(name, DAYS_MAX));
        }
    }

    public boolean hasRules() {
        return uploadDays.isPresent() || versionDays.isPresent();
    }
}
