package io.icefield.http;

import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions.RowFilter;

/// Restrictions as the query engine's SQL.
public interface Dialect {
    /// What a reader gets instead of the column; of the same type.
    ///
    /// @param type as the engine writes it
    String masked(Mask mask, String column, String type);

    /// True for the rows that may be seen.
    String predicate(RowFilter filter);
}
