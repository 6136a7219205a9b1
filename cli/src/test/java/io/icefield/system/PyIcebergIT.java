package io.icefield.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// PyIceberg, by `compat/pyiceberg/script.py`. `ICEFIELD_PYICEBERG` names a Python that has it; `.ci/run` makes one.
class PyIcebergIT {
    private static final String DOMAIN = "python";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @Test
    void pythonWritesAndTrinoReads() throws Exception {
        String python = System.getenv().getOrDefault("ICEFIELD_PYICEBERG", "");
        Assumptions.assumeFalse(
                python.isBlank(), "no Python with PyIceberg: ICEFIELD_PYICEBERG names none; .ci/run makes one");
        Mesh mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        JsonNode status = mesh.status();
        ObjectNode properties = Mesh.JSON
                .createObjectNode()
                .put("type", "rest")
                .put("uri", status.path("iceberg").path("uri").asText())
                .put("warehouse", DOMAIN)
                .put("credential", mesh.identity(DOMAIN + "-job").credential())
                .put(
                        "oauth2-server-uri",
                        status.path("iceberg").path("oauth2-server-uri").asText())
                .put("header.X-Iceberg-Access-Delegation", "vended-credentials");

        Ran ran = Ran.command(
                        List.of(python, "script.py"),
                        Mesh.CHECKOUT.resolve(Path.of("compat", "pyiceberg")),
                        Map.of(),
                        properties.toString(),
                        PATIENCE)
                .ok();
        JsonNode said = Mesh.JSON.readTree(ran.out());
        assertThat(said.path("rows").asInt()).isEqualTo(5);
        assertThat(said.path("filtered").asInt()).isEqualTo(2);
        assertThat(said.path("columns").toString()).isEqualTo("[\"id\",\"label\",\"weight\"]");
        assertThat(said.path("refused").asText()).contains("pii/unclassified", "pii.email", "icefield.tags.email");
        assertThat(said.path("evolution refused").asText()).contains("pii/unclassified", "pii.phone");

        assertThat(mesh.rows("analyst", "SELECT id, label, weight FROM python.core.items ORDER BY id"))
                .isEqualTo(List.of(
                        List.of("1", "one", "∅"),
                        List.of("2", "two", "∅"),
                        List.of("3", "three", "∅"),
                        List.of("4", "four", "0.25"),
                        List.of("5", "five", "0.5")));
    }
}
