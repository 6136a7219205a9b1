package io.icefield.domain;

import io.icefield.query.EngineCatalog;
import io.icefield.query.QueryEngine;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/// Keeps the query engine's catalogs those of the domains: at once when a domain comes or goes, and again whenever the
/// engine
/// has been away. A domain does not depend on the engine, so nothing here fails the caller.
public final class EngineSync {
    private static final Duration WHILE_AWAY = Duration.ofSeconds(1);
    private static final Duration WHILE_THERE = Duration.ofSeconds(15);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final System.Logger LOG = System.getLogger(EngineSync.class.getName());

    private final QueryEngine engine;
    private final Supplier<List<Domain>> domains;
    private final Function<Domain, EngineCatalog> catalogOf;
    private volatile boolean there;

    /// @param domains all that there are
    /// @param catalogOf how the engine reaches a domain
    public EngineSync(QueryEngine engine, Supplier<List<Domain>> domains, Function<Domain, EngineCatalog> catalogOf) {
        this.engine = engine;
        this.domains = domains;
        this.catalogOf = catalogOf;
    }

    void created(Domain domain) {
        soon(() -> engine.create(catalogOf.apply(domain)));
    }

    void dropped(Domain domain) {
        soon(() -> engine.drop(domain.name().value()));
    }

    private void soon(Runnable change) {
        if (!there) {
            return; // it gets everything when it is back
        }
        Thread asking = Thread.ofPlatform().daemon().name("engine-change").start(() -> {
            try {
                change.run();
            } catch (QueryEngine.EngineFailed e) {
                there = false;
                LOG.log(System.Logger.Level.WARNING, "the query engine did not follow a change: it is synced again", e);
            }
        });
        try {
            asking.join(PATIENCE); // an engine that hangs must not hang the caller too
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Runs until its thread is interrupted.
    public void run() {
        while (!Thread.currentThread().isInterrupted()) {
            sync();
            try {
                Thread.sleep(there ? WHILE_THERE : WHILE_AWAY);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void sync() {
        try {
            Collection<EngineCatalog> wanted =
                    domains.get().stream().map(catalogOf).toList();
            engine.sync(wanted);
            if (!there) {
                LOG.log(System.Logger.Level.INFO, "the query engine is there and has {0} domains", wanted.size());
            }
            there = true;
        } catch (RuntimeException e) { // also when the database is away: try again
            if (there) {
                LOG.log(System.Logger.Level.WARNING, "the query engine is away", e);
            }
            there = false;
        }
    }
}
