package io.icefield.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "access",
        description = "Ask for access to data, and decide what others ask for.",
        subcommands = {
            AccessCommands.Request.class,
            AccessCommands.ListAll.class,
            AccessCommands.Approve.class,
            AccessCommands.Refuse.class,
            AccessCommands.Withdraw.class
        })
final class AccessCommands extends MeshCommand {
    private static final String REQUESTS = "access-requests";

    @Override
    public Integer call() {
        throw wrongUsage("say what to do with access: request, list, approve, refuse or withdraw");
    }

    @Command(name = "request", description = "Ask for a role; an owner decides.")
    static final class Request extends MeshCommand {
        @Parameters(index = "0", paramLabel = "DOMAIN", description = "The domain.")
        private String domain = "";

        @Option(names = "--role", paramLabel = "ROLE", description = "reader (default), writer, steward or owner.")
        private String role = "reader";

        @Option(names = "--namespace", paramLabel = "NAMESPACE", description = "Only there; dots between levels.")
        private @Nullable String namespace;

        @Option(names = "--table", paramLabel = "TABLE", description = "Only this table or view of the namespace.")
        private @Nullable String table;

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "What it is needed for.")
        private String reason = "";

        @Option(names = "--until", paramLabel = "TIME", description = "How long it is needed, as 2030-01-31T00:00:00Z.")
        private @Nullable String until;

        @Override
        public Integer call() {
            if (table != null && namespace == null) {
                throw wrongUsage("--table needs --namespace");
            }
            ObjectNode wanted = JsonNodeFactory.instance
                    .objectNode()
                    .put("domain", domain)
                    .put("role", role)
                    .put("reason", reason);
            Optional.ofNullable(namespace).ifPresent(value -> wanted.put("namespace", value));
            Optional.ofNullable(table).ifPresent(value -> wanted.put("table", value));
            Optional.ofNullable(until).ifPresent(value -> wanted.put("until", value));
            return show(target().client().post(ApiClient.path(REQUESTS), wanted));
        }
    }

    @Command(name = "list", description = "Your own requests, and those that you may decide.")
    static final class ListAll extends MeshCommand {
        @Option(names = "--state", paramLabel = "STATE", description = "open, approved, refused or withdrawn.")
        private @Nullable String state;

        @Option(names = "--mine", description = "Only your own.")
        private boolean mine;

        @Override
        public Integer call() {
            String query = "?mine=" + mine + (state == null ? "" : "&state=" + state);
            return show(
                    REQUESTS,
                    target().client().list(ApiClient.path(REQUESTS) + query, REQUESTS),
                    "id",
                    "state",
                    "principal",
                    "role",
                    "domain",
                    "namespace",
                    "table",
                    "reason");
        }
    }

    abstract static class OnOne extends MeshCommand {
        @Parameters(index = "0", paramLabel = "ID", description = "The request's id, as `access list` shows it.")
        private String id = "";

        int end(String how, ObjectNode body) {
            return show(target().client().post(ApiClient.path(REQUESTS, id, how), body));
        }
    }

    @Command(name = "approve", description = "Give what is asked for.")
    static final class Approve extends OnOne {
        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why.")
        private String reason = "";

        @Option(
                names = "--expires-at",
                paramLabel = "TIME",
                description = "Until when, as 2030-01-31T00:00:00Z (default: as asked for, else 90 days).")
        private @Nullable String expiresAt;

        @Override
        public Integer call() {
            ObjectNode body = JsonNodeFactory.instance.objectNode().put("reason", reason);
            Optional.ofNullable(expiresAt).ifPresent(value -> body.put("expires-at", value));
            return end("approve", body);
        }
    }

    @Command(name = "refuse", description = "Do not give what is asked for.")
    static final class Refuse extends OnOne {
        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why not.")
        private String reason = "";

        @Override
        public Integer call() {
            return end("refuse", JsonNodeFactory.instance.objectNode().put("reason", reason));
        }
    }

    @Command(name = "withdraw", description = "Take your own request back.")
    static final class Withdraw extends OnOne {
        @Override
        public Integer call() {
            return end("withdraw", JsonNodeFactory.instance.objectNode());
        }
    }
}
