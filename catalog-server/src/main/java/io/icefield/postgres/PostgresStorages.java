package io.icefield.postgres;

import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.domain.Quota;
import io.icefield.domain.Storage;
import io.icefield.domain.StorageStore;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Finding;
import io.icefield.storage.Location;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.net.URI;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/// Storages in PostgreSQL.
public final class PostgresStorages implements StorageStore {
    /// A few are enough to see whether a key opens them.
    private static final int OTHERS_MAX = 20;

    /// Whoever probes is given so long before another may.
    private static final Duration PROBE_MAX = Duration.ofHours(1);

    private static final String LOCK_BUCKETS = """
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.domains', 0))
            """;

    /// In one domain the same bucket elsewhere will not do either: locations do not say where they are.
    private static final String TOUCHED = """
            SELECT EXISTS (
                SELECT FROM storages s
                WHERE s.bucket = :bucket AND (s.endpoint IS NOT DISTINCT FROM :endpoint OR s.domain_id = :domain)
                AND (s.prefix = '' OR :prefix = '' OR s.prefix = :prefix
                    OR starts_with(s.prefix, :prefix || '/') OR starts_with(:prefix, s.prefix || '/')))
            """;

    private static final String ADD = """
            INSERT INTO storages
                (domain_id, name, standard, protected, bucket, prefix, endpoint, sts, region, path_style, role_arn,
                kms_key, access_key, sealed_key, versioning, upload_days, version_days, soft_bytes, hard_bytes)
            VALUES
                (:domain, :name, :standard, :protected, :bucket, :prefix, :endpoint, :sts, :region, :path_style,
                :role_arn, :kms_key::text, :access_key, :sealed_key, :versioning::boolean, :upload_days::integer,
                :version_days::integer, :soft_bytes::bigint, :hard_bytes::bigint)
            ON CONFLICT (domain_id, name) DO NOTHING
            """;

    /// One after the other: of a domain's storages just one is the standard one.
    private static final String LOCK_DOMAIN = """
            SELECT id FROM domains WHERE id = :domain FOR NO KEY UPDATE
            """;

    private static final String NO_STANDARD = """
            UPDATE storages SET standard = false WHERE domain_id = :domain AND standard
            """;

    private static final String CHANGE = """
            UPDATE storages SET
                standard = standard OR :standard,
                protected = coalesce(:protected::boolean, protected),
                kms_key = CASE WHEN :change_kms THEN :kms_key::text ELSE kms_key END,
                versioning = coalesce(:versioning::boolean, versioning),
                upload_days = coalesce(:upload_days::integer, upload_days),
                version_days = coalesce(:version_days::integer, version_days),
                soft_bytes = CASE WHEN :change_quota THEN :soft_bytes::bigint ELSE soft_bytes END,
                hard_bytes = CASE WHEN :change_quota THEN :hard_bytes::bigint ELSE hard_bytes END
            WHERE id = :id
            """;

    private static final String CHANGE_DOMAIN = """
            UPDATE domains SET
                protected = coalesce(:protected::boolean, protected),
                soft_bytes = CASE WHEN :change_quota THEN :soft_bytes::bigint ELSE soft_bytes END,
                hard_bytes = CASE WHEN :change_quota THEN :hard_bytes::bigint ELSE hard_bytes END
            WHERE id = :id
            """;

    private static final String REKEY = """
            UPDATE storages SET access_key = :access_key, sealed_key = :sealed_key WHERE id = :id
            """;

    private static final String LOCK = """
            SELECT standard, protected FROM storages WHERE id = :id FOR UPDATE
            """;

    private static final String USED = """
            SELECT EXISTS (
                SELECT FROM relations
                WHERE domain_id = :domain AND location > :home AND location < :beyond)
            OR EXISTS (
                SELECT FROM dropped
                WHERE domain_id = :domain AND location > :home AND location < :beyond)
            """;

    private static final String REMOVE = """
            DELETE FROM storages WHERE id = :id
            """;

    private static final String PROFILE = """
            SELECT d.name AS domain_name, s.name AS storage_name, s.bucket, s.prefix, s.endpoint, s.sts, s.region,
                s.path_style, s.role_arn, s.kms_key, s.access_key, s.sealed_key
            FROM storages s
            JOIN domains d ON d.id = s.domain_id
            """;

    private static final String IN_BUCKET = PROFILE + """
            WHERE s.bucket = :bucket
            ORDER BY s.id
            """;

    private static final String OF_OTHERS = PROFILE + """
            WHERE s.domain_id <> :domain
            ORDER BY s.id DESC
            LIMIT :limit
            """;

    private static final String FOUND = """
            INSERT INTO storage_probes (storage_id, probed_at) VALUES (:id, :at)
            ON CONFLICT (storage_id) DO UPDATE SET probed_at = excluded.probed_at
            """;

    private static final String FORGET_FINDINGS = """
            DELETE FROM storage_findings WHERE storage_id = :id
            """;

    private static final String FINDING = """
            INSERT INTO storage_findings (storage_id, number, name, outcome, detail, remedy)
            VALUES (:id, :number, :name, :outcome, :detail, :remedy)
            """;

    private static final String PROBED = """
            SELECT p.probed_at, f.name, f.outcome, f.detail, f.remedy
            FROM storage_probes p
            JOIN storage_findings f ON f.storage_id = p.storage_id
            WHERE p.storage_id = :id AND p.probed_at IS NOT NULL
            ORDER BY f.number
            """;

    private static final String DUE = """
            WITH due AS (
                SELECT s.id FROM storages s
                LEFT JOIN storage_probes p ON p.storage_id = s.id
                WHERE coalesce(p.probed_at, s.created_at) < now() - :seconds * interval '1 second'
                AND coalesce(p.claimed_at, '-infinity') < now() - :lease * interval '1 second'
                ORDER BY s.id
                LIMIT 1
                FOR UPDATE OF s SKIP LOCKED),
            claimed AS (
                INSERT INTO storage_probes (storage_id) SELECT id FROM due
                ON CONFLICT (storage_id) DO UPDATE SET claimed_at = now())
            SELECT d.name AS domain, s.name AS storage
            FROM due
            JOIN storages s ON s.id = due.id
            JOIN domains d ON d.id = s.domain_id
            """;

    private final Database database;
    private final DomainRows rows;

    public PostgresStorages(Database database) {
        this.database = database;
        this.rows = database.domainRows();
    }

    /// The storage that a domain is made with; `false` when its folder is taken.
    static boolean first(Handle handle, DomainRows rows, long domain, StorageProfile storage) {
        handle.createQuery(LOCK_BUCKETS).mapToMap().one();
        return !touched(handle, domain, storage)
                && insert(
                                handle,
                                rows,
                                domain,
                                storage,
                                new Change(
                                        true, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()))
                        == 1;
    }

    @Override
    public Added add(Domain domain, StorageProfile profile, Change settings) {
        return database.write(Added.DONE::equals, handle -> {
            handle.createQuery(LOCK_BUCKETS).mapToMap().one();
            lock(handle, domain);
            if (touched(handle, domain.id(), profile)) {
                return Added.TOUCHES;
            }
            if (settings.standard()) {
                handle.createUpdate(NO_STANDARD).bind("domain", domain.id()).execute();
            }
            return insert(handle, rows, domain.id(), profile, settings) == 1 ? Added.DONE : Added.NAME_TAKEN;
        });
    }

    private static void lock(Handle handle, Domain domain) {
        long _ = handle.createQuery(LOCK_DOMAIN)
                .bind("domain", domain.id())
                .mapTo(Long.class)
                .findOne()
                .orElseThrow(
                        () -> new Refusal.NotFound(Thing.DOMAIN, domain.name().value()));
    }

    private static boolean touched(Handle handle, long domain, StorageProfile profile) {
        return handle.createQuery(TOUCHED)
                .bind("domain", domain)
                .bind("bucket", profile.bucket())
                .bind("endpoint", profile.endpoint().map(URI::toString))
                .bind("prefix", profile.prefix())
                .mapTo(Boolean.class)
                .one();
    }

    private static int insert(Handle handle, DomainRows rows, long domain, StorageProfile profile, Change settings) {
        Upkeep upkeep = settings.upkeep().orElse(Upkeep.NONE);
        Quota quota = settings.quota().orElse(Quota.NONE);
        return handle.createUpdate(ADD)
                .bind("domain", domain)
                .bind("name", profile.name().value())
                .bind("standard", settings.standard())
                .bind("protected", settings.guarded().orElse(false))
                .bind("bucket", profile.bucket())
                .bind("prefix", profile.prefix())
                .bind("endpoint", profile.endpoint().map(URI::toString))
                .bind("sts", profile.sts().map(URI::toString))
                .bind("region", profile.region())
                .bind("path_style", profile.pathStyle())
                .bind("role_arn", profile.roleArn())
                .bind("kms_key", profile.kmsKey())
                .bind("access_key", profile.root().accessKey())
                .bind("sealed_key", rows.seal(profile))
                .bind("versioning", upkeep.versioning())
                .bind("upload_days", upkeep.uploadDays())
                .bind("version_days", upkeep.versionDays())
                .bind("soft_bytes", quota.softBytes())
                .bind("hard_bytes", quota.hardBytes())
                .execute();
    }

    @Override
    public boolean change(Domain domain, Storage storage, Change change) {
        return database.write(Boolean::booleanValue, handle -> {
            lock(handle, domain);
            if (change.standard()) {
                handle.createUpdate(NO_STANDARD).bind("domain", domain.id()).execute();
            }
            Upkeep upkeep = change.upkeep().orElse(Upkeep.NONE);
            Quota quota = change.quota().orElse(Quota.NONE);
            return handle.createUpdate(CHANGE)
                            .bind("id", storage.id())
                            .bind("standard", change.standard())
                            .bind("protected", change.guarded())
                            .bind("change_kms", change.kmsKey().isPresent())
                            .bind("kms_key", change.kmsKey().filter(key -> !key.isEmpty()))
                            .bind("versioning", upkeep.versioning())
                            .bind("upload_days", upkeep.uploadDays())
                            .bind("version_days", upkeep.versionDays())
                            .bind("change_quota", change.quota().isPresent())
                            .bind("soft_bytes", quota.softBytes())
                            .bind("hard_bytes", quota.hardBytes())
                            .execute()
                    == 1;
        });
    }

    @Override
    public boolean change(Domain domain, Optional<Boolean> guarded, Optional<Quota> quota) {
        Quota limits = quota.orElse(Quota.NONE);
        return database.write(handle -> handle.createUpdate(CHANGE_DOMAIN)
                        .bind("id", domain.id())
                        .bind("protected", guarded)
                        .bind("change_quota", quota.isPresent())
                        .bind("soft_bytes", limits.softBytes())
                        .bind("hard_bytes", limits.hardBytes())
                        .execute()
                == 1);
    }

    @Override
    public boolean rekey(Domain domain, Storage storage, Credential key) {
        return database.write(handle -> handle.createUpdate(REKEY)
                        .bind("id", storage.id())
                        .bind("access_key", key.accessKey())
                        .bind("sealed_key", rows.seal(storage.profile().with(key)))
                        .execute()
                == 1);
    }

    /// Having the lock of the domain's locations, we know of every table that is there; who comes later finds that its
    /// location is in no storage.
    @Override
    public Removed remove(Domain domain, Storage storage) {
        return database.write(Removed.DONE::equals, handle -> {
            lock(handle, domain);
            PostgresTables.lockLocations(handle, domain);
            Optional<Removed> no = handle.createQuery(LOCK)
                    .bind("id", storage.id())
                    .map((row, _) -> row.getBoolean("protected")
                            ? Optional.of(Removed.PROTECTED)
                            : row.getBoolean("standard") ? Optional.of(Removed.STANDARD) : Optional.<Removed>empty())
                    .findOne()
                    .orElseThrow(() -> new Refusal.NotFound(Thing.STORAGE, domain.name() + "/" + storage.name()));
            if (no.isPresent()) {
                return no.get();
            }
            Location home = storage.profile().home();
            String folder = home.toString().replaceAll("/$", "") + "/";
            boolean used = handle.createQuery(USED)
                    .bind("domain", domain.id())
                    .bind("home", folder)
                    .bind("beyond", folder.substring(0, folder.length() - 1) + "0") // '0' follows '/'
                    .mapTo(Boolean.class)
                    .one();
            if (used) {
                return Removed.IN_USE;
            }
            handle.createUpdate(REMOVE).bind("id", storage.id()).execute();
            return Removed.DONE;
        });
    }

    @Override
    public List<StorageProfile> inBucket(String bucket) {
        return database.read(handle -> handle.createQuery(IN_BUCKET)
                .bind("bucket", bucket)
                .map((row, _) -> profile(row))
                .list());
    }

    @Override
    public List<StorageProfile> ofOthers(Domain domain) {
        return database.read(handle -> handle.createQuery(OF_OTHERS)
                .bind("domain", domain.id())
                .bind("limit", OTHERS_MAX)
                .map((row, _) -> profile(row))
                .list());
    }

    private StorageProfile profile(ResultSet row) throws SQLException {
        return rows.profile(new DomainName(row.getString("domain_name")), row);
    }

    @Override
    public void found(Storage storage, Probed probed) {
        try {
            database.write(handle -> {
                handle.createUpdate(FOUND)
                        .bind("id", storage.id())
                        .bind("at", probed.at())
                        .execute();
                handle.createUpdate(FORGET_FINDINGS).bind("id", storage.id()).execute();
                int number = 0;
                for (Finding each : probed.findings()) {
                    handle.createUpdate(FINDING)
                            .bind("id", storage.id())
                            .bind("number", number++)
                            .bind("name", each.check())
                            .bind("outcome", each.outcome().name().toLowerCase(Locale.ROOT))
                            .bind("detail", each.detail())
                            .bind("remedy", each.remedy())
                            .execute();
                }
                return number;
            });
        } catch (Database.Referenced _) {
            // the storage is gone, and what was found of it too
        }
    }

    private record Row(OffsetDateTime at, Finding finding) {}

    @Override
    public Optional<Probed> probed(Storage storage) {
        List<Row> found = database.read(handle -> handle.createQuery(PROBED)
                .bind("id", storage.id())
                .map((row, _) -> new Row(
                        row.getObject("probed_at", OffsetDateTime.class),
                        new Finding(
                                row.getString("name"),
                                Finding.Outcome.valueOf(row.getString("outcome").toUpperCase(Locale.ROOT)),
                                row.getString("detail"),
                                row.getString("remedy"))))
                .list());
        return found.stream()
                .findFirst()
                .map(first -> new Probed(
                        first.at().toInstant(), found.stream().map(Row::finding).toList()));
    }

    @Override
    public Optional<Due> due(Duration since) {
        return database.write(handle -> handle.createQuery(DUE)
                .bind("seconds", since.toSeconds())
                .bind("lease", PROBE_MAX.toSeconds())
                .map((row, _) ->
                        new Due(new DomainName(row.getString("domain")), new StorageName(row.getString("storage"))))
                .findOne());
    }
}
