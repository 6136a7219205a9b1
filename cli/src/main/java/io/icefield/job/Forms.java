package io.icefield.job;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads the texts that a type can hold without losing anything; every other text is null. `00123` is no
/// integer, because its zeros would be lost; `1e5` is no decimal, and `NaN` nothing but text.
final class Forms {
    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final Pattern FLOATING =
            Pattern.compile("-?(?:(?:0|[1-9][0-9]*)(?:[.][0-9]+)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,4})?");
    private static final int LONG_DIGITS_SAFE = 18;
    private static final int NUMBER_LENGTH_MAX = 400;

    private Forms() {}

    /// A decimal number without exponent: where its point is tells more than its value does.
    record Plain(int integerDigits, int fractionDigits, int trailingZeros, boolean bare) {}

    /// A date and time: how it was written tells more than its value does. The zone is empty where there is
    /// none.
    record Moment(LocalDateTime time, char separator, int fractionDigits, String zone) {
        /// Seconds are not written at all.
        static final int MINUTES_ONLY = -1;

        ZoneOffset offset() {
            return zone.isEmpty() || zone.equals("Z") ? ZoneOffset.UTC : ZoneOffset.of(zone);
        }
    }

    static @Nullable Long integer(String text) {
        int start = text.startsWith("-") ? 1 : 0;
        int digits = text.length() - start;
        if (digits == 0 || digits > LONG_DIGITS_SAFE + 1 || !areDigits(text, start, text.length())) {
            return null;
        }
        if (text.charAt(start) == '0' && (digits > 1 || start == 1)) {
            return null;
        }
        if (digits <= LONG_DIGITS_SAFE) {
            return Long.parseLong(text);
        }
        BigInteger value = new BigInteger(text);
        return value.compareTo(LONG_MIN) < 0 || value.compareTo(LONG_MAX) > 0 ? null : (Long) value.longValueExact();
    }

    /// The shape of `-12.50`, `7` and `.5`; not of `007`, `-0`, `-0.00`, `+1`, `5.`, `1e3`.
    static @Nullable Plain number(String text) {
        int start = text.startsWith("-") ? 1 : 0;
        if (text.length() == start || text.length() > NUMBER_LENGTH_MAX) {
            return null;
        }
        int point = text.indexOf('.', start);
        int integerEnd = point < 0 ? text.length() : point;
        if (!areDigits(text, start, integerEnd) || (point >= 0 && !areDigits(text, point + 1, text.length()))) {
            return null;
        }
        int integerDigits = integerEnd - start;
        int fractionDigits = point < 0 ? 0 : text.length() - point - 1;
        if ((integerDigits == 0 && fractionDigits == 0) || (point >= 0 && fractionDigits == 0)) {
            return null;
        }
        boolean zeroBefore = integerDigits == 1 && text.charAt(start) == '0';
        if (integerDigits > 1 && text.charAt(start) == '0') {
            return null;
        }
        int trailingZeros = 0;
        while (trailingZeros < fractionDigits && text.charAt(text.length() - 1 - trailingZeros) == '0') {
            trailingZeros++;
        }
        boolean zero = (zeroBefore || integerDigits == 0) && trailingZeros == fractionDigits;
        if (zero && start == 1) {
            return null;
        }
        return new Plain(zeroBefore ? 0 : integerDigits, fractionDigits, trailingZeros, integerDigits == 0);
    }

    /// The number, if it fits the decimal type without rounding.
    static @Nullable BigDecimal decimal(String text, int precision, int scale) {
        Plain number = number(text);
        if (number == null
                || number.integerDigits > precision - scale
                || number.fractionDigits - number.trailingZeros > scale) {
            return null;
        }
        return new BigDecimal(text).setScale(scale, RoundingMode.UNNECESSARY);
    }

    static @Nullable Boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> null;
        };
    }

    /// `yyyy-MM-dd`, a day that exists.
    static @Nullable LocalDate date(String text) {
        return text.length() == 10 ? datePart(text) : null;
    }

    private static @Nullable LocalDate datePart(String text) {
        if (text.length() < 10 || text.charAt(4) != '-' || text.charAt(7) != '-') {
            return null;
        }
        if (!areDigits(text, 0, 4) || !areDigits(text, 5, 7) || !areDigits(text, 8, 10)) {
            return null;
        }
        int year = digits(text, 0, 4);
        if (year == 0) {
            return null;
        }
        try {
            return LocalDate.of(year, digits(text, 5, 7), digits(text, 8, 10));
        } catch (DateTimeException _) {
            return null;
        }
    }

    /// `HH:mm:ss`, with up to six digits of a second.
    static @Nullable LocalTime time(String text) {
        Moment moment = moment("2000-01-01T" + text);
        return moment == null || !moment.zone.isEmpty() || moment.fractionDigits == Moment.MINUTES_ONLY
                ? null
                : moment.time.toLocalTime();
    }

    /// `yyyy-MM-dd HH:mm:ss.SSSSSS` with a blank or a `T`, seconds and their fraction or not, `Z`, `+01`,
    /// `+0100`, `+01:00` or nothing behind. Digits after the sixth must be zeros: there is no room for them.
    static @Nullable Moment moment(String text) {
        if (text.length() < 16 || (text.charAt(10) != 'T' && text.charAt(10) != ' ') || text.charAt(13) != ':') {
            return null;
        }
        LocalDate date = datePart(text);
        if (date == null || !areDigits(text, 11, 13) || !areDigits(text, 14, 16)) {
            return null;
        }
        int hour = digits(text, 11, 13);
        int minute = digits(text, 14, 16);
        int second = 0;
        int micros = 0;
        int fractionDigits = Moment.MINUTES_ONLY;
        int end = 16;
        if (text.length() > end && text.charAt(end) == ':') {
            if (text.length() < 19 || !areDigits(text, 17, 19)) {
                return null;
            }
            second = digits(text, 17, 19);
            fractionDigits = 0;
            end = 19;
            if (text.length() > end && text.charAt(end) == '.') {
                int start = ++end;
                while (end < text.length() && isDigit(text.charAt(end))) {
                    end++;
                }
                fractionDigits = end - start;
                if (fractionDigits == 0 || fractionDigits > 9) {
                    return null;
                }
                for (int i = start; i < end; i++) {
                    int digit = text.charAt(i) - '0';
                    if (i - start >= 6 && digit != 0) {
                        return null;
                    }
                }
                for (int i = start; i < start + 6; i++) {
                    micros = 10 * micros + (i < end ? text.charAt(i) - '0' : 0);
                }
            }
        }
        String zone = text.substring(end);
        if (hour > 23 || minute > 59 || second > 59 || !isZone(zone)) {
            return null;
        }
        LocalDateTime time = LocalDateTime.of(date, LocalTime.of(hour, minute, second, micros * 1000));
        return new Moment(time, text.charAt(10), fractionDigits, zone);
    }

    private static boolean isZone(String zone) {
        if (zone.isEmpty() || zone.equals("Z")) {
            return true;
        }
        if (zone.charAt(0) != '+' && zone.charAt(0) != '-') {
            return false;
        }
        boolean colon = zone.length() == 6 && zone.charAt(3) == ':';
        boolean formed = switch (zone.length()) {
            case 3 -> areDigits(zone, 1, 3);
            case 5 -> areDigits(zone, 1, 5);
            case 6 -> colon && areDigits(zone, 1, 3) && areDigits(zone, 4, 6);
            default -> false;
        };
        if (!formed) {
            return false;
        }
        int minutes = zone.length() == 3 ? 0 : digits(zone, zone.length() - 2, zone.length());
        return minutes <= 59 && digits(zone, 1, 3) * 60 + minutes <= 18 * 60;
    }

    /// The number, if the double next to it prints as a number of the same value.
    static Optional<Double> floating(String text) {
        if (text.length() > NUMBER_LENGTH_MAX || !FLOATING.matcher(text).matches()) {
            return Optional.empty();
        }
        double value = Double.parseDouble(text);
        if (!Double.isFinite(value) || new BigDecimal(Double.toString(value)).compareTo(new BigDecimal(text)) != 0) {
            return Optional.empty();
        }
        return Optional.of(value);
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean areDigits(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            if (!isDigit(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static int digits(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            value = 10 * value + (text.charAt(i) - '0');
        }
        return value;
    }
}
