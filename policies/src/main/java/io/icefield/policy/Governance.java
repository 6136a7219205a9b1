package io.icefield.policy;

import java.util.List;
import java.util.Set;

/// The policies in force, global and per domain: the one place that judges changes and restricts readers.
/// Immutable; built by `policy.file` from a folder.
public interface Governance {
    /// Nothing is refused and nothing is hidden.
    Governance NONE = new Governance() {
        @Override
        public Verdict judge(Change change) {
            return new Verdict(List.of(), List.of());
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return Restrictions.NONE;
        }
    };

    /// All policies that bind the change's domain, each in its mode. A policy that cannot be evaluated denies.
    Verdict judge(Change change);

    /// What members of these groups do not see of this table. A column with a tag that no rule knows is hidden
    /// (`pii.*` only); of several tags the strictest mask wins.
    Restrictions restrict(TableName table, List<Column> columns, Set<String> groups);

    /// Names exactly these policies: others, another version. Empty: there are none to name.
    default String version() {
        return "";
    }

    /// The same policies under the name of their version.
    default Governance versioned(String version) {
        return new Versioned(this, version);
    }

    /// Policies whose files are known.
    record Versioned(Governance policies, String version) implements Governance {
        @Override
        public Verdict judge(Change change) {
            return policies.judge(change);
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return policies.restrict(table, columns, groups);
        }
    }

    /// @param denied violations of policies bound as `deny`; one is enough to refuse
    /// @param warned violations of policies bound as `warn` or `audit`
    record Verdict(List<Violation> denied, List<Violation> warned) {
        public Verdict {
            denied = List.copyOf(denied);
            warned = List.copyOf(warned);
        }
    }
}
