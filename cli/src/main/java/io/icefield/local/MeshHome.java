package io.icefield.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The folder that a local mesh lives in: data, logs, secrets, and who is running. Only its owner can read it.
public record MeshHome(Path folder) {
    public static final String DEFAULT_FOLDER = ".icefield";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    public MeshHome {
        folder = folder.toAbsolutePath().normalize();
    }

    /// `--home`, else `ICEFIELD_HOME`, else `.icefield` in the current folder.
    public static MeshHome of(Optional<Path> option, Map<String, String> environment) {
        return new MeshHome(option.orElseGet(() -> Path.of(Optional.ofNullable(environment.get("ICEFIELD_HOME"))
                .filter(text -> !text.isBlank())
                .orElse(DEFAULT_FOLDER))));
    }

    /// Makes the folder and proves that it can be written.
    public void create() {
        try {
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder);
            }
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
            Files.createDirectories(logs());
            write("written", "ok");
            Files.deleteIfExists(file("written"));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    public Path file(String name) {
        return folder.resolve(name);
    }

    public Path logs() {
        return file("logs");
    }

    public Path log(String process) {
        return logs().resolve(process + ".log");
    }

    /// Replaces a file at once, readable by its owner only.
    public void write(String name, String text) {
        Path target = file(name);
        Path next = target.resolveSibling(name + "." + ProcessHandle.current().pid() + ".new");
        try {
            Files.deleteIfExists(next);
            Files.createFile(next, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
                channel.force(true);
            }
            Files.move(next, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    public void write(String name, JsonNode value) {
        try {
            write(name, JSON.writeValueAsString(value) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    public Optional<JsonNode> read(String name) {
        try {
            return Optional.of(JSON.readTree(Files.readString(file(name))));
        } catch (NoSuchFileException _) {
            return Optional.empty();
        } catch (IOException e) {
            throw new MeshException("cannot read `%s`: %s".formatted(file(name), reason(e)), e);
        }
    }

    public void delete(String name) {
        try {
            Files.deleteIfExists(file(name));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// The lock, or nothing when another process (or thread) holds it. It ends with its process, however that
    /// ends.
    public Optional<Lock> tryLock(String name) {
        try {
            FileChannel channel = FileChannel.open(file(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException _) {
                lock = null;
            }
            if (lock == null) {
                channel.close();
                return Optional.empty();
            }
            return Optional.of(new Lock(channel));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    public static final class Lock implements AutoCloseable {
        private final FileChannel channel;

        private Lock(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private MeshException unwritable(IOException e) {
        return new MeshException(
                "cannot write in the home `%s`: %s; choose another with --home DIR or make room there"
                        .formatted(folder, reason(e)),
                e);
    }

    static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException _ -> "`%s` is not there".formatted(e.getMessage());
            case FileSystemException system when system.getReason() != null -> String.valueOf(system.getReason());
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }
}
