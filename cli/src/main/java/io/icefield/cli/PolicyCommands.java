package io.icefield.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "policy",
        description = "Policies as code.",
        subcommands = {PolicyCommands.Lint.class})
final class PolicyCommands extends MeshCommand {
    @Override
    public Integer call() {
        throw wrongUsage("say what to do with policies: lint");
    }

    @Command(name = "lint", description = "Check policy files; every error with its position. Needs no mesh.")
    static final class Lint extends MeshCommand {
        @Parameters(paramLabel = "DIR", description = "A folder of policy files.")
        private Path folder = Path.of("");

        @Override
        public Integer call() {
            if (!Files.isDirectory(folder)) {
                throw wrongUsage("`%s` is not a folder".formatted(folder));
            }
            Wiring.lintPolicies(folder);
            say("the policies in `%s` are well formed".formatted(folder));
            return Icefield.DONE;
        }
    }
}
