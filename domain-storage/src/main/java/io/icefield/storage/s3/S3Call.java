package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import io.icefield.storage.RequestSigner.OutOfReach;
import io.icefield.storage.RequestSigner.Unsigned;
import io.icefield.storage.StorageProfile;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a request to S3 does, and the proof that it stays inside one folder. Pure. Everything that is not known to be
/// harmless is refused: other operations, other parameters, other `x-amz-` headers.
///
/// @param needs what its sender must be allowed to do
/// @param key reach of the session key that can do it: a listing takes a writer's
/// @param reusable it reads one object
/// @param headers those that the signature covers, by their names in lower case
/// @param body it decides what is touched: the signature covers it
record S3Call(Reach needs, Reach key, boolean reusable, Map<String, List<String>> headers, Optional<String> body) {
    private static final int URI_CHARS_MAX = 8_192;
    private static final int DECODINGS_MAX = 4;

    private static final Pattern URI_FORM = Pattern.compile("(https?)://([^/?#@]+)(/[^?#]*)?(?:\\?([^#]*))?");
    private static final Pattern PRINTABLE = Pattern.compile("[!-~&&[^\\\\\"<>^`{|}]]*");

    private static final Set<String> OBJECT = Set.of("x-id", "partNumber");
    private static final Set<String> LIST = Set.of(
            "list-type",
            "prefix",
            "delimiter",
            "continuation-token",
            "start-after",
            "max-keys",
            "fetch-owner",
            "encoding-type",
            "x-id");
    private static final Set<String> PARTS =
            Set.of("uploadId", "max-parts", "part-number-marker", "encoding-type", "x-id");
    private static final Set<String> PART = Set.of("uploadId", "partNumber", "x-id");
    private static final Set<String> UPLOAD = Set.of("uploadId", "x-id");
    private static final Set<String> UPLOADS = Set.of("uploads", "x-id");
    private static final Set<String> BULK = Set.of("delete", "x-id");
    private static final Set<String> NOTHING = Set.of("x-id");

    /// The signer writes these itself.
    private static final Set<String> REPLACED = Set.of("x-amz-date", "x-amz-content-sha256", "x-amz-security-token");

    private static final Pattern HARMLESS = Pattern.compile("x-amz-(checksum-[a-z0-9-]+|sdk-[a-z-]+|meta-[!-~]+"
            + "|server-side-encryption[a-z-]*|decoded-content-length|trailer|te|mp-object-size|storage-class"
            + "|user-agent|optional-object-attributes|metadata-directive|expected-bucket-owner"
            + "|copy-source-(if-[a-z-]+|range|server-side-encryption[a-z-]*))");

    private static final String COPY_SOURCE = "x-amz-copy-source";

    /// Throws [OutOfReach].
    static S3Call of(StorageProfile profile, Location folder, Unsigned request) {
        if (!request.region().equals(profile.region())) {
            throw new OutOfReach("the region is `%s`, not `%s`".formatted(profile.region(), shown(request.region())));
        }
        String uri = request.uri();
        Matcher parts = URI_FORM.matcher(uri);
        if (uri.length() > URI_CHARS_MAX || !PRINTABLE.matcher(uri).matches() || !parts.matches()) {
            throw new OutOfReach("`%s` is no address that can be signed".formatted(shown(uri)));
        }
        Optional<String> key = key(profile, folder, parts);
        Map<String, String> query = query(parts.group(4) == null ? "" : parts.group(4));
        Map<String, List<String>> headers = headers(folder, request);
        boolean copies = headers.containsKey(COPY_SOURCE);
        S3Call call = switch (request.method()) {
            case "GET" -> get(folder, key, query, headers);
            case "HEAD" -> {
                only(object(key), query, OBJECT);
                yield new S3Call(Reach.READ, Reach.READ, true, headers, Optional.empty());
            }
            case "PUT" -> {
                only(object(key), query, query.containsKey("uploadId") ? PART : NOTHING);
                yield writing(headers);
            }
            case "POST" -> post(folder, key, query, headers, request);
            case "DELETE" -> {
                only(object(key), query, query.containsKey("uploadId") ? UPLOAD : NOTHING);
                yield writing(headers);
            }
            default -> throw new OutOfReach("no `%s` is signed".formatted(shown(request.method())));
        };
        if (copies && !request.method().equals("PUT")) {
            throw new OutOfReach("only a PUT copies");
        }
        return call;
    }

    private static S3Call get(
            Location folder, Optional<String> key, Map<String, String> query, Map<String, List<String>> headers) {
        if (key.isPresent()) {
            boolean parts = query.containsKey("uploadId");
            only(key.get(), query, parts ? PARTS : OBJECT);
            return parts ? writing(headers) : new S3Call(Reach.READ, Reach.READ, true, headers, Optional.empty());
        }
        only("a listing", query, LIST);
        if (!"2".equals(query.get("list-type"))) {
            throw new OutOfReach("of a bucket only its listing of version 2 is signed");
        }
        String prefix = query.getOrDefault("prefix", "");
        // A name that only begins is inside as well as whole names are.
        String begun = prefix.endsWith("/") ? prefix + "x" : prefix;
        if (!begun.startsWith(folder.key() + "/")) {
            throw new OutOfReach("a listing must have a `prefix` that begins with `%s/`: it has `%s`"
                    .formatted(folder.key(), shown(prefix)));
        }
        requireInside(folder, begun);
        return new S3Call(Reach.READ, Reach.READ_WRITE, false, headers, Optional.empty());
    }

    private static S3Call post(
            Location folder,
            Optional<String> key,
            Map<String, String> query,
            Map<String, List<String>> headers,
            Unsigned request) {
        if (key.isPresent()) {
            if (query.containsKey("uploads") == query.containsKey("uploadId")) {
                throw new OutOfReach("a POST to an object begins or completes an upload");
            }
            only(key.get(), query, query.containsKey("uploads") ? UPLOADS : UPLOAD);
            return writing(headers);
        }
        if (!query.containsKey("delete")) {
            throw new OutOfReach("a POST to a bucket deletes objects");
        }
        only("a deletion", query, BULK);
        String body = request.body()
                .orElseThrow(() -> new OutOfReach("a deletion of several objects is signed with its body: send it"));
        BulkDelete.keys(body).forEach(each -> requireInside(folder, each));
        return new S3Call(Reach.READ_WRITE, Reach.READ_WRITE, false, headers, Optional.of(body));
    }

    private static S3Call writing(Map<String, List<String>> headers) {
        return new S3Call(Reach.READ_WRITE, Reach.READ_WRITE, false, headers, Optional.empty());
    }

    private static String object(Optional<String> key) {
        return key.orElseThrow(() -> new OutOfReach("the address names a bucket, not an object in it"));
    }

    private static void only(String what, Map<String, String> query, Set<String> allowed) {
        query.keySet().forEach(name -> {
            if (!allowed.contains(name)) {
                throw new OutOfReach("`?%s` of `%s` is not signed".formatted(shown(name), shown(what)));
            }
        });
    }

    /// The object's key, inside the folder; empty: the bucket itself.
    private static Optional<String> key(StorageProfile profile, Location folder, Matcher uri) {
        String authority = authority(uri.group(1), uri.group(2));
        String path = uri.group(3) == null ? "/" : uri.group(3);
        String inBucket = inBucket(profile, uri.group(1).toLowerCase(Locale.ROOT), authority, decoded(path))
                .orElseThrow(() -> new OutOfReach("`%s` is not in the bucket `%s` of domain `%s`"
                        .formatted(shown(authority + path), profile.bucket(), profile.domain())));
        if (inBucket.isEmpty()) {
            return Optional.empty();
        }
        requireInside(folder, inBucket);
        return Optional.of(inBucket);
    }

    /// What follows the bucket in the path. A store that has no bucket names in host names would take the first folder
    /// for a bucket: so those are only known where the profile says that the store knows them.
    private static Optional<String> inBucket(StorageProfile profile, String scheme, String authority, String path) {
        String bucket = profile.bucket();
        boolean ofStore = profile.endpoint()
                .map(endpoint -> endpoint.getScheme().equalsIgnoreCase(scheme)
                        && authority(scheme, endpoint.getRawAuthority()).equals(authority))
                .orElseGet(() -> isAmazons(profile, authority));
        if (ofStore) {
            return path.equals("/" + bucket) || path.equals("/" + bucket + "/")
                    ? Optional.of("")
                    : path.startsWith("/" + bucket + "/")
                            ? Optional.of(path.substring(bucket.length() + 2))
                            : Optional.empty();
        }
        if (profile.pathStyle() || !authority.startsWith(bucket + ".")) {
            return Optional.empty();
        }
        String host = authority.substring(bucket.length() + 1);
        boolean below = profile.endpoint()
                .map(endpoint -> endpoint.getScheme().equalsIgnoreCase(scheme)
                        && authority(scheme, endpoint.getRawAuthority()).equals(host))
                .orElseGet(() -> isAmazons(profile, host));
        return below ? Optional.of(path.substring(1)) : Optional.empty();
    }

    private static boolean isAmazons(StorageProfile profile, String host) {
        String region = Pattern.quote(profile.region());
        return host.matches("s3(\\.dualstack)?[.-]" + region + "\\.amazonaws\\.com(\\.cn)?")
                || (host.equals("s3.amazonaws.com") && profile.region().equals("us-east-1"));
    }

    private static String authority(String scheme, String authority) {
        String lower = authority.toLowerCase(Locale.ROOT);
        String port = scheme.equalsIgnoreCase("https") ? ":443" : ":80";
        return lower.endsWith(port) ? lower.substring(0, lower.length() - port.length()) : lower;
    }

    /// Stores differ in how often they decode a key, and in what they make of `..`: no reading of it may leave.
    private static void requireInside(Location folder, String key) {
        if (!key.startsWith(folder.key() + "/")) {
            throw new OutOfReach("`%s` is outside the table's folder `%s`".formatted(shown(key), folder));
        }
        String reading = key;
        for (int round = 0; round <= DECODINGS_MAX; round++) {
            for (String segment : reading.split("/", -1)) {
                if ((segment.isEmpty() && round == 0) || segment.equals(".") || segment.equals("..")) {
                    throw new OutOfReach("`%s` has an empty or relative part".formatted(shown(key)));
                }
            }
            if (reading.chars().anyMatch(c -> c < ' ' || c == 0x7F || c == '\\' || c == '?' || c == '#')) {
                throw new OutOfReach("`%s` has a character that is not signed".formatted(shown(key)));
            }
            String next = leniently(reading);
            if (next.equals(reading)) {
                return;
            }
            reading = next;
        }
        throw new OutOfReach("`%s` is encoded too often".formatted(shown(key)));
    }

    private static Map<String, List<String>> headers(Location folder, Unsigned request) {
        Map<String, List<String>> signed = new TreeMap<>();
        request.headers().forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.equals(COPY_SOURCE)) {
                requireCopyInside(folder, values);
                signed.put(lower, values);
            } else if (lower.equals("content-md5")) {
                signed.put(lower, values);
            } else if (lower.startsWith("x-amz-") && !REPLACED.contains(lower)) {
                if (!HARMLESS.matcher(lower).matches()) {
                    throw new OutOfReach("no request with the header `%s` is signed".formatted(shown(name)));
                }
                signed.put(lower, values);
            }
        });
        return signed;
    }

    private static void requireCopyInside(Location folder, List<String> values) {
        if (values.size() != 1 || !PRINTABLE.matcher(values.getFirst()).matches()) {
            throw new OutOfReach("`%s` must name one object".formatted(COPY_SOURCE));
        }
        String raw = values.getFirst();
        String source = decoded(raw.startsWith("/") ? raw.substring(1) : raw);
        if (raw.contains("?") || !source.startsWith(folder.bucket() + "/")) {
            throw new OutOfReach("`%s` is not in the bucket `%s`".formatted(shown(raw), folder.bucket()));
        }
        requireInside(folder, source.substring(folder.bucket().length() + 1));
    }

    /// Every parameter once.
    private static Map<String, String> query(String raw) {
        Map<String, String> query = new LinkedHashMap<>();
        if (raw.isEmpty()) {
            return query;
        }
        for (String pair : raw.split("&", -1)) {
            int equals = pair.indexOf('=');
            String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decoded(pair.substring(equals + 1));
            // A store may read `+` as a space and `;` as the end.
            if (pair.contains("+") || pair.contains(";") || query.put(name, value) != null) {
                throw new OutOfReach("the parameters `%s` can be read in two ways".formatted(shown(raw)));
            }
        }
        return query;
    }

    private static String decoded(String raw) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '%') {
                int value = hex(raw, i);
                if (value < 0) {
                    throw new OutOfReach("`%s` is badly encoded".formatted(shown(raw)));
                }
                bytes.write(value);
                i += 2;
            } else {
                bytes.write(c);
            }
        }
        try {
            return UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new OutOfReach("`%s` is badly encoded".formatted(shown(raw)));
        }
    }

    /// Decodes what can be decoded, as the most forgiving of stores would.
    private static String leniently(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            int value = text.charAt(i) == '%' ? hex(text, i) : -1;
            if (value >= 0 && value < 0x80) {
                out.append((char) value);
                i += 2;
            } else {
                out.append(text.charAt(i));
            }
        }
        return out.toString();
    }

    private static int hex(String text, int percent) {
        if (percent + 2 >= text.length()) {
            return -1;
        }
        int high = Character.digit(text.charAt(percent + 1), 16);
        int low = Character.digit(text.charAt(percent + 2), 16);
        return high < 0 || low < 0 ? -1 : high * 16 + low;
    }

    static String shown(String value) {
        return value.length() > 200 ? value.substring(0, 200) + "…" : value;
    }
}
