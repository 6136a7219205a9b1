package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Files that say what is expected, for people to review. They are written anew only with `UPDATE_GOLDEN=1`.
final class Golden {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    private Golden() {}

    static void matches(String name, String actual) throws IOException {
        Path file = FOLDER.resolve(name);
        if (System.getenv("UPDATE_GOLDEN") != null) {
            Files.createDirectories(FOLDER);
            Files.writeString(file, actual);
        }
        assertThat(actual).isEqualTo(Files.readString(file));
    }
}
