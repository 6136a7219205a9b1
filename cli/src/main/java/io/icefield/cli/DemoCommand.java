package io.icefield.cli;

import io.icefield.local.Detached;
import io.icefield.local.LocalMesh;
import io.icefield.local.MeshState;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "demo", description = "Watch a governed mesh at work: four domains, policies, masks, joins.")
final class DemoCommand extends MeshCommand {
    @Option(names = "--scale", paramLabel = "SCALE", description = "TPC-H scale factor (default: 0.1).")
    private double scale = 0.1;

    @Option(names = "--keep", description = "Leave the mesh up afterwards.")
    private boolean keep;

    /// Uses the mesh that is up in this home, else starts one and stops it again; its data stays.
    @Override
    public Integer call() throws Exception {
        if (!(scale > 0 && scale <= 1000)) {
            throw wrongUsage("--scale is a number above 0, at most 1000");
        }
        boolean up = LocalMesh.stateOf(home())
                .filter(state -> state.phase() == MeshState.Phase.READY)
                .isPresent();
        if (!up) {
            say("Starting a mesh in %s".formatted(home().folder()));
            var _ = Detached.start(
                    home(), List.of("up", "--home", home().folder().toString()), this::say);
        }
        try {
            boolean terminal = Boolean.getBoolean("icefield.terminal");
            int code = Wiring.demo(DemoMesh.of(home(), environment()), scale, this::tell, line -> {
                if (terminal) {
                    err().print("\r" + line);
                    err().flush();
                }
            });
            if (up || keep) {
                tell("The mesh stays up: ask it yourself, as in");
            } else {
                tell("The data stays in %s. To ask it yourself: icefield up --detach, and then"
                        .formatted(home().folder()));
            }
            tell("  icefield sql \"SELECT name, phone FROM crm.people.customer LIMIT 5\" --as analyst");
            return code;
        } finally {
            if (!up && !keep) {
                boolean _ = LocalMesh.down(home());
            }
        }
    }

    private synchronized void tell(String line) {
        out().println(line);
        out().flush();
    }
}
