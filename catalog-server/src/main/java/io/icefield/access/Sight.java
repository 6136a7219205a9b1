package io.icefield.access;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What the grants say about one caller and one thing.
///
/// @param lasts the roles granted on the thing or above it, and how long each of them lasts from the moment it was
/// looked up
/// @param below something beneath it is granted, so that its name may be known
public record Sight(Map<Role, Duration> lasts, boolean below) {
    public static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    public static final Sight NOTHING = new Sight(Map.of(), false);

    public Sight {
        lasts = Map.copyOf(lasts);
    }

    /// Roles that do not end, or of which it does not matter.
    public Sight(Set<Role> roles, boolean below) {
        this(roles.stream().collect(Collectors.toMap(role -> role, _ -> FOREVER)), below);
    }

    public Set<Role> roles() {
        return lasts.keySet();
    }
}
