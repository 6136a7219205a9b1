package io.icefield.domain;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.query.EngineCatalog;
import io.icefield.query.QueryEngine;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EngineSyncTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /// Takes a sync and then never answers.
    private static final class Hanging implements QueryEngine {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch never = new CountDownLatch(1);

        @Override
        public void sync(Collection<EngineCatalog> wanted) {}

        @Override
        public void create(EngineCatalog catalog) {
            asked.countDown();
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void drop(String name) {}

        @Override
        public boolean reachable() {
            return true;
        }
    }

    @Test
    void anEngineThatHangsDoesNotHangWhoCreatesADomain() throws InterruptedException {
        Domain domain = domain();
        Hanging engine = new Hanging();
        EngineSync sync = new EngineSync(
                engine,
                List::of,
                each -> new EngineCatalog(
                        each.name().value(),
                        URI.create("http://127.0.0.1:1"),
                        each.name().value(),
                        Optional.empty(),
                        "us-east-1",
                        true));
        Thread following = Thread.ofPlatform().daemon().start(sync::run);
        Thread caller = Thread.ofPlatform().daemon().start(() -> {
            while (engine.asked.getCount() > 0) { // until the first sync found the engine there
                sync.created(domain);
            }
        });
        try {
            assertThat(engine.asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
            assertThat(caller.join(PATIENCE)).isTrue();
        } finally {
            following.interrupt();
            engine.never.countDown();
        }
    }

    private static Domain domain() {
        DomainName name = new DomainName("sales");
        return new Domain(
                1,
                name,
                new StorageProfile(
                        name,
                        "bucket",
                        "",
                        Optional.empty(),
                        Optional.empty(),
                        "us-east-1",
                        true,
                        "arn:aws:iam::000000000000:role/icefield",
                        Credential.permanent("root", "root-secret")),
                Instant.EPOCH);
    }
}
