package io.icefield.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.icefield.client.Credential;
import io.icefield.local.MeshState;
import io.icefield.local.Principals;
import io.icefield.local.Running;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class IcefieldTest {
    @TempDir
    Path folder;

    private record Ran(int code, String out, String err) {}

    @Test
    void theHomeMayBeNamedBeforeOrAfterAnyCommand() {
        String home = folder.resolve("elsewhere").toString();
        for (List<String> words : List.of(
                List.of("--home", home, "domain", "list"),
                List.of("domain", "--home", home, "list"),
                List.of("domain", "list", "--home", home),
                List.of("domain", "list", "--home=" + home, "--output", "json"))) {
            Ran ran = run(Map.of("ICEFIELD_HOME", "/not/this"), words);
            assertThat(ran.code()).as("%s", words).isEqualTo(Icefield.FAILED);
            assertThat(ran.err()).contains("no mesh is up in `" + home + "`");
            assertThat(ran.out()).isEmpty();
        }
    }

    @Test
    void wrongUsageIsTwoAndSaysWhatIsRight() {
        assertUsage("Unknown option: '--detatch'", "up", "--detatch");
        assertUsage("70000 is not a port", "up", "--port", "70000");
        assertUsage("port 8181 is asked for twice", "up", "--port", "8181", "--s3-port", "8181");
        assertUsage("`orders` is not a table", "ingest", "orders", "file.csv");
        assertUsage(
                "there is no file",
                "ingest",
                "sales.crm.orders",
                folder.resolve("absent.csv").toString());
        assertUsage("`analysts` is not a grantee", "domain", "grant", "sales", "--to", "analysts", "--role", "reader");
        assertUsage(
                "--table needs --namespace",
                "domain",
                "grant",
                "sales",
                "--to",
                "group:a",
                "--role",
                "reader",
                "--table",
                "t");
        assertUsage("say what to do with a domain", "domain");
        assertUsage("xml", "status", "--output", "xml");
        assertUsage("Usage: icefield");
    }

    @Test
    void statusAndDownOfAHomeWithoutAMesh() {
        Ran status = run(Map.of(), List.of("status", "--home", folder.toString(), "--output", "json"));
        assertThat(status).isEqualTo(new Ran(1, "", status.err()));
        assertThat(status.err()).contains("start it with `icefield up`");
        assertThat(run(Map.of(), List.of("down", "--home", folder.toString())).code())
                .isZero();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void upRefusesPoliciesThatAreNoFolder() {
        Ran up = run(
                Map.of(), List.of("up", "--home", folder.resolve("home").toString(), "--policies", folder + "/absent"));
        assertThat(up.code()).isEqualTo(Icefield.FAILED);
        assertThat(up.err()).contains("absent`, given with --policies, is not a folder");
    }

    @Test
    void aMeshElsewhereNeedsACredential() {
        Ran list = run(Map.of("ICEFIELD_URI", "http://127.0.0.1:1"), List.of("domain", "list"));
        assertThat(list.code()).isEqualTo(Icefield.FAILED);
        assertThat(list.err()).contains("set ICEFIELD_CLIENT_ID");
    }

    @Test
    void statusKeepsTheShapeThatScriptsRelyOn() throws IOException {
        Running catalog = new Running("catalog", 42, Instant.EPOCH, Path.of("/home/logs/catalog.log"));
        MeshState state = new MeshState(
                MeshState.Phase.READY,
                catalog,
                new MeshState.Addresses(
                        URI.create("http://127.0.0.1:8181"),
                        "jdbc:postgresql://127.0.0.1:5433/icefield",
                        "http://127.0.0.1:9000",
                        "us-east-1",
                        true,
                        URI.create("https://127.0.0.1:8443"),
                        Optional.empty()),
                List.of(catalog));
        String json = StatusCommand.status(
                        state,
                        List.of(new Principals.Known(
                                "analyst", "user", new Credential("analyst", "s3cret"), List.of("analysts"), "mesh")),
                        List.of(JsonNodeFactory.instance
                                .objectNode()
                                .put("name", "sales")
                                .put("bucket", "sales-1")
                                .put("created-at", "today")))
                .toString();
        Path golden = Path.of("src/test/resources/io/icefield/cli/status.json");
        if (System.getenv("UPDATE_GOLDEN") != null) {
            Files.createDirectories(golden.getParent());
            Files.writeString(golden, new ObjectMapper().readTree(json).toPrettyString() + "\n");
        }
        assertThat(new ObjectMapper().readTree(json).toPrettyString())
                .isEqualTo(Files.readString(golden).strip());
    }

    @Test
    void resultsPrintAsTableCsvAndJson() {
        List<JsonNode> rows = List.of(
                JsonNodeFactory.instance.objectNode().put("name", "a,\"b\"").put("count", 7),
                JsonNodeFactory.instance.objectNode().put("name", "").putNull("count"),
                JsonNodeFactory.instance
                        .objectNode()
                        .put("name", "red\u001b[31m")
                        .put("count", 1234));
        assertThat(printed(Output.TABLE, rows)).isEqualTo("""
                        name      count
                        ────────  ─────
                        a,"b"         7

                        red\uFFFD[31m   1234
                        """);
        assertThat(printed(Output.CSV, rows))
                .isEqualTo("name,count\r\n\"a,\"\"b\"\"\",7\r\n\"\",\r\nred\u001b[31m,1234\r\n");
        assertThat(printed(Output.JSON, rows)).contains("\"count\" : 1234").contains("\"count\" : null");
    }

    @Test
    void aTokenSaysWhomItIsFor() {
        assertThat(Target.subject("e30.eyJzdWIiOiJib2IifQ.sig")).isEqualTo("bob");
    }

    private static String printed(Output output, List<JsonNode> rows) {
        StringWriter text = new StringWriter();
        new Printer(output, new PrintWriter(text)).list("rows", rows, List.of("name", "count"));
        return text.toString();
    }

    private static void assertUsage(String message, String... words) {
        Ran ran = run(Map.of(), List.of(words));
        assertThat(ran.code()).as("%s: %s", List.of(words), ran.err()).isEqualTo(Icefield.WRONG_USAGE);
        assertThat(ran.err()).contains(message);
        assertThat(ran.out()).isEmpty();
    }

    private static Ran run(Map<String, String> environment, List<String> words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Icefield.commandLine(environment)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        int code = line.execute(words.toArray(String[]::new));
        return new Ran(code, out.toString(), err.toString());
    }
}
