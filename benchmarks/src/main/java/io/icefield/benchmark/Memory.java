package io.icefield.benchmark;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;

/// How soon a server answers and how much memory it takes. Starts another server on the same database, with the
/// command and the settings of the mesh's own.
final class Memory {
    private static final int STARTS = 3;
    private static final Duration START_MAX = Duration.ofMinutes(1);
    private static final Duration IDLE = Duration.ofSeconds(5);

    private final Target target;
    private final Rows rows;

    Memory(Target target, Rows rows) {
        this.target = target;
        this.rows = rows;
    }

    void measure() throws Exception {
        long server = target.pid("catalog");
        System.out.printf("%nMemory and start (%s per row)%n%n", rows.measured());
        System.out.println("| what | value |");
        System.out.println("|---|---:|");
        System.out.printf("| resident after all of the above, MB | %s |%n", megabytes(server));
        for (int start = 0; start < STARTS; start++) {
            start(server);
        }
    }

    private void start(long server) throws IOException, InterruptedException {
        int port = freePort();
        ProcessBuilder builder = new ProcessBuilder(Processes.command(server));
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.putAll(Processes.environment(server));
        environment.put("ICEFIELD_PORT", Integer.toString(port));
        long begin = System.nanoTime();
        Process process = builder.directory(Path.of(".").toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            byte[] request = Wire.request("GET", "/health/ready", "", "");
            while (!isReady(port, request)) {
                if (!process.isAlive() || System.nanoTime() - begin > START_MAX.toNanos()) {
                    throw new IllegalStateException("another server does not start");
                }
                Thread.sleep(2);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            double cpu = Processes.cpuSeconds(process.pid()).orElse(Double.NaN);
            System.out.printf("| start to the first 200, s | %.2f |%n", seconds);
            System.out.printf("| CPU of that, s | %.2f |%n", cpu);
            Thread.sleep(IDLE);
            System.out.printf("| resident, idle, MB | %s |%n", megabytes(process.pid()));
        } finally {
            process.destroy();
            process.waitFor();
        }
    }

    private static boolean isReady(int port, byte[] request) {
        try (Wire wire = new Wire(URI.create("http://127.0.0.1:" + port))) {
            return wire.status(request) == 200;
        } catch (IOException _) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String megabytes(long pid) throws IOException {
        OptionalLong bytes = Processes.residentBytes(pid);
        return bytes.isEmpty() ? "?" : Long.toString(bytes.getAsLong() >> 20);
    }
}
