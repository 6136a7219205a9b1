package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal;
import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.HashMap;
import java.util.Map;

/// Text on the wire: percent encoding, forms, UTF-8; strict on the way in.
final class Text {
    private Text() {}

    /// `+` and `%20` are both a space: clients before Iceberg 1.12 write the former into paths.
    static String decoded(String raw) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '+') {
                bytes.write(' ');
            } else if (c == '%') {
                int high = i + 2 < raw.length() ? Character.digit(raw.charAt(i + 1), 16) : -1;
                int low = i + 2 < raw.length() ? Character.digit(raw.charAt(i + 2), 16) : -1;
                if (high < 0 || low < 0) {
                    throw new Refusal.Invalid("a `%` in the address is not followed by two hexadecimal digits");
                }
                bytes.write((high << 4) + low);
                i += 2;
            } else if (c < 0x80) {
                bytes.write(c);
            } else {
                bytes.writeBytes(String.valueOf(c).getBytes(UTF_8));
            }
        }
        return utf8(bytes.toByteArray(), "the address");
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, UTF_8).replace("+", "%20");
    }

    static String utf8(byte[] bytes, String what) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new Refusal.Invalid(what + " is not valid UTF-8");
        }
    }

    /// Fields of a query or a form; nothing may be there twice.
    static Map<String, String> form(String raw) {
        Map<String, String> fields = new HashMap<>();
        for (String pair : raw.split("&", -1)) {
            if (!pair.isEmpty()) {
                int equals = pair.indexOf('=');
                String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
                String value = equals < 0 ? "" : decoded(pair.substring(equals + 1));
                if (fields.put(name, value) != null) {
                    throw new Refusal.Invalid(
                            "`%s` is given twice".formatted(name.length() > 100 ? name.substring(0, 100) + "…" : name));
                }
            }
        }
        return fields;
    }
}
