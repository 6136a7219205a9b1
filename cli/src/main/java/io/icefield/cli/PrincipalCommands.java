package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.local.Principals;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "principal",
        description = "Principals: users, jobs and engines that prove themselves with a secret.",
        subcommands = {
            PrincipalCommands.Create.class,
            PrincipalCommands.ListAll.class,
            PrincipalCommands.Show.class,
            PrincipalCommands.Delete.class,
            PrincipalCommands.Rotate.class
        })
final class PrincipalCommands extends MeshCommand {
    @Override
    public Integer call() {
        throw wrongUsage("say what to do with a principal: create, list, show, delete or rotate");
    }

    enum Kind {
        USER,
        JOB,
        ENGINE
    }

    abstract static class OnOne extends MeshCommand {
        @Parameters(paramLabel = "NAME", description = "The principal's name.")
        String name = "";

        /// A local mesh keeps the secret, so that `--as NAME` works.
        void keep(Target target, JsonNode answer) {
            if (target instanceof Target.Local local) {
                new Principals(local.home()).keep(answer);
            }
        }
    }

    @Command(name = "create", description = "Create a principal; its secret is shown this once.")
    static final class Create extends OnOne {
        @Option(names = "--kind", paramLabel = "KIND", description = "user (default), job or engine.")
        private Kind kind = Kind.USER;

        @Option(names = "--group", paramLabel = "GROUP", description = "A group it belongs to; may be repeated.")
        private List<String> groups = List.of();

        @Override
        public Integer call() {
            Target target = target();
            ObjectNode principal = JsonNodeFactory.instance
                    .objectNode()
                    .put("name", name)
                    .put("kind", kind.name().toLowerCase(Locale.ROOT));
            var list = principal.putArray("groups");
            groups.forEach(list::add);
            JsonNode created = target.client().post("/api/v1/principals", principal);
            keep(target, created);
            return show(created);
        }
    }

    @Command(name = "list", description = "All principals, without secrets.")
    static final class ListAll extends MeshCommand {
        @Override
        public Integer call() {
            return show(
                    "principals",
                    target().client().list("/api/v1/principals", "principals"),
                    "name",
                    "kind",
                    "groups",
                    "client-id");
        }
    }

    @Command(name = "show", description = "One principal, without its secret.")
    static final class Show extends OnOne {
        @Override
        public Integer call() {
            return show(target().client().get(ApiClient.path("principals", name)));
        }
    }

    @Command(name = "delete", description = "Delete a principal; its tokens are refused from then on.")
    static final class Delete extends OnOne {
        @Override
        public Integer call() {
            Target target = target();
            target.client().delete(ApiClient.path("principals", name));
            if (target instanceof Target.Local local) {
                new Principals(local.home()).forget(name);
            }
            say("principal `%s` is deleted".formatted(name));
            return Icefield.DONE;
        }
    }

    @Command(name = "rotate", description = "Give a principal a new secret; the old one is refused from then on.")
    static final class Rotate extends OnOne {
        @Override
        public Integer call() {
            Target target = target();
            ApiClient client = target.client();
            ObjectNode renewed = client.get(ApiClient.path("principals", name)).deepCopy();
            JsonNode answer =
                    client.post(ApiClient.path("principals", name, "secret"), JsonNodeFactory.instance.objectNode());
            answer.properties().forEach(field -> renewed.set(field.getKey(), field.getValue()));
            keep(target, renewed);
            return show(renewed);
        }
    }
}
