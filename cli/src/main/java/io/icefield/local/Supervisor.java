package io.icefield.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// Starts parts, restarts one that died, stops all in reverse order. A part that dies more than five times
/// within a
/// minute ends everything. Every process dies with this one, even when this one is killed.
public final class Supervisor {
    static final int RESTARTS_PER_MINUTE_MAX = 5;
    private static final int LOG_TAIL_LINES = 15;
    private static final Duration PROBE_INTERVAL = Duration.ofMillis(60);

    /// Told whenever the set of processes changes, with all that run, and of each event worth a line.
    public interface Listener {
        void changed(List<Running> running);

        void say(String line);
    }

    private final Path logs;
    private final Listener listener;
    private final List<Child> children = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile Optional<MeshException> failure = Optional.empty();
    private volatile boolean stopping;

    public Supervisor(Path logs, Listener listener) {
        this.logs = logs;
        this.listener = listener;
    }

    /// Returns when the part is ready; throws with the end of its log when it is not.
    public void start(Part part) {
        Instant begin = Instant.now();
        Child child = new Child(part, logs.resolve(part.name() + ".log"));
        child.rotateLog();
        synchronized (children) {
            if (stopping) {
                throw new MeshException("stopped while `%s` was starting".formatted(part.name()));
            }
            child.launch();
            children.add(child);
        }
        changed();
        child.awaitReady();
        listener.say("%-9s ready in %.1f s".formatted(part.name(), seconds(begin)));
        Thread.ofPlatform().daemon().name("watch " + part.name()).start(child::watch);
    }

    public List<Running> running() {
        synchronized (children) {
            return children.stream().map(child -> child.running).toList();
        }
    }

    /// Waits until everything has been stopped; throws if a part could not be kept alive.
    public void awaitEnd() throws InterruptedException {
        ended.await();
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    /// Stops all parts, the last one first. Returns when they are gone. Harmless when repeated.
    public void stop() {
        List<Child> reversed;
        synchronized (children) {
            stopping = true;
            reversed = children.reversed();
        }
        try {
            for (Child child : reversed) {
                child.stop();
            }
        } finally {
            ended.countDown();
        }
    }

    private void giveUp(MeshException reason) {
        failure = Optional.of(reason);
        stop();
    }

    private void changed() {
        listener.changed(running());
    }

    private static double seconds(Instant begin) {
        return Duration.between(begin, Instant.now()).toMillis() / 1000.0;
    }

    private final class Child {
        private final Part part;
        private final Path log;
        private final Deque<Instant> deaths = new ArrayDeque<>();
        private volatile @Nullable Process process;
        private volatile Running running;

        Child(Part part, Path log) {
            this.part = part;
            this.log = log;
            this.running = new Running(part.name(), -1, Instant.EPOCH, log);
        }

        void rotateLog() {
            try {
                if (Files.exists(log)) {
                    Files.move(log, log.resolveSibling(part.name() + ".log.1"), StandardCopyOption.REPLACE_EXISTING);
                }
            } catch (IOException e) {
                throw new MeshException("cannot write the log `%s`: %s".formatted(log, MeshHome.reason(e)), e);
            }
        }

        void launch() {
            try {
                Part.Launch launch = part.launch();
                ProcessBuilder builder = new ProcessBuilder(Lifeline.around(launch));
                builder.environment().keySet().removeIf(name -> name.startsWith("ICEFIELD_"));
                builder.environment().putAll(launch.environment());
                builder.directory(launch.folder().toFile());
                builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
                Process started = builder.start();
                process = started;
                running = Running.of(part.name(), started.toHandle(), log);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new MeshException("interrupted while `%s` was starting".formatted(part.name()), e);
            } catch (MeshException e) {
                throw e;
            } catch (IOException e) {
                throw new MeshException("`%s` cannot start: %s".formatted(part.name(), MeshHome.reason(e)), e);
            } catch (Exception e) {
                throw new MeshException("`%s` cannot start: %s".formatted(part.name(), e.getMessage()), e);
            }
        }

        private Process process() {
            return Objects.requireNonNull(process, "launched before it is watched");
        }

        void awaitReady() {
            Process process = process();
            CompletableFuture<Optional<Exception>> answer = new CompletableFuture<>();
            Thread probe =
                    Thread.ofPlatform().daemon().name("probe " + part.name()).start(() -> answer.complete(probe()));
            CompletableFuture<Object> first = CompletableFuture.anyOf(answer, process.onExit());
            try {
                first.get(part.patience().toMillis(), TimeUnit.MILLISECONDS);
                if (stopping) {
                    throw new MeshException("stopped while `%s` was starting".formatted(part.name()));
                }
                if (!process.isAlive()) {
                    throw new MeshException("`%s` ended with code %d while starting%s"
                            .formatted(part.name(), process.waitFor(), tail()));
                }
                Optional<Exception> problem = answer.get();
                if (problem.isPresent()) {
                    throw new MeshException(
                            "`%s` cannot be used: %s%s"
                                    .formatted(part.name(), problem.get().getMessage(), tail()),
                            problem.get());
                }
            } catch (TimeoutException e) {
                throw new MeshException(
                        "`%s` was not ready after %d s%s"
                                .formatted(part.name(), part.patience().toSeconds(), tail()),
                        e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new MeshException("interrupted while `%s` was starting".formatted(part.name()), e);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            } finally {
                probe.interrupt();
            }
        }

        private Optional<Exception> probe() {
            try {
                while (!part.ready()) {
                    Thread.sleep(PROBE_INTERVAL);
                }
                return Optional.empty();
            } catch (Exception e) {
                return Optional.of(e);
            }
        }

        /// Restarts the process for as long as that makes sense.
        void watch() {
            try {
                while (true) {
                    int code = process().waitFor();
                    if (stopping) {
                        return;
                    }
                    Instant now = Instant.now();
                    deaths.addLast(now);
                    while (deaths.getFirst().isBefore(now.minusSeconds(60))) {
                        deaths.removeFirst();
                    }
                    if (deaths.size() > RESTARTS_PER_MINUTE_MAX) {
                        giveUp(new MeshException(
                                "`%s` ended %d times within a minute, the last time with code %d; everything is stopped%s"
                                        .formatted(part.name(), deaths.size(), code, tail())));
                        return;
                    }
                    listener.say("%-9s ended with code %d; starting it again".formatted(part.name(), code));
                    Thread.sleep(Duration.ofMillis(100L * deaths.size()));
                    if (!relaunch()) {
                        return;
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (MeshException e) {
                giveUp(e);
            }
        }

        private boolean relaunch() {
            synchronized (children) {
                if (stopping) {
                    return false;
                }
                launch();
            }
            changed();
            Process current = process();
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    awaitReady();
                    listener.say("%-9s ready again".formatted(part.name()));
                } catch (MeshException e) {
                    if (!stopping && current.isAlive()) {
                        listener.say(String.valueOf(e.getMessage()));
                    }
                }
            });
            return true;
        }

        void stop() {
            Process process = process();
            try {
                process.getOutputStream().close(); // lets go of the life line
                if (!process.waitFor(Lifeline.GRACE_SECONDS + 1, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (IOException e) {
                process.destroyForcibly();
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }

        private String tail() {
            return LogTail.of(log, LOG_TAIL_LINES);
        }
    }
}
