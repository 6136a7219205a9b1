package io.icefield.access;

import java.util.List;
import java.util.Optional;

/// The principals that this catalog itself knows.
public interface PrincipalStore {
    /// Adds one; `false` and nothing changed when the name is taken.
    ///
    /// @param secretHash SHA-256 of its secret
    boolean add(Principal principal, byte[] secretHash);

    Optional<Stored> find(String name);

    /// At most `limit` principals after this name, in the order of their names (code points).
    List<Principal> list(String after, int limit);

    /// `false` when there is none.
    boolean replaceSecret(String name, byte[] secretHash);

    /// `false` when there is none.
    boolean replaceGroups(String name, List<String> groups);

    /// Removes it and what was granted to it; `false` when there is none.
    boolean remove(String name);

    /// @param secretHash SHA-256 of its secret
    record Stored(Principal principal, byte[] secretHash) {
        @Override
        public String toString() {
            return "Stored[%s]".formatted(principal);
        }
    }
}
