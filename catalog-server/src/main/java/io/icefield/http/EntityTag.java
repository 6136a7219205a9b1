package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.storage.Credential;
import io.icefield.storage.StorageProfile;
import io.icefield.table.LoadTable.Snapshots;
import io.icefield.table.Loaded;
import io.icefield.table.TableId;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.Stream;

/// Names everything that an answer about a table holds, its key included. A client keeps the key of its first load when
/// it is told that nothing has changed; so it is told that only while it would be given the very same key, which is
/// the first half of the key's life. What the caller may do and what is hidden from it show in the key, or in a
/// refusal.
final class EntityTag {
    private static final int BYTES = 16;

    private EntityTag() {}

    /// @param sum checksum of the metadata: a file may be written over and registered again
    static String of(TableId table, Loaded loaded, int sum, Snapshots snapshots) {
        StorageProfile storage = loaded.storage();
        String all = String.join(
                "\n",
                table.toString(),
                loaded.metadataLocation().toString(),
                Integer.toHexString(sum),
                snapshots.name(),
                storage.endpoint().toString(),
                storage.region(),
                Boolean.toString(storage.pathStyle()),
                storage.kmsKey().toString(),
                loaded.given().name(),
                loaded.labels().toString(),
                loaded.credential().map(Credential::accessKey).orElse(""),
                loaded.credential().flatMap(Credential::expiresAt).toString());
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(all.getBytes(UTF_8));
            return "W/\"" + Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, BYTES)) + '"';
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Does a client that sends this `If-None-Match` have it? Compares weakly: the same answer, however it was encoded.
    static boolean isAmong(String ifNoneMatch, String tag) {
        return Stream.of(ifNoneMatch.split(",", -1))
                .map(String::strip)
                .anyMatch(known -> known.equals("*") || strong(known).equals(strong(tag)));
    }

    private static String strong(String tag) {
        return tag.startsWith("W/") ? tag.substring(2) : tag;
    }
}
