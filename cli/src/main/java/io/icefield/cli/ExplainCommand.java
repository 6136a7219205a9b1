package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.client.ApiClient;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "explain", description = "Why something was allowed or not, and what to do about it.")
final class ExplainCommand extends MeshCommand {
    private static final Pattern DECISION = Pattern.compile("[0-9]{1,18}");
    private static final Pattern REQUEST = Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    private static final int SHOWN_MAX = 1_000;

    @Parameters(
            index = "0",
            paramLabel = "ID",
            description = "Of a decision, of a request (X-Request-Id of its answer), or of a query in Trino.")
    private String id = "";

    @Override
    public Integer call() {
        List<JsonNode> found = found(target().client());
        if (found.isEmpty()) {
            say(
                    "no decision of `%s` is known, or none that you may see; reads that are repeated within a minute are one decision, named after the first"
                            .formatted(id));
            return Icefield.FAILED;
        }
        if (root().output() != Output.TABLE) {
            return show(AuditCommands.DECISIONS, found, "id", "at", "outcome", "who", "action", "thing", "because");
        }
        found.reversed().forEach(this::explain);
        return Icefield.DONE;
    }

    private List<JsonNode> found(ApiClient client) {
        if (DECISION.matcher(id).matches()) {
            return List.of(client.get(ApiClient.path(AuditCommands.DECISIONS, id)));
        }
        String filter = REQUEST.matcher(id).matches() ? "request-id" : "query-id";
        return AuditCommands.found(client, Map.of(filter, id), SHOWN_MAX);
    }

    private void explain(JsonNode decision) {
        Printer printer = printer();
        String who = decision.path("who").asText("somebody unproven");
        String by = decision.has("engine")
                ? "%s by way of %s".formatted(who, decision.path("engine").asText())
                : who;
        printer.line("%s  %s, %s"
                .formatted(
                        decision.path("outcome").asText(),
                        decision.path("action").asText(),
                        decision.path("thing").asText("")));
        printer.field("who", by);
        optional(printer, decision, "detail", "how");
        printer.field("why", decision.path("because").asText());
        optional(printer, decision, "remedy", "do");
        long count = decision.path("count").asLong();
        printer.field(
                "when",
                count > 1
                        ? "%d times from %s to %s"
                                .formatted(
                                        count,
                                        decision.path("at").asText(),
                                        decision.path("until").asText())
                        : decision.path("at").asText());
        printer.field(
                "log",
                "decision %s, request %s, policies %s"
                        .formatted(
                                decision.path("id").asText(),
                                decision.path("request-id").asText("none"),
                                decision.path("policies").asText("none")));
    }

    private static void optional(Printer printer, JsonNode decision, String field, String name) {
        if (decision.has(field)) {
            printer.field(name, decision.path(field).asText());
        }
    }
}
