package io.icefield.policy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads column paths with the schema beside them, because a name may itself contain a dot: a step ends only where
/// a struct, list or map of that path exists.
public final class Paths {
    private Paths() {}

    public static Map<String, Column> index(List<Column> columns) {
        Map<String, Column> byPath = new HashMap<>();
        columns.forEach(column -> byPath.put(column.path(), column));
        return byPath;
    }

    /// The struct, list or map that holds this column.
    public static Optional<Column> parent(Column column, Map<String, Column> byPath) {
        String path = column.path();
        for (int dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
            Column holder = byPath.get(path.substring(0, dot));
            if (holder != null && isContainer(holder)) {
                return Optional.of(holder);
            }
        }
        return Optional.empty();
    }

    /// The column's own name, dots included if it has any.
    public static String name(Column column, Map<String, Column> byPath) {
        return parent(column, byPath)
                .map(holder -> column.path().substring(holder.path().length() + 1))
                .orElse(column.path());
    }

    /// The path of the top-level column that this column is, or is in.
    public static String root(Column column, Map<String, Column> byPath) {
        Column top = column;
        for (Optional<Column> holder = parent(top, byPath); holder.isPresent(); holder = parent(top, byPath)) {
            top = holder.get();
        }
        return top.path();
    }

    /// Whether the column is a list's element or a map's key or value, whose name nobody chose.
    public static boolean isNameless(Column column, Map<String, Column> byPath) {
        return parent(column, byPath)
                .filter(holder ->
                        holder.type().startsWith("list") || holder.type().startsWith("map"))
                .isPresent();
    }

    public static boolean isContainer(Column column) {
        String type = column.type();
        return type.startsWith("struct") || type.startsWith("list") || type.startsWith("map");
    }
}
