package io.icefield.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// CPU time that a process and its living descendants have used, from Linux's `/proc`.
final class ProcessTime {
    /// `USER_HZ`, 100 on every Linux that Java runs on.
    private static final double TICKS_PER_SECOND = 100;

    /// Counted after the closing parenthesis of the program's name.
    private static final int USER_TICKS = 11;

    private static final int SYSTEM_TICKS = 12;

    private ProcessTime() {}

    /// Empty where there is no `/proc`.
    static OptionalDouble seconds(long pid) {
        if (!Files.isReadable(ticksOf(pid))) {
            return OptionalDouble.empty();
        }
        Stream<ProcessHandle> all = ProcessHandle.of(pid).stream()
                .flatMap(process -> Stream.concat(Stream.of(process), process.descendants()));
        return OptionalDouble.of(all.mapToLong(process -> ticks(process.pid())).sum() / TICKS_PER_SECOND);
    }

    private static Path ticksOf(long pid) {
        return Path.of("/proc", Long.toString(pid), "stat");
    }

    private static long ticks(long pid) {
        try {
            String stat = Files.readString(ticksOf(pid));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS]);
        } catch (IOException e) {
            return 0; // it has just ended
        }
    }
}
