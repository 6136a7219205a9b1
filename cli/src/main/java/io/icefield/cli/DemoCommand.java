package io.icefield.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "demo", description = "Watch a governed mesh at work: three domains, policies, masks, joins.")
final class DemoCommand extends MeshCommand {
    @Option(names = "--scale", paramLabel = "SCALE", description = "TPC-H scale factor (default: 0.1).")
    private double scale = 0.1;

    @Override
    public Integer call() throws Exception {
        return Seam.demo(home(), environment(), scale);
    }
}
