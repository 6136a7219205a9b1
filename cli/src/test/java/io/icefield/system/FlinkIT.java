package io.icefield.system;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// Flink with Iceberg's runtime, in its own process on Java 17.
class FlinkIT {
    private static final String VERSION = "2.1.1";
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @Test
    void round() throws Exception {
        Path libraries = ClientRound.installed("flink", VERSION, "lib");
        var command = Java17.command(libraries, "io.icefield.compat.FlinkScript");
        ClientRound round = new ClientRound("Flink " + VERSION);
        SqlRound sql = SqlRound.read(ClientRound.COMPAT.resolve("flink/round.sql"));
        String conf = "conf catalog-type rest\nconf io-impl org.apache.iceberg.aws.s3.S3FileIO\n"
                + round.properties().entrySet().stream()
                        .map(each -> "conf %s %s\n".formatted(each.getKey(), each.getValue()))
                        .collect(Collectors.joining());
        Path folder = Files.createDirectories(Mesh.CHECKOUT.resolve("cli/target/system/flink"));
        Ran ran = Ran.command(command, folder, Map.of(), conf + sql.lines(), PATIENCE)
                .ok();
        round.check(sql.outcomes(SqlRound.answers(ran)));
    }
}
