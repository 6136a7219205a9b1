package io.icefield.table;

import java.util.Optional;

/// What is protected against being dropped and renamed. Stores refuse that themselves, in the transaction of the
/// change.
public interface ProtectionStore {
    Protection of(Table table);

    Protection of(Namespace namespace);

    /// `false` when it is gone.
    boolean protect(Table table, boolean on);

    boolean protect(Namespace namespace, boolean on);

    /// @param on it is protected itself
    /// @param above the outermost protected namespace that it is in
    record Protection(boolean on, Optional<NamespaceId> above) {}
}
