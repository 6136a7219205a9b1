package io.icefield.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.icefield.client.ApiClient;
import io.icefield.client.ApiException;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.URI;
import java.util.List;
import picocli.CommandLine.Command;

/// Loads what commands commonly load, so that the launcher can keep it in an archive of classes.
@Command(name = "warm-up", hidden = true, description = "For the launcher, after it has built.")
final class WarmUpCommand extends MeshCommand {
    @Override
    public Integer call() {
        new Printer(Output.TABLE, new PrintWriter(Writer.nullWriter()))
                .list("list", List.of(JsonNodeFactory.instance.objectNode().put("a", 1)), List.of("a"));
        new Printer(Output.JSON, new PrintWriter(Writer.nullWriter()))
                .object(JsonNodeFactory.instance.objectNode().put("a", 1));
        try {
            ApiClient.withToken(URI.create("http://127.0.0.1:9"), "none").get("/api/v1/domains");
        } catch (ApiException _) {
            // nobody listens on the discard port: the classes are loaded all the same
        }
        return Icefield.DONE;
    }
}
