package io.icefield.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.query.RestrictionSql.Salt;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class RestrictionSqlTest {
    private static final Salt SALT = new Salt("000102030405060708090a0b0c0d0e0f");
    private static final List<String> TYPES = List.of(
            "boolean",
            "integer",
            "bigint",
            "real",
            "double",
            "decimal(9,2)",
            "varchar",
            "varchar(25)",
            "varbinary",
            "date",
            "time(6)",
            "timestamp(6)",
            "timestamp(6) with time zone",
            "uuid",
            "array(varchar)",
            "row(zip varchar)",
            "somethingnew");

    /// `UPDATE_GOLDEN=1` writes the file anew.
    @Test
    void aQueryKeepsItsSaltAndSharesItWithNoOther() {
        byte[] secret = "a secret of this mesh".getBytes(StandardCharsets.UTF_8);
        Salt one = Salt.of(secret, "20260102_030405_00001_abcde");
        assertThat(Salt.of(secret, "20260102_030405_00001_abcde")).isEqualTo(one);
        assertThat(Salt.of(secret, "20260102_030405_00002_abcde")).isNotEqualTo(one);
        assertThat(Salt.of("another".getBytes(StandardCharsets.UTF_8), "20260102_030405_00001_abcde"))
                .isNotEqualTo(one);
    }

    @Test
    void eachMaskOnEachTypeIsThisSql() throws Exception {
        StringBuilder all = new StringBuilder();
        for (Mask mask : Mask.values()) {
            for (String type : TYPES) {
                all.append("%s %s: %s%n".formatted(mask, type, RestrictionSql.mask(mask, "c", type, SALT)));
            }
        }
        if (System.getenv("UPDATE_GOLDEN") != null) {
            Files.writeString(Path.of("src/test/resources/io/icefield/query/masks.txt"), all);
        }
        try (InputStream golden =
                Objects.requireNonNull(RestrictionSqlTest.class.getResourceAsStream("masks.txt"), "masks.txt")) {
            assertThat(all.toString()).isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void noMaskOnAnyTypeShowsTheValueItself() {
        for (Mask mask : Mask.values()) {
            for (String type : TYPES) {
                assertThat(RestrictionSql.mask(mask, "c", type, SALT)).isNotEqualTo("\"c\"");
            }
        }
    }

    @Test
    void namesCannotLeaveTheirQuotes() {
        assertThat(RestrictionSql.mask(Mask.REPLACE_WITH_NULL, "a\" OR \"b", "varchar", SALT))
                .isEqualTo("IF(FALSE, \"a\"\" OR \"\"b\")");
        assertThat(filter("a\".b", "string", "x")).isEqualTo("\"a\"\"\".\"b\" IN ('x')");
    }

    @Test
    void aTypeThatIsNoPlainTypeIsNeverSpelled() {
        String type = "row(\"x\" varchar)) || (SELECT 1";
        assertThat(RestrictionSql.mask(Mask.MASK_TO_FIXED_VALUE, "c", type, SALT))
                .isEqualTo("IF(FALSE, \"c\")");
    }

    @Test
    void aFilterComparesWithLiteralsOfTheType() {
        assertThat(filter("region", "string", "EU", "O'Hara", "日本")).isEqualTo("\"region\" IN ('EU', 'O''Hara', '日本')");
        assertThat(filter("n", "int", "1", "-2")).isEqualTo("\"n\" IN (BIGINT '1', BIGINT '-2')");
        assertThat(filter("n", "decimal(9, 2)", "1.50")).isEqualTo("\"n\" IN (DECIMAL '1.50')");
        assertThat(filter("n", "double", "1e3")).isEqualTo("\"n\" IN (DOUBLE '1E+3')");
        assertThat(filter("b", "boolean", "true")).isEqualTo("\"b\" IN (TRUE)");
        assertThat(filter("d", "date", "2026-02-28")).isEqualTo("\"d\" IN (DATE '2026-02-28')");
        assertThat(filter("t", "timestamptz", "2026-02-28T01:00:00+02:00"))
                .isEqualTo("\"t\" IN (TIMESTAMP '2026-02-27 23:00:00.000000000 UTC')");
        assertThat(filter("u", "uuid", "0-0-0-0-1"))
                .isEqualTo("\"u\" IN (UUID '00000000-0000-0000-0000-000000000001')");
        assertThat(filter("address.country", "string", "NL")).isEqualTo("\"address\".\"country\" IN ('NL')");
    }

    @Test
    void aFilterWithoutValuesLetsNothingThrough() {
        assertThat(filter("region", "string")).isEqualTo("FALSE");
    }

    @Test
    void whatIsNoValueOfTheTypeIsRefused() {
        assertThatThrownBy(() -> filter("n", "long", "1) OR (1=1")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> filter("d", "date", "2026-02-30")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> filter("b", "boolean", "yes")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> filter("s", "struct", "x")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aSaltIsLongAndNeverTheSame() {
        assertThatThrownBy(() -> new Salt("00")).isInstanceOf(IllegalArgumentException.class);
        assertThat(Salt.random()).isNotEqualTo(Salt.random());
    }

    private static String filter(String column, String type, String... values) {
        return RestrictionSql.filter(new Restrictions.RowFilter(column, type, List.of(values)));
    }
}
