package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// `icefield demo` as the README says it, in a home of its own: it starts a mesh, tells its story, and stops the mesh.
final class DemoIT {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final String CHECKS = "All 14 checks hold.";

    @Test
    void everyCheckHoldsAndHoldsAgainInTheSameHome() throws Exception {
        // The shared mesh first: its start is what downloads Trino.
        Mesh _ = Mesh.shared();
        Path home =
                Files.createTempDirectory(Files.createDirectories(Mesh.CHECKOUT.resolve("cli/target/system")), "demo");
        try {
            for (int run = 1; run <= 2; run++) {
                Ran demo = icefield(home, "demo", "--scale", "0.01").ok();
                assertThat(demo.out()).as("run %d", run).contains(CHECKS).doesNotContain("✗");
                assertThat(demo.out().lines().filter(line -> line.contains("✓")))
                        .hasSize(14);
                assertThat(icefield(home, "status").code())
                        .as("no mesh is left up")
                        .isNotZero();
            }
        } finally {
            Ran _ = icefield(home, "down");
        }
    }

    private static Ran icefield(Path home, String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(Mesh.CHECKOUT.resolve("icefield").toString(), "--home", home.toString()));
        command.addAll(List.of(arguments));
        return Ran.command(command, Mesh.CHECKOUT, Map.of(), "", PATIENCE);
    }
}
