package io.icefield.access;

/// What a caller wants of a domain, namespace or table.
public enum Action {
    /// Know that it exists: HEAD, lists.
    SEE,
    /// Read its metadata and its rows.
    READ,
    /// Make something new below it; change a namespace's properties.
    CREATE,
    /// Change a table.
    COMMIT,
    /// Drop or rename it.
    DROP,
    /// Say what its columns hold.
    CLASSIFY,
    /// Give others a role on it; change its owners.
    GRANT,
    /// Decide that it is kept, or not: protect it, or purge it before its time.
    KEEP
}
