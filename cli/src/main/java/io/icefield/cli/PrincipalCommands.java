package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.local.Principals;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
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
            PrincipalCommands.Rotate.class,
            PrincipalCommands.Secrets.class,
            PrincipalCommands.Revoke.class
        })
final class PrincipalCommands extends MeshCommand {
    @Override
    public Integer call() {
        throw wrongUsage("say what to do with a principal: create, list, show, delete, rotate, secrets or revoke");
    }

    enum Kind {
        USER,
        JOB,
        ENGINE
    }

    abstract static class OnOne extends MeshCommand {
        @Parameters(index = "0", paramLabel = "NAME", description = "The principal's name.")
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

    @Command(name = "rotate", description = "Give a principal a new secret; shown this once.")
    static final class Rotate extends OnOne {
        @Option(
                names = "--overlap",
                paramLabel = "TIME",
                description = "How long the old ones stay good, as PT24H; otherwise they are refused from then on.")
        private @Nullable String overlap;

        @Option(names = "--lifetime", paramLabel = "TIME", description = "How long the new one is good, as P90D.")
        private @Nullable String lifetime;

        @Override
        public Integer call() {
            Target target = target();
            ApiClient client = target.client();
            ObjectNode renewed = client.get(ApiClient.path("principals", name)).deepCopy();
            ObjectNode how = JsonNodeFactory.instance.objectNode();
            if (overlap != null) {
                how.put("overlap", overlap);
            }
            if (lifetime != null) {
                how.put("lifetime", lifetime);
            }
            JsonNode answer = client.post(ApiClient.path("principals", name, "secret"), how);
            answer.properties().forEach(field -> renewed.set(field.getKey(), field.getValue()));
            keep(target, renewed);
            return show(renewed);
        }
    }

    @Command(name = "secrets", description = "The secrets of a principal, without their values.")
    static final class Secrets extends OnOne {
        @Override
        public Integer call() {
            return show(
                    "secrets",
                    target().client().list(ApiClient.path("principals", name, "secrets"), "secrets"),
                    "id",
                    "created-at",
                    "expires-at");
        }
    }

    @Command(name = "revoke", description = "Refuse one secret, and the tokens issued upon it, from now on.")
    static final class Revoke extends OnOne {
        @Parameters(index = "1", paramLabel = "ID", description = "The secret's id, as `principal secrets` shows it.")
        private String id = "";

        @Override
        public Integer call() {
            target().client().delete(ApiClient.path("principals", name, "secrets", id));
            say("secret `%s` of `%s` is revoked".formatted(id, name));
            return Icefield.DONE;
        }
    }
}
