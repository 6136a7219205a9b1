package io.icefield.access;

import static io.icefield.access.Action.CLASSIFY;
import static io.icefield.access.Action.COMMIT;
import static io.icefield.access.Action.CREATE;
import static io.icefield.access.Action.DROP;
import static io.icefield.access.Action.READ;
import static io.icefield.access.Action.SEE;

import java.util.EnumSet;
import java.util.Set;

/// What a grant gives, on the whole mesh, a domain, a namespace or a table.
public enum Role {
    /// Reads, masked and filtered as the policies say.
    READER(EnumSet.of(SEE, READ)),
    /// Reads everything and writes: a domain's jobs.
    WRITER(EnumSet.of(SEE, READ, CREATE, COMMIT, DROP)),
    /// Reads everything and says what columns hold.
    STEWARD(EnumSet.of(SEE, READ, CLASSIFY)),
    /// All of it, and grants it to others.
    OWNER(EnumSet.allOf(Action.class));

    private final Set<Action> actions;

    Role(EnumSet<Action> actions) {
        this.actions = Set.copyOf(actions);
    }

    public boolean allows(Action action) {
        return actions.contains(action);
    }

    /// Does this role see values as they are?
    public boolean readsClear() {
        return this != READER;
    }
}
