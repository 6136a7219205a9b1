package io.icefield.policy.rules;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/// A regular expression over names that cannot run away. Matching reads each character at most `STEPS_MAX` times in
/// all, then fails with an `IllegalStateException`; no clock is involved, so the same name always gets the same answer.
public record NamePattern(Pattern pattern) {
    /// Names longer than this are not matched at all.
    public static final int NAME_LENGTH_MAX = 255;

    static final int STEPS_MAX = 100_000;

    /// Throws `java.util.regex.PatternSyntaxException`.
    public static NamePattern of(String regex) {
        return new NamePattern(Pattern.compile(regex));
    }

    /// The same, but upper and lower case are one.
    public static NamePattern ignoringCase(String regex) {
        return new NamePattern(Pattern.compile(regex, Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE));
    }

    /// Whether the whole name matches; a name over the limit never does.
    public boolean matches(String name) {
        return name.length() <= NAME_LENGTH_MAX
                && pattern.matcher(new Metered(name, new AtomicInteger(STEPS_MAX)))
                        .matches();
    }

    @Override
    public String toString() {
        return pattern.pattern();
    }

    private record Metered(CharSequence text, AtomicInteger left) implements CharSequence {
        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            if (left.decrementAndGet() < 0) {
                throw new IllegalStateException("a pattern needs more than " + STEPS_MAX + " steps on one name");
            }
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new Metered(text.subSequence(start, end), left);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
