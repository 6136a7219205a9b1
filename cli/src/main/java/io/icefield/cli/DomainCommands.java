package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.local.Principals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "domain",
        description = "Domains: create, list, show, delete; who owns them and who may what.",
        subcommands = {
            DomainCommands.Create.class,
            DomainCommands.ListAll.class,
            DomainCommands.Show.class,
            DomainCommands.Delete.class,
            DomainCommands.Owners.class,
            DomainCommands.Grants.class,
            DomainCommands.Grant.class,
            DomainCommands.Revoke.class,
            DomainCommands.Protect.class,
            DomainCommands.Unprotect.class,
            DomainCommands.LimitQuota.class
        })
final class DomainCommands extends MeshCommand {
    private static final String[] COLUMNS = {"name", "owners", "bucket", "created-at"};

    @Override
    public Integer call() {
        throw wrongUsage(
                "say what to do with a domain: create, list, show, delete, owners, grants, grant, revoke, protect, unprotect or quota");
    }

    abstract static class OnOne extends MeshCommand {
        @Parameters(paramLabel = "NAME", description = "The domain's name.")
        String name = "";

        String path(String... more) {
            String[] names = new String[more.length + 2];
            names[0] = "domains";
            names[1] = name;
            System.arraycopy(more, 0, names, 2, more.length);
            return ApiClient.path(names);
        }
    }

    @Command(name = "create", description = "Create a domain with a bucket of its own, queryable at once.")
    static final class Create extends OnOne {
        @Option(
                names = "--owner",
                paramLabel = "GROUP",
                description = "A group that owns it; may be repeated (default: NAME-owners).")
        private List<String> owners = List.of();

        @Override
        public Integer call() {
            Target target = target();
            ObjectNode domain = JsonNodeFactory.instance.objectNode().put("name", name);
            var list = domain.putArray("owners");
            (owners.isEmpty() ? List.of(name + "-owners") : owners).forEach(list::add);
            JsonNode created = target.client().post("/api/v1/domains", domain);
            target.domainsChanged();
            return show(created);
        }
    }

    @Command(name = "list", description = "All domains.")
    static final class ListAll extends MeshCommand {
        @Override
        public Integer call() {
            return show("domains", target().client().list("/api/v1/domains", "domains"), COLUMNS);
        }
    }

    @Command(name = "show", description = "One domain and its storages.")
    static final class Show extends OnOne {
        @Override
        public Integer call() {
            ApiClient client = target().client();
            ObjectNode domain = client.get(path()).deepCopy();
            domain.set("storages", client.get(path("storage")).path("storages"));
            return show(domain);
        }
    }

    @Command(name = "delete", description = "Delete a domain; refused while it has tables.")
    static final class Delete extends OnOne {
        @Override
        public Integer call() {
            target().client().delete(path());
            say("domain `%s` is deleted".formatted(name));
            return Icefield.DONE;
        }
    }

    @Command(name = "owners", description = "Replace the groups that own a domain.")
    static final class Owners extends OnOne {
        @Option(names = "--owner", paramLabel = "GROUP", required = true, description = "A group; may be repeated.")
        private List<String> owners = List.of();

        @Override
        public Integer call() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            var list = body.putArray("owners");
            owners.forEach(list::add);
            return show(target().client().put(path("owners"), body));
        }
    }

    @Command(name = "grants", description = "Who may what in a domain.")
    static final class Grants extends OnOne {
        @Override
        public Integer call() {
            return show(
                    "grants",
                    target().client().list(path("grants"), "grants"),
                    "grantee",
                    "role",
                    "namespace",
                    "table",
                    "state",
                    "expires-at",
                    "granted-by",
                    "reason");
        }
    }

    abstract static class OnGrant extends OnOne {
        @Option(
                names = "--role",
                paramLabel = "ROLE",
                required = true,
                description = "reader, writer, steward or owner.")
        private String role = "";

        @Option(names = "--namespace", paramLabel = "NAMESPACE", description = "Only there; dots between levels.")
        private @Nullable String namespace;

        @Option(names = "--table", paramLabel = "TABLE", description = "Only this table or view of the namespace.")
        private @Nullable String table;

        ObjectNode grant(String grantee) {
            if (!grantee.matches("(group|principal):.+")) {
                throw wrongUsage("`%s` is not a grantee; say `group:NAME` or `principal:NAME`".formatted(grantee));
            }
            if (table != null && namespace == null) {
                throw wrongUsage("--table needs --namespace");
            }
            ObjectNode grant = JsonNodeFactory.instance
                    .objectNode()
                    .put("grantee", grantee)
                    .put("role", role);
            Optional.ofNullable(namespace).ifPresent(value -> grant.put("namespace", value));
            Optional.ofNullable(table).ifPresent(value -> grant.put("table", value));
            return grant;
        }
    }

    @Command(name = "grant", description = "Give a group or a principal a role in a domain.")
    static final class Grant extends OnGrant {
        @Option(names = "--to", paramLabel = "GRANTEE", required = true, description = "group:NAME or principal:NAME.")
        private String to = "";

        @Option(names = "--expires-at", paramLabel = "TIME", description = "Until when, as 2030-01-31T00:00:00Z.")
        private @Nullable String expiresAt;

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why; it is kept with the grant.")
        private @Nullable String reason;

        @Override
        public Integer call() {
            ObjectNode grant = grant(to);
            Optional.ofNullable(expiresAt).ifPresent(value -> grant.put("expires-at", value));
            Optional.ofNullable(reason).ifPresent(value -> grant.put("reason", value));
            return show(target().client().post(path("grants"), grant));
        }
    }

    @Command(name = "revoke", description = "Take a role back; the same words as the grant.")
    static final class Revoke extends OnGrant {
        @Option(
                names = "--from",
                paramLabel = "GRANTEE",
                required = true,
                description = "group:NAME or principal:NAME.")
        private String from = "";

        @Override
        public Integer call() {
            ObjectNode grant = grant(from);
            target().client().delete(path("grants"), grant);
            say("`%s` has that role in `%s` no more".formatted(from, name));
            return Icefield.DONE;
        }
    }

    @Command(name = "protect", description = "Nobody deletes it until that is lifted.")
    static final class Protect extends OnOne {
        @Override
        public Integer call() {
            return show(target().client().put(path("protection"), protection(true)));
        }
    }

    @Command(name = "unprotect", description = "Lift its protection.")
    static final class Unprotect extends OnOne {
        @Override
        public Integer call() {
            return show(target().client().put(path("protection"), protection(false)));
        }
    }

    private static JsonNode protection(boolean on) {
        return JsonNodeFactory.instance.objectNode().put("protected", on);
    }

    @Command(name = "quota", description = "Limit what all its storages keep; without a number there is no limit.")
    static final class LimitQuota extends OnOne {
        @Option(names = "--soft", paramLabel = "BYTES", description = "More is warned of.")
        private @Nullable Long soft;

        @Option(names = "--hard", paramLabel = "BYTES", description = "More is refused.")
        private @Nullable Long hard;

        @Override
        public Integer call() {
            ObjectNode quota = JsonNodeFactory.instance.objectNode();
            Optional.ofNullable(soft).ifPresent(bytes -> quota.put("soft-bytes", bytes));
            Optional.ofNullable(hard).ifPresent(bytes -> quota.put("hard-bytes", bytes));
            return show(target().client().put(path("quota"), quota));
        }
    }

    /// The job that writes a domain unless another principal is named.
    static String jobOf(String domain) {
        return Principals.jobOf(domain);
    }
}
