package io.icefield.policy.file;

import io.icefield.policy.Governance;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Policies as code: a folder of YAML files becomes the governance of a mesh, all of it or nothing.
public final class PolicyFiles {
    public static final int FILE_BYTES_MAX = 1 << 20;
    public static final int FILES_MAX = 1_000;
    public static final int FOLDER_DEPTH_MAX = 16;

    private static final int VERSION_BYTES = 8;

    private static final List<String> STARTER = List.of("naming.yaml", "classification.yaml", "masks.yaml");

    private PolicyFiles() {}

    /// Reads every `*.yaml` and `*.yml` under the folder, in the order of their names; hidden files and folders are
    /// left out. A folder without any gives a governance that refuses and hides nothing.
    ///
    /// Throws `PolicyFileException` with everything that is wrong.
    public static Governance load(Path folder) {
        Problems problems = new Problems();
        RuleBookReader reader = new RuleBookReader(problems);
        MessageDigest version = digest();
        for (Path file : files(folder, problems)) {
            String name = name(folder, file);
            if (!Files.isRegularFile(file)) {
                problems.add(name, "this is no file that can be read");
                continue;
            }
            read(name, () -> digested(Files.newInputStream(file), version), reader::read, problems);
        }
        problems.throwIfAny();
        return reader.ruleBook().versioned(named(version));
    }

    /// The documents of one file that is no policy but written like one. What is wrong goes to the problems.
    public static List<Node> documents(Path file, Problems problems) {
        List<Node> documents = new ArrayList<>();
        read(file.toString(), () -> Files.newInputStream(file), documents::add, problems);
        return documents;
    }

    /// The pack that comes with the product: names in snake case, personal data classified and masked.
    public static Governance starter() {
        Problems problems = new Problems();
        RuleBookReader reader = new RuleBookReader(problems);
        MessageDigest version = digest();
        for (String name : STARTER) {
            read("starter/" + name, () -> digested(starter(name), version), reader::read, problems);
        }
        problems.throwIfAny();
        return reader.ruleBook().versioned(named(version));
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static InputStream digested(InputStream file, MessageDigest version) {
        return new DigestInputStream(file, version);
    }

    /// The files' bytes decide, in the order of their names.
    private static String named(MessageDigest version) {
        return HexFormat.of().formatHex(version.digest(), 0, VERSION_BYTES);
    }

    private static InputStream starter(String name) throws IOException {
        InputStream file = PolicyFiles.class.getResourceAsStream("starter/" + name);
        if (file == null) {
            throw new IOException("the product was built without its starter pack");
        }
        return file;
    }

    private static List<Path> files(Path folder, Problems problems) {
        if (!Files.exists(folder)) {
            problems.add(folder.toString(), "there is no such folder");
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(folder, FOLDER_DEPTH_MAX, FileVisitOption.FOLLOW_LINKS)) {
            List<Path> files = walk.filter(file -> isPolicyFile(folder, file))
                    .sorted()
                    .limit(FILES_MAX + 1L)
                    .toList();
            if (files.size() > FILES_MAX) {
                problems.add(folder.toString(), "there are more than " + FILES_MAX + " policy files");
                return List.of();
            }
            return files;
        } catch (IOException | UncheckedIOException failure) {
            problems.add(folder.toString(), "the folder cannot be read (" + reason(failure) + ")");
            return List.of();
        }
    }

    private static boolean isPolicyFile(Path folder, Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        Path inside = folder.relativize(file);
        boolean hidden = Stream.iterate(0, i -> i < inside.getNameCount(), i -> i + 1)
                .anyMatch(i -> inside.getName(i).toString().startsWith("."));
        // Not only regular files: a dangling link must be a problem, not an absent policy.
        return !hidden && (name.endsWith(".yaml") || name.endsWith(".yml")) && !Files.isDirectory(file);
    }

    private static String name(Path folder, Path file) {
        String inside = folder.relativize(file).toString();
        return (inside.isEmpty() ? file.getFileName().toString() : inside).replace('\\', '/');
    }

    private static void read(String name, Source source, Consumer<Node> reader, Problems problems) {
        byte[] bytes;
        try (InputStream in = source.open()) {
            bytes = in.readNBytes(FILE_BYTES_MAX + 1);
        } catch (IOException failure) {
            problems.add(name, "the file cannot be read (" + reason(failure) + ")");
            return;
        }
        if (bytes.length > FILE_BYTES_MAX) {
            problems.add(name, "the file is larger than " + FILE_BYTES_MAX + " bytes");
            return;
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
            Yaml.documents(name, body, problems).forEach(reader);
        } catch (CharacterCodingException notText) {
            problems.add(name, "the file is not UTF-8 text");
        }
    }

    private static String reason(Exception failure) {
        return failure.getClass().getSimpleName();
    }

    @FunctionalInterface
    private interface Source {
        InputStream open() throws IOException;
    }
}
