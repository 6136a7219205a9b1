package io.icefield.local;

import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Trino as a part of the mesh.
public final class TrinoPart implements Part {
    private static final Duration ONE_TRY = Duration.ofMillis(1);

    private final MeshPlan plan;
    private final Supplier<Credential> engine;
    private final PrintStream messages;
    private Optional<Path> distribution = Optional.empty();

    /// @param engine id and secret of the principal that Trino is to the catalog; asked for at each start
    /// @param messages gets the progress of the download
    public TrinoPart(MeshPlan plan, Supplier<Credential> engine, PrintStream messages) {
        this.plan = plan;
        this.engine = engine;
        this.messages = messages;
    }

    @Override
    public String name() {
        return "trino";
    }

    @Override
    public void prepare() throws IOException {
        distribution = Optional.of(TrinoDistribution.of(plan.external()).assemble(messages));
        process("").certify();
    }

    @Override
    public Launch launch() throws IOException {
        Credential credential = engine.get();
        ProcessBuilder process =
                process(credential.clientId() + ":" + credential.clientSecret()).prepare();
        Map<String, String> environment = new HashMap<>(process.environment());
        environment.keySet().removeAll(System.getenv().keySet());
        return new Launch(
                List.copyOf(process.command()), environment, process.directory().toPath(), StopSignal.TERM);
    }

    @Override
    public boolean ready() throws InterruptedException {
        try {
            process("")
                    .awaitReady(
                            () -> ApiClient.withCredential(plan.catalogUri(), engine.get())
                                    .token(),
                            ONE_TRY);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public Duration patience() {
        return Duration.ofMinutes(4);
    }

    private TrinoProcess process(String engineCredential) {
        return new TrinoProcess(new TrinoProcess.Settings(
                distribution.orElseThrow(),
                plan.trinoFolder(),
                plan.ports().port(Ports.Service.TRINO),
                plan.catalogUri(),
                engineCredential,
                TrinoProcess.Settings.HEAP_MEGABYTES));
    }
}
