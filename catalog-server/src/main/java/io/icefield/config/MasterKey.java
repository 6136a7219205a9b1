package io.icefield.config;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;

/// The key that seals secrets in the database: a file of its own, so that the database alone opens nothing.
public final class MasterKey {
    private static final int BYTES = 32;

    private MasterKey() {}

    /// Reads the file; makes it, readable by its owner only, when there is none.
    public static byte[] read(Path file) {
        try {
            if (!Files.exists(file)) {
                create(file);
            }
            byte[] key =
                    Base64.getDecoder().decode(Files.readString(file, US_ASCII).strip());
            if (key.length != BYTES) {
                throw new IllegalArgumentException("%d bytes".formatted(key.length));
            }
            return key;
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException("`%s` does not hold a key: %d bytes in Base64".formatted(file, BYTES), e);
        } catch (IOException e) {
            throw new UncheckedIOException("the key file `%s` cannot be read or made".formatted(file), e);
        }
    }

    private static void create(Path file) throws IOException {
        byte[] key = new byte[BYTES];
        new SecureRandom().nextBytes(key);
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            return; // another replica on this machine was faster
        }
        Files.writeString(file, Base64.getEncoder().encodeToString(key), US_ASCII, StandardOpenOption.SYNC);
    }
}
