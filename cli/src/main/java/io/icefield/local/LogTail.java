package io.icefield.local;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// The end of a log, as part of a message.
final class LogTail {
    private static final int BYTES_MAX = 16 * 1024;

    private LogTail() {}

    static String of(Path log, int linesMax) {
        List<String> lines = lines(log);
        List<String> last = lines.subList(Math.max(0, lines.size() - linesMax), lines.size());
        return "; the end of %s:%n  %s".formatted(log, String.join("\n  ", last));
    }

    private static List<String> lines(Path log) {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long length = file.length();
            file.seek(Math.max(0, length - BYTES_MAX));
            byte[] bytes = new byte[(int) Math.min(length, BYTES_MAX)];
            file.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            return List.of("(it cannot be read: " + MeshHome.reason(e) + ")");
        }
    }
}
