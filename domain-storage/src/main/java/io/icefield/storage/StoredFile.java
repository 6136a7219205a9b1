package io.icefield.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Optional;

/// An object inside a folder, whatever its name: writers put partition values into names, escaped or not,
/// so that it may be no [Location]. It cannot leave its folder.
///
/// @param path below the folder, as the store has it
public record StoredFile(Location folder, String path) {
    public StoredFile {
        if (!fits(folder, path)) {
            throw new IllegalArgumentException(
                    "a file's path has no empty or relative part, no control character and a length that S3 takes");
        }
    }

    /// The file of this address; empty when it is not inside the folder.
    public static Optional<StoredFile> in(Location folder, String uri) {
        int scheme = uri.indexOf("://");
        String inside = folder.bucket() + "/" + (folder.key().isEmpty() ? "" : folder.key() + "/");
        if (scheme < 0 || !uri.substring(0, scheme).matches("s3[an]?") || !uri.startsWith(inside, scheme + 3)) {
            return Optional.empty();
        }
        String path = uri.substring(scheme + 3 + inside.length());
        return fits(folder, path) ? Optional.of(new StoredFile(folder, path)) : Optional.empty();
    }

    /// Some stores take a relative part as a step up.
    private static boolean fits(Location folder, String path) {
        if (path.chars().anyMatch(Character::isISOControl)
                || (folder.key() + "/" + path).getBytes(UTF_8).length > Location.KEY_BYTES_MAX) {
            return false;
        }
        for (String segment : path.split("[/\\\\]", -1)) {
            if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
                return false;
            }
        }
        return true;
    }

    public String key() {
        return folder.key().isEmpty() ? path : folder.key() + "/" + path;
    }

    @Override
    public String toString() {
        return "s3://" + folder.bucket() + "/" + key();
    }
}
