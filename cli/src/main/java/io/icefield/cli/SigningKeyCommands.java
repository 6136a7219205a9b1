package io.icefield.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.icefield.client.ApiClient;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "signing-key",
        description = "The keys that sign access tokens; for the platform team.",
        subcommands = {
            SigningKeyCommands.ListAll.class,
            SigningKeyCommands.Rotate.class,
            SigningKeyCommands.Revoke.class
        })
final class SigningKeyCommands extends MeshCommand {
    private static final String KEYS = "/api/v1/signing-keys";

    @Override
    public Integer call() {
        throw wrongUsage("say what to do with signing keys: list, rotate or revoke");
    }

    @Command(name = "list", description = "All keys, newest first: published, signing or verifying.")
    static final class ListAll extends MeshCommand {
        @Override
        public Integer call() {
            return show(
                    "signing-keys",
                    target().client().list(KEYS, "signing-keys"),
                    "id",
                    "state",
                    "created-at",
                    "signs-from");
        }
    }

    @Command(name = "rotate", description = "Publish a new key, which signs 20 minutes later.")
    static final class Rotate extends MeshCommand {
        @Override
        public Integer call() {
            return show(target().client().post(KEYS, JsonNodeFactory.instance.objectNode()));
        }
    }

    @Command(name = "revoke", description = "Take a key away: the tokens that it signed are refused within a minute.")
    static final class Revoke extends MeshCommand {
        @Parameters(paramLabel = "ID", description = "The key's id, as `signing-key list` shows it.")
        private String id = "";

        @Override
        public Integer call() {
            target().client().delete(ApiClient.path("signing-keys", id));
            say("signing key `%s` is revoked".formatted(id));
            return Icefield.DONE;
        }
    }
}
