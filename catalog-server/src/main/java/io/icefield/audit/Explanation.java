package io.icefield.audit;

import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Ruling;
import java.util.List;
import java.util.Optional;

/// A decision in words.
///
/// @param because why it was decided so
/// @param remedy what to do to have it decided otherwise; empty: nothing, or `because` says it
public record Explanation(String because, Optional<String> remedy) {
    /// @param policies version of the policies that are in force now
    public static Explanation of(Decisions.Seen seen, String policies) {
        Decision decision = seen.entry().decision();
        return switch (decision.ruling().outcome()) {
            case ALLOWED -> new Explanation(allowed(decision), Optional.empty());
            case DENIED -> denied(decision, policies);
            case FAILED -> new Explanation(decision.ruling().reason(), Optional.empty());
        };
    }

    private static String allowed(Decision decision) {
        Ruling ruling = decision.ruling();
        StringBuilder words = new StringBuilder();
        words.append(
                ruling.grounds().isEmpty()
                        ? "anybody who is signed in may do this"
                        : "%s has: %s".formatted(named(decision.asked()), ruling.grounds()));
        appendRules(words, ruling.rules(), "mask:", "; the policies mask the columns ");
        appendRules(words, ruling.rules(), "filter:", "; the policies filter the rows by ");
        appendRules(words, ruling.rules(), "warn:", "; the policies warn of ");
        return words.toString();
    }

    private static Explanation denied(Decision decision, String policies) {
        Ruling ruling = decision.ruling();
        Asked asked = decision.asked();
        List<String> broken = rules(ruling.rules(), "deny:");
        if (!broken.isEmpty()) {
            boolean changed = !ruling.policies().equals(policies);
            return new Explanation(
                    "the policies refuse it (%s)\n%s".formatted(String.join(", ", broken), ruling.reason()),
                    Optional.of(
                            changed
                                    ? "the policies have changed since: try again"
                                    : "mend what each of them says, and try again"));
        }
        if (ruling.hidden()) {
            return new Explanation(
                    "%s has %s there, and was told that there is no such thing"
                            .formatted(named(asked), ruling.grounds().isEmpty() ? "no role" : ruling.grounds()),
                    Optional.of(
                            asked.domain().isEmpty()
                                    ? "the platform team can let them in"
                                    : "an owner of domain `%s` can grant a role on it".formatted(asked.domain())));
        }
        if (ruling.absent()) {
            return new Explanation(
                    ruling.reason(),
                    Optional.of(
                            "look at the name; if it is right, it is not there, or %s may not know of it: ask an owner of the domain"
                                    .formatted(named(asked))));
        }
        String had = ruling.grounds().isEmpty() ? "" : "%s has: %s; ".formatted(named(asked), ruling.grounds());
        return new Explanation(had + ruling.reason(), Optional.empty());
    }

    private static String named(Asked asked) {
        return asked.who().isEmpty() ? "somebody unproven" : "`" + asked.who() + "`";
    }

    private static void appendRules(StringBuilder words, List<String> rules, String kind, String before) {
        List<String> found = rules(rules, kind);
        if (!found.isEmpty()) {
            words.append(before).append(String.join(", ", found));
        }
    }

    private static List<String> rules(List<String> rules, String kind) {
        return rules.stream()
                .filter(rule -> rule.startsWith(kind))
                .map(rule -> rule.substring(kind.length()))
                .toList();
    }
}
