package io.icefield.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "namespace",
        description = "Namespaces: protect one.",
        subcommands = {NamespaceCommands.Protect.class, NamespaceCommands.Unprotect.class})
final class NamespaceCommands extends KeepCommand {
    @Override
    public Integer call() {
        throw wrongUsage("say what to do with a namespace: protect or unprotect");
    }

    abstract static class OnOne extends KeepCommand {
        private static final String FORM = "DOMAIN.NAMESPACE";

        @Parameters(paramLabel = FORM, description = "The namespace.")
        private String name = "";

        final int protect(boolean on) {
            return protect(address(name, FORM), "", on);
        }
    }

    @Command(
            name = "protect",
            description = "Nobody drops, renames or replaces it or anything in it until that is lifted.")
    static final class Protect extends OnOne {
        @Override
        public Integer call() {
            return protect(true);
        }
    }

    @Command(name = "unprotect", description = "Lift its protection.")
    static final class Unprotect extends OnOne {
        @Override
        public Integer call() {
            return protect(false);
        }
    }
}
