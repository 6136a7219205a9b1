package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.policy.Column;
import io.icefield.table.TableStore.Tag;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// What a table's columns hold, as jobs declared it and stewards decided it.
public final class ClassifyTable {
    private final Tables tables;
    private final TableStore store;
    private final TableFormat format;
    private final MetadataSource files;

    public ClassifyTable(Tables tables, TableStore store, TableFormat format, MetadataSource files) {
        this.tables = tables;
        this.store = store;
        this.format = format;
        this.files = files;
    }

    /// Tags by column path; only columns that have some.
    public Map<String, Set<String>> get(Principal who, TableId id) {
        Table table = tables.get(who, Action.SEE, id).table();
        return byPath(table, store.tags(table.uuid()));
    }

    /// Sets the tags of these columns, for good: no job's declaration changes them, not even where there are none. The
    /// other columns keep theirs.
    public Map<String, Set<String>> put(Principal who, TableId id, Map<String, Set<String>> wanted) {
        Table table = tables.get(who, Action.CLASSIFY, id).table();
        Map<String, Column> columns = new HashMap<>();
        format.read(files.of(table)).columns().forEach(column -> columns.put(column.path(), column));
        Map<Integer, Set<String>> answers = new HashMap<>();
        wanted.forEach((path, names) -> {
            Column column = columns.get(path);
            if (column == null) {
                throw new Refusal.Invalid("table `%s` has no column `%s`".formatted(id, path));
            }
            answers.put(column.fieldId(), Classification.checked(names));
        });
        store.classify(table.uuid(), answers);
        return byPath(table, store.tags(table.uuid()));
    }

    private Map<String, Set<String>> byPath(Table table, Map<Integer, Set<Tag>> tags) {
        Map<String, Set<String>> byPath = new TreeMap<>();
        for (Column column : Classification.tagged(format.read(files.of(table)).columns(), tags)) {
            if (!column.tags().isEmpty()) {
                byPath.put(column.path(), column.tags());
            }
        }
        return byPath;
    }
}
