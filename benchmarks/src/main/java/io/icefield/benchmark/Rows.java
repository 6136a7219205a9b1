package io.icefield.benchmark;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// The table that is printed: measures one row after the other, each beside the last bound before it.
final class Rows {
    private static final double OPERATIONS = 1_000;

    private final Target target;
    private final Duration measured;
    private final long server;
    private final long postgres;
    private final long store;
    private long bare;
    private URI bareUri;
    private double bound;

    Rows(Target target, Duration measured) {
        this.target = target;
        this.measured = measured;
        this.server = target.pid("catalog");
        this.postgres = target.pid("postgres");
        this.store = target.pid("s3");
        this.bareUri = target.uri();
    }

    void bare(long pid, URI uri) {
        bare = pid;
        bareUri = uri;
    }

    Duration measured() {
        return measured;
    }

    Duration warmUp() {
        return measured.dividedBy(2);
    }

    /// Makes the operation of one caller.
    interface Caller {
        Load.Operation operation(Wire wire, int number) throws Exception;
    }

    interface BareCaller {
        Load.Operation operation(Wire wire) throws Exception;
    }

    interface Direct {
        Load.Operation operation(int number) throws Exception;
    }

    void printHead() {
        System.out.println("""

                | what | callers | per second | p50 ms | p99 ms | server | PostgreSQL | both | object store | to the bound |
                |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|""");
    }

    /// A request to the bare web server.
    void bound(String what, int callers, BareCaller caller) throws Exception {
        Cost cost = measure(bareUri, callers, (wire, _) -> caller.operation(wire), bare);
        bound = cost.cpu().getFirst();
        print("*" + what + "*", callers, cost.result(), cost.cpu().getFirst(), 0, 0, "");
    }

    /// A statement to PostgreSQL.
    void postgresBound(String what, int callers, Direct caller) throws Exception {
        Cost cost = measure(target.uri(), callers, (_, number) -> caller.operation(number), postgres);
        bound = cost.cpu().getFirst();
        print("*" + what + "*", callers, cost.result(), 0, cost.cpu().getFirst(), 0, "");
    }

    /// A request to the object store.
    void storeRow(String what, int callers, Direct caller) throws Exception {
        Cost cost = measure(target.uri(), callers, (_, number) -> caller.operation(number), store);
        print("*" + what + "*", callers, cost.result(), 0, 0, cost.cpu().getFirst(), "");
    }

    /// A request to the server.
    ///
    /// @return what server and PostgreSQL cost together
    double row(String what, int callers, Caller caller) throws Exception {
        Cost cost = measure(target.uri(), callers, caller, server, postgres, store);
        return print(what, callers, cost);
    }

    /// The same, with the number of its 409s.
    void counting(String what, int callers, Caller caller) throws Exception {
        long before = target.conflicts();
        Cost cost = measure(target.uri(), callers, caller, server, postgres, store);
        long conflicts = target.conflicts() - before;
        var _ = print("%s; 409s, warm-up included: %,d".formatted(what, conflicts), callers, cost);
    }

    /// @param cpu seconds per 1,000 operations, of each process
    private record Cost(Load.Result result, List<Double> cpu) {}

    private Cost measure(URI server, int callers, Caller caller, long... pids) throws Exception {
        List<Wire> wires = new ArrayList<>();
        try {
            List<Load.Operation> operations = new ArrayList<>();
            for (int number = 0; number < callers; number++) {
                Wire wire = new Wire(server);
                wires.add(wire);
                operations.add(caller.operation(wire, number));
            }
            List<OptionalDouble> before = new ArrayList<>();
            Load.Result result = Load.run(operations, warmUp(), measured, () -> before.addAll(cpu(pids)));
            List<OptionalDouble> after = cpu(pids);
            List<Double> costs = new ArrayList<>();
            for (int i = 0; i < pids.length; i++) {
                costs.add((after.get(i).orElse(Double.NaN) - before.get(i).orElse(Double.NaN))
                        * OPERATIONS
                        / result.operations());
            }
            return new Cost(result, costs);
        } finally {
            for (Wire wire : wires) {
                wire.close();
            }
        }
    }

    private static List<OptionalDouble> cpu(long... pids) {
        return Arrays.stream(pids).mapToObj(Processes::cpuSeconds).toList();
    }

    private double print(String what, int callers, Cost cost) {
        double both = cost.cpu().get(0) + cost.cpu().get(1);
        print(
                what,
                callers,
                cost.result(),
                cost.cpu().get(0),
                cost.cpu().get(1),
                cost.cpu().get(2),
                bound == 0 ? "" : "%.1f x".formatted(both / bound));
        return both;
    }

    private static void print(
            String what, int callers, Load.Result result, double server, double postgres, double store, String ratio) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %,.0f | %.2f | %.2f | %s | %s | %s | %s | %s |%n",
                result.failed() == 0 ? what : what + "; failed: " + result.failed(),
                callers,
                result.perSecond(),
                millis(result.p50()),
                millis(result.p99()),
                shown(server),
                shown(postgres),
                shown(server + postgres),
                shown(store),
                ratio);
    }

    private static String shown(double seconds) {
        return Double.isNaN(seconds) ? "?" : seconds == 0 ? "" : "%.3f".formatted(seconds);
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }
}
