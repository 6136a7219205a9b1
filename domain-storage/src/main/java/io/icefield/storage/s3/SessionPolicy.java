package io.icefield.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.DomainStorage.Reach;
import io.icefield.storage.Location;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The session policy of a vended key: what it may do, in one folder. Plain IAM, so that AWS, MinIO, Ceph and our
/// embedded store read the same text.
final class SessionPolicy {
    /// What STS takes.
    static final int BYTES_MAX = 2_048;

    private static final List<String> READ = List.of("s3:GetObject");
    private static final List<String> READ_WRITE = List.of(
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts");

    private SessionPolicy() {}

    /// @param partition of the ARNs: `aws` except in Amazon's separate regions
    /// @param kmsKey what the objects are encrypted with
    static String of(Location folder, Reach reach, String partition, Optional<String> kmsKey) {
        String bucket = "arn:" + partition + ":s3:::" + folder.bucket();
        // The slash before the star: without it `orders` would open `orders2`.
        String inside = folder.key() + "/*";
        Map<String, ?> look = Map.of("s3:prefix", inside);
        Map<String, ?> objects = allow(reach == Reach.READ ? READ : READ_WRITE, bucket + "/" + inside);
        Map<String, ?> region = allow(List.of("s3:GetBucketLocation"), bucket);
        // MinIO resolves `..` after it has asked the policy.
        Map<String, ?> climb = statement("Deny", List.of("s3:*"), bucket + "/*/../*");
        List<Map<String, ?>> statements = new ArrayList<>(
                switch (reach) {
                    // A reader of Iceberg never lists, and MinIO cannot confine a listing.
                    case READ -> List.of(objects, region, climb);
                    case READ_WRITE -> {
                        Map<String, Object> list = allow(List.of("s3:ListBucket"), bucket);
                        // Both: with either alone MinIO lists everything when `prefix` is given twice.
                        list.put("Condition", ordered("StringLike", look, "ForAllValues:StringLike", look));
                        yield List.of(objects, region, list, climb);
                    }
                });
        // Only Amazon asks for a right to the key; other stores name their keys otherwise and know no such action.
        kmsKey.filter(key -> key.startsWith("arn:"))
                .ifPresent(key -> statements.add(allow(List.of("kms:Decrypt", "kms:GenerateDataKey"), key)));
        String text = json(ordered("Version", "2012-10-17", "Statement", statements));
        if (text.getBytes(UTF_8).length > BYTES_MAX) {
            throw new IllegalArgumentException(
                    "the location `%s` is too long for a session policy of %d bytes".formatted(folder, BYTES_MAX));
        }
        return text;
    }

    private static Map<String, Object> allow(List<String> actions, String resource) {
        return statement("Allow", actions, resource);
    }

    private static Map<String, Object> statement(String effect, List<String> actions, String resource) {
        return ordered("Effect", effect, "Action", actions, "Resource", resource);
    }

    private static Map<String, Object> ordered(Object... pairs) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put((String) pairs[i], pairs[i + 1]);
        }
        return map;
    }

    private static String json(Object value) {
        StringBuilder out = new StringBuilder(512);
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        switch (value) {
            case String text -> quote(text, out);
            case List<?> list -> {
                String before = "[";
                for (Object each : list) {
                    out.append(before);
                    write(each, out);
                    before = ",";
                }
                out.append(']');
            }
            case Map<?, ?> map -> {
                String before = "{";
                for (Map.Entry<?, ?> each : map.entrySet()) {
                    out.append(before);
                    quote((String) each.getKey(), out);
                    out.append(':');
                    write(each.getValue(), out);
                    before = ",";
                }
                out.append('}');
            }
            default -> throw new AssertionError(value.getClass());
        }
    }

    /// Everything but plain ASCII as an escape: STS refuses other letters in a policy.
    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') {
                out.append("\\u%04x".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
