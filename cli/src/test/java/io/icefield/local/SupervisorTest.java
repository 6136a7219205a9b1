package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SupervisorTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private final List<String> said = new CopyOnWriteArrayList<>();

    @Test
    void stopsInReverseOrderWithTheSignalEachPartWants() throws Exception {
        Path order = folder.resolve("order");
        Supervisor supervisor = supervisor();
        for (Part.StopSignal signal : Part.StopSignal.values()) {
            String script = "trap 'echo %1$s >>%2$s; exit 0' %1$s; touch %3$s; while :; do sleep 0.05; done"
                    .formatted(signal, order, folder.resolve(signal.name()));
            supervisor.start(new Shell(signal.name(), script, signal) {
                @Override
                public boolean ready() {
                    return Files.exists(folder.resolve(signal.name()));
                }
            });
        }
        List<Running> running = supervisor.running();
        supervisor.stop();

        assertThat(Files.readAllLines(order)).containsExactly("INT", "TERM");
        assertThat(running).allSatisfy(one -> assertThat(one.alive()).isEmpty());
        supervisor.awaitEnd();
    }

    @Test
    void startsAgainWhatDied() throws Exception {
        Supervisor supervisor = supervisor();
        supervisor.start(new Shell("worker", "exec sleep 600"));
        Running first = supervisor.running().getFirst();
        first.alive().orElseThrow().destroyForcibly();

        eventually(
                "another process",
                () -> supervisor.running().getFirst().pid() != first.pid()
                        && supervisor.running().getFirst().alive().isPresent());
        eventually("its readiness is said", () -> said.stream().anyMatch(line -> line.contains("ready again")));
        supervisor.stop();
        assertThat(supervisor.running().getFirst().alive()).isEmpty();
    }

    @Test
    void givesUpOnWhatDiesAgainAndAgain() {
        Supervisor supervisor = supervisor();
        supervisor.start(new Shell("steady", "exec sleep 600"));
        supervisor.start(new Shell("flaky", "echo no luck today; exit 7") {
            @Override
            public boolean ready() {
                return true;
            }
        });
        assertThatThrownBy(supervisor::awaitEnd)
                .isInstanceOf(MeshException.class)
                .hasMessageContaining("`flaky` ended %d times", Supervisor.RESTARTS_PER_MINUTE_MAX + 1)
                .hasMessageContaining("with code 7")
                .hasMessageContaining("no luck today");
        assertThat(supervisor.running())
                .allSatisfy(one -> assertThat(one.alive()).isEmpty());
    }

    @Test
    void whatEndsWhileStartingIsReportedWithItsLog() {
        Supervisor supervisor = supervisor();
        assertThatThrownBy(() -> supervisor.start(new Shell("broken", "echo the disk is on fire >&2; exit 3") {
                    @Override
                    public boolean ready() {
                        return false;
                    }
                }))
                .isInstanceOf(MeshException.class)
                .hasMessageContaining("`broken` ended with code 3 while starting")
                .hasMessageContaining("the disk is on fire");
        supervisor.stop();
    }

    @Test
    void whatIsNotReadyInTimeIsReported() {
        Supervisor supervisor = supervisor();
        assertThatThrownBy(() -> supervisor.start(new Shell("slow", "exec sleep 600") {
                    @Override
                    public boolean ready() {
                        return false;
                    }

                    @Override
                    public Duration patience() {
                        return Duration.ofMillis(300);
                    }
                }))
                .hasMessageContaining("`slow` was not ready");
        supervisor.stop();
        assertThat(supervisor.running().getFirst().alive()).isEmpty();
    }

    @Test
    void childrenDieWithAKilledParent() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                JavaProcess.command(List.of("-Xmx64m"), Parent.class.getName(), List.of(folder.toString())));
        builder.environment().putAll(JavaProcess.environment(Map.of()));
        Process parent = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        List<ProcessHandle> children = new ArrayList<>();
        try (BufferedReader lines = parent.inputReader(StandardCharsets.UTF_8)) {
            for (int child = 0; child < Parent.CHILDREN; child++) {
                children.add(ProcessHandle.of(Long.parseLong(lines.readLine())).orElseThrow());
            }
        }
        assertThat(children).allMatch(ProcessHandle::isAlive);
        parent.destroyForcibly().waitFor();
        eventually("all children are gone", () -> children.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void anotherProcessWithTheSameIdIsNotTakenForOurs() {
        ProcessHandle self = ProcessHandle.current();
        Running ours = Running.of("self", self, folder.resolve("log"));
        assertThat(ours.alive()).contains(self);
        assertThat(new Running("self", self.pid(), ours.started().minusSeconds(60), ours.log()).alive())
                .isEmpty();
    }

    /// A process that only watches over two others.
    static final class Parent {
        static final int CHILDREN = 2;

        private Parent() {}

        public static void main(String[] arguments) throws InterruptedException {
            Supervisor supervisor = new Supervisor(Path.of(arguments[0]), new Quiet());
            for (int child = 0; child < CHILDREN; child++) {
                supervisor.start(new Shell("child-" + child, "exec sleep 600"));
            }
            supervisor.running().forEach(child -> System.out.println(child.pid()));
            System.out.flush();
            supervisor.awaitEnd();
        }
    }

    static final class Quiet implements Supervisor.Listener {
        @Override
        public void changed(List<Running> running) {}

        @Override
        public void say(String line) {}
    }

    static class Shell implements Part {
        private final String name;
        private final String script;
        private final StopSignal signal;

        Shell(String name, String script) {
            this(name, script, StopSignal.TERM);
        }

        Shell(String name, String script, StopSignal signal) {
            this.name = name;
            this.script = script;
            this.signal = signal;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Launch launch() {
            return new Launch(List.of("/bin/sh", "-c", script), Map.of(), Path.of("/"), signal);
        }

        @Override
        public boolean ready() {
            return true;
        }
    }

    private Supervisor supervisor() {
        return new Supervisor(folder, new Supervisor.Listener() {
            @Override
            public void changed(List<Running> running) {}

            @Override
            public void say(String line) {
                said.add(line);
            }
        });
    }

    static void eventually(String what, Callable<Boolean> condition) throws Exception {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (!condition.call()) {
            assertThat(Instant.now()).as(what).isBefore(deadline);
            Thread.onSpinWait();
        }
    }
}
