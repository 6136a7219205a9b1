package io.icefield.local;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The mesh in the background: another process of this program that outlives the terminal.
public final class Detached {
    /// Set for the process in the background, which need not explain itself to anybody.
    public static final String MARK = "ICEFIELD_DETACHED";

    private static final Duration POLL = Duration.ofMillis(50);

    private Detached() {}

    /// Returns when the mesh is ready; otherwise nothing of it is left and the reason has been said.
    public static MeshState start(MeshHome home, List<String> arguments, Consumer<String> out)
            throws InterruptedException {
        home.create();
        LocalMesh.requireDown(home); // before its log is begun anew
        Path log = home.log("mesh");
        Process process = launch(home, arguments, log);
        Thread onInterrupt = new Thread(process::destroy, "stop the background process");
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        try (RandomAccessFile lines = new RandomAccessFile(log.toFile(), "r")) {
            while (true) {
                boolean alive = process.isAlive();
                copy(lines, out);
                Optional<MeshState> ready = MeshState.read(home)
                        .filter(state -> state.phase() == MeshState.Phase.READY)
                        .filter(state -> state.supervisor().pid() == process.pid());
                if (ready.isPresent()) {
                    Runtime.getRuntime().removeShutdownHook(onInterrupt);
                    return ready.get();
                }
                if (!alive) {
                    throw new MeshException("the mesh did not start; the reason is above and in `%s`".formatted(log));
                }
                Thread.sleep(POLL);
            }
        } catch (IOException e) {
            process.destroy();
            throw new MeshException("cannot read `%s`: %s".formatted(log, MeshHome.reason(e)), e);
        }
    }

    private static Process launch(MeshHome home, List<String> arguments, Path log) {
        List<String> command = new ArrayList<>(ownSession());
        command.addAll(
                JavaProcess.command(List.of("-XX:TieredStopAtLevel=1", "-Xmx128m"), JavaProcess.COMMANDS, arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(home.folder().toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(JavaProcess.environment(Map.of(MARK, "true")));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new MeshException("cannot start a process in the background: " + MeshHome.reason(e), e);
        }
    }

    private static List<String> ownSession() {
        return Stream.of("/usr/bin/setsid", "/bin/setsid", "/usr/bin/nohup", "/bin/nohup")
                .filter(program -> Files.isExecutable(Path.of(program)))
                .findFirst()
                .map(List::of)
                .orElse(List.of());
    }

    private static void copy(RandomAccessFile lines, Consumer<String> out) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            out.accept(new String(line.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
        }
    }
}
