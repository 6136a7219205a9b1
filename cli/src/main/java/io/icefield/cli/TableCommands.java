package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.local.MeshException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "table",
        description = "Tables: which were dropped, bring one back, purge one, protect one.",
        subcommands = {
            TableCommands.Dropped.class,
            TableCommands.Undrop.class,
            TableCommands.Purge.class,
            TableCommands.Protect.class,
            TableCommands.Unprotect.class
        })
final class TableCommands extends KeepCommand {
    private static final String TABLE = "DOMAIN.NAMESPACE.TABLE";

    @Override
    public Integer call() {
        throw wrongUsage("say what to do with a table: dropped, undrop, purge, protect or unprotect");
    }

    @Command(name = "dropped", description = "Tables and views of a domain that were dropped and can come back.")
    static final class Dropped extends KeepCommand {
        @Parameters(paramLabel = "DOMAIN", description = "The domain.")
        private String domain = "";

        @Override
        public Integer call() {
            return show(
                    "dropped",
                    target().client().list(ApiClient.path("domains", domain, "dropped"), "dropped"),
                    "id",
                    "kind",
                    "namespace",
                    "name",
                    "dropped-by",
                    "dropped-at",
                    "then",
                    "kept-until",
                    "state");
        }
    }

    abstract static class OnDropped extends KeepCommand {
        @Parameters(paramLabel = TABLE, description = "As it was called; of several the one dropped last.")
        private String table = "";

        @Option(names = "--id", paramLabel = "ID", description = "That one, as `icefield table dropped` shows it.")
        private @Nullable String id;

        final Address address() {
            return address(table, TABLE);
        }

        final String path(ApiClient client, String... more) {
            Address was = address();
            String[] names = {"domains", was.domain(), "dropped", id == null ? newest(client, was) : id};
            String[] all = Arrays.copyOf(names, names.length + more.length);
            System.arraycopy(more, 0, all, names.length, more.length);
            return ApiClient.path(all);
        }

        private String newest(ApiClient client, Address was) {
            String query = "?namespace=%s&name=%s".formatted(encoded(was.namespace()), encoded(was.name()));
            return client.list(ApiClient.path("domains", was.domain(), "dropped") + query, "dropped").stream()
                    .filter(each -> each.path("state").asText().equals("kept"))
                    .map(each -> each.path("id").asText())
                    .findFirst()
                    .orElseThrow(() -> new MeshException(
                            "no dropped table or view `%s` can come back; `icefield table dropped %s` lists what can"
                                    .formatted(table, was.domain())));
        }

        private static String encoded(String text) {
            return ApiClient.path(text).substring(ApiClient.path("").length());
        }
    }

    @Command(name = "undrop", description = "Bring a dropped table or view back, as it was.")
    static final class Undrop extends OnDropped {
        @Option(names = "--name", paramLabel = "NAME", description = "Under this name.")
        private @Nullable String name;

        @Option(
                names = "--namespace",
                paramLabel = "NAMESPACE",
                description = "Into this namespace of the domain; dots between levels.")
        private @Nullable String namespace;

        @Override
        public Integer call() {
            ObjectNode to = JsonNodeFactory.instance.objectNode();
            if (name != null) {
                to.put("name", name);
            }
            if (namespace != null) {
                to.put("namespace", namespace);
            }
            Address _ = address();
            ApiClient client = target().client();
            JsonNode back = client.post(path(client, "undrop"), to);
            say("`%s.%s.%s` is back"
                    .formatted(
                            address().domain(),
                            back.path("namespace").asText(),
                            back.path("name").asText()));
            return show(back);
        }
    }

    @Command(name = "purge", description = "Delete the files of a dropped table now: it does not come back.")
    static final class Purge extends OnDropped {
        @Override
        public Integer call() {
            Address was = address();
            ApiClient client = target().client();
            client.delete(path(client));
            say("`%s.%s.%s` is being purged".formatted(was.domain(), was.namespace(), was.name()));
            return Icefield.DONE;
        }
    }

    abstract static class OnTable extends KeepCommand {
        @Parameters(paramLabel = TABLE, description = "The table.")
        private String table = "";

        final int protect(boolean on) {
            return protect(address(table, TABLE), "tables", on);
        }
    }

    @Command(name = "protect", description = "Nobody drops, renames or replaces it until that is lifted.")
    static final class Protect extends OnTable {
        @Override
        public Integer call() {
            return protect(true);
        }
    }

    @Command(name = "unprotect", description = "Lift its protection.")
    static final class Unprotect extends OnTable {
        @Override
        public Integer call() {
            return protect(false);
        }
    }
}
