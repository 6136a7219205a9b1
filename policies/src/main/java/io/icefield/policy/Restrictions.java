package io.icefield.policy;

import java.util.List;
import java.util.Map;

/// What one reader gets less of one table.
///
/// @param masks by column path; only columns that are masked
/// @param filters rows the reader may see must pass each of them
public record Restrictions(Map<String, Mask> masks, List<RowFilter> filters) {
    public static final Restrictions NONE = new Restrictions(Map.of(), List.of());

    public Restrictions {
        masks = Map.copyOf(masks);
        filters = List.copyOf(filters);
    }

    public boolean none() {
        return masks.isEmpty() && filters.isEmpty();
    }

    /// Rows whose column has one of these values; a null value never passes.
    ///
    /// @param column column path
    /// @param type its Iceberg type as text; empty with no values when the table lacks the column
    /// @param values as text, read by the column's type
    public record RowFilter(String column, String type, List<String> values) {
        public RowFilter {
            values = List.copyOf(values);
        }
    }
}
