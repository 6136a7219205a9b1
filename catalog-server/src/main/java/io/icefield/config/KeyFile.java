package io.icefield.config;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeySource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// Sealing keys in a file of their own, so that the database alone opens nothing: one a line, 32 bytes in
/// Base64, the first seals. What follows a `#` is for people. A file that we write is there as a whole or not
/// at all, whatever crashes, and only its owner reads it.
public final class KeyFile implements SealingKeySource {
    private static final int CHARS_MAX = 64 << 10;

    private final Path file;

    public KeyFile(Path file) {
        this.file = file.toAbsolutePath();
    }

    @Override
    public List<SealingKey> keys() {
        List<SealingKey> keys = new ArrayList<>();
        for (String line : lines()) {
            String key = line.replaceFirst("#.*", "").strip();
            if (!key.isEmpty()) {
                keys.add(key(key, "line %d of `%s`".formatted(keys.size() + 1, file)));
            }
        }
        if (keys.isEmpty() && Files.exists(file)) {
            throw new IllegalStateException("`%s` holds no key: %s".formatted(file, WANTED));
        }
        return keys;
    }

    static final String WANTED =
            "%d bytes in Base64, as `openssl rand -base64 %<d` makes them".formatted(SealingKey.BYTES);

    /// @param where for the message, which must not tell what is there
    static SealingKey key(String text, String where) {
        try {
            return new SealingKey(Base64.getDecoder().decode(text));
        } catch (IllegalArgumentException _) {
            throw new IllegalStateException("%s holds no key: %s".formatted(where, WANTED));
        }
    }

    private List<String> lines() {
        try {
            if (Files.size(file) > CHARS_MAX) {
                throw new IllegalStateException("`%s` is too long for a file of keys".formatted(file));
            }
            return Files.readAllLines(file, US_ASCII);
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "the key file `%s` cannot be read: %s"
                            .formatted(file, e.getClass().getSimpleName()),
                    e);
        }
    }

    /// A link, unlike a move, replaces nothing: whoever comes second finds the first one's key.
    @Override
    public void make() {
        SealingKey key = SealingKey.random();
        write(List.of(line(key)), written -> {
            try {
                Files.createLink(file, written);
            } catch (FileAlreadyExistsException _) {
                // another server was faster
            } catch (UnsupportedOperationException _) {
                throw new IllegalStateException(
                        "the key file `%s` cannot be made on this file system; make it yourself: %s"
                                .formatted(file, WANTED));
            }
        });
    }

    /// Puts a new key before those that are there, and makes the file if there is none. Returns all of them.
    public List<SealingKey> add() {
        List<SealingKey> before = keys(); // all of them can be read
        List<String> lines = new ArrayList<>(List.of(line(SealingKey.random())));
        lines.addAll(lines());
        if (before.isEmpty()) {
            make();
        } else {
            write(
                    lines,
                    written -> Files.move(
                            written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING));
        }
        return keys();
    }

    private static String line(SealingKey key) {
        return "%s # %s, %s"
                .formatted(Base64.getEncoder().encodeToString(key.bytes()), key.id(), LocalDate.now(ZoneOffset.UTC));
    }

    private interface Step {
        void with(Path written) throws IOException;
    }

    /// Whatever has a name is on the disk.
    private void write(List<String> lines, Step publish) {
        Path folder = file.resolveSibling("");
        Path written = file.resolveSibling(".%s-%s".formatted(file.getFileName(), UUID.randomUUID()));
        try {
            Files.createDirectories(folder);
            byte[] text = (String.join("\n", lines) + "\n").getBytes(US_ASCII);
            try (FileChannel out = FileChannel.open(
                    written,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer rest = ByteBuffer.wrap(text);
                while (rest.hasRemaining()) {
                    int _ = out.write(rest);
                }
                out.force(true);
            }
            try {
                publish.with(written);
            } finally {
                boolean _ = Files.deleteIfExists(written);
            }
            try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
                names.force(true);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the key file `%s` cannot be written".formatted(file), e);
        }
    }

    @Override
    public String toString() {
        return "KeyFile[%s]".formatted(file);
    }
}
