package io.icefield.config;

import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeySource;
import java.util.List;
import java.util.stream.Stream;

/// Sealing keys that came with the settings, as Base64 with commas between them. They change with the settings,
/// when the server starts again.
public record KeyList(List<SealingKey> keys) implements SealingKeySource {
    public KeyList {
        keys = List.copyOf(keys);
        if (keys.isEmpty()) {
            throw new IllegalStateException("no key");
        }
    }

    static KeyList parse(String text) {
        return new KeyList(Stream.of(text.split(",", -1))
                .map(each -> KeyFile.key(each.strip(), "`ICEFIELD_KEY`"))
                .toList());
    }

    /// There is one.
    @Override
    public void make() {}
}
