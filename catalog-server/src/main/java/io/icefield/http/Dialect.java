package io.icefield.http;

import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions.RowFilter;

/// Restrictions as the query engine's SQL.
public interface Dialect {
    /// What a reader gets instead of the column; of the same type.
    ///
    /// @param type as the engine writes it
    /// @param query names the query that asks: what is to be the same within it alone depends on it
    String masked(Mask mask, String column, String type, String query);

    /// True for the rows that may be seen.
    String predicate(RowFilter filter);
}
