package io.icefield.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Set;
import java.util.regex.Pattern;

/// An object or a folder in a bucket: `s3://bucket/key`. The one validator of locations: what is a `Location` cannot
/// leave its
/// bucket, cannot be a wildcard or a quote in a policy document, and means the same to every client.
///
/// @param key without a slash at either end; empty: the whole bucket
public record Location(String bucket, String key) {
    public static final int KEY_BYTES_MAX = 1_024;

    private static final Set<String> SCHEMES = Set.of("s3", "s3a", "s3n");
    private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

    /// One folder or file name: letters, digits and what Iceberg and Hive-style partition values put into paths.
    /// Not `?` and `#` (S3FileIO drops what follows), not `*`, `$`, quotes and backslash (they mean something in
    /// policy documents), not `%` (some clients decode it twice).
    private static final Pattern SEGMENT = Pattern.compile("[\\p{L}\\p{N}_=@+,:~!() .-]+");

    public Location {
        if (!BUCKET.matcher(bucket).matches()) {
            throw new IllegalArgumentException("`%s` is no bucket name".formatted(shown(bucket)));
        }
        if (key.getBytes(UTF_8).length > KEY_BYTES_MAX) {
            throw new IllegalArgumentException("the key is longer than %d bytes".formatted(KEY_BYTES_MAX));
        }
        if (!key.isEmpty()) {
            for (String segment : key.split("/", -1)) {
                if (segment.equals(".")
                        || segment.equals("..")
                        || !SEGMENT.matcher(segment).matches()) {
                    throw new IllegalArgumentException(
                            "`%s` in the location has an empty or relative part or a character that is not allowed"
                                    .formatted(shown(segment)));
                }
            }
        }
    }

    /// Reads `s3://bucket/key`, also `s3a` and `s3n`; one slash at the end is dropped.
    public static Location parse(String uri) {
        int scheme = uri.indexOf("://");
        if (scheme < 0 || !SCHEMES.contains(uri.substring(0, scheme))) {
            throw new IllegalArgumentException("a location starts with s3://");
        }
        String rest = uri.substring(scheme + 3);
        int slash = rest.indexOf('/');
        if (slash < 0) {
            return new Location(rest, "");
        }
        String key = rest.substring(slash + 1);
        return new Location(rest.substring(0, slash), key.endsWith("/") ? key.substring(0, key.length() - 1) : key);
    }

    private static String shown(String value) {
        return value.length() > 60 ? value.substring(0, 60) + "…" : value;
    }

    public Location child(String name) {
        return new Location(bucket, key.isEmpty() ? name : key + "/" + name);
    }

    /// Is this inside that folder, or the folder itself? `orders2` is not inside `orders`.
    public boolean isWithin(Location folder) {
        return bucket.equals(folder.bucket)
                && (folder.key.isEmpty() || key.equals(folder.key) || key.startsWith(folder.key + "/"));
    }

    @Override
    public String toString() {
        return "s3://" + bucket + "/" + key;
    }
}
