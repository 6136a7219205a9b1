package io.icefield.job;

import java.time.ZoneOffset;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/// Turns the texts of one column into values of its type.
@FunctionalInterface
interface TextReader {
    Pattern UUID_FORM = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", Pattern.CASE_INSENSITIVE);

    /// Null if the type cannot hold the text without losing something.
    @Nullable
    Object read(String text);

    /// Empty if no text stands for a value of the type.
    static Optional<TextReader> of(Type type) {
        return Optional.ofNullable(
                switch (type.typeId()) {
                    case STRING -> text -> text;
                    case LONG -> Forms::integer;
                    case INTEGER -> TextReader::smallInteger;
                    case BOOLEAN -> Forms::bool;
                    case DATE -> Forms::date;
                    case TIME -> Forms::time;
                    case DOUBLE -> text -> Forms.floating(text).orElse(null);
                    case DECIMAL -> {
                        Types.DecimalType decimal = (Types.DecimalType) type;
                        yield text -> Forms.decimal(text, decimal.precision(), decimal.scale());
                    }
                    case TIMESTAMP ->
                        ((Types.TimestampType) type).shouldAdjustToUTC()
                                ? TextReader::zonedMoment
                                : TextReader::localMoment;
                    case UUID -> TextReader::uuid;
                    default -> null;
                });
    }

    private static @Nullable Object smallInteger(String text) {
        Long value = Forms.integer(text);
        return value == null || value != value.intValue() ? null : (Integer) value.intValue();
    }

    private static @Nullable Object localMoment(String text) {
        Forms.Moment moment = Forms.moment(text);
        return moment == null || !moment.zone().isEmpty() ? null : moment.time();
    }

    private static @Nullable Object zonedMoment(String text) {
        Forms.Moment moment = Forms.moment(text);
        return moment == null || moment.zone().isEmpty()
                ? null
                : moment.time().atOffset(moment.offset()).withOffsetSameInstant(ZoneOffset.UTC);
    }

    private static @Nullable Object uuid(String text) {
        return UUID_FORM.matcher(text).matches() ? UUID.fromString(text) : null;
    }
}
