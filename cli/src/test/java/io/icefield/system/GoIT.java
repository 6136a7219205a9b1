package io.icefield.system;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// iceberg-go, by the program in `compat/go`.
class GoIT {
    private static final String VERSION = "0.7.0";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @Test
    void round() throws Exception {
        Path program = ClientRound.installed("go", VERSION, "round");
        ClientRound round = new ClientRound("iceberg-go " + VERSION);
        Ran ran = Ran.command(
                        List.of(program.toString()),
                        ClientRound.COMPAT.resolve("go"),
                        Map.of(),
                        Mesh.JSON.writeValueAsString(round.properties()),
                        PATIENCE)
                .ok();
        round.check(Outcome.printed(ran.out()));
    }
}
