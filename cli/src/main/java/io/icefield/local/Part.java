package io.icefield.local;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// One process of the mesh: how it is made ready, started and known to be up.
public interface Part {
    String name();

    /// What can be done before any process runs, such as downloads. Called once.
    default void prepare() throws Exception {}

    /// How to start it. Called before each start, so it also mends what a crash has left.
    Launch launch() throws Exception;

    /// Whether it does its work now; `false` is asked again. May block: the process' end interrupts it.
    boolean ready() throws Exception;

    /// How long to wait until it is ready.
    default Duration patience() {
        return Duration.ofSeconds(90);
    }

    /// A command with what it needs. Secrets belong into `environment`, where other users cannot see them.
    record Launch(List<String> command, Map<String, String> environment, Path folder, StopSignal stop) {
        public Launch {
            command = List.copyOf(command);
            environment = Map.copyOf(environment);
        }

        @Override
        public String toString() {
            return "Launch[%s in %s]".formatted(command.getFirst(), folder);
        }
    }

    /// What asks a process to end in order: PostgreSQL's fast shutdown is INT.
    enum StopSignal {
        TERM,
        INT
    }
}
