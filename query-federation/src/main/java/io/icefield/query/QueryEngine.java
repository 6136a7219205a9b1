package io.icefield.query;

import java.util.Collection;

/// The query engine's catalogs, one for each domain.
public interface QueryEngine {
    /// Without an engine there is nothing to do.
    QueryEngine NONE = new QueryEngine() {
        @Override
        public void sync(Collection<EngineCatalog> wanted) {}

        @Override
        public void create(EngineCatalog catalog) {}

        @Override
        public void drop(String name) {}

        @Override
        public boolean reachable() {
            return false;
        }
    };

    /// Makes the engine's domain catalogs exactly these. Throws nothing when the engine is away: it is synced when it
    /// is back.
    void sync(Collection<EngineCatalog> wanted);

    /// Adds one; idempotent. An engine that is away gets it with the next [#sync].
    void create(EngineCatalog catalog);

    /// Removes one; idempotent, the same.
    void drop(String name);

    boolean reachable();
}
