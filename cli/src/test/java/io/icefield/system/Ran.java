package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// What a finished process said.
record Ran(int code, String out, String err) {
    /// Runs a command to its end. Our own settings are no part of its environment unless `environment` has them.
    static Ran command(
            List<String> command, Path folder, Map<String, String> environment, String input, Duration patience)
            throws IOException, InterruptedException {
        // Files, not pipes: what stays in the background would hold a pipe open.
        Path files = Files.createTempDirectory("icefield-system");
        Path out = files.resolve("out");
        Path err = files.resolve("err");
        Path in = Files.writeString(files.resolve("in"), input);
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectInput(in.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().keySet().removeIf(name -> name.startsWith("ICEFIELD_"));
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(patience.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                throw new AssertionError("%s did not end within %s%n%s%n%s"
                        .formatted(command.getFirst(), patience, text(out), text(err)));
            }
            return new Ran(process.exitValue(), text(out), text(err));
        } finally {
            for (Path file : List.of(in, out, err, files)) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static String text(Path file) throws IOException {
        return Files.exists(file) ? new String(Files.readAllBytes(file), UTF_8) : "";
    }

    /// This, when the process ended well; otherwise an error with all that it said.
    Ran ok() {
        if (code != 0) {
            throw new AssertionError("ended with code %d%n%s%n%s".formatted(code, out, err));
        }
        return this;
    }
}
