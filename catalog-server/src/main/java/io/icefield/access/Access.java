package io.icefield.access;

import java.time.Duration;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/// The one door: may this caller do this? Pure; the grants were looked up with the thing itself.
public final class Access {
    /// What a trusted engine may not do for a user whom it does not name.
    private static final Set<Action> HUMANS = EnumSet.of(Action.CLASSIFY, Action.GRANT, Action.KEEP);

    private Access() {}

    /// Lets the caller pass or refuses: `NotFound` for those who may not know of the thing, `NotAllowed` for those who
    /// may.
    public static void check(Principal who, Sight sight, Action action, Refusal.Thing thing, String name) {
        boolean open = allows(who, sight, action);
        Trail.current().door(who, sight, action, open);
        if (open) {
            return;
        }
        if (!allows(who, sight, Action.SEE)) {
            throw new Refusal.NotFound(thing, name);
        }
        throw new Refusal.NotAllowed("`%s` may not %s %s `%s`: ask an owner of its domain for the role %s"
                .formatted(who.name(), verb(action), thing.word(), name, roleFor(action)));
    }

    public static boolean allows(Principal who, Sight sight, Action action) {
        boolean trusted = who.kind() == Principal.Kind.ENGINE && !HUMANS.contains(action);
        return trusted
                || who.isPlatform()
                || sight.roles().stream().anyMatch(role -> role.allows(action))
                || (action == Action.SEE && sight.below());
    }

    /// The same for who refuses in words of its own: the log of decisions is told.
    public static boolean decides(Principal who, Sight sight, Action action) {
        boolean open = allows(who, sight, action);
        Trail.current().door(who, sight, action, open);
        return open;
    }

    /// How long the caller may do this, if nobody takes a grant back: until the last of the grants ends that allow it.
    public static Duration lasts(Principal who, Sight sight, Action action) {
        return allows(who, Sight.NOTHING, action) ? Sight.FOREVER : longest(sight, role -> role.allows(action));
    }

    /// The same for seeing values as they are.
    public static Duration readsClearFor(Principal who, Sight sight) {
        return readsClear(who, Sight.NOTHING) ? Sight.FOREVER : longest(sight, Role::readsClear);
    }

    private static Duration longest(Sight sight, Predicate<Role> roles) {
        return sight.lasts().entrySet().stream()
                .filter(each -> roles.test(each.getKey()))
                .map(Map.Entry::getValue)
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
    }

    /// Does this caller see values as they are, whatever the policies mask? The platform team does not.
    public static boolean readsClear(Principal who, Sight sight) {
        return who.kind() == Principal.Kind.ENGINE || sight.roles().stream().anyMatch(Role::readsClear);
    }

    /// Everything outside domains: creating them, principals, grants on the whole mesh.
    public static void checkPlatform(Principal who, String what) {
        Trail.current().platform(who);
        if (!who.isPlatform()) {
            throw new Refusal.NotAllowed("`%s` may not %s: only members of the group `%s` may"
                    .formatted(who.name(), what, Principal.PLATFORM_GROUP));
        }
    }

    private static String verb(Action action) {
        return switch (action) {
            case SEE -> "see";
            case READ -> "read";
            case CREATE -> "create anything in";
            case COMMIT -> "change";
            case DROP -> "drop or rename";
            case CLASSIFY -> "classify columns of";
            case GRANT -> "grant roles on";
            case KEEP -> "protect or purge";
        };
    }

    private static String roleFor(Action action) {
        return switch (action) {
            case SEE, READ -> "reader";
            case CREATE, COMMIT, DROP -> "writer";
            case CLASSIFY -> "steward";
            case GRANT, KEEP -> "owner";
        };
    }
}
