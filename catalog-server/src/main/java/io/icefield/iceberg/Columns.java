package io.icefield.iceberg;

import io.icefield.policy.Column;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;

/// A schema as the policies see it: all fields, parents first.
final class Columns {
    private Columns() {}

    static List<Column> of(Schema schema) {
        List<Column> columns = new ArrayList<>();
        schema.columns().forEach(field -> add("", field, columns));
        return columns;
    }

    private static void add(String parent, Types.NestedField field, List<Column> columns) {
        String path = parent + field.name();
        String doc = field.doc();
        columns.add(new Column(
                field.fieldId(), path, name(field.type()), field.isRequired(), doc == null ? "" : doc, Set.of()));
        if (field.type().isNestedType()) {
            field.type().asNestedType().fields().forEach(child -> add(path + ".", child, columns));
        }
    }

    private static String name(Type type) {
        return switch (type.typeId()) {
            case STRUCT -> "struct";
            case LIST -> "list";
            case MAP -> "map";
            default -> type.toString();
        };
    }
}
