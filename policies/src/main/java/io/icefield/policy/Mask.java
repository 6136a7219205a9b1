package io.icefield.policy;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What a reader gets instead of a value: the nine actions of Iceberg's read restrictions, by their names there.
public enum Mask {
    MASK_ALPHANUM,
    MASK_TO_FIXED_VALUE,
    REPLACE_WITH_NULL,
    SHOW_FIRST_4,
    SHOW_LAST_4,
    TRUNCATE_TO_YEAR,
    TRUNCATE_TO_MONTH,
    SHA_256_GLOBAL,
    SHA_256_QUERY_LOCAL;

    /// The action's name in Iceberg's specification and in policy files: `show-last-4`.
    public String action() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// The mask of this action name, if there is one.
    public static Optional<Mask> ofAction(String action) {
        return Arrays.stream(values())
                .filter(mask -> mask.action().equals(action))
                .findFirst();
    }

    /// This mask on a column of this Iceberg type: itself where the type can take it and keep its type, else
    /// `REPLACE_WITH_NULL`, which every type can take. Types nobody knows take nothing else.
    public Mask on(String icebergType) {
        return fits(icebergType.strip().toLowerCase(Locale.ROOT)) ? this : REPLACE_WITH_NULL;
    }

    private boolean fits(String type) {
        return switch (this) {
            case REPLACE_WITH_NULL -> true;
            case MASK_ALPHANUM, SHOW_FIRST_4, SHOW_LAST_4, SHA_256_GLOBAL, SHA_256_QUERY_LOCAL -> type.equals("string");
            case TRUNCATE_TO_YEAR, TRUNCATE_TO_MONTH -> isDay(type);
            case MASK_TO_FIXED_VALUE -> type.equals("string") || isNumber(type) || isDay(type);
        };
    }

    private static boolean isDay(String type) {
        return switch (type) {
            case "date", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns" -> true;
            default -> false;
        };
    }

    private static boolean isNumber(String type) {
        return switch (type) {
            case "int", "long", "float", "double" -> true;
            default -> type.startsWith("decimal");
        };
    }

    /// Of two masks the one that tells less.
    public Mask stricter(Mask other) {
        return secrecy() >= other.secrecy() ? this : other;
    }

    private int secrecy() {
        return switch (this) {
            case SHOW_FIRST_4 -> 1;
            case SHOW_LAST_4 -> 2;
            case MASK_ALPHANUM -> 3;
            case TRUNCATE_TO_MONTH -> 4;
            case TRUNCATE_TO_YEAR -> 5;
            case SHA_256_GLOBAL -> 6;
            case SHA_256_QUERY_LOCAL -> 7;
            case MASK_TO_FIXED_VALUE -> 8;
            case REPLACE_WITH_NULL -> 9;
        };
    }
}
