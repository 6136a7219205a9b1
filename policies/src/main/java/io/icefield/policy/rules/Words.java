package io.icefield.policy.rules;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// Names as people read them.
final class Words {
    private static final Pattern ACCENT = Pattern.compile("\\p{M}+");
    private static final int QUOTE_LENGTH_MAX = 80;

    private Words() {}

    /// The words of a name, in lower case, without accents: `OrderDate`, `order_date` and `order date` are `order`,
    /// `date`; `SalesYTD2024` is `sales`, `ytd`, `2024`.
    static List<String> of(String name) {
        String plain =
                ACCENT.matcher(Normalizer.normalize(name, Normalizer.Form.NFD)).replaceAll("");
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        int[] letters = plain.codePoints().toArray();
        for (int i = 0; i < letters.length; i++) {
            if (i > 0 && startsWord(letters, i)) {
                end(word, words);
            }
            if (Character.isLetterOrDigit(letters[i])) {
                word.appendCodePoint(letters[i]);
            } else {
                end(word, words);
            }
        }
        end(word, words);
        return words;
    }

    private static boolean startsWord(int[] letters, int i) {
        int before = letters[i - 1];
        int here = letters[i];
        if (Character.isUpperCase(here)) {
            boolean nextIsLower = i + 1 < letters.length && Character.isLowerCase(letters[i + 1]);
            return !Character.isUpperCase(before) || nextIsLower;
        }
        return Character.isDigit(here) != Character.isDigit(before) && Character.isLetterOrDigit(before);
    }

    private static void end(StringBuilder word, List<String> words) {
        if (!word.isEmpty()) {
            words.add(word.toString().toLowerCase(Locale.ROOT));
            word.setLength(0);
        }
    }

    /// The name in backticks, safe to print: shortened, and without anything that could end the quote or the line.
    static String quote(String name) {
        StringBuilder quoted = new StringBuilder("`");
        name.codePoints().limit(QUOTE_LENGTH_MAX).forEach(letter -> {
            boolean plain = letter != '`'
                    && !Character.isISOControl(letter)
                    && Character.getType(letter) != Character.FORMAT
                    && Character.getType(letter) != Character.LINE_SEPARATOR
                    && Character.getType(letter) != Character.PARAGRAPH_SEPARATOR
                    && Character.getType(letter) != Character.SURROGATE;
            quoted.appendCodePoint(plain ? letter : '?');
        });
        return quoted.append(name.codePointCount(0, name.length()) > QUOTE_LENGTH_MAX ? "…`" : "`")
                .toString();
    }
}
