package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "audit",
        description = "The log of decisions: who was allowed what, who was not, and whether the log is whole.",
        subcommands = {AuditCommands.ListSome.class, AuditCommands.Verify.class, AuditCommands.Export.class})
final class AuditCommands extends MeshCommand {
    static final String DECISIONS = "decisions";

    @Override
    public Integer call() {
        throw wrongUsage("say what to do with the log: list, verify or export");
    }

    /// Decisions that match, newest first.
    static List<JsonNode> found(ApiClient client, Map<String, String> filters, int limit) {
        String query = filters.entrySet().stream()
                .map(each ->
                        "&%s=%s".formatted(each.getKey(), URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8)))
                .collect(Collectors.joining());
        List<JsonNode> found = new ArrayList<>();
        client.get(ApiClient.path(DECISIONS) + "?pageSize=" + limit + query)
                .path(DECISIONS)
                .forEach(found::add);
        return found;
    }

    @Command(name = "list", description = "The newest decisions that you may see.")
    static final class ListSome extends MeshCommand {
        @Option(names = "--who", paramLabel = "NAME", description = "Of this principal.")
        private @Nullable String who;

        @Option(names = "--domain", paramLabel = "DOMAIN", description = "About this domain.")
        private @Nullable String domain;

        @Option(names = "--thing", paramLabel = "NAME", description = "About this, as sales.crm.customers.")
        private @Nullable String thing;

        @Option(names = "--outcome", paramLabel = "OUTCOME", description = "allowed, denied or failed.")
        private @Nullable String outcome;

        @Option(names = "--since", paramLabel = "TIME", description = "Not before, as 2030-01-31T00:00:00Z.")
        private @Nullable String since;

        @Option(names = "--until", paramLabel = "TIME", description = "Before.")
        private @Nullable String until;

        @Option(names = "--limit", paramLabel = "NUMBER", description = "How many, 50 by default, 1000 at most.")
        private int limit = 50;

        @Override
        public Integer call() {
            Map<String, String> filters = new TreeMap<>();
            put(filters, "who", who);
            put(filters, "domain", domain);
            put(filters, "thing", thing);
            put(filters, "outcome", outcome);
            put(filters, "since", since);
            put(filters, "until", until);
            return show(
                    DECISIONS,
                    found(target().client(), filters, limit),
                    "id",
                    "at",
                    "count",
                    "outcome",
                    "who",
                    "action",
                    "thing",
                    "grounds");
        }

        private static void put(Map<String, String> filters, String name, @Nullable String value) {
            if (value != null) {
                filters.put(name, value);
            }
        }
    }

    @Command(name = "export", description = "Add what the log has by now to the table governance.audit.decisions.")
    static final class Export extends MeshCommand {
        @Override
        public Integer call() {
            return show(
                    target().client().post(ApiClient.path(DECISIONS, "export"), JsonNodeFactory.instance.objectNode()));
        }
    }

    @Command(name = "verify", description = "Compute all hashes of the log anew; exit 1 when it is not whole.")
    static final class Verify extends MeshCommand {
        @Override
        public Integer call() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            List<JsonNode> breaks = new ArrayList<>();
            long verified = 0;
            JsonNode part;
            do {
                part = target().client().post(ApiClient.path(DECISIONS, "verify"), body);
                verified += part.path("verified").asLong();
                part.path("breaks").forEach(breaks::add);
                body.set("after", part.path("last"));
            } while (!part.path("done").asBoolean() && part.path("verified").asLong() > 0);
            ObjectNode all = JsonNodeFactory.instance
                    .objectNode()
                    .put("intact", breaks.isEmpty())
                    .put("verified", verified);
            all.set("cut", part.path("cut"));
            all.set("head", part.path("head"));
            all.putArray("breaks").addAll(breaks);
            int _ = show(all);
            return breaks.isEmpty() ? Icefield.DONE : Icefield.FAILED;
        }
    }
}
