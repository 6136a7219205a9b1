package io.icefield.query;

import java.util.Collection;

/// The engine that joins the domains. Each domain is one of its catalogs; who may see what of them it asks us.
/// Catalogs that were made by somebody else are never changed or dropped.
public interface QueryEngine {
    /// A mesh without an engine.
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

    /// Makes our catalogs equal to these: missing ones are created, changed ones made anew, others dropped. Changes
    /// nothing when all is as wanted, and may be called again after a failure.
    void sync(Collection<EngineCatalog> wanted);

    /// Creates one catalog; one of ours with this name that differs is made anew.
    void create(EngineCatalog catalog);

    /// Drops one of our catalogs; nothing happens when there is none with this name.
    void drop(String name);

    /// Whether the engine answers a query now.
    boolean reachable();

    /// The engine did not do what it was asked to; the message is for logs.
    final class EngineFailed extends RuntimeException {
        public EngineFailed(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
