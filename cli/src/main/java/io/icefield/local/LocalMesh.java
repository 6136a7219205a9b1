package io.icefield.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// The whole mesh on one machine: PostgreSQL, an object store, the catalog server and Trino, in one home.
public final class LocalMesh {
    private static final Duration STOP_WAIT = Duration.ofSeconds(90);
    private static final Duration LEFTOVERS_WAIT = Duration.ofSeconds(Lifeline.GRACE_SECONDS + 2L);
    private static final String PORTS = "ports.json";
    private static final String LOCK = "mesh.lock";

    private final MeshHome home;
    private final Parts parts;
    private final Consumer<String> out;

    /// How each part is started. The engine's credential exists only after the catalog is up.
    public interface Parts {
        default Part postgres(MeshPlan plan) {
            return new EmbeddedPostgres(new EmbeddedPostgres.Settings(
                    plan.home().file("postgres"),
                    plan.ports().port(Ports.Service.POSTGRES),
                    plan.secrets().database(),
                    plan.cache()));
        }

        default Part objectStore(MeshPlan plan) {
            return new ObjectStore(plan);
        }

        default Part catalog(MeshPlan plan) {
            return new CatalogServer(plan);
        }

        Part trino(MeshPlan plan, Supplier<Credential> engine);
    }

    /// What the caller of `up` asks for.
    public record Wishes(Map<Ports.Service, Integer> ports, Optional<Path> policies, Map<String, String> environment) {
        public Wishes {
            ports = Map.copyOf(ports);
            environment = Map.copyOf(environment);
        }
    }

    /// `out` gets one line for each step.
    public LocalMesh(MeshHome home, Parts parts, Consumer<String> out) {
        this.home = home;
        this.parts = parts;
        this.out = out;
    }

    /// What runs in a home, if anything does.
    public static Optional<MeshState> stateOf(MeshHome home) {
        return MeshState.read(home).filter(MeshState::alive);
    }

    /// Starts everything, calls `whenReady`, and stays until it is told to stop (by a signal, or by `down`).
    public void up(Wishes wishes, Consumer<MeshState> whenReady) throws InterruptedException {
        home.create();
        try (MeshHome.Lock _ = home.tryLock(LOCK).orElseThrow(() -> alreadyUp(home));
                PortClaims claims = new PortClaims()) {
            endLeftovers(home);
            MeshPlan plan = plan(wishes, claims);
            Watched watched = new Watched(plan);
            Thread hook = new Thread(watched::stop, "stop");
            Runtime.getRuntime().addShutdownHook(hook);
            try {
                watched.start();
                whenReady.accept(watched.ready());
                watched.supervisor.awaitEnd();
            } finally {
                watched.stop();
            }
        }
    }

    /// Stops what runs here and whatever a crash has left; returns whether there was anything. Waits until all
    /// are gone.
    public static boolean down(MeshHome home) throws InterruptedException {
        if (!Files.isDirectory(home.folder())) {
            return false;
        }
        Optional<MeshState> last = MeshState.read(home);
        Optional<ProcessHandle> supervisor =
                last.flatMap(state -> state.supervisor().alive());
        if (supervisor.isPresent()) {
            ProcessHandle process = supervisor.get();
            process.destroy();
            if (!gone(List.of(process), STOP_WAIT)) {
                process.destroyForcibly();
            }
        }
        boolean leftovers = endLeftovers(home);
        home.delete(MeshState.FILE);
        return supervisor.isPresent() || leftovers;
    }

    /// Ends processes that a mesh recorded before it was killed; their life lines usually have done it already.
    private static boolean endLeftovers(MeshHome home) throws InterruptedException {
        List<ProcessHandle> left = new ArrayList<>();
        for (Running process : MeshState.read(home).map(MeshState::processes).orElse(List.of())) {
            process.alive().ifPresent(left::add);
        }
        left.forEach(ProcessHandle::destroy);
        if (!gone(left, LEFTOVERS_WAIT)) {
            left.forEach(ProcessHandle::destroyForcibly);
            gone(left, LEFTOVERS_WAIT);
        }
        return !left.isEmpty();
    }

    private static boolean gone(List<ProcessHandle> processes, Duration patience) throws InterruptedException {
        Instant deadline = Instant.now().plus(patience);
        while (processes.stream().anyMatch(ProcessHandle::isAlive)) {
            if (Instant.now().isAfter(deadline)) {
                return false;
            }
            Thread.sleep(Duration.ofMillis(20));
        }
        return true;
    }

    /// Throws when a mesh runs there or is about to.
    static void requireDown(MeshHome home) {
        home.tryLock(LOCK).orElseThrow(() -> alreadyUp(home)).close();
    }

    private static MeshException alreadyUp(MeshHome home) {
        String who = stateOf(home)
                .map(state -> " (process %d)".formatted(state.supervisor().pid()))
                .orElse("");
        return new MeshException("a mesh runs in `%s` already%s; stop it with `icefield down`, or use another --home"
                .formatted(home.folder(), who));
    }

    private MeshPlan plan(Wishes wishes, PortClaims claims) {
        wishes.policies().filter(folder -> !Files.isDirectory(folder)).ifPresent(folder -> {
            throw new MeshException("`%s`, given with --policies, is not a folder".formatted(folder));
        });
        Ports ports = Ports.choose(wishes.ports(), portsOfLastTime(), claims);
        ObjectNode file = JsonNodeFactory.instance.objectNode();
        ports.of().forEach((service, port) -> file.put(Ports.label(service), port));
        home.write(PORTS, file);
        Map<String, String> settings = new HashMap<>(wishes.environment());
        settings.keySet().removeIf(name -> !name.startsWith("ICEFIELD_"));
        settings.values().removeIf(String::isBlank);
        return new MeshPlan(home, ports, MeshSecrets.of(home), wishes.policies().map(Path::toAbsolutePath), settings);
    }

    private Map<Ports.Service, Integer> portsOfLastTime() {
        Map<Ports.Service, Integer> last = new EnumMap<>(Ports.Service.class);
        JsonNode file = home.read(PORTS).orElseGet(JsonNodeFactory.instance::objectNode);
        for (Ports.Service service : Ports.Service.values()) {
            int port = file.path(Ports.label(service)).asInt();
            if (port > 0) {
                last.put(service, port);
            }
        }
        return last;
    }

    /// One run of the mesh: its processes, and the file that tells others about them.
    private final class Watched implements Supervisor.Listener {
        private final MeshPlan plan;
        private final Supervisor supervisor;
        private MeshState state;

        Watched(MeshPlan plan) {
            this.plan = plan;
            this.supervisor = new Supervisor(home.logs(), this);
            this.state = new MeshState(
                    MeshState.Phase.STARTING,
                    Running.of("icefield", ProcessHandle.current(), home.log("mesh")),
                    MeshState.Addresses.of(plan),
                    List.of());
            this.state.write(home);
        }

        void start() throws InterruptedException {
            Principals principals = new Principals(home);
            String adminSecret = plan.catalogSettings().getOrDefault("ICEFIELD_ADMIN_SECRET", "");
            Part catalog = parts.catalog(plan);
            Optional<Part> trino = plan.embedsTrino()
                    ? Optional.of(parts.trino(
                            plan,
                            () -> principals
                                    .find(Principals.ENGINE)
                                    .orElseThrow(() -> new MeshException("the engine's principal is missing"))
                                    .credential()))
                    : Optional.empty();
            List<Part> stores = new ArrayList<>();
            if (plan.embedsPostgres()) {
                stores.add(parts.postgres(plan));
            }
            if (plan.embedsS3()) {
                stores.add(parts.objectStore(plan));
            }

            if (trino.isPresent()) {
                prepare(trino.get());
            }
            together(stores.stream()
                    .<Callable<Void>>map(store -> () -> {
                        supervisor.start(store);
                        return null;
                    })
                    .toList());
            supervisor.start(catalog);
            principals.keepAdmin(adminSecret);
            ApiClient admin =
                    ApiClient.withCredential(plan.catalogUri(), new Credential(Principals.ADMIN, adminSecret));
            principals.ensureMesh(admin);
            principals.ensureJobs(admin);
            trino.ifPresent(supervisor::start);
        }

        private static void prepare(Part part) {
            try {
                part.prepare();
            } catch (MeshException e) {
                throw e;
            } catch (Exception e) {
                throw new MeshException("`%s` cannot be made ready: %s".formatted(part.name(), e.getMessage()), e);
            }
        }

        private static void together(List<Callable<Void>> steps) throws InterruptedException {
            try (ExecutorService threads = Executors.newFixedThreadPool(steps.size())) {
                for (Future<Void> step : threads.invokeAll(steps)) {
                    step.get();
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof RuntimeException problem ? problem : new IllegalStateException(e);
            }
        }

        synchronized MeshState ready() {
            state = state.with(MeshState.Phase.READY);
            state.write(home);
            return state;
        }

        @Override
        public synchronized void changed(List<Running> running) {
            state = state.with(running);
            state.write(home);
        }

        @Override
        public void say(String line) {
            out.accept(line);
        }

        void stop() {
            supervisor.stop();
            home.delete(MeshState.FILE);
        }
    }
}
