package io.icefield.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// What Linux's `/proc` says about a process; nothing where there is none.
final class Processes {
    /// `USER_HZ`, 100 on every Linux that Java runs on.
    private static final double TICKS_PER_SECOND = 100;

    /// Counted after the closing parenthesis of the program's name: user and system, of itself and of children that
    /// have ended.
    private static final int TICKS_FROM = 11;

    private static final int TICKS_TO = 15;
    private static final Path PROC = Path.of("/proc");

    private Processes() {}

    /// CPU time that a process and its descendants have used.
    static OptionalDouble cpuSeconds(long pid) {
        if (!Files.isReadable(PROC.resolve(pid + "/stat"))) {
            return OptionalDouble.empty();
        }
        Stream<ProcessHandle> all = ProcessHandle.of(pid).stream()
                .flatMap(process -> Stream.concat(Stream.of(process), process.descendants()));
        return OptionalDouble.of(all.mapToLong(process -> ticks(process.pid())).sum() / TICKS_PER_SECOND);
    }

    private static long ticks(long pid) {
        try {
            String stat = Files.readString(PROC.resolve(pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            long ticks = 0;
            for (int field = TICKS_FROM; field < TICKS_TO; field++) {
                ticks += Long.parseLong(fields[field]);
            }
            return ticks;
        } catch (IOException e) {
            return 0; // it has just ended
        }
    }

    /// Resident memory.
    static OptionalLong residentBytes(long pid) throws IOException {
        Path status = PROC.resolve(pid + "/status");
        if (!Files.isReadable(status)) {
            return OptionalLong.empty();
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                .findFirst();
    }

    static List<String> command(long pid) throws IOException {
        return parts(PROC.resolve(pid + "/cmdline"));
    }

    static Map<String, String> environment(long pid) throws IOException {
        Map<String, String> environment = new HashMap<>();
        for (String pair : parts(PROC.resolve(pid + "/environ"))) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                environment.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return environment;
    }

    private static List<String> parts(Path file) throws IOException {
        List<String> parts = new ArrayList<>(List.of(Files.readString(file).split("\0", -1)));
        parts.removeLast();
        return parts;
    }
}
