package io.icefield.access;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// A user, a job or an engine that proved who it is.
///
/// @param groups as the token says; `platform` is the platform team
public record Principal(String name, Kind kind, Set<String> groups) {
    /// Members of this group manage domains, principals and grants.
    public static final String PLATFORM_GROUP = "platform";

    /// Form of names of principals and groups.
    public static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.@-]{0,99}");

    /// What kind of caller this is.
    public enum Kind {
        USER,
        JOB,
        /// A trusted query engine: enforces masks and filters itself and asks us for every decision.
        ENGINE
    }

    public Principal {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "`%s` is no principal name: use 1 to 100 letters, digits and `_.@-`".formatted(shown(name)));
        }
        for (String group : groups) {
            if (!NAME.matcher(group).matches()) {
                throw new IllegalArgumentException(
                        "`%s` is no group name: use 1 to 100 letters, digits and `_.@-`".formatted(shown(group)));
            }
        }
        groups = Set.copyOf(groups);
    }

    private static String shown(String name) {
        return name.length() > 60 ? name.substring(0, 60) + "…" : name;
    }

    public boolean isPlatform() {
        return groups.contains(PLATFORM_GROUP);
    }

    /// The names by which grants reach this principal: its own and its groups'.
    public Set<Grantee> grantees() {
        Set<Grantee> names = new LinkedHashSet<>(List.of(new Grantee(Grantee.Kind.PRINCIPAL, name)));
        groups.forEach(group -> names.add(new Grantee(Grantee.Kind.GROUP, group)));
        return names;
    }
}
