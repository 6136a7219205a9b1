package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "sealing-key",
        description = "The keys that seal secrets in the database; for the platform team.",
        subcommands = {SealingKeyCommands.ListAll.class, SealingKeyCommands.Add.class, SealingKeyCommands.Reseal.class})
final class SealingKeyCommands extends MeshCommand {
    private static final String KEYS = "/api/v1/sealing-keys";

    @Override
    public Integer call() {
        throw wrongUsage("say what to do with sealing keys: list, add or reseal");
    }

    @Command(name = "list", description = "All keys, the one that seals first, and how many secrets each has sealed.")
    static final class ListAll extends MeshCommand {
        @Override
        public Integer call() {
            return show("sealing-keys", target().client().list(KEYS, "sealing-keys"), "id", "state", "secrets");
        }
    }

    @Command(
            name = "add",
            description = {
                "Put a new key before those in a file of keys, which is made if there is none. From now on it seals;",
                "servers that read this file know it when they need it. Then: `icefield sealing-key reseal`."
            })
    static final class Add extends MeshCommand {
        @Parameters(
                arity = "0..1",
                paramLabel = "FILE",
                description = "The file that ICEFIELD_KEY_FILE names (default: that of the local mesh).")
        private @Nullable Path file;

        @Override
        public Integer call() {
            Path at = Optional.ofNullable(file)
                    .or(() -> Optional.ofNullable(environment().get("ICEFIELD_KEY_FILE"))
                            .map(Path::of))
                    .orElseGet(() -> home().file("catalog.key"));
            List<String> ids = Wiring.addSealingKey(at);
            say("key `%s` comes first in %s, before %d others".formatted(ids.getFirst(), at, ids.size() - 1));
            return Icefield.DONE;
        }
    }

    @Command(
            name = "reseal",
            description = {
                "Seal all secrets anew under the first key, so that the others can go. Whatever it has done is done: when it",
                "was interrupted, run it again."
            })
    static final class Reseal extends MeshCommand {
        @Override
        public Integer call() {
            List<JsonNode> shut = new ArrayList<>();
            Optional<String> after = Optional.of("");
            long resealed = 0;
            while (after.isPresent()) {
                ObjectNode body = JsonNodeFactory.instance.objectNode().put("after", after.get());
                JsonNode batch = target().client().post(KEYS + "/reseal", body);
                resealed += batch.path("resealed").asLong();
                batch.path("shut").forEach(shut::add);
                after = Optional.of(batch.path("next"))
                        .filter(JsonNode::isTextual)
                        .map(JsonNode::asText);
                say("%d secrets are sealed anew".formatted(resealed));
            }
            shut.forEach(each -> say(each.path("reason").asText()));
            List<JsonNode> keys = target().client().list(KEYS, "sealing-keys");
            show("sealing-keys", keys, "id", "state", "secrets");
            boolean left = keys.stream()
                    .anyMatch(each -> !each.path("state").asText().equals("sealing")
                            && each.path("secrets").asLong() > 0);
            return left ? Icefield.FAILED : Icefield.DONE;
        }
    }
}
