package io.icefield.table;

/// What becomes of a dropped table when its time has come.
public enum Fate {
    /// Its files stay; it can be registered again.
    FORGET,
    /// Its files are deleted.
    PURGE
}
