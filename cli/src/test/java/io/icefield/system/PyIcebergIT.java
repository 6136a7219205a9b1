package io.icefield.system;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// PyIceberg, by `compat/pyiceberg/script.py`.
class PyIcebergIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @ParameterizedTest
    @ValueSource(strings = {"0.11.1", "0.12.0"})
    void round(String version) throws Exception {
        Path python = ClientRound.installed("pyiceberg", version, "bin/python");
        ClientRound round = new ClientRound("PyIceberg " + version);
        Ran ran = Ran.command(
                        List.of(python.toString(), "script.py"),
                        ClientRound.COMPAT.resolve("pyiceberg"),
                        Map.of(),
                        Mesh.JSON.writeValueAsString(round.properties()),
                        PATIENCE)
                .ok();
        round.check(Outcome.printed(ran.out()));
    }
}
