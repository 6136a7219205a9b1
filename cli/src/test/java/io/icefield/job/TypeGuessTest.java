package io.icefield.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.types.Type;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TypeGuessTest {

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "1 0 -7 9223372036854775807 -9223372036854775808|long",
                "1 9223372036854775808|string",
                "00123 00456|string",
                "1 007|string",
                "-0|string",
                "+49 +1|string",
                "0 1|long",
                "true false|boolean",
                "TRUE FALSE|string",
                "true 0|string",
                "1.50 2.00 -3.25|decimal(18, 2)",
                ".0000 12.5000|decimal(18, 4)",
                "1.5 2 3.25|decimal(18, 2)",
                "1.5 2.0 3.25|decimal(18, 2)",
                "1.9 1.10|string",
                "1.5 2.00|string",
                "35.00 2071.4196 2.29|decimal(18, 4)",
                "35.00 2071.4190|string",
                "35 2.00|string",
                ".5 0.5|string",
                "0 .5|decimal(18, 1)",
                "-0.0|string",
                "1. 2.|string",
                "123456789012345678.5|decimal(38, 1)",
                "12345678901234567890123456789012345678.5|string",
                "123456789012345678901234567890|string",
                "1.0E10 1.5E-5 2.0|double",
                "1e-05 0.5 1e+16|double",
                "1e-7 5 1e+21|double",
                "1e+05 1 0.25|double",
                "1.000000000000000000e+00 2.500000000000000000e-01|double",
                "1e5 100000|string",
                "0.1234567890123456789e1 1|string",
                "1e999|string",
                "1.0 NaN|string",
                "1.0 inf|string",
                "2024-02-29 2023-12-31|date",
                "2023-02-29|string",
                "2024-2-9|string",
                "0000-01-01|string",
                "2024-01-01T10:00:00 2024-01-01T10:00:01|timestamp",
                "2024-01-01T10:00:00.000 2024-01-01T10:00:01.120|timestamp",
                "2024-01-01T10:00:00.0000000|timestamp",
                "2024-01-01T10:00:00.1234567|string",
                "2024-01-01T10:00:00 2024-01-01T10:00:01.5|timestamp",
                "2024-01-01T10:00:00.5 2024-01-01T10:00:01.50|string",
                "2024-01-01T10:00|timestamp",
                "2024-01-01T24:00:00|string",
                "2024-01-01T10:00:60|string",
                "2024-01-01T10:00:00 2024-01-01|string",
                "2024-01-01T10:00:00Z|timestamptz",
                "2024-01-01T10:00:00+02:00 2024-06-01T10:00:00+02:00|timestamptz",
                "2024-01-01T10:00:00+01:00 2024-06-01T10:00:00+02:00|string",
                "2024-01-01T10:00:00Z 2024-01-01T10:00:00|string",
                "07:00:00|string",
            })
    void texts(String texts, String type) {
        assertThat(guess(List.of(texts.split(" "))).toString()).isEqualTo(type);
    }

    @Test
    void noTextAtAllIsText() {
        assertThat(guess(List.of())).hasToString("string");
    }

    @Test
    void anEmptyTextIsAText() {
        assertThat(guess(List.of("1", ""))).hasToString("string");
    }

    @Test
    void digitsOfOtherScriptsStayText() {
        assertThat(guess(List.of("١٢٣"))).hasToString("string");
        assertThat(guess(List.of("１.５"))).hasToString("string");
    }

    /// Whatever type is found: one way of writing values gives every text of the column back, character by character.
    @Test
    void everyColumnCanBeWrittenAgain() {
        long seed = System.nanoTime();
        System.out.println("TypeGuessTest seed " + seed);
        Random random = new Random(seed);
        int typed = 0;
        for (int round = 0; round < 20_000; round++) {
            List<String> texts = column(random);
            Type type = guess(texts);
            TextReader reader = TextReader.of(type).orElseThrow();
            List<Object> values = new ArrayList<>();
            for (String text : texts) {
                Object value = reader.read(text);
                assertThat(value).as("`%s` of %s as %s", text, texts, type).isNotNull();
                if (value != null) {
                    values.add(value);
                }
            }
            typed += type.typeId() == Type.TypeID.STRING ? 0 : 1;
            assertThat(writers(type))
                    .as("seed %d, round %d: %s as %s", seed, round, texts, type)
                    .anyMatch(writer -> values.stream().map(writer).toList().equals(texts));
        }
        assertThat(typed).as("columns that are more than text").isGreaterThan(5_000);
    }

    private static Type guess(List<String> texts) {
        TypeGuess guess = new TypeGuess();
        texts.forEach(guess::see);
        return guess.type();
    }

    /// A column by one writer, sometimes spoilt by another.
    private static List<String> column(Random random) {
        Supplier<String> one = writer(random);
        Supplier<String> other = random.nextInt(3) == 0 ? writer(random) : one;
        return Stream.generate(() -> random.nextInt(4) == 0 ? other.get() : one.get())
                .limit(1 + random.nextInt(6))
                .toList();
    }

    private static Supplier<String> writer(Random random) {
        int digits = random.nextInt(8);
        int zone = random.nextInt(4);
        return switch (random.nextInt(12)) {
            case 0 -> () -> Long.toString(random.nextLong() >> random.nextInt(64));
            case 1 ->
                () -> new BigDecimal(random.nextInt(-2000, 2000))
                        .movePointLeft(2)
                        .setScale(digits, RoundingMode.HALF_EVEN)
                        .toPlainString();
            case 2 -> () -> Double.toString(random.nextInt(-50, 50) / 8.0);
            case 3 -> () -> Double.toString(random.nextGaussian() * Math.pow(10, random.nextInt(-12, 12)));
            case 4 -> () -> Boolean.toString(random.nextBoolean());
            case 5 -> () -> moment(random).toLocalDate().toString();
            case 6 -> () -> moment(random).toString();
            case 7 -> () -> moment(random).toString().replace('T', ' ');
            case 8 ->
                () -> moment(random) + List.of("Z", "+02:00", "-0330", "+01").get(zone);
            case 9 -> () -> alphabet(random, "0123456789.-+eE", 6);
            case 10 -> () -> alphabet(random, "01.-e", 4);
            default -> () -> alphabet(random, "aé, \"\n\r😀0", 5);
        };
    }

    private static LocalDateTime moment(Random random) {
        LocalDateTime time = LocalDateTime.of(1970, 1, 1, 0, 0).plusMinutes(random.nextInt());
        return switch (random.nextInt(4)) {
            case 0 -> time;
            case 1 -> time.plusSeconds(random.nextInt(60));
            case 2 -> time.plusNanos(random.nextInt(1000) * 1_000_000L);
            default -> time.plusNanos(random.nextInt(1_000_000) * 1000L);
        };
    }

    private static String alphabet(Random random, String letters, int lengthMax) {
        int[] all = letters.codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int length = 1 + random.nextInt(lengthMax); length > 0; length--) {
            text.appendCodePoint(all[random.nextInt(all.length)]);
        }
        return text.toString();
    }

    /// The ways to write the values of a type; nothing here is shared with the guessing.
    private static List<Function<Object, String>> writers(Type type) {
        return switch (type.typeId()) {
            case DECIMAL -> {
                List<Function<Object, String>> ways = new ArrayList<>();
                IntStream.rangeClosed(0, 38)
                        .forEach(least -> ways.add(value -> {
                            BigDecimal shortest = new BigDecimal(shortest((BigDecimal) value));
                            return shortest.setScale(Math.max(least, shortest.scale()))
                                    .toPlainString();
                        }));
                List.copyOf(ways)
                        .forEach(way -> ways.add(value -> way.apply(value).replaceFirst("^(-?)0[.]", "$1.")));
                yield ways;
            }
            case TIMESTAMP -> {
                List<Function<LocalDateTime, String>> local = new ArrayList<>();
                for (String separator : List.of("T", " ")) {
                    IntStream.rangeClosed(0, 9).forEach(n -> local.add(t -> seconds(t, separator, n)));
                    local.add(t -> t.toLocalDate() + separator + clock(t).substring(0, 5));
                    local.add(t ->
                            seconds(t, separator, 6).replaceFirst("[.]?0*$", "").length() < 19
                                    ? seconds(t, separator, 0)
                                    : seconds(t, separator, 6)
                                            .replaceFirst("([.]\\d*?)0*$", "$1")
                                            .replaceFirst("[.]$", ""));
                    local.add(t -> seconds(t, separator, t.get(ChronoField.NANO_OF_SECOND) == 0 ? 0 : 6));
                    local.add(t -> seconds(
                            t,
                            separator,
                            t.get(ChronoField.NANO_OF_SECOND) == 0
                                    ? 0
                                    : t.get(ChronoField.NANO_OF_SECOND) % 1_000_000 == 0 ? 3 : 6));
                }
                List<Function<Object, String>> ways = new ArrayList<>();
                for (Function<LocalDateTime, String> way : local) {
                    ways.add(value -> value instanceof LocalDateTime time ? way.apply(time) : "");
                    for (String zone : List.of("Z", "+02:00", "-0330", "+01")) {
                        ways.add(value -> value instanceof OffsetDateTime instant
                                ? way.apply(instant.withOffsetSameInstant(ZoneOffset.of(zone))
                                                .toLocalDateTime())
                                        + zone
                                : "");
                    }
                }
                yield ways;
            }
            case DOUBLE -> {
                List<Function<Object, String>> ways = new ArrayList<>();
                ways.add(value -> Double.toString((Double) value));
                ways.add(value -> floating((Double) value, -6, 20, "", 1));
                ways.add(value -> floating((Double) value, -4, 15, ".0", 2));
                ways.add(value -> {
                    String plain = floating((Double) value, -999, 999, "", 2);
                    String scientific = floating((Double) value, 999, 999, "", 2);
                    return plain.length() <= scientific.length() ? plain : scientific;
                });
                IntStream.range(0, 9).forEach(n -> ways.add(value -> String.format("%." + n + "e", (Double) value)));
                List.copyOf(ways)
                        .forEach(way -> ways.add(value -> way.apply(value).toUpperCase(Locale.ROOT)));
                List.copyOf(ways)
                        .forEach(way -> ways.add(value -> way.apply(value).toLowerCase(Locale.ROOT)));
                yield ways;
            }
            default -> List.of(Object::toString);
        };
    }

    private static String shortest(BigDecimal value) {
        return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
    }

    private static String clock(LocalDateTime time) {
        return "%02d:%02d:%02d".formatted(time.getHour(), time.getMinute(), time.getSecond());
    }

    private static String seconds(LocalDateTime time, String separator, int digits) {
        String fraction = "%09d".formatted(time.get(ChronoField.NANO_OF_SECOND)).substring(0, digits);
        return time.toLocalDate() + separator + clock(time) + (digits == 0 ? "" : "." + fraction);
    }

    /// Without exponent from one power of ten to another, else with one digit before the point.
    private static String floating(double value, int plainFrom, int plainTo, String whole, int exponentDigits) {
        BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int exponent = shortest.signum() == 0 ? 0 : shortest.precision() - 1 - shortest.scale();
        String sign = Double.doubleToRawLongBits(value) < 0 ? "-" : "";
        if (exponent >= plainFrom && exponent <= plainTo) {
            String plain = shortest(shortest);
            return sign + plain + (plain.contains(".") ? "" : whole);
        }
        String head = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        String tail = String.format("%0" + exponentDigits + "d", Math.abs(exponent));
        return sign + head + (exponent < 0 ? "e-" : "e+") + tail;
    }
}
