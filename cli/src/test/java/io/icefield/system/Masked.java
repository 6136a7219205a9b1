package io.icefield.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// The masks once more, written from the documentation and in another language than the server's.
final class Masked {
    private Masked() {}

    /// `mask-alphanum`: digits become `n`, the marks `( ) , . @ -` stay, everything else becomes `x`.
    static String alphanum(String value) {
        StringBuilder masked = new StringBuilder();
        value.codePoints().forEach(letter -> {
            if (letter >= '0' && letter <= '9') {
                masked.append('n');
            } else if ("(),.@-".indexOf(letter) >= 0) {
                masked.appendCodePoint(letter);
            } else {
                masked.append('x');
            }
        });
        return masked.toString();
    }

    /// `show-last-4`: all but the last four characters as `mask-alphanum` has it.
    static String last4(String value) {
        int shown = value.length() - Math.min(4, value.length());
        return alphanum(value.substring(0, shown)) + value.substring(shown);
    }

    /// `sha-256-global` of a text.
    static String sha256(String value) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(value.getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
