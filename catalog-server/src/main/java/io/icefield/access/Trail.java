package io.icefield.access;

import io.icefield.policy.Violation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What comes to light about one request on its way, for the log of decisions. It changes no answer. One thread at a
/// time writes it: whoever works for others works on their trails.
public final class Trail {
    /// Things of one request that are named one by one.
    public static final int THINGS_MAX = 1_000;

    /// What the caller had, in words, where it had nothing.
    public static final String NO_ROLE = "no role";

    /// Characters of [#how]; the rest is cut off.
    private static final int DETAIL_MAX = 4_000;

    private static final ScopedValue<Trail> CURRENT = ScopedValue.newInstance();
    private static final int PLATFORM = 1 << 8;
    private static final int ENGINE = 1 << 9;
    private static final int BELOW = 1 << 10;
    private static final int KNOWN = 1 << 11;
    private static final Role[] ROLES = Role.values();

    private String who = "";
    private String engine = "";
    private String query = "";
    private String action = "";
    private String detail = "";
    private @Nullable Action right;
    private int grounds;
    private boolean shut;
    private boolean denied;
    private @Nullable Refusal refusal;
    private Set<Thing> things = Set.of();
    private Set<String> rules = Set.of();

    /// @param domain empty: it is in none
    public record Thing(String domain, String name) {}

    /// Does the work on this trail.
    public <T> T on(Supplier<T> work) {
        return ScopedValue.where(CURRENT, this).call(work::get);
    }

    public void on(Runnable work) {
        ScopedValue.where(CURRENT, this).run(work);
    }

    /// Of the request at hand; where there is none, one that nobody reads.
    public static Trail current() {
        return CURRENT.isBound() ? CURRENT.get() : new Trail();
    }

    // --- What is told

    /// For whom it is decided.
    public void by(Principal subject) {
        by(subject.name());
    }

    /// The same for somebody who has not proven who it is.
    public void by(String name) {
        who = name;
    }

    /// An engine asks for the subject, by one of its own operations.
    ///
    /// @param id the engine's name for its query; empty: it is the same for all its queries
    public void asked(Principal by, String operation, String id) {
        engine = by.name();
        action = operation;
        query = id;
    }

    /// What it is done to, where the address does not say it.
    public void about(String domain, String name) {
        if (things.isEmpty()) {
            things = new LinkedHashSet<>();
        }
        if (things.size() < THINGS_MAX) {
            things.add(new Thing(domain, name));
        }
    }

    /// How, in words: names of columns, kinds of keys; never a value or a secret.
    public void how(String words) {
        detail = words.length() <= DETAIL_MAX ? words : words.substring(0, DETAIL_MAX) + "…";
    }

    /// The door has decided, by this sight.
    void door(Principal subject, Sight sight, Action wanted, boolean open) {
        int found = KNOWN | (subject.isPlatform() ? PLATFORM : 0) | (sight.below() ? BELOW : 0);
        found |= subject.kind() == Principal.Kind.ENGINE ? ENGINE : 0;
        for (Role role : sight.roles()) {
            found |= bit(role);
        }
        right = wanted;
        grounds = found;
        shut = !open;
    }

    /// The same where only the platform team is let in.
    void platform(Principal subject) {
        grounds = subject.isPlatform() ? KNOWN | PLATFORM : 0;
        shut = !subject.isPlatform();
    }

    /// The same for one who comes with another: what the other was told counts for both.
    public void like(Trail other) {
        right = other.right;
        grounds = other.grounds;
        shut = other.shut;
    }

    public void refused(Refusal why) {
        refusal = why;
    }

    /// The answer is a no although it is no refusal.
    public void denied() {
        denied = true;
    }

    /// Policies that had something to say, though not no.
    public void warned(List<Violation> violations) {
        violations.forEach(each -> rule("warn:" + each.code()));
    }

    /// Columns that are hidden.
    public void masked(Set<String> columns) {
        columns.forEach(column -> rule("mask:" + column));
    }

    /// Rows that are hidden.
    public void filtered(String column) {
        rule("filter:" + column);
    }

    private void rule(String rule) {
        if (rules.isEmpty()) {
            rules = new TreeSet<>();
        }
        if (rules.size() < THINGS_MAX) {
            rules.add(rule);
        }
    }

    // --- What is read

    /// Empty: nobody has said who it is.
    public String who() {
        return who;
    }

    /// Empty: the caller asks for itself.
    public String engine() {
        return engine;
    }

    public String query() {
        return query;
    }

    public String action() {
        return action;
    }

    public String detail() {
        return detail;
    }

    /// What was asked of the door last; empty: it was not asked.
    public Optional<Action> right() {
        return Optional.ofNullable(right);
    }

    /// Did the door say no, whatever the caller was told?
    public boolean isShut() {
        return shut;
    }

    public boolean isDenied() {
        return denied;
    }

    public Optional<Refusal> refusal() {
        return Optional.ofNullable(refusal);
    }

    public Set<Thing> things() {
        return things;
    }

    /// Each `kind:name`, with `deny:` for what refused.
    public Set<String> rules() {
        if (!(refusal instanceof Refusal.PolicyBroken broken)) {
            return rules;
        }
        Set<String> all = new TreeSet<>(rules);
        broken.violations().forEach(each -> all.add("deny:" + each.code()));
        return all;
    }

    /// What the caller had, as a number: the same number, the same words.
    public int grounds() {
        return grounds;
    }

    private static int bit(Role role) {
        return switch (role) {
            case READER -> 1;
            case WRITER -> 1 << 1;
            case STEWARD -> 1 << 2;
            case OWNER -> 1 << 3;
        };
    }

    /// By what right, in words: the roles, and who is let in without one. Empty: the door was not asked.
    public static String words(int grounds) {
        List<String> words = new ArrayList<>();
        Set<Role> roles = EnumSet.noneOf(Role.class);
        for (Role role : ROLES) {
            if ((grounds & bit(role)) != 0) {
                roles.add(role);
            }
        }
        roles.forEach(role -> words.add(role.name().toLowerCase(Locale.ROOT)));
        if ((grounds & PLATFORM) != 0) {
            words.add("platform team");
        }
        if ((grounds & ENGINE) != 0) {
            words.add("trusted engine");
        }
        if ((grounds & BELOW) != 0 && roles.isEmpty()) {
            words.add("a role on something below");
        }
        if ((grounds & KNOWN) != 0 && words.isEmpty()) {
            words.add(NO_ROLE);
        }
        return String.join(", ", words);
    }
}
