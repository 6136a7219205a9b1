package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Logins;
import io.icefield.access.Principal;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.iceberg.rest.RESTCatalog;
import org.junit.jupiter.api.Test;

/// Iceberg's own client keeps itself signed in.
final class ClientRefreshTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(100);

    @Test
    void aClientThatWasGivenOnlyATokenExchangesItBeforeItEnds() throws IOException {
        Logins.Lifetimes brief = new Logins.Lifetimes(Duration.ofSeconds(15), Duration.ofHours(1));
        try (RunningServer mesh = new RunningServer(RunningServer.Stores::in, brief);
                RESTCatalog catalog = new RESTCatalog()) {
            catalog.initialize(
                    "sales",
                    Map.of(
                            "uri",
                            mesh.uri("/iceberg").toString(),
                            "warehouse",
                            "sales",
                            "token",
                            mesh.token("seller", Principal.Kind.JOB, "sellers"),
                            "token-exchange-enabled",
                            "true"));
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (exchanges(mesh) < 1) {
                assertThat(System.nanoTime()).as("the client refreshes").isLessThan(end);
                LockSupport.parkNanos(PAUSE.toNanos());
            }
            assertThat(catalog.listNamespaces()).hasSize(1);
        }
    }

    private static double exchanges(RunningServer mesh) {
        return mesh.send("GET", "/metrics", mesh.admin, "")
                .text()
                .lines()
                .filter(line -> line.startsWith("http_server_requests_seconds_count{method=\"POST\",status=\"200\"")
                        && line.contains("uri=\"/iceberg/v1/oauth/tokens\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }
}
