package io.icefield.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "token", description = "Print a bearer token of a principal, for scripts and clients.")
final class TokenCommand extends MeshCommand {
    @Parameters(paramLabel = "PRINCIPAL", description = "admin, analyst, steward, DOMAIN-job or one you created.")
    private String principal = "";

    @Override
    public Integer call() {
        String token = target().as(Optional.of(principal)).token();
        if (root().output() == Output.JSON) {
            return show(JsonNodeFactory.instance
                    .objectNode()
                    .put("principal", principal)
                    .put("token", token));
        }
        out().println(token);
        return Icefield.DONE;
    }
}
