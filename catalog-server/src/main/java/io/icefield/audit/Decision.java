package io.icefield.audit;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// Somebody asked for something, and was allowed it or not.
///
/// @param until of one that stands for several: when the last of them was seen; else the same as `at`
/// @param count how many it stands for
/// @param replica which server decided
public record Decision(Instant at, Instant until, long count, Asked asked, Ruling ruling, String replica) {
    /// Of a name, an action, an id.
    public static final int WORD_CHARS_MAX = 500;

    /// Of a reason.
    public static final int REASON_CHARS_MAX = 4_000;

    public static final int RULES_MAX = 200;

    public Decision {
        at = at.truncatedTo(ChronoUnit.MICROS); // as it is stored
        until = until.truncatedTo(ChronoUnit.MICROS);
    }

    /// How it went.
    public enum Outcome {
        ALLOWED,
        DENIED,
        /// It was allowed, and was not done, or nobody knows whether it was: the reason says which.
        FAILED
    }

    /// Who asked for what.
    ///
    /// @param who empty: somebody unproven
    /// @param engine which engine asked for them; empty: nobody stood between
    /// @param action the route, or the engine's operation
    /// @param right what the door was asked for; empty: it was not
    /// @param domain empty: the thing is in none
    /// @param thing full name; empty: nothing in particular
    /// @param detail in what way: columns that are read, keys that are given out, a role that is granted
    /// @param request id of the request
    /// @param query the engine's id of its query; empty: it does not matter, or there is none
    public record Asked(
            String who,
            String engine,
            String action,
            String right,
            String domain,
            String thing,
            String detail,
            String request,
            String query) {
        private Asked cleaned() {
            return new Asked(
                    word(who),
                    word(engine),
                    word(action),
                    word(right),
                    word(domain),
                    cut(thing, REASON_CHARS_MAX),
                    cut(detail, REASON_CHARS_MAX),
                    word(request),
                    word(query));
        }
    }

    /// What was decided and why.
    ///
    /// @param reason what the caller was told; empty for what was allowed
    /// @param rules of the policies, as `deny:naming/pattern`, `warn:…`, `mask:column`, `filter:column`
    /// @param grounds by what right, in words
    /// @param hidden whoever asked was told that there is no such thing, because they may not know of it
    /// @param absent there was no such thing
    /// @param policies version of the policies that were in force
    public record Ruling(
            Outcome outcome,
            String reason,
            List<String> rules,
            String grounds,
            boolean hidden,
            boolean absent,
            String policies) {
        public Ruling {
            rules = List.copyOf(rules);
        }

        private Ruling cleaned() {
            return new Ruling(
                    outcome,
                    cut(reason, REASON_CHARS_MAX),
                    rules.stream().limit(RULES_MAX).map(Decision::word).toList(),
                    word(grounds),
                    hidden,
                    absent,
                    word(policies));
        }
    }

    /// Texts cut to their limits, and what cannot be stored or printed in them replaced, so that no decision is lost
    /// because of its words.
    Decision cleaned() {
        return new Decision(at, until, count, asked.cleaned(), ruling.cleaned(), word(replica));
    }

    /// The same for so many more until then.
    Decision repeated(long times, Instant last) {
        return new Decision(at, last, times, asked, ruling, replica);
    }

    /// Where nothing of what it says can be stored.
    Decision unspeakable() {
        return new Decision(
                at,
                until,
                count,
                new Asked("", "", asked.action(), "", "", "", "", asked.request(), ""),
                new Ruling(
                        ruling.outcome(),
                        "the rest of this decision cannot be stored",
                        List.of(),
                        "",
                        false,
                        false,
                        ""),
                replica);
    }

    private static String word(String text) {
        return cut(text, WORD_CHARS_MAX);
    }

    private static String cut(String text, int charsMax) {
        String whole = text.length() <= charsMax ? text : text.substring(0, charsMax - 1) + "…";
        for (int i = 0; i < whole.length(); i++) {
            if (isOdd(whole.charAt(i))) {
                return replaced(whole);
            }
        }
        return whole;
    }

    private static String replaced(String text) {
        StringBuilder clean = new StringBuilder(text);
        for (int i = 0; i < clean.length(); i++) {
            if (isOdd(clean.charAt(i))) {
                clean.setCharAt(i, '?');
            }
        }
        return clean.toString();
    }

    /// Lines are part of what policies say; other control characters and halves of characters are nobody's words.
    private static boolean isOdd(char c) {
        return (c < ' ' && c != '\n') || (c >= 0x7f && c < 0xa0) || Character.isSurrogate(c);
    }
}
