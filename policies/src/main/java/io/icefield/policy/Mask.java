package io.icefield.policy;

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
    SHA_256_QUERY_LOCAL
}
