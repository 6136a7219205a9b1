package io.icefield.demo;

import io.trino.tpch.TpchColumn;
import io.trino.tpch.TpchEntity;
import io.trino.tpch.TpchTable;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;

/// The generator's tables as Iceberg schemas and records. Column names are those of Trino's `tpch` connector; amounts
/// are
/// exact decimals, so that sums do not depend on their order.
final class TpchRows {
    private static final int AMOUNT_DIGITS = 12;
    private static final int AMOUNT_SCALE = 2;

    private TpchRows() {}

    static Schema schema(String table) {
        List<? extends TpchColumn<?>> columns = TpchTable.getTable(table).getColumns();
        return new Schema(IntStream.range(0, columns.size())
                .mapToObj(i -> Types.NestedField.required(
                        i + 1, columns.get(i).getSimplifiedColumnName(), type(columns.get(i))))
                .toList());
    }

    private static Type type(TpchColumn<?> column) {
        return switch (column.getType().getBase()) {
            case IDENTIFIER -> Types.LongType.get();
            case INTEGER -> Types.IntegerType.get();
            case DATE -> Types.DateType.get();
            case DOUBLE -> Types.DecimalType.of(AMOUNT_DIGITS, AMOUNT_SCALE);
            case VARCHAR -> Types.StringType.get();
        };
    }

    /// One record object for all rows: whoever iterates writes each before asking for the next.
    static Iterator<Record> rows(String table, double scale) {
        return rows(TpchTable.getTable(table), schema(table), scale);
    }

    private static <E extends TpchEntity> Iterator<Record> rows(TpchTable<E> table, Schema schema, double scale) {
        List<TpchColumn<E>> columns = table.getColumns();
        Iterator<E> entities = table.createGenerator(scale, 1, 1).iterator();
        GenericRecord record = GenericRecord.create(schema);
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return entities.hasNext();
            }

            @Override
            public Record next() {
                E entity = entities.next();
                for (int i = 0; i < columns.size(); i++) {
                    record.set(i, value(columns.get(i), entity));
                }
                return record;
            }
        };
    }

    private static <E extends TpchEntity> Object value(TpchColumn<E> column, E entity) {
        return switch (column.getType().getBase()) {
            case IDENTIFIER -> column.getIdentifier(entity);
            case INTEGER -> column.getInteger(entity);
            case DATE -> LocalDate.ofEpochDay(column.getDate(entity));
            case DOUBLE -> BigDecimal.valueOf(column.getDouble(entity)).setScale(AMOUNT_SCALE, RoundingMode.HALF_EVEN);
            case VARCHAR -> column.getString(entity);
        };
    }
}
