package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "storage",
        description = "A domain's storages: create, list, show, change, delete, rotate, validate; what is in them.",
        subcommands = {
            StorageCommands.Create.class,
            StorageCommands.ListAll.class,
            StorageCommands.Show.class,
            StorageCommands.Change.class,
            StorageCommands.Delete.class,
            StorageCommands.Rotate.class,
            StorageCommands.Validate.class,
            StorageCommands.Usage.class
        })
final class StorageCommands extends MeshCommand {
    private static final String[] COLUMNS = {"name", "default", "bucket", "prefix", "endpoint", "protected"};

    /// Variables with the key of a store: on a command line everybody on the machine could read it.
    static final String ACCESS_KEY = "ICEFIELD_STORAGE_ACCESS_KEY";

    static final String SECRET_KEY = "ICEFIELD_STORAGE_SECRET_KEY";

    @Override
    public Integer call() {
        throw wrongUsage(
                "say what to do with a storage: create, list, show, change, delete, rotate, validate or usage");
    }

    abstract static class InDomain extends MeshCommand {
        @Parameters(index = "0", paramLabel = "DOMAIN", description = "The domain's name.")
        String domain = "";

        /// The key of a store.
        final Optional<ObjectNode> key() {
            String access = System.getenv(ACCESS_KEY);
            String secret = System.getenv(SECRET_KEY);
            if (access == null && secret == null) {
                return Optional.empty();
            }
            if (access == null || secret == null) {
                throw wrongUsage("set both %s and %s, or none".formatted(ACCESS_KEY, SECRET_KEY));
            }
            return Optional.of(JsonNodeFactory.instance
                    .objectNode()
                    .put("access-key", access)
                    .put("secret-key", secret));
        }

        String storages() {
            return ApiClient.path("domains", domain, "storage");
        }
    }

    abstract static class OnOne extends InDomain {
        @Parameters(index = "1", paramLabel = "STORAGE", description = "The storage's name.")
        String name = "";

        String path() {
            return ApiClient.path("domains", domain, "storage", name);
        }

        String path(String action) {
            return ApiClient.path("domains", domain, "storage", name, action);
        }
    }

    /// What can be said of a storage when it is made and later.
    abstract static class Settable extends OnOne {
        @Option(names = "--default", description = "New tables go there.")
        private boolean standard;

        @Option(names = "--kms-key", paramLabel = "KEY", description = "Key of the store's key service; empty: none.")
        private @Nullable String kmsKey;

        @Option(names = "--versioning", paramLabel = "on|off", description = "Keep old versions of objects.")
        private @Nullable String versioning;

        @Option(names = "--abandoned-upload-days", paramLabel = "DAYS", description = "Then an unfinished upload goes.")
        private @Nullable Integer uploadDays;

        @Option(names = "--old-version-days", paramLabel = "DAYS", description = "Then an old version goes.")
        private @Nullable Integer versionDays;

        @Option(names = "--soft-quota", paramLabel = "BYTES", description = "More is warned of. For the platform team.")
        private @Nullable Long softBytes;

        @Option(names = "--hard-quota", paramLabel = "BYTES", description = "More is refused. For the platform team.")
        private @Nullable Long hardBytes;

        ObjectNode settings() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            if (standard) {
                body.put("default", true);
            }
            Optional.ofNullable(kmsKey).ifPresent(key -> body.put("kms-key-id", key));
            ObjectNode upkeep = JsonNodeFactory.instance.objectNode();
            Optional.ofNullable(versioning).ifPresent(text -> upkeep.put("versioning", isOn(text)));
            Optional.ofNullable(uploadDays).ifPresent(days -> upkeep.put("abandoned-upload-days", days));
            Optional.ofNullable(versionDays).ifPresent(days -> upkeep.put("old-version-days", days));
            if (!upkeep.isEmpty()) {
                body.set("upkeep", upkeep);
            }
            ObjectNode quota = JsonNodeFactory.instance.objectNode();
            Optional.ofNullable(softBytes).ifPresent(bytes -> quota.put("soft-bytes", bytes));
            Optional.ofNullable(hardBytes).ifPresent(bytes -> quota.put("hard-bytes", bytes));
            if (!quota.isEmpty()) {
                body.set("quota", quota);
            }
            return body;
        }

        private boolean isOn(String text) {
            return switch (text) {
                case "on" -> true;
                case "off" -> false;
                default -> throw wrongUsage("--versioning is `on` or `off`");
            };
        }
    }

    @Command(
            name = "create",
            description = {
                "Make a bucket or adopt one. The key of a store that is not the platform's is taken from the environment:",
                "ICEFIELD_STORAGE_ACCESS_KEY and ICEFIELD_STORAGE_SECRET_KEY."
            })
    static final class Create extends Settable {
        @Option(names = "--bucket", paramLabel = "BUCKET", description = "Default: a new one.")
        private @Nullable String bucket;

        @Option(names = "--prefix", paramLabel = "FOLDER", description = "Only this folder of the bucket.")
        private @Nullable String prefix;

        @Option(names = "--endpoint", paramLabel = "URI", description = "The store (default: the platform's).")
        private @Nullable String endpoint;

        @Option(names = "--sts-endpoint", paramLabel = "URI", description = "Its STS (default: the store itself).")
        private @Nullable String sts;

        @Option(names = "--region", paramLabel = "REGION", description = "Its region.")
        private @Nullable String region;

        @Option(names = "--role", paramLabel = "ARN", description = "What session keys assume; `none`: no STS.")
        private @Nullable String role;

        @Option(names = "--virtual-host", description = "The bucket is part of the host's name.")
        private boolean virtualHost;

        @Option(names = "--protect", description = "Protect it against being deleted.")
        private boolean protect;

        @Override
        public Integer call() {
            ObjectNode body = settings().put("name", name);
            Optional.ofNullable(bucket).ifPresent(text -> body.put("bucket", text));
            Optional.ofNullable(prefix).ifPresent(text -> body.put("prefix", text));
            Optional.ofNullable(endpoint).ifPresent(text -> body.put("endpoint", text));
            Optional.ofNullable(sts).ifPresent(text -> body.put("sts-endpoint", text));
            Optional.ofNullable(region).ifPresent(text -> body.put("region", text));
            Optional.ofNullable(role).ifPresent(text -> body.put("role-arn", text));
            if (virtualHost) {
                body.put("path-style-access", false);
            }
            if (protect) {
                body.put("protected", true);
            }
            key().ifPresent(body::setAll);
            return show(target().client().post(storages(), body));
        }
    }

    @Command(name = "list", description = "All storages of a domain.")
    static final class ListAll extends InDomain {
        @Override
        public Integer call() {
            return show("storages", target().client().list(storages(), "storages"), COLUMNS);
        }
    }

    @Command(name = "show", description = "One storage and what its last probe has found.")
    static final class Show extends OnOne {
        @Override
        public Integer call() {
            return show(target().client().get(path()));
        }
    }

    @Command(name = "change", description = "Change what is named; the rest stays.")
    static final class Change extends Settable {
        @Option(names = "--protect", description = "Protect it against being deleted.")
        private boolean protect;

        @Option(names = "--unprotect", description = "It may be deleted again.")
        private boolean unprotect;

        @Override
        public Integer call() {
            ObjectNode body = settings();
            if (protect && unprotect) {
                throw wrongUsage("--protect or --unprotect?");
            }
            if (protect || unprotect) {
                body.put("protected", protect);
            }
            return show(target().client().patch(path(), body));
        }
    }

    @Command(name = "delete", description = "Forget a storage; refused while tables are in it.")
    static final class Delete extends OnOne {
        @Override
        public Integer call() {
            target().client().delete(path());
            say("storage `%s` of domain `%s` is deleted".formatted(name, domain));
            return Icefield.DONE;
        }
    }

    @Command(
            name = "rotate",
            description = {
                "Give a storage another key, tried first, taken from the environment:",
                "ICEFIELD_STORAGE_ACCESS_KEY and ICEFIELD_STORAGE_SECRET_KEY."
            })
    static final class Rotate extends OnOne {
        @Override
        public Integer call() {
            ObjectNode key = key().orElseThrow(
                            () -> wrongUsage("the new key is taken from %s and %s".formatted(ACCESS_KEY, SECRET_KEY)));
            JsonNode changed = target().client().post(path("credentials"), key);
            say("the old key must stay valid at the store until %s"
                    .formatted(changed.path("old-key-needed-until").asText()));
            return show(changed);
        }
    }

    @Command(name = "validate", description = "Try what a storage must allow and what it must refuse.")
    static final class Validate extends OnOne {
        @Override
        public Integer call() {
            JsonNode found = target().client().post(path("validate"), JsonNodeFactory.instance.objectNode());
            List<JsonNode> findings = new ArrayList<>();
            found.path("findings").forEach(findings::add);
            int shown = show("findings", findings, "check", "outcome", "detail", "remedy");
            return found.path("passed").asBoolean() ? shown : Icefield.FAILED;
        }
    }

    @Command(name = "usage", description = "What the domain's tables weigh, in all and by storage.")
    static final class Usage extends InDomain {
        @Override
        public Integer call() {
            return show(target().client().get(ApiClient.path("domains", domain, "usage")));
        }
    }
}
