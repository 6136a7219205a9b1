package io.icefield.iceberg;

import io.icefield.policy.Column;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableMetadata;
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

    /// What earlier schemas have beside the current one, each column once under each of its names.
    static List<Column> past(TableMetadata metadata) {
        Set<Name> known = new HashSet<>();
        of(metadata.schema()).forEach(column -> known.add(new Name(column.fieldId(), column.path())));
        return metadata.schemas().stream()
                .filter(schema -> schema.schemaId() != metadata.currentSchemaId())
                .flatMap(schema -> of(schema).stream())
                .filter(column -> known.add(new Name(column.fieldId(), column.path())))
                .toList();
    }

    private record Name(int fieldId, String path) {}

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
