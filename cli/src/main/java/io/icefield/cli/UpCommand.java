package io.icefield.cli;

import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import io.icefield.local.ConnectGuide;
import io.icefield.local.Detached;
import io.icefield.local.LocalMesh;
import io.icefield.local.MeshState;
import io.icefield.local.Ports;
import io.icefield.local.Principals;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "up", description = "Start a whole mesh on this machine and say how to connect.")
final class UpCommand extends MeshCommand {
    @Option(names = "--detach", description = "Return when all is ready; `icefield down` stops it.")
    private boolean detach;

    @Option(names = "--policies", paramLabel = "DIR", description = "Global policies (default: the starter pack).")
    private @Nullable Path policies;

    @Option(names = "--port", paramLabel = "PORT", description = "The catalog's port (default: 8181, else a free one).")
    private @Nullable Integer port;

    @Option(
            names = "--s3-port",
            paramLabel = "PORT",
            description = "The object store's (default: 9000, or a free one).")
    private @Nullable Integer s3Port;

    @Option(names = "--trino-port", paramLabel = "PORT", description = "Trino's (default: 8443, or a free one).")
    private @Nullable Integer trinoPort;

    @Option(
            names = "--postgres-port",
            paramLabel = "PORT",
            description = "PostgreSQL's (default: 5433, or a free one).")
    private @Nullable Integer postgresPort;

    @Override
    public Integer call() throws InterruptedException {
        Instant begin = Instant.now();
        if (detach) {
            guide(Detached.start(home(), arguments(), this::say), begin);
            return Icefield.DONE;
        }
        LocalMesh mesh = new LocalMesh(home(), new Wiring.EmbeddedParts(System.err), this::say);
        mesh.up(new LocalMesh.Wishes(ports(), Optional.ofNullable(policies), environment()), state -> {
            if (!environment().containsKey(Detached.MARK)) {
                guide(state, begin);
                say("Ctrl-C stops everything.");
            }
        });
        return Icefield.DONE;
    }

    private void guide(MeshState state, Instant begin) {
        Credential analyst =
                new Principals(home()).find("analyst").orElseThrow().credential();
        ApiClient client = ApiClient.withCredential(state.addresses().catalog(), analyst);
        Target.Local target = new Target.Local(home(), state.addresses());
        Optional<String> domain = target.client().list("/api/v1/domains", "domains").stream()
                .map(one -> one.path("name").asText())
                .findFirst();
        // Who sees a table masked gets no key to its files: engines that read files are given the domain's job.
        Credential job = domain.map(name -> target.credential(DomainCommands.jobOf(name)))
                .orElseGet(() -> new Credential("DOMAIN-job", "SECRET"));
        String launcher = System.getProperty("icefield.launcher", "icefield");
        say("Icefield is up after %.1f s, in %s"
                .formatted(Duration.between(begin, Instant.now()).toMillis() / 1000.0, home().folder()));
        out().print(ConnectGuide.of(state.addresses(), job, client.token(), domain.orElse("DOMAIN"), launcher, home()));
        out().flush();
    }

    private Map<Ports.Service, Integer> ports() {
        Map<Ports.Service, Integer> asked = new EnumMap<>(Ports.Service.class);
        ask(asked, Ports.Service.CATALOG, port);
        ask(asked, Ports.Service.S3, s3Port);
        ask(asked, Ports.Service.TRINO, trinoPort);
        ask(asked, Ports.Service.POSTGRES, postgresPort);
        return asked;
    }

    private void ask(Map<Ports.Service, Integer> asked, Ports.Service service, @Nullable Integer wish) {
        if (wish == null) {
            return;
        }
        if (wish < 1 || wish > 65_535) {
            throw wrongUsage("%d is not a port; one is from 1 to 65535".formatted(wish));
        }
        if (asked.containsValue(wish)) {
            throw wrongUsage("port %d is asked for twice".formatted(wish));
        }
        asked.put(service, wish);
    }

    /// The same wishes, for the process that stays.
    private List<String> arguments() {
        List<String> arguments =
                new ArrayList<>(List.of("up", "--home", home().folder().toString()));
        if (policies != null) {
            arguments.addAll(List.of("--policies", policies.toAbsolutePath().toString()));
        }
        Map<Ports.Service, String> options = Map.of(
                Ports.Service.CATALOG, "--port",
                Ports.Service.S3, "--s3-port",
                Ports.Service.TRINO, "--trino-port",
                Ports.Service.POSTGRES, "--postgres-port");
        ports().forEach((service, wish) -> arguments.addAll(List.of(options.get(service), wish.toString())));
        return arguments;
    }
}
