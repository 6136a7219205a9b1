package io.icefield.local;

import java.util.List;

/// The catalog server as a child process: exactly what `icefield server` runs, with settings for the local mesh.
final class CatalogServer implements Part {
    private static final String MAIN = "io.icefield.Main";

    private final MeshPlan plan;

    CatalogServer(MeshPlan plan) {
        this.plan = plan;
    }

    @Override
    public String name() {
        return "catalog";
    }

    @Override
    public Launch launch() {
        return new Launch(
                JavaProcess.command(List.of("-Xmx512m", "-XX:+ExitOnOutOfMemoryError"), MAIN, List.of()),
                JavaProcess.environment(plan.catalogSettings()),
                plan.home().folder(),
                StopSignal.TERM);
    }

    @Override
    public boolean ready() throws InterruptedException {
        return HttpProbe.status(plan.catalogUri().resolve("/health/ready")) == 200;
    }
}
