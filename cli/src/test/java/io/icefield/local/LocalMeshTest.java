package io.icefield.local;

import static io.icefield.local.SupervisorTest.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A mesh with a stand-in for the catalog and for what it does not need here, in processes as real as theirs.
class LocalMeshTest {
    @TempDir
    Path folder;

    private MeshHome home() {
        return new MeshHome(folder.resolve("home"));
    }

    @AfterEach
    void stop() throws InterruptedException {
        LocalMesh.down(home());
    }

    @Test
    void comesUpSaysWhatRunsAndGoesDown() throws Exception {
        Process mesh = up();
        MeshState state = ready(mesh);

        assertThat(state.processes()).extracting(Running::name).containsExactlyInAnyOrder("s3", "catalog", "trino");
        assertThat(state.processes()).allMatch(process -> process.alive().isPresent());
        assertThat(new Principals(home()).all())
                .extracting(Principals.Known::name)
                .containsExactly("admin", "analyst", "steward", "trino", "sales-job");
        assertThat(Files.readString(home().log("trino"))).contains("engine trino, secret of trino");
        for (String secret : List.of("mesh.json", "principals.json", "secrets.json")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home().file(secret))))
                    .as(secret)
                    .isEqualTo("rw-------");
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home().folder())))
                .isEqualTo("rwx------");

        assertThatThrownBy(() -> new LocalMesh(home(), new StandIns(), _ -> {}).up(wishes(), _ -> {}))
                .isInstanceOf(MeshException.class)
                .hasMessageContaining("runs in")
                .hasMessageContaining("(process %d)", mesh.pid());

        Files.writeString(home().log("mesh"), "what it said");
        assertThatThrownBy(() -> Detached.start(home(), List.of("no such command"), _ -> {}))
                .isInstanceOf(MeshException.class)
                .hasMessageContaining("(process %d)", mesh.pid());
        assertThat(home().log("mesh")).hasContent("what it said");

        assertThat(LocalMesh.down(home())).isTrue();
        assertThat(state.processes()).allMatch(process -> process.alive().isEmpty());
        assertThat(mesh.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(LocalMesh.stateOf(home())).isEmpty();
        assertThat(LocalMesh.down(home()))
                .as("a second time there is nothing to do")
                .isFalse();
    }

    @Test
    void comesBackAfterItWasKilledWithTheSamePortsAndSecrets() throws Exception {
        Process first = up();
        MeshState before = ready(first);
        List<Principals.Known> known = new Principals(home()).all();
        first.destroyForcibly().waitFor();

        Process second = up();
        MeshState after = ready(second);
        assertThat(before.processes()).allMatch(process -> process.alive().isEmpty());
        assertThat(after.addresses()).isEqualTo(before.addresses());
        // The stand-in forgets; the real catalog does not. Either way everybody has a secret that works.
        assertThat(new Principals(home()).all()).containsExactlyInAnyOrderElementsOf(known);
    }

    @Test
    void aKilledMeshLeavesNothingRunning() throws Exception {
        Process mesh = up();
        MeshState state = ready(mesh);
        mesh.destroyForcibly().waitFor();
        eventually(
                "all processes are gone",
                () -> state.processes().stream()
                        .noneMatch(process -> process.alive().isPresent()));
        LocalMesh.down(home());
        assertThat(home().file("mesh.json")).doesNotExist();
    }

    @Test
    void aPortThatIsAskedForAndInUseIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                PortClaims claims = new PortClaims()) {
            assertThatThrownBy(() -> Ports.choose(Map.of(Ports.Service.TRINO, taken.getLocalPort()), Map.of(), claims))
                    .isInstanceOf(MeshException.class)
                    .hasMessageContaining("port %d, asked for `trino`, is in use", taken.getLocalPort());
            Ports chosen = Ports.choose(Map.of(), Map.of(Ports.Service.CATALOG, taken.getLocalPort()), claims);
            assertThat(chosen.port(Ports.Service.CATALOG)).isNotEqualTo(taken.getLocalPort());
            assertThat(chosen.of().values()).doesNotHaveDuplicates();
        }
    }

    @Test
    void twoMeshesThatStartAtTheSameMomentChooseDifferentPorts() throws Exception {
        int catalog = freePort();
        Map<Ports.Service, Integer> lastTime = Map.of(Ports.Service.CATALOG, catalog);
        try (PortClaims second = new PortClaims()) {
            try (PortClaims first = new PortClaims()) {
                Ports ofOne = Ports.choose(Map.of(), lastTime, first);
                Ports ofOther = Ports.choose(Map.of(), lastTime, second); // nobody listens yet
                assertThat(ofOne.port(Ports.Service.CATALOG)).isEqualTo(catalog);
                assertThat(ofOther.of().values())
                        .doesNotContainAnyElementsOf(ofOne.of().values());
                try (PortClaims third = new PortClaims()) {
                    assertThatThrownBy(() -> Ports.choose(lastTime, Map.of(), third))
                            .hasMessageContaining("port %d, asked for `catalog`, is in use", catalog);
                }
                try (ServerSocket part = new ServerSocket(catalog, 1, InetAddress.getLoopbackAddress())) {
                    assertThat(part.isBound())
                            .as("a claim does not disturb the part")
                            .isTrue();
                }
            }
            assertThat(second.claim(catalog))
                    .as("a mesh that is down claims nothing")
                    .isTrue();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    @Test
    void aHomeThatCannotBeWrittenIsNamed() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> new MeshHome(file.resolve("home")).create())
                .isInstanceOf(MeshException.class)
                .hasMessageContaining("cannot write in the home `%s/home`", file);
    }

    @Test
    void theHomeIsTheOptionThenTheEnvironmentThenTheCurrentFolder() {
        Map<String, String> environment = Map.of("ICEFIELD_HOME", "/from/environment");
        assertThat(MeshHome.of(Optional.of(Path.of("/from/option")), environment)
                        .folder())
                .isEqualTo(Path.of("/from/option"));
        assertThat(MeshHome.of(Optional.empty(), environment).folder()).isEqualTo(Path.of("/from/environment"));
        assertThat(MeshHome.of(Optional.empty(), Map.of()).folder())
                .isEqualTo(Path.of(".icefield").toAbsolutePath());
    }

    @Test
    void theCatalogGetsItsOwnSettingsAndSecretsDoNotShow() {
        MeshSecrets secrets = new MeshSecrets("s-admin", "s-database", "AK", "s-key");
        MeshHome home = home();
        Ports ports = new Ports(Map.of(
                Ports.Service.CATALOG, 8181,
                Ports.Service.S3, 9000,
                Ports.Service.TRINO, 8443,
                Ports.Service.POSTGRES, 5433));
        MeshPlan embedded = new MeshPlan(home, ports, secrets, Optional.of(Path.of("/policies")), Map.of());
        assertThat(embedded.catalogSettings())
                .containsEntry("ICEFIELD_DATABASE_PASSWORD", "s-database")
                .containsEntry("ICEFIELD_S3_SECRET_KEY", "s-key")
                .containsEntry("ICEFIELD_ADMIN_SECRET", "s-admin")
                .containsEntry("ICEFIELD_POLICIES", "/policies");
        assertThat(embedded.toString() + secrets).doesNotContain("s-");

        MeshPlan external = new MeshPlan(
                home,
                ports,
                secrets,
                Optional.empty(),
                Map.of(
                        "ICEFIELD_DATABASE_URL",
                        "jdbc:postgresql://db/mesh",
                        "ICEFIELD_S3_ENDPOINT",
                        "http://minio:9000",
                        "ICEFIELD_TRINO_URI",
                        "https://trino:8443",
                        "ICEFIELD_HOME",
                        "/elsewhere",
                        Detached.MARK,
                        "true"));
        assertThat(external.embedsPostgres() || external.embedsS3() || external.embedsTrino())
                .isFalse();
        assertThat(external.catalogSettings())
                .containsEntry("ICEFIELD_DATABASE_URL", "jdbc:postgresql://db/mesh")
                .containsEntry("ICEFIELD_TRINO_URI", "https://trino:8443")
                .doesNotContainKeys(
                        "ICEFIELD_DATABASE_PASSWORD", "ICEFIELD_S3_SECRET_KEY", "ICEFIELD_HOME", Detached.MARK);
    }

    @Test
    void everyDomainGetsItsJobOnceAndALostSecretIsReplaced() throws Exception {
        FakeCatalog catalog = new FakeCatalog(0);
        try {
            home().create();
            ApiClient admin = ApiClient.withCredential(
                    URI.create("http://127.0.0.1:" + catalog.port()), new Credential("admin", "admin-secret"));
            Principals principals = new Principals(home());
            principals.ensureJobs(admin);
            principals.ensureJobs(admin);
            assertThat(catalog.grants()).hasSize(1);
            assertThat(catalog.grants().get(0).asText()).isEqualTo("domains/sales/grants principal:sales-job writer");

            Files.delete(home().file("principals.json"));
            principals.ensureJobs(admin);
            assertThat(principals.find("sales-job").orElseThrow().credential().clientSecret())
                    .isEqualTo("another secret of sales-job");
            assertThat(principals.all().toString()).doesNotContain("another secret");
            assertThat(catalog.grants()).hasSize(2);

            catalog.addDomain("sales");
            principals.ensureJobs(admin);
            assertThat(catalog.grants())
                    .as("a domain that was deleted and made anew has its job too")
                    .hasSize(3);
        } finally {
            catalog.stop();
        }
    }

    @Test
    void aRoleOfTheMeshThatWasTakenBackStaysSo() throws Exception {
        FakeCatalog catalog = new FakeCatalog(0);
        try {
            home().create();
            ApiClient admin = ApiClient.withCredential(
                    URI.create("http://127.0.0.1:" + catalog.port()), new Credential("admin", "admin-secret"));
            Principals principals = new Principals(home());
            principals.ensureMesh(admin);
            assertThat(catalog.grants())
                    .extracting(JsonNode::asText)
                    .containsExactly("grants group:analysts reader", "grants group:stewards steward");

            principals.keep(
                    JsonNodeFactory.instance.objectNode().put("name", "analyst").put("client-secret", "rotated"));
            principals.ensureMesh(admin);
            assertThat(catalog.grants())
                    .as("granted once in the life of a home")
                    .hasSize(2);
        } finally {
            catalog.stop();
        }
    }

    private Process up() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(JavaProcess.command(
                List.of("-Xmx64m", "-XX:TieredStopAtLevel=1"),
                Mesh.class.getName(),
                List.of(home().folder().toString())));
        builder.environment().putAll(JavaProcess.environment(Map.of()));
        return builder.inheritIO().start();
    }

    private MeshState ready(Process mesh) throws Exception {
        eventually("the mesh is ready", () -> {
            assertThat(mesh.isAlive()).as("the mesh lives").isTrue();
            return LocalMesh.stateOf(home())
                    .filter(state -> state.phase() == MeshState.Phase.READY
                            && state.supervisor().pid() == mesh.pid())
                    .isPresent();
        });
        return LocalMesh.stateOf(home()).orElseThrow();
    }

    private static LocalMesh.Wishes wishes() {
        // A database elsewhere: PostgreSQL has its own test.
        return new LocalMesh.Wishes(
                Map.of(), Optional.empty(), Map.of("ICEFIELD_DATABASE_URL", "jdbc:postgresql://elsewhere/mesh"));
    }

    static final class Mesh {
        private Mesh() {}

        public static void main(String[] arguments) throws InterruptedException {
            new LocalMesh(new MeshHome(Path.of(arguments[0])), new StandIns(), _ -> {}).up(wishes(), _ -> {});
        }
    }

    private static final class StandIns implements LocalMesh.Parts {
        @Override
        public Part objectStore(MeshPlan plan) {
            return new SupervisorTest.Shell("s3", "exec sleep 600");
        }

        @Override
        public Part catalog(MeshPlan plan) {
            return new Part() {
                private final Part real = new CatalogServer(plan);

                @Override
                public String name() {
                    return real.name();
                }

                @Override
                public Launch launch() throws Exception {
                    Launch launch = real.launch();
                    return new Launch(
                            JavaProcess.command(List.of("-Xmx64m"), FakeCatalog.class.getName(), List.of()),
                            launch.environment(),
                            launch.folder(),
                            launch.stop());
                }

                @Override
                public boolean ready() throws Exception {
                    return real.ready();
                }
            };
        }

        @Override
        public Part trino(MeshPlan plan, Supplier<Credential> engine) {
            return new SupervisorTest.Shell("trino", "") {
                @Override
                public Launch launch() {
                    return new Launch(
                            List.of("/bin/sh", "-c", "echo \"engine $ENGINE\"; exec sleep 600"),
                            Map.of(
                                    "ENGINE",
                                    engine.get().clientId() + ", "
                                            + engine.get().clientSecret()),
                            Path.of("/"),
                            StopSignal.TERM);
                }
            };
        }
    }
}
