package io.icefield.table;

/// How a caller wants to reach the files (header `X-Iceberg-Access-Delegation`).
public enum Delegation {
    /// It has keys of its own.
    NONE,
    /// It wants a short-lived key with the answer.
    VENDED_CREDENTIALS
}
