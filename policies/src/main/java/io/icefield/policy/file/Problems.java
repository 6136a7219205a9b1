package io.icefield.policy.file;

import io.icefield.policy.file.Node.Position;
import io.icefield.policy.file.PolicyFileException.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Collects what is wrong, so that all of it can be said together.
public final class Problems {
    /// More are not kept: whoever wrote so many will not read them.
    static final int PROBLEMS_MAX = 200;

    private static final int QUOTE_LENGTH_MAX = 80;

    private final List<Problem> all = new ArrayList<>();

    public void add(Position at, String message) {
        add(new Problem(at.file(), at.line(), at.column(), message));
    }

    public void add(String file, String message) {
        add(new Problem(file, 0, 0, message));
    }

    private void add(Problem problem) {
        if (all.size() < PROBLEMS_MAX) {
            all.add(problem);
        }
    }

    public int count() {
        return all.size();
    }

    public void throwIfAny() {
        if (!all.isEmpty()) {
            // Sorted by place, but files stay in the order in which they were read.
            List<String> files = all.stream().map(Problem::file).distinct().toList();
            throw new PolicyFileException(all.stream()
                    .sorted(Comparator.comparingInt((Problem problem) -> files.indexOf(problem.file()))
                            .thenComparingInt(Problem::line)
                            .thenComparingInt(Problem::column))
                    .toList());
        }
    }

    /// Text of a file in backticks: short, and on one line.
    public static String quote(String text) {
        StringBuilder quoted = new StringBuilder("`");
        text.codePoints()
                .limit(QUOTE_LENGTH_MAX)
                .forEach(letter ->
                        quoted.appendCodePoint(Character.isISOControl(letter) || letter == '`' ? '?' : letter));
        return quoted.append(text.codePointCount(0, text.length()) > QUOTE_LENGTH_MAX ? "…`" : "`")
                .toString();
    }
}
