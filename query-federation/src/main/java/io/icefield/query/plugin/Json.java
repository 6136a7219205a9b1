package io.icefield.query.plugin;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// JSON text to and from JDK values: `Map`, `List`, `String`, `Boolean`, `BigDecimal` and [#NULL]. Strict: what
/// RFC 8259 does not allow, a name given twice and nesting beyond [#DEPTH_MAX] are refused.
final class Json {
    static final int DEPTH_MAX = 32;

    enum Null {
        NULL
    }

    static final Null NULL = Null.NULL;

    /// Members in the order given: name, value, name, value …
    static Map<String, Object> object(Object... members) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < members.length; i += 2) {
            object.put((String) members[i], members[i + 1]);
        }
        return object;
    }

    static String write(Object value) {
        StringBuilder out = new StringBuilder(256);
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        switch (value) {
            case Null _ -> out.append("null");
            case String text -> writeText(text, out);
            case Boolean bool -> out.append(bool.booleanValue());
            case Map<?, ?> object -> {
                char before = '{';
                for (Map.Entry<?, ?> member : object.entrySet()) {
                    out.append(before);
                    writeText(String.valueOf(member.getKey()), out);
                    out.append(':');
                    write(member.getValue(), out);
                    before = ',';
                }
                out.append(object.isEmpty() ? "{}" : "}");
            }
            case Collection<?> array -> {
                char before = '[';
                for (Object element : array) {
                    out.append(before);
                    write(element, out);
                    before = ',';
                }
                out.append(array.isEmpty() ? "[]" : "]");
            }
            case Integer number -> out.append(number.intValue());
            case Long number -> out.append(number.longValue());
            case BigDecimal number -> out.append(number);
            case Double number when Double.isFinite(number) -> out.append(number.doubleValue());
            default -> writeText(value.toString(), out);
        }
    }

    private static void writeText(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    // A lone half of a surrogate pair has no UTF-8 form: it would silently become `?`.
                    if (c < ' ' || (Character.isSurrogate(c) && !paired(text, i))) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static boolean paired(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }

    /// Throws `IllegalArgumentException` naming the position for anything that is not one JSON value.
    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.peek();
        if (json.at < text.length()) {
            throw json.wrong("one value only");
        }
        return value;
    }

    private static final char END = '\uffff';

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw wrong("nesting of at most " + DEPTH_MAX);
        }
        return switch (peek()) {
            case '{' -> members(depth);
            case '[' -> elements(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", NULL);
            default -> number();
        };
    }

    private Map<String, Object> members(int depth) {
        at++;
        Map<String, Object> object = new LinkedHashMap<>();
        if (took('}')) {
            return object;
        }
        do {
            if (peek() != '"') {
                throw wrong("a name");
            }
            String name = string();
            take(':');
            if (object.put(name, value(depth + 1)) != null) {
                throw wrong("each name once, not `" + name + "` again");
            }
        } while (took(','));
        take('}');
        return object;
    }

    private List<Object> elements(int depth) {
        at++;
        List<Object> array = new ArrayList<>();
        if (took(']')) {
            return array;
        }
        do {
            array.add(value(depth + 1));
        } while (took(','));
        take(']');
        return array;
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return out.toString();
            }
            if (c < ' ') {
                throw wrong("an escaped control character");
            }
            out.append(c == '\\' ? escaped() : c);
        }
        throw wrong("a closing quote");
    }

    private char escaped() {
        at++;
        return switch (at < text.length() ? text.charAt(at) : END) {
            case '"' -> '"';
            case '\\' -> '\\';
            case '/' -> '/';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    at++;
                    int digit = at < text.length() && text.charAt(at) < 128 ? Character.digit(text.charAt(at), 16) : -1;
                    if (digit < 0) {
                        throw wrong("four hexadecimal digits");
                    }
                    code = code * 16 + digit;
                }
                yield (char) code;
            }
            default -> throw wrong("an escape that JSON knows");
        };
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong("a value");
        }
        at += word.length();
        return value;
    }

    private static final Pattern NUMBER =
            Pattern.compile("-?(0|[1-9][0-9]{0,99})(\\.[0-9]{1,99})?([eE][+-]?[0-9]{1,3})?");

    private BigDecimal number() {
        var matcher = NUMBER.matcher(text).region(at, text.length());
        if (!matcher.lookingAt()) {
            throw wrong("a value");
        }
        at = matcher.end();
        return new BigDecimal(matcher.group());
    }

    /// The next character that is not white space; [#END] after the last.
    private char peek() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : END;
    }

    private boolean took(char c) {
        boolean is = peek() == c;
        if (is) {
            at++;
        }
        return is;
    }

    private void take(char c) {
        if (!took(c)) {
            throw wrong("`" + c + "`");
        }
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("not JSON at character " + at + ": expected " + expected);
    }
}
