package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.domain.Quota;
import io.icefield.domain.Storage;
import io.icefield.domain.StorageStore.Change;
import io.icefield.domain.StorageStore.Probed;
import io.icefield.domain.Storages;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Finding;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import io.icefield.table.LoadTable;
import io.icefield.table.Tables;
import io.icefield.table.Usage;
import io.icefield.table.UsageStore;
import io.icefield.table.Usages;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The platform API of storages. No secret leaves it.
final class StorageRoutes {
    private static final String STORAGES = PlatformRoutes.DOMAIN + "/storage";
    private static final String STORAGE = STORAGES + "/{storage}";
    private static final String PROTECTION = PlatformRoutes.DOMAIN + "/protection";
    private static final String QUOTA = PlatformRoutes.DOMAIN + "/quota";
    private static final int KEY_CHARS_MAX = 1_000;
    private static final int DAYS_SHOWN = 92;

    private final Storages storages;
    private final Usages usages;
    private final Tables tables;
    private final Clock clock;

    StorageRoutes(UseCases.OnStorage use) {
        this.storages = use.storages();
        this.usages = use.usages();
        this.tables = use.tables();
        this.clock = use.clock();
    }

    List<Route> routes() {
        return List.of(
                Route.get(STORAGES, this::list, Needs.LOGIN),
                Route.post(STORAGES, this::create, Needs.LOGIN),
                Route.get(STORAGE, this::show, Needs.LOGIN),
                Route.patch(STORAGE, this::change, Needs.LOGIN),
                Route.delete(STORAGE, this::delete, Needs.LOGIN),
                Route.post(STORAGE + "/credentials", this::rekey, Needs.LOGIN),
                Route.post(STORAGE + "/validate", this::validate, Needs.LOGIN),
                Route.put(PROTECTION, this::protect, Needs.LOGIN),
                Route.put(QUOTA, this::limit, Needs.PLATFORM),
                Route.get(PlatformRoutes.DOMAIN + "/usage", this::usage, Needs.LOGIN),
                Route.get(PlatformRoutes.TABLE + "/usage", this::usageOfTable, Needs.LOGIN));
    }

    private Answer list(Call call) {
        Map<String, Object> page = object(
                "storages",
                storages.list(call.who(), PlatformRoutes.domainName(call)).stream()
                        .map(StorageRoutes::shown)
                        .toList());
        page.put("next-page-token", Json.NULL);
        return Answer.json(200, page);
    }

    private Answer show(Call call) {
        return Answer.json(200, shown(storages.show(call.who(), PlatformRoutes.domainName(call), name(call))));
    }

    private Answer create(Call call) {
        DomainName domain = PlatformRoutes.domainName(call);
        Fields body = call.json();
        Storages.Wanted wanted = new Storages.Wanted(
                Refusal.parse(StorageName::new, body.text("name")),
                body.optionalText("bucket"),
                body.optionalText("prefix").map(text -> text.replaceAll("^/|/$", "")),
                address(body, "endpoint"),
                address(body, "sts-endpoint"),
                body.optionalText("region"),
                body.optionalFlag("path-style-access"),
                body.optionalText("role-arn").map(text -> text.equals("none") ? "" : text),
                body.optionalText("access-key").map(key -> key(key, body.text("secret-key"))),
                changes(body));
        if (wanted.key().isEmpty() && body.optionalText("secret-key").isPresent()) {
            throw new Refusal.Invalid("`secret-key` comes with an `access-key`");
        }
        body.nothingElse();
        return Answer.json(201, shown(storages.create(call.who(), domain, wanted)))
                .with("Location", "%s/%s".formatted(STORAGES.replace("{domain}", domain.value()), wanted.name()));
    }

    private Answer change(Call call) {
        Fields body = call.json();
        Change change = changes(body);
        body.nothingElse();
        return Answer.json(
                200, shown(storages.change(call.who(), PlatformRoutes.domainName(call), name(call), change)));
    }

    private static Change changes(Fields body) {
        boolean standard = body.optionalFlag("default")
                .filter(on -> {
                    if (!on) {
                        throw new Refusal.Invalid("`default` can be set, not taken away: set it on another storage");
                    }
                    return true;
                })
                .isPresent();
        Optional<Upkeep> upkeep = body.optionalObject("upkeep").map(StorageRoutes::upkeep);
        return new Change(
                standard,
                body.optionalFlag("protected"),
                body.optionalText("kms-key-id"),
                upkeep,
                body.optionalObject("quota").map(StorageRoutes::quota));
    }

    private static Upkeep upkeep(Fields body) {
        Optional<Boolean> versioning = body.optionalFlag("versioning");
        Optional<Integer> uploads = body.optionalNumber("abandoned-upload-days").map(StorageRoutes::days);
        Optional<Integer> versions = body.optionalNumber("old-version-days").map(StorageRoutes::days);
        body.nothingElse();
        return Refusal.parse(_ -> new Upkeep(versioning, uploads, versions), "");
    }

    private static int days(long number) {
        return (int) Math.clamp(number, 0, Upkeep.DAYS_MAX + 1L);
    }

    private static Quota quota(Fields body) {
        Optional<Long> soft = body.optionalNumber("soft-bytes");
        Optional<Long> hard = body.optionalNumber("hard-bytes");
        body.nothingElse();
        return Refusal.parse(_ -> new Quota(soft, hard), "");
    }

    private Answer delete(Call call) {
        storages.delete(call.who(), PlatformRoutes.domainName(call), name(call));
        return Answer.noContent();
    }

    private Answer rekey(Call call) {
        Fields body = call.json();
        Credential key = key(body.text("access-key"), body.text("secret-key"));
        body.nothingElse();
        Map<String, Object> shown = shown(storages.rekey(call.who(), PlatformRoutes.domainName(call), name(call), key));
        shown.put(
                "old-key-needed-until",
                clock.instant().plus(LoadTable.CREDENTIAL_LIFETIME).toString());
        return Answer.json(200, shown);
    }

    private Answer validate(Call call) {
        return Answer.json(200, probed(storages.validate(call.who(), PlatformRoutes.domainName(call), name(call))));
    }

    // --- The domain as a whole

    private Answer protect(Call call) {
        Fields body = call.json();
        boolean on = body.requiredFlag("protected");
        body.nothingElse();
        Domain domain = storages.protect(call.who(), PlatformRoutes.domainName(call), on);
        return Answer.json(200, object("protected", domain.guarded()));
    }

    private Answer limit(Call call) {
        Domain domain = storages.limit(call.who(), PlatformRoutes.domainName(call), quota(call.json()));
        return Answer.json(200, object("quota", shown(domain.quota())));
    }

    // --- Usage

    private Answer usage(Call call) {
        Usages.Shown shown = usages.of(call.who(), PlatformRoutes.domainName(call), DAYS_SHOWN);
        List<Map<String, Object>> now = new TreeMap<>(shown.now())
                .entrySet().stream()
                        .map(each -> sum(each.getKey(), each.getValue()))
                        .toList();
        Usage all = shown.now().values().stream().map(UsageStore.Sum::usage).reduce(Usage.NOTHING, Usage::plus);
        Map<String, Object> body = usage(all);
        body.put("quota", shown(shown.domain().quota()));
        body.put("storages", now);
        body.put(
                "days",
                shown.days().stream()
                        .map(each -> {
                            Map<String, Object> day = object("day", each.day().toString());
                            day.putAll(sum(each.storage(), each.sum()));
                            return day;
                        })
                        .toList());
        return Answer.json(200, body);
    }

    private Answer usageOfTable(Call call) {
        return Answer.json(200, usage(usages.of(call.who(), tables, PlatformRoutes.table(call))));
    }

    private static Map<String, Object> sum(StorageName storage, UsageStore.Sum sum) {
        Map<String, Object> shown = object("storage", storage.value(), "tables", sum.tables());
        shown.putAll(usage(sum.usage()));
        return shown;
    }

    private static Map<String, Object> usage(Usage usage) {
        return object(
                "live-bytes",
                usage.liveBytes(),
                "live-files",
                usage.liveFiles(),
                "kept-bytes",
                usage.keptBytes(),
                "kept-files",
                usage.keptFiles());
    }

    // --- Text to values and back

    private static StorageName name(Call call) {
        return Refusal.parse(Thing.STORAGE, StorageName::new, call.path("storage"));
    }

    private static Credential key(String accessKey, String secretKey) {
        if (!accessKey.matches("[!-~]{1,%d}".formatted(KEY_CHARS_MAX))
                || !secretKey.matches("[!-~]{1,%d}".formatted(KEY_CHARS_MAX))) {
            throw new Refusal.Invalid("`access-key` and `secret-key` are printable and have at most %d characters"
                    .formatted(KEY_CHARS_MAX));
        }
        return Credential.permanent(accessKey, secretKey);
    }

    private static Optional<URI> address(Fields body, String name) {
        return body.optionalText(name).map(text -> {
            try {
                return URI.create(text);
            } catch (IllegalArgumentException _) {
                throw new Refusal.Invalid("`%s` is no address".formatted(name));
            }
        });
    }

    private static Map<String, Object> shown(Storages.Shown each) {
        Storage storage = each.storage();
        StorageProfile profile = storage.profile();
        return object(
                "name",
                storage.name().value(),
                "default",
                storage.standard(),
                "protected",
                storage.guarded(),
                "bucket",
                profile.bucket(),
                "prefix",
                profile.prefix(),
                "endpoint",
                profile.endpoint().map(URI::toString),
                "sts-endpoint",
                profile.sts().map(URI::toString),
                "region",
                profile.region(),
                "path-style-access",
                profile.pathStyle(),
                "role-arn",
                profile.hasSts() ? profile.roleArn() : "none",
                "kms-key-id",
                profile.kmsKey(),
                "upkeep",
                object(
                        "versioning",
                        storage.upkeep().versioning(),
                        "abandoned-upload-days",
                        storage.upkeep().uploadDays(),
                        "old-version-days",
                        storage.upkeep().versionDays()),
                "quota",
                shown(storage.quota()),
                "created-at",
                storage.createdAt().toString(),
                "validation",
                each.probed().map(StorageRoutes::probed));
    }

    static Map<String, Object> shown(Quota quota) {
        return object("soft-bytes", quota.softBytes(), "hard-bytes", quota.hardBytes());
    }

    private static Map<String, Object> probed(Probed probed) {
        return object(
                "at",
                probed.at().toString(),
                "passed",
                probed.isGood(),
                "findings",
                probed.findings().stream().map(StorageRoutes::finding).toList());
    }

    private static Map<String, Object> finding(Finding finding) {
        return object(
                "check",
                finding.check(),
                "outcome",
                finding.outcome().name().toLowerCase(Locale.ROOT),
                "detail",
                finding.detail(),
                "remedy",
                Optional.of(finding.remedy()).filter(text -> !text.isEmpty()));
    }
}
