package io.icefield.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "view",
        description = "Views: protect one.",
        subcommands = {ViewCommands.Protect.class, ViewCommands.Unprotect.class})
final class ViewCommands extends KeepCommand {
    @Override
    public Integer call() {
        throw wrongUsage("say what to do with a view: protect or unprotect");
    }

    abstract static class OnOne extends KeepCommand {
        private static final String FORM = "DOMAIN.NAMESPACE.VIEW";

        @Parameters(paramLabel = FORM, description = "The view.")
        private String name = "";

        final int protect(boolean on) {
            return protect(address(name, FORM), "views", on);
        }
    }

    @Command(name = "protect", description = "Nobody drops or renames it until that is lifted.")
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
