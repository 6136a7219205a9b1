package io.icefield.escape;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Signature Version 4 of a request that nobody would send, so that it is not refused for its signature.
final class Sigv4 {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private Sigv4() {}

    /// @param token empty: none
    record Key(String id, String secret, String token) {
        @Override
        public String toString() {
            return "Key[" + id + "]";
        }
    }

    /// How a request that can be read in several ways is signed: stores differ.
    enum Reading {
        AS_SENT,
        /// The path decoded once, and encoded as Amazon has it; what is given twice in its order.
        DECODED,
        /// No fragment; of everything that is given twice the first.
        FIRST,
        /// The same with the last.
        LAST
    }

    record As(String region, String service, Instant at, Reading reading) {
        static As now() {
            return new As("us-east-1", "s3", Instant.now(), Reading.AS_SENT);
        }

        As reading(Reading other) {
            return new As(region, service, at, other);
        }

        String time() {
            return TIME.format(at);
        }

        String scope() {
            return time().substring(0, 8) + "/" + region + "/" + service + "/aws4_request";
        }
    }

    /// The request with its signature in headers, which covers the host and every `x-amz-` header.
    static Ask signed(Key key, Ask ask, String host, As as) {
        List<String> added = new ArrayList<>();
        String hash = hex(sha256(ask.body()));
        added.add("x-amz-date: " + as.time());
        added.add("x-amz-content-sha256: " + hash);
        if (!key.token().isEmpty() && !ask.has("x-amz-security-token")) {
            added.add("x-amz-security-token: " + key.token());
        }
        Ask dated = ask.and(added.toArray(String[]::new));
        TreeMap<String, String> headers = new TreeMap<>(Map.of("host", host));
        for (String header : dated.headers()) {
            int colon = header.indexOf(':');
            String name = header.substring(0, colon).toLowerCase(Locale.ROOT).strip();
            if (name.startsWith("x-amz-") || name.equals("content-md5") || name.equals("host")) {
                headers.merge(
                        name,
                        header.substring(colon + 1).strip(),
                        (one, two) ->
                                name.equals("host") ? (as.reading() == Reading.FIRST ? one : two) : one + "," + two);
            }
        }
        String names = String.join(";", headers.keySet());
        return dated.and("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
                .formatted(key.id(), as.scope(), names, signature(key, dated, headers, hash, as)));
    }

    /// The request with its signature in the query.
    static Ask presigned(Key key, Ask ask, String host, As as, Duration lifetime) {
        String query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s&X-Amz-Date=%s&X-Amz-Expires=%d"
                        .formatted(encoded(key.id() + "/" + as.scope()), as.time(), lifetime.toSeconds())
                + (key.token().isEmpty() ? "" : "&X-Amz-Security-Token=" + encoded(key.token()))
                + "&X-Amz-SignedHeaders=host";
        Ask full = ask.at(ask.path() + "?" + (ask.query().isEmpty() ? "" : ask.query() + "&") + query);
        String signature = signature(key, full, new TreeMap<>(Map.of("host", host)), "UNSIGNED-PAYLOAD", as);
        return full.at(full.target() + "&X-Amz-Signature=" + signature);
    }

    private static String signature(Key key, Ask ask, SortedMap<String, String> headers, String hash, As as) {
        String sent = ask.path().replaceFirst("^https?://[^/]*", "");
        String path = switch (as.reading()) {
            case AS_SENT -> sent;
            case DECODED -> encodedPath(decoded(sent));
            case FIRST, LAST -> sent.replaceFirst("#.*", "");
        };
        String canonical = String.join(
                "\n",
                ask.method(),
                path,
                canonicalQuery(ask.query(), as.reading()),
                headers.entrySet().stream()
                        .map(each -> each.getKey() + ":" + each.getValue() + "\n")
                        .collect(Collectors.joining()),
                String.join(";", headers.keySet()),
                hash);
        String text =
                String.join("\n", "AWS4-HMAC-SHA256", as.time(), as.scope(), hex(sha256(canonical.getBytes(UTF_8))));
        byte[] derived = ("AWS4" + key.secret()).getBytes(UTF_8);
        for (String part : Arrays.asList(as.scope().split("/", -1))) {
            derived = hmac(derived, part);
        }
        return hex(hmac(derived, text));
    }

    private static String canonicalQuery(String query, Reading reading) {
        if (query.isEmpty()) {
            return "";
        }
        Map<String, String> once = new LinkedHashMap<>();
        List<String> all = new ArrayList<>();
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            String name = equals < 0 ? pair : pair.substring(0, equals);
            String value = equals < 0 ? "" : pair.substring(equals + 1);
            String signed =
                    encoded(new String(decoded(name), UTF_8)) + "=" + encoded(new String(decoded(value), UTF_8));
            all.add(signed);
            once.merge(name, signed, (first, last) -> reading == Reading.FIRST ? first : last);
        }
        boolean twice = reading == Reading.AS_SENT || reading == Reading.DECODED;
        Comparator<String> byName = Comparator.comparing(pair -> pair.substring(0, pair.indexOf('=')));
        return (twice ? all : once.values())
                .stream()
                        .sorted(reading == Reading.AS_SENT ? byName.thenComparing(pair -> pair) : byName)
                        .collect(Collectors.joining("&"));
    }

    private static byte[] decoded(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] bytes = text.getBytes(UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '%' && i + 2 < bytes.length) {
                out.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                out.write(bytes[i]);
            }
        }
        return out.toByteArray();
    }

    private static String encodedPath(byte[] path) {
        StringBuilder out = new StringBuilder();
        for (byte each : path) {
            char c = (char) (each & 0xFF);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "-_.~/".indexOf(c) >= 0);
            out.append(plain ? String.valueOf(c) : "%%%02X".formatted((int) c));
        }
        return out.toString();
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(UTF_8));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
