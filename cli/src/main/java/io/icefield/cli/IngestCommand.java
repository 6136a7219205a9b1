package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.client.Credential;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "ingest", description = "Append a file to a table, as a domain's job would; creates what is missing.")
final class IngestCommand extends MeshCommand {
    private static final String AUTO = "auto";

    @Parameters(index = "0", paramLabel = "DOMAIN.NAMESPACE.TABLE", description = "Where the rows go.")
    private String table = "";

    @Parameters(index = "1", paramLabel = "FILE", description = "file.csv, file.csv.gz or file.parquet.")
    private Path file = Path.of("");

    @Option(
            names = "--classify",
            paramLabel = "COLUMN=TAG",
            description = "Say what a column holds, as in email=pii.email; `auto` goes by the names. May be repeated.")
    private List<String> classifications = List.of();

    @Option(names = "--as", paramLabel = "PRINCIPAL", description = "Who writes (default: the domain's job).")
    private @Nullable String principal;

    /// What a domain job needs to know.
    record Request(
            URI server,
            Credential credential,
            String domain,
            List<String> namespace,
            String table,
            Path file,
            Map<String, String> tags,
            boolean classifyByName) {}

    /// The job itself, which knows nothing of commands.
    interface Job {
        /// Returns what to print. Refused by a policy: `ViolationsFound`.
        JsonNode run(Request request, Progress progress);
    }

    interface Progress {
        void at(long bytes, long bytesTotal, long rows);
    }

    @Override
    public Integer call() {
        String[] names = table.split("\\.", -1);
        if (names.length < 3 || List.of(names).contains("")) {
            throw wrongUsage("`%s` is not a table; say DOMAIN.NAMESPACE.TABLE".formatted(table));
        }
        if (!Files.isRegularFile(file)) {
            throw wrongUsage("there is no file `%s`".formatted(file));
        }
        Map<String, String> tags = tags();
        Target target = target();
        target.domainsChanged();
        Request request = new Request(
                target.client().server(),
                target.credential(Optional.ofNullable(principal).orElse(DomainCommands.jobOf(names[0]))),
                names[0],
                List.of(names).subList(1, names.length - 1),
                names[names.length - 1],
                file,
                tags,
                classifications.contains(AUTO));
        try (ProgressBar bar = new ProgressBar(err(), file.getFileName() + " ")) {
            return show(Wiring.ingest().run(request, bar));
        }
    }

    private Map<String, String> tags() {
        Map<String, String> tags = new LinkedHashMap<>();
        for (String classification : classifications) {
            if (classification.equals(AUTO)) {
                continue;
            }
            int equals = classification.indexOf('=');
            if (equals < 1 || equals == classification.length() - 1) {
                throw wrongUsage("`%s` is not a classification; say COLUMN=TAG or auto".formatted(classification));
            }
            tags.merge(
                    classification.substring(0, equals),
                    classification.substring(equals + 1),
                    (one, other) -> one + "," + other);
        }
        return tags;
    }

    /// One line that is drawn again and again, on a terminal only.
    private static final class ProgressBar implements Progress, AutoCloseable {
        private static final int WIDTH = 30;
        private static final long NANOS_BETWEEN_DRAWINGS = 100_000_000;

        private final PrintWriter err;
        private final String label;
        private final boolean terminal = Boolean.getBoolean("icefield.terminal");
        private long lastDrawn;
        private boolean drawn;

        ProgressBar(PrintWriter err, String label) {
            this.err = err;
            this.label = label;
        }

        @Override
        public synchronized void at(long bytes, long bytesTotal, long rows) {
            long now = System.nanoTime();
            if (!terminal || (drawn && now - lastDrawn < NANOS_BETWEEN_DRAWINGS)) {
                return;
            }
            lastDrawn = now;
            drawn = true;
            double part = bytesTotal == 0 ? 1 : Math.min(1.0, (double) bytes / bytesTotal);
            int full = (int) (part * WIDTH);
            err.print("\r%s[%s%s] %3d %%  %,d rows "
                    .formatted(label, "█".repeat(full), "·".repeat(WIDTH - full), (int) (part * 100), rows));
            err.flush();
        }

        @Override
        public synchronized void close() {
            if (drawn) {
                err.println();
                err.flush();
            }
        }
    }
}
