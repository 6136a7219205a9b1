package io.icefield.local;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The catalog server as a child process: exactly what `icefield server` runs, with settings for the local mesh.
final class CatalogServer implements Part {
    private static final String MAIN = "io.icefield.Main";

    /// Beside the jars; the launcher's name for it too.
    private static final String CACHE = "catalog.aot";

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
        List<String> options = new ArrayList<>(List.of(
                "-Xms32m", "-Xmx512m", "-XX:+UseCompactObjectHeaders", "-XX:+ExitOnOutOfMemoryError", "-Xlog:disable"));
        options.addAll(ahead());
        return new Launch(
                JavaProcess.command(options, MAIN, List.of()),
                JavaProcess.environment(plan.catalogSettings()),
                plan.home().folder(),
                StopSignal.TERM);
    }

    /// What was loaded, linked and profiled when the launcher recorded a start (`icefield prepare`). The JVM
    /// checks that it is of this JDK and of these jars, and does without it otherwise; it says nothing, as its
    /// log is off.
    private List<String> ahead() {
        Optional<String> recording = plan.recording();
        if (recording.isPresent()) {
            return List.of("-XX:AOTMode=record", "-XX:AOTConfiguration=" + recording.get());
        }
        Path firstJar = Path.of(System.getProperty("java.class.path").split(File.pathSeparator, 2)[0]);
        File cache = firstJar.resolveSibling(CACHE).toFile();
        return cache.length() > 0 ? List.of("-XX:AOTCache=" + cache) : List.of();
    }

    @Override
    public boolean ready() throws InterruptedException {
        return HttpProbe.status(plan.catalogUri().resolve("/health/ready")) == 200;
    }
}
