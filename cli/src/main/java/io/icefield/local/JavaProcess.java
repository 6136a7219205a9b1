package io.icefield.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Another process of this program, with the same JDK and class path.
final class JavaProcess {
    /// The commands' main class, by name: this package does not depend on the commands.
    static final String COMMANDS = "io.icefield.cli.Icefield";

    private JavaProcess() {}

    static List<String> command(List<String> options, String mainClass, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(options);
        command.add(mainClass);
        command.addAll(arguments);
        return command;
    }

    /// The class path goes by the environment: as an argument its two hundred jars would fill every list of
    /// processes.
    static Map<String, String> environment(Map<String, String> settings) {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("CLASSPATH", System.getProperty("java.class.path"));
        return environment;
    }
}
