package io.icefield.cli;

import picocli.CommandLine.Command;

@Command(name = "server", description = "Run the catalog server alone, with settings from the environment.")
final class ServerCommand extends MeshCommand {
    @Override
    public Integer call() throws Exception {
        Wiring.server();
        Thread.currentThread().join(); // it ends by a signal
        return Icefield.DONE;
    }
}
