package io.icefield.job;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/// The narrowest type that holds every text of a column without losing anything: from the values and the type
/// alone, knowing the one way the column was written, each text can be written again, character by character. A
/// column of which that cannot be said is text.
final class TypeGuess {
    private final List<Candidate> candidates = new ArrayList<>(List.of(
            new Truth(), new Whole(), new Exact(), new Floating(), new Day(), new Instants(false), new Instants(true)));
    private boolean empty = true;

    void see(String text) {
        empty = false;
        for (Iterator<Candidate> left = candidates.iterator(); left.hasNext(); ) {
            if (!left.next().holds(text)) {
                left.remove();
            }
        }
    }

    Type type() {
        if (!empty) {
            for (Candidate candidate : candidates) {
                Optional<Type> type = candidate.type();
                if (type.isPresent()) {
                    return type.get();
                }
            }
        }
        return Types.StringType.get();
    }

    /// One type that may hold the column.
    private interface Candidate {
        /// False for the first text that the type would change; it is not asked again after that.
        boolean holds(String text);

        /// Asked after all texts. Empty if this is no type for the column after all.
        Optional<Type> type();
    }

    private static final class Truth implements Candidate {
        @Override
        public boolean holds(String text) {
            return Forms.bool(text) != null;
        }

        @Override
        public Optional<Type> type() {
            return Optional.of(Types.BooleanType.get());
        }
    }

    private static final class Whole implements Candidate {
        @Override
        public boolean holds(String text) {
            return Forms.integer(text) != null;
        }

        @Override
        public Optional<Type> type() {
            return Optional.of(Types.LongType.get());
        }
    }

    /// Decimals are written as short as possible, but with at least n fraction digits: `1.5`, `2` for none, `1.50`,
    /// `2.00`, `2.125` for two. `1.9` beside `1.10` fits no n. One bit of `ways` stands for each n that fits.
    private static final class Exact implements Candidate {
        private static final int DIGITS_SMALL = 18;
        private static final int DIGITS_MAX = 38;

        private long ways = -1;
        private int integerDigits;
        private int fractionDigits;
        private boolean bareSeen;
        private boolean zeroSeen;

        @Override
        public boolean holds(String text) {
            Forms.Plain number = Forms.number(text);
            if (number == null) {
                return false;
            }
            integerDigits = Math.max(integerDigits, number.integerDigits());
            fractionDigits = Math.max(fractionDigits, number.fractionDigits());
            bareSeen |= number.bare();
            zeroSeen |= number.integerDigits() == 0 && number.fractionDigits() > 0 && !number.bare();
            if (integerDigits + fractionDigits > DIGITS_MAX || (bareSeen && zeroSeen)) {
                return false;
            }
            // As many fraction digits as there are, or any fewer if none of the digits is there to fill up.
            int digits = number.fractionDigits();
            long way = number.trailingZeros() == 0 ? (2L << digits) - 1 : 1L << digits;
            ways &= way;
            return ways != 0;
        }

        /// 18 or 38 digits, so that tomorrow's larger number still fits.
        @Override
        public Optional<Type> type() {
            if (fractionDigits == 0) {
                return Optional.empty();
            }
            int precision = integerDigits + fractionDigits <= DIGITS_SMALL ? DIGITS_SMALL : DIGITS_MAX;
            return Optional.of(Types.DecimalType.of(precision, fractionDigits));
        }
    }

    /// Numbers of which at least one has an exponent, written the way one known program prints doubles.
    private static final class Floating implements Candidate {
        private final EnumSet<FloatingPrinter> printers = EnumSet.allOf(FloatingPrinter.class);
        private boolean exponentSeen;
        private int scientificDigits = -1;
        private @Nullable Boolean upperCase;

        @Override
        public boolean holds(String text) {
            Optional<Double> value = Forms.floating(text);
            // `%.18e` prints more digits than a double needs, and a computer reads it back all the same.
            double number;
            if (value.isPresent()) {
                number = value.get();
            } else if (printers.contains(FloatingPrinter.SCIENTIFIC) && FloatingPrinter.looksScientific(text)) {
                number = Double.parseDouble(text);
            } else {
                return false;
            }
            int exponent = Math.max(text.indexOf('e'), text.indexOf('E'));
            if (exponent >= 0) {
                exponentSeen = true;
                boolean upper = text.charAt(exponent) == 'E';
                if (upperCase != null && upperCase != upper) {
                    return false;
                }
                upperCase = upper;
            }
            if (scientificDigits < 0) {
                int point = text.indexOf('.');
                scientificDigits = point < 0 || exponent < 0 ? 0 : exponent - point - 1;
            }
            printers.removeIf(printer -> !printer.print(number, scientificDigits)
                    .toLowerCase(Locale.ROOT)
                    .equals(lower(text)));
            return !printers.isEmpty();
        }

        private static String lower(String text) {
            return text.toLowerCase(Locale.ROOT);
        }

        @Override
        public Optional<Type> type() {
            return exponentSeen ? Optional.of(Types.DoubleType.get()) : Optional.empty();
        }
    }

    /// How programs print a double. All but the last print as few digits as tell it from its neighbours.
    private enum FloatingPrinter {
        JAVA {
            @Override
            String print(double number, int digits) {
                return Double.toString(number);
            }
        },
        PYTHON {
            @Override
            String print(double number, int digits) {
                int exponent = exponent(number);
                if (exponent >= -4 && exponent < 16) {
                    String plain = plain(number);
                    return plain.indexOf('.') < 0 ? plain + ".0" : plain;
                }
                return scientific(number, 2);
            }
        },
        JAVASCRIPT {
            @Override
            String print(double number, int digits) {
                int exponent = exponent(number);
                return exponent >= -6 && exponent < 21 ? plain(number) : scientific(number, 1);
            }
        },
        R {
            @Override
            String print(double number, int digits) {
                String plain = plain(number);
                String scientific = scientific(number, 2);
                return plain.length() <= scientific.length() ? plain : scientific;
            }
        },
        SCIENTIFIC {
            @Override
            String print(double number, int digits) {
                BigDecimal rounded = new BigDecimal(number).round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
                String unscaled = rounded.unscaledValue().abs().toString();
                int exponent = number == 0 ? 0 : unscaled.length() - 1 - rounded.scale();
                String all = unscaled + "0".repeat(Math.max(0, digits + 1 - unscaled.length()));
                String significand = digits == 0 ? all : all.charAt(0) + "." + all.substring(1);
                return sign(number) + significand + exponentText(exponent, 2);
            }
        };

        abstract String print(double number, int digits);

        private static final int SCIENTIFIC_LENGTH_MAX = 60;

        static boolean looksScientific(String text) {
            return text.length() <= SCIENTIFIC_LENGTH_MAX
                    && text.matches("-?[0-9][.][0-9]+[eE][+-][0-9]{2,3}")
                    && Double.isFinite(Double.parseDouble(text));
        }

        private static BigDecimal shortest(double number) {
            return new BigDecimal(Double.toString(Math.abs(number))).stripTrailingZeros();
        }

        private static int exponent(double number) {
            BigDecimal shortest = shortest(number);
            return shortest.signum() == 0 ? 0 : shortest.precision() - 1 - shortest.scale();
        }

        private static String sign(double number) {
            return Double.doubleToRawLongBits(number) < 0 ? "-" : "";
        }

        private static String plain(double number) {
            return sign(number) + shortest(number).toPlainString();
        }

        private static String scientific(double number, int exponentDigits) {
            String digits = shortest(number).unscaledValue().toString();
            String significand = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
            return sign(number) + significand + exponentText(exponent(number), exponentDigits);
        }

        private static String exponentText(int exponent, int digits) {
            String number = Integer.toString(Math.abs(exponent));
            return (exponent < 0 ? "e-" : "e+") + "0".repeat(Math.max(0, digits - number.length())) + number;
        }
    }

    private static final class Day implements Candidate {
        @Override
        public boolean holds(String text) {
            return Forms.date(text) != null;
        }

        @Override
        public Optional<Type> type() {
            return Optional.of(Types.DateType.get());
        }
    }

    /// Fractions of a second are written with a fixed number of digits, as few as possible, none or six, or in
    /// groups of three. With a zone, it is the same one in every row: the type keeps the instant and forgets
    /// the zone.
    private static final class Instants implements Candidate {
        private static final int SHORTEST = 1 << 10;
        private static final int NONE_OR_SIX = 1 << 11;
        private static final int GROUPS = 1 << 12;
        private static final int MINUTES = 1 << 13;

        private final boolean zoned;
        private int ways = -1;
        private char separator;
        private @Nullable String zone;

        Instants(boolean zoned) {
            this.zoned = zoned;
        }

        @Override
        public boolean holds(String text) {
            Forms.Moment moment = Forms.moment(text);
            if (moment == null || moment.zone().isEmpty() == zoned) {
                return false;
            }
            if (zone == null) {
                zone = moment.zone();
                separator = moment.separator();
            }
            ways &= ways(moment);
            return ways != 0 && separator == moment.separator() && zone.equals(moment.zone());
        }

        private static int ways(Forms.Moment moment) {
            if (moment.fractionDigits() == Forms.Moment.MINUTES_ONLY) {
                return MINUTES;
            }
            int digits = moment.fractionDigits();
            int micros = moment.time().get(ChronoField.MICRO_OF_SECOND);
            int ways = 1 << digits;
            int needed = 6;
            for (int rest = micros; needed > 0 && rest % 10 == 0; rest /= 10) {
                needed--;
            }
            ways |= digits == needed ? SHORTEST : 0;
            ways |= digits == (micros == 0 ? 0 : 6) ? NONE_OR_SIX : 0;
            ways |= digits == (needed + 2) / 3 * 3 ? GROUPS : 0;
            return ways;
        }

        @Override
        public Optional<Type> type() {
            return Optional.of(zoned ? Types.TimestampType.withZone() : Types.TimestampType.withoutZone());
        }
    }
}
