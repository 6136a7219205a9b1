package io.icefield.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/// The Java that Spark and Flink run on.
final class Java17 {
    /// What their own launchers open.
    private static final List<String> OPENED = List.of(
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.io",
            "java.net",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "sun.nio.ch",
            "sun.nio.cs",
            "sun.security.action",
            "sun.util.calendar");

    private Java17() {}

    /// A command that runs a class of a folder of jars. The test is skipped where no JDK 17 or 21 is.
    static List<String> command(Path libraries, String main) throws IOException {
        Optional<Path> java = find();
        Assumptions.assumeTrue(java.isPresent(), "no JDK 17 or 21 in JAVA17_HOME or the usual folders");
        List<String> command = new ArrayList<>(List.of(java.orElseThrow().toString(), "-Xmx768m", "-XX:+UseSerialGC"));
        OPENED.forEach(name -> command.add("--add-opens=java.base/" + name + "=ALL-UNNAMED"));
        command.addAll(List.of("-cp", libraries + "/*", main));
        return command;
    }

    private static Optional<Path> find() throws IOException {
        List<Path> homes = new ArrayList<>();
        Optional.ofNullable(System.getenv("JAVA17_HOME")).map(Path::of).ifPresent(homes::add);
        for (Path folder : List.of(
                Path.of("/usr/lib/jvm"),
                Path.of("/Library/Java/JavaVirtualMachines"),
                Path.of(System.getProperty("user.home"), ".sdkman/candidates/java"))) {
            if (Files.isDirectory(folder)) {
                try (Stream<Path> found = Files.list(folder)) {
                    found.sorted().forEach(home -> {
                        homes.add(home);
                        homes.add(home.resolve("Contents/Home"));
                    });
                }
            }
        }
        for (Path home : homes) {
            Path release = home.resolve("release");
            Path java = home.resolve("bin/java");
            if (Files.isReadable(release)
                    && Files.isExecutable(java)
                    && Files.readString(release).matches("(?s).*JAVA_VERSION=\"(17|21)[.\"].*")) {
                return Optional.of(java);
            }
        }
        return Optional.empty();
    }
}
