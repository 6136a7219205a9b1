package io.icefield.config;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.SealingKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeyFileTest {
    private static final String SECRET =
            Base64.getEncoder().encodeToString("x".repeat(32).getBytes(US_ASCII));

    @TempDir
    Path folder;

    @Test
    void ofManyWhoMakeItAtOnceOneDoesAndAllFindItsKey() throws Exception {
        Path file = folder.resolve("deeper/icefield.key");
        List<Callable<List<SealingKey>>> servers = IntStream.range(0, 16)
                .<Callable<List<SealingKey>>>mapToObj(_ -> () -> {
                    KeyFile keys = new KeyFile(file);
                    assertThat(keys.keys().size()).as("none, or a whole one").isLessThan(2);
                    keys.make();
                    return keys.keys();
                })
                .toList();
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(servers).stream()
                            .map(Future::resultNow)
                            .collect(Collectors.toSet()))
                    .hasSize(1)
                    .first()
                    .asInstanceOf(InstanceOfAssertFactories.LIST)
                    .hasSize(1);
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(files(file.resolveSibling("")))
                .as("nothing is left beside it")
                .containsExactly("icefield.key");
    }

    @Test
    void aKeyThatIsThereIsNeverReplaced() throws IOException {
        Path file = Files.writeString(folder.resolve("icefield.key"), SECRET);
        KeyFile keys = new KeyFile(file);
        List<SealingKey> before = keys.keys();
        keys.make();
        assertThat(keys.keys()).isEqualTo(before).hasSize(1);
        assertThat(Files.readString(file)).as("the form of before keys had ids").isEqualTo(SECRET);
    }

    @Test
    void anotherKeyComesBeforeThoseThatAreThere() throws IOException {
        Path file = Files.writeString(folder.resolve("icefield.key"), "# of the first day\n\n" + SECRET + " # old\n");
        KeyFile keys = new KeyFile(file);
        SealingKey old = keys.keys().getFirst();
        List<SealingKey> two = keys.add();
        assertThat(two).hasSize(2).last().isEqualTo(old);
        assertThat(two).doesNotHaveDuplicates();
        List<SealingKey> three = keys.add();
        assertThat(three.subList(1, 3)).isEqualTo(two);
        assertThat(Files.readString(file))
                .contains("# of the first day", "# old", "# " + three.getFirst().id());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(files(folder)).containsExactly("icefield.key");
        assertThat(new KeyFile(folder.resolve("new.key")).add()).hasSize(1);
    }

    @Test
    void whatIsNoKeyIsRefusedAndNotShown() throws IOException {
        for (String text : List.of("", "# nothing", SECRET.substring(4), SECRET + "x", SECRET + "\nhush", "\u0007")) {
            Path file = Files.writeString(folder.resolve("icefield.key"), text);
            KeyFile keys = new KeyFile(file);
            assertThatThrownBy(keys::keys)
                    .as(text)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("icefield.key")
                    .hasMessageNotContaining(SECRET.substring(4, 20))
                    .hasMessageNotContaining("hush");
            assertThatThrownBy(keys::add).isInstanceOf(IllegalStateException.class);
            assertThat(Files.readString(file)).isEqualTo(text);
        }
        assertThat(new KeyFile(folder.resolve("none")).keys()).isEmpty();
        assertThat(files(folder)).containsExactly("icefield.key");
    }

    @Test
    void keysComeFromTheEnvironmentOrAFileAndNotFromBoth() {
        String second = Base64.getEncoder().encodeToString(new byte[32]);
        assertThat(settings(Map.of("ICEFIELD_KEY", SECRET + ", " + second))
                        .keys()
                        .keys())
                .containsExactly(new SealingKey("x".repeat(32).getBytes(US_ASCII)), new SealingKey(new byte[32]));
        assertThat(settings(Map.of()).keys()).hasToString(new KeyFile(Path.of("icefield.key")).toString());
        assertThat(settings(Map.of("ICEFIELD_KEY", SECRET)).toString()).doesNotContain(SECRET);
        assertThatThrownBy(() -> settings(Map.of("ICEFIELD_KEY", SECRET, "ICEFIELD_KEY_FILE", "x.key")))
                .isInstanceOf(Settings.Unusable.class)
                .hasMessageContaining("ICEFIELD_KEY_FILE");
        for (String broken : List.of("x", SECRET + ",", SECRET + SECRET)) {
            assertThatThrownBy(() -> settings(Map.of("ICEFIELD_KEY", broken)))
                    .isInstanceOf(Settings.Unusable.class)
                    .hasMessageContaining("ICEFIELD_KEY")
                    .hasMessageNotContaining(SECRET);
        }
    }

    private static Settings settings(Map<String, String> more) {
        Map<String, String> environment = new TreeMap<>(Map.of(
                "ICEFIELD_DATABASE_URL", "jdbc:postgresql://x/y",
                "ICEFIELD_S3_ACCESS_KEY", "a",
                "ICEFIELD_S3_SECRET_KEY", "b"));
        environment.putAll(more);
        return Settings.from(environment);
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(each -> each.getFileName().toString()).toList();
        }
    }
}
