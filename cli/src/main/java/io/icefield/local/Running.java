package io.icefield.local;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// A process as it was started. A process id alone may by now belong to somebody else, so the start time is
/// kept too.
public record Running(String name, long pid, Instant started, Path log) {
    private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(2);

    static Running of(String name, ProcessHandle process, Path log) {
        return new Running(name, process.pid(), startOf(process).orElseGet(Instant::now), log);
    }

    /// The process, when it is still the one that was started.
    public Optional<ProcessHandle> alive() {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .filter(process -> startOf(process)
                        .map(now -> Duration.between(started, now).abs().compareTo(CLOCK_TOLERANCE) <= 0)
                        .orElse(true));
    }

    private static Optional<Instant> startOf(ProcessHandle process) {
        return process.info().startInstant();
    }
}
