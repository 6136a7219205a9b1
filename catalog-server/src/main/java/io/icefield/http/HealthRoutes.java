package io.icefield.http;

import static io.icefield.http.Json.object;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.List;
import java.util.function.BooleanSupplier;

/// Is it alive, can it work, and how does it do.
final class HealthRoutes {
    private final BooleanSupplier ready;
    private final PrometheusMeterRegistry meters;
    private final Needs metricsNeed;

    /// @param ready does what the server needs answer?
    HealthRoutes(BooleanSupplier ready, PrometheusMeterRegistry meters, Needs metricsNeed) {
        this.ready = ready;
        this.meters = meters;
        this.metricsNeed = metricsNeed;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/health/live", _ -> Answer.json(200, object("status", "UP")), Needs.NOTHING),
                Route.get("/health/ready", this::ready, Needs.NOTHING),
                // It tells how the log of decisions does, and so is not in it.
                Route.get("/metrics", this::metrics, metricsNeed).unlogged());
    }

    private Answer ready(Call call) {
        return ready.getAsBoolean()
                ? Answer.json(200, object("status", "UP"))
                : Answer.json(503, object("status", "DOWN"));
    }

    private Answer metrics(Call call) {
        return Answer.text(
                "text/plain; version=0.0.4; charset=utf-8", meters.scrape().getBytes(UTF_8));
    }
}
