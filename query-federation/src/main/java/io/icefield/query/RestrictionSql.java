package io.icefield.query;

import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// What a reader gets less of a table, as SQL expressions of Trino. Pure: the same restrictions, the same text.
///
/// A mask keeps the column's type and follows Iceberg's read restrictions to the byte. Where an action is not defined
/// for a type, and for parts of structures, the value becomes `NULL`: never is more shown than was asked for.
public final class RestrictionSql {
    /// Random bytes, new for each query, that make `SHA_256_QUERY_LOCAL` useless outside it.
    public record Salt(String hex) {
        private static final int BYTES_MIN = 16;

        public Salt {
            if (HexFormat.of().parseHex(hex).length < BYTES_MIN) {
                throw new IllegalArgumentException("a salt has at least %d bytes".formatted(BYTES_MIN));
            }
        }

        public static Salt random() {
            byte[] bytes = new byte[BYTES_MIN];
            new SecureRandom().nextBytes(bytes);
            return new Salt(HexFormat.of().formatHex(bytes));
        }

        /// The one of this query: always the same, and no other query's. Plans show salts, so whoever lacks the secret
        /// cannot tell one from another.
        public static Salt of(byte[] secret, String query) {
            try {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(secret, "HmacSHA256"));
                byte[] digest = mac.doFinal(("icefield.query-salt\0" + query).getBytes(StandardCharsets.UTF_8));
                return new Salt(HexFormat.of().formatHex(digest, 0, BYTES_MIN));
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(e); // every JDK has it
            }
        }
    }

    private enum Kind {
        BOOLEAN,
        INTEGER,
        BIGINT,
        REAL,
        DOUBLE,
        DECIMAL,
        TEXT,
        BINARY,
        DATE,
        TIME,
        TIMESTAMP,
        TIMESTAMP_WITH_ZONE,
        UUID,
        OTHER
    }

    /// Trino's names and Iceberg's.
    private static final Map<String, Kind> KINDS = Map.ofEntries(
            Map.entry("boolean", Kind.BOOLEAN),
            Map.entry("integer", Kind.INTEGER),
            Map.entry("int", Kind.INTEGER),
            Map.entry("bigint", Kind.BIGINT),
            Map.entry("long", Kind.BIGINT),
            Map.entry("real", Kind.REAL),
            Map.entry("float", Kind.REAL),
            Map.entry("double", Kind.DOUBLE),
            Map.entry("decimal", Kind.DECIMAL),
            Map.entry("varchar", Kind.TEXT),
            Map.entry("string", Kind.TEXT),
            Map.entry("varbinary", Kind.BINARY),
            Map.entry("binary", Kind.BINARY),
            Map.entry("date", Kind.DATE),
            Map.entry("time", Kind.TIME),
            Map.entry("timestamp", Kind.TIMESTAMP),
            Map.entry("timestamp_ns", Kind.TIMESTAMP),
            Map.entry("timestamp with time zone", Kind.TIMESTAMP_WITH_ZONE),
            Map.entry("timestamptz", Kind.TIMESTAMP_WITH_ZONE),
            Map.entry("timestamptz_ns", Kind.TIMESTAMP_WITH_ZONE),
            Map.entry("uuid", Kind.UUID));

    private static final Pattern TYPE = Pattern.compile("([a-z_]+)(\\([0-9]+(?:, ?[0-9]+)?\\))?( with time zone)?");

    private RestrictionSql() {}

    /// One mask on one column.
    public static String mask(Mask mask, String column, String type, Salt salt) {
        Kind kind = kind(type);
        String value = identifier(column);
        Optional<String> masked = switch (mask) {
            case MASK_ALPHANUM -> text(kind, redacted(value));
            case SHOW_FIRST_4 ->
                text(kind, "substr(%1$s, 1, 4) || %2$s".formatted(value, redacted("substr(" + value + ", 5)")));
            case SHOW_LAST_4 ->
                text(
                        kind,
                        "CASE WHEN length(%1$s) <= 4 THEN %1$s ELSE %2$s || substr(%1$s, -4) END"
                                .formatted(value, redacted("substr(%1$s, 1, length(%1$s) - 4)".formatted(value))));
            case TRUNCATE_TO_YEAR -> truncated(kind, "year", value);
            case TRUNCATE_TO_MONTH -> truncated(kind, "month", value);
            case SHA_256_GLOBAL -> digested(kind, value, "");
            case SHA_256_QUERY_LOCAL -> digested(kind, value, "X'%s' || ".formatted(salt.hex()));
            case MASK_TO_FIXED_VALUE -> fixed(kind);
            case REPLACE_WITH_NULL -> Optional.empty();
        };
        return masked.map(expression -> "CAST(%s AS %s)".formatted(expression, type))
                .orElse(hidden(column));
    }

    /// `NULL` of the column's own type, without spelling the type.
    private static String hidden(String column) {
        return "IF(FALSE, %s)".formatted(identifier(column));
    }

    private static Optional<String> text(Kind kind, String expression) {
        return kind == Kind.TEXT ? Optional.of(expression) : Optional.empty();
    }

    /// Code point by code point: digits become `n`, a few punctuation marks stay, all else becomes `x`.
    private static String redacted(String value) {
        return "regexp_replace(regexp_replace(%s, '[^0-9(),.@-]', 'x'), '[0-9]', 'n')".formatted(value);
    }

    private static Optional<String> truncated(Kind kind, String unit, String value) {
        return switch (kind) {
            case DATE, TIMESTAMP -> Optional.of("date_trunc('%s', %s)".formatted(unit, value));
            case TIMESTAMP_WITH_ZONE -> Optional.of("date_trunc('%s', %s AT TIME ZONE 'UTC')".formatted(unit, value));
            case BOOLEAN, INTEGER, BIGINT, REAL, DOUBLE, DECIMAL, TEXT, BINARY, TIME, UUID, OTHER -> Optional.empty();
        };
    }

    private static Optional<String> digested(Kind kind, String value, String salt) {
        return switch (kind) {
            case TEXT -> Optional.of("lower(to_hex(sha256(%sto_utf8(%s))))".formatted(salt, value));
            case BINARY -> Optional.of("sha256(%s%s)".formatted(salt, value));
            case INTEGER -> Optional.of(littleEndian(32, 4, value, salt));
            case BIGINT -> Optional.of(littleEndian(64, 8, value, salt));
            case BOOLEAN, REAL, DOUBLE, DECIMAL, DATE, TIME, TIMESTAMP, TIMESTAMP_WITH_ZONE, UUID, OTHER ->
                Optional.empty();
        };
    }

    private static String littleEndian(int bits, int bytes, String value, String salt) {
        return "from_big_endian_%1$d(reverse(substr(sha256(%2$sreverse(to_big_endian_%1$d(%3$s))), 1, %4$d)))"
                .formatted(bits, salt, value, bytes);
    }

    /// The same for every value, `NULL` included.
    private static Optional<String> fixed(Kind kind) {
        return switch (kind) {
            case BOOLEAN -> Optional.of("FALSE");
            case INTEGER, BIGINT, REAL, DOUBLE, DECIMAL -> Optional.of("0");
            case TEXT -> Optional.of("'XXXXXXXX'");
            case BINARY -> Optional.of("X''");
            case DATE -> Optional.of("DATE '1970-01-01'");
            case TIME -> Optional.of("TIME '00:00:00'");
            case TIMESTAMP -> Optional.of("TIMESTAMP '1970-01-01 00:00:00'");
            case TIMESTAMP_WITH_ZONE -> Optional.of("TIMESTAMP '1970-01-01 00:00:00 UTC'");
            case UUID -> Optional.of("UUID '00000000-0000-0000-0000-000000000000'");
            case OTHER -> Optional.empty();
        };
    }

    /// The predicate that a row must pass. Throws `IllegalArgumentException` when a value is not one of the type, or
    /// the type cannot be compared: then nothing may be read.
    public static String filter(Restrictions.RowFilter filter) {
        if (filter.values().isEmpty()) {
            return "FALSE";
        }
        Kind kind = kind(filter.type());
        String column = Stream.of(filter.column().split("\\.", -1))
                .map(RestrictionSql::identifier)
                .collect(Collectors.joining("."));
        List<String> values =
                filter.values().stream().map(value -> literal(kind, value)).toList();
        return "%s IN (%s)".formatted(column, String.join(", ", values));
    }

    private static String literal(Kind kind, String value) {
        try {
            return switch (kind) {
                case TEXT -> quoted(value);
                case BOOLEAN ->
                    switch (value) {
                        case "true" -> "TRUE";
                        case "false" -> "FALSE";
                        default -> throw new IllegalArgumentException("neither `true` nor `false`");
                    };
                case INTEGER, BIGINT -> "BIGINT '%d'".formatted(Long.parseLong(value));
                case DECIMAL -> "DECIMAL '%s'".formatted(new BigDecimal(value).toPlainString());
                case REAL, DOUBLE -> "DOUBLE '%s'".formatted(new BigDecimal(value));
                case DATE -> "DATE '%s'".formatted(LocalDate.parse(value));
                case TIMESTAMP -> "TIMESTAMP '%s'".formatted(text(LocalDateTime.parse(value)));
                case TIMESTAMP_WITH_ZONE ->
                    "TIMESTAMP '%s UTC'"
                            .formatted(text(OffsetDateTime.parse(value)
                                    .withOffsetSameInstant(ZoneOffset.UTC)
                                    .toLocalDateTime()));
                case UUID -> "UUID '%s'".formatted(UUID.fromString(value));
                case BINARY, TIME, OTHER ->
                    throw new IllegalArgumentException("columns of this type cannot filter rows");
            };
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new IllegalArgumentException(
                    "row filter value `%s` is not a value of type %s: %s"
                            .formatted(value, kind.name().toLowerCase(Locale.ROOT), e.getMessage()),
                    e);
        }
    }

    private static String text(LocalDateTime time) {
        return DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSSSSS", Locale.ROOT)
                .format(time);
    }

    private static Kind kind(String type) {
        Matcher matcher = TYPE.matcher(type);
        if (!matcher.matches()) {
            return Kind.OTHER;
        }
        String zone = matcher.group(3) == null ? "" : matcher.group(3);
        return KINDS.getOrDefault(matcher.group(1) + zone, Kind.OTHER);
    }

    /// A name that SQL takes for one name, whatever is in it.
    public static String identifier(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
