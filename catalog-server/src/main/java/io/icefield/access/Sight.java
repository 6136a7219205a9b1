package io.icefield.access;

import java.util.Set;

/// What the grants say about one caller and one thing.
///
/// @param roles granted on the thing or above it
/// @param below something beneath it is granted, so that its name may be known
public record Sight(Set<Role> roles, boolean below) {
    public static final Sight NOTHING = new Sight(Set.of(), false);

    public Sight {
        roles = Set.copyOf(roles);
    }
}
