package io.icefield.system;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// DuckDB with its Iceberg extension, by `compat/duckdb/script.py`.
class DuckDbIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @ParameterizedTest
    @ValueSource(strings = {"1.4.4", "1.5.5"})
    void round(String version) throws Exception {
        Path python = ClientRound.installed("duckdb", version, "bin/python");
        ClientRound round = new ClientRound("DuckDB " + version);
        SqlRound sql = SqlRound.read(ClientRound.COMPAT.resolve("duckdb/round-" + version + ".sql"));
        String conf = round.properties().entrySet().stream()
                .map(each -> "conf %s %s\n".formatted(each.getKey(), each.getValue()))
                .collect(Collectors.joining());
        Ran ran = Ran.command(
                        List.of(python.toString(), "script.py"),
                        ClientRound.COMPAT.resolve("duckdb"),
                        Map.of(),
                        conf + sql.lines(),
                        PATIENCE)
                .ok();
        round.check(sql.outcomes(SqlRound.answers(ran)));
    }
}
