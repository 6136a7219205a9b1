package io.icefield.local;

import java.net.URI;
import java.util.List;
import java.util.Map;

/// The embedded object store as a child process; its settings go by the environment, where others cannot see
/// them.
final class ObjectStore implements Part {
    private final MeshPlan plan;

    ObjectStore(MeshPlan plan) {
        this.plan = plan;
    }

    @Override
    public String name() {
        return "s3";
    }

    @Override
    public Launch launch() {
        return new Launch(
                JavaProcess.command(
                        List.of("-Xmx384m", "-XX:+ExitOnOutOfMemoryError"), JavaProcess.COMMANDS, List.of("s3")),
                JavaProcess.environment(Map.of(
                        "ICEFIELD_S3_FOLDER", plan.s3Folder().toString(),
                        "ICEFIELD_S3_PORT", Integer.toString(plan.ports().port(Ports.Service.S3)),
                        "ICEFIELD_S3_REGION", plan.s3Region(),
                        "ICEFIELD_S3_ACCESS_KEY", plan.secrets().s3AccessKey(),
                        "ICEFIELD_S3_SECRET_KEY", plan.secrets().s3SecretKey())),
                plan.home().folder(),
                StopSignal.TERM);
    }

    /// Any answer will do: without a signature it is a refusal.
    @Override
    public boolean ready() throws InterruptedException {
        return HttpProbe.status(URI.create(plan.s3Endpoint())) != HttpProbe.NO_ANSWER;
    }
}
