package io.icefield.policy.file;

import java.util.List;
import java.util.stream.Collectors;

/// Policy files that say something nobody can carry out. All that is wrong is said at once; nothing was loaded.
public final class PolicyFileException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    PolicyFileException(List<Problem> problems) {
        super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /// In the order of the files, then of the lines.
    public List<Problem> problems() {
        return problems;
    }

    /// @param file relative to the folder, with `/` on every machine
    /// @param line from 1; 0 when the file as such is wrong
    /// @param column from 1, in characters; 0 when the file as such is wrong
    public record Problem(String file, int line, int column, String message) {
        @Override
        public String toString() {
            return line == 0 ? file + ": " + message : "%s:%d:%d: %s".formatted(file, line, column, message);
        }
    }
}
