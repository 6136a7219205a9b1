package io.icefield.cli;

import io.icefield.local.LocalMesh;
import picocli.CommandLine.Command;

@Command(name = "down", description = "Stop the mesh of this home and whatever a crash has left of it.")
final class DownCommand extends MeshCommand {
    @Override
    public Integer call() throws InterruptedException {
        boolean stopped = LocalMesh.down(home());
        say(stopped ? "Icefield is down." : "Nothing runs in %s.".formatted(home().folder()));
        return Icefield.DONE;
    }
}
