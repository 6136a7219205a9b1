package io.icefield.table;

import java.util.regex.Pattern;

/// What the catalog itself asks of a name, whatever the policies say: that it is safe in paths, SQL and addresses.
final class Names {
    static final int LENGTH_MAX = 255;

    /// Letters, digits, `_`, and inside also space, dash and dot.
    private static final Pattern FORM = Pattern.compile("[\\p{L}\\p{N}_]([\\p{L}\\p{N}_ .-]*[\\p{L}\\p{N}_])?");

    private Names() {}

    static void check(String what, String name) {
        if (name.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("the %s name `%s…` has %d characters: at most %d are allowed"
                    .formatted(what, name.substring(0, 40), name.length(), LENGTH_MAX));
        }
        if (!FORM.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "`%s` is no %s name: use letters, digits and `_`, inside also `-`, `.` and spaces"
                            .formatted(printable(name), what));
        }
    }

    private static String printable(String name) {
        return name.codePoints()
                .map(c -> Character.isISOControl(c) ? '\uFFFD' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
