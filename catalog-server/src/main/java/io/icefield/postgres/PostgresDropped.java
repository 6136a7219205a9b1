package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.domain.Domain;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.table.Dropped;
import io.icefield.table.DroppedStore;
import io.icefield.table.Fate;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.Once;
import io.icefield.table.PurgeQueue;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/// What was dropped, in PostgreSQL. It moves from `relations` to `dropped` and back with its id and its version, so
/// that what is cached by these stays true.
public final class PostgresDropped implements DroppedStore, PurgeQueue {
    /// Metadata of so many others is looked at in one query.
    private static final int OTHERS_BATCH = 50;

    private static final String LOCK = """
            SELECT r.id FROM relations r
            JOIN namespaces n ON n.id = r.namespace_id
            WHERE r.id = :id AND n.path = :path AND r.name = :name
            FOR UPDATE OF r
            """;

    private static final String KEEP = """
            INSERT INTO dropped
                (domain_id, namespace_id, namespace, relation_id, kind, name, uuid, location, metadata_location,
                version, created_at, body, dropped_by, fate, due_at)
            SELECT r.domain_id, r.namespace_id, :path, r.id, r.kind, r.name, r.uuid, r.location, r.metadata_location,
                r.version, r.created_at, m.body, :by, :fate, now() + :seconds * interval '1 second'
            FROM relations r
            LEFT JOIN metadata m ON m.relation_id = r.id AND m.version = r.version
            WHERE r.id = :id
            RETURNING id
            """;

    private static final String KEEP_GRANTS = """
            INSERT INTO dropped_grants (dropped_id, grantee, role, expires_at, granted_by, granted_at, reason)
            SELECT :dropped, grantee, role, expires_at, granted_by, granted_at, reason FROM grants WHERE domain = :domain AND scope = :scope
            """;

    private static final String REMOVE = """
            DELETE FROM relations WHERE id = :id
            """;

    private static final String REMOVE_GRANTS = """
            DELETE FROM grants WHERE domain = :domain AND scope = :scope
            """;

    /// Grants on the namespace count while it is the one that the table was in.
    private static final String SEEN = """
            SELECT x.id, x.namespace, x.relation_id, x.kind, x.name, x.uuid, x.location, x.metadata_location, x.version,
                x.dropped_by, x.dropped_at, x.fate, x.due_at, x.purging, x.problem,
                ARRAY(
                    SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.expires_at > now()
                    AND (g.scope IN (CASE :domain_name WHEN :apart THEN :domain_name ELSE '' END, :domain_name)
                        OR (EXISTS (SELECT FROM namespaces n WHERE n.id = x.namespace_id)
                            AND starts_with(
                                :domain_name || chr(31) || x.namespace || chr(31), g.scope || chr(31))))
                    UNION
                    SELECT d.role FROM dropped_grants d
                    WHERE d.dropped_id = x.id AND d.grantee = ANY(:who) AND d.expires_at > now()) AS roles,
                false AS below
            FROM dropped x
            """;

    private static final String FIND = SEEN + """
            WHERE x.id = :id AND x.domain_id = :domain
            """;

    private static final String LIST = SEEN + """
            WHERE x.domain_id = :domain AND x.id < :before
            AND (:namespace::text IS NULL OR x.namespace = :namespace)
            AND (:name::text IS NULL OR x.name = :name)
            ORDER BY x.id DESC
            LIMIT :limit
            """;

    private static final String LOCK_NAMESPACE = """
            SELECT id FROM namespaces WHERE id = :namespace FOR KEY SHARE
            """;

    private static final String LOCK_DROPPED = """
            SELECT id FROM dropped WHERE id = :id AND NOT purging FOR UPDATE
            """;

    private static final String RESTORE = """
            INSERT INTO relations
                (id, domain_id, namespace_id, kind, name, uuid, location, metadata_location, version, created_at)
            OVERRIDING SYSTEM VALUE
            SELECT relation_id, domain_id, :namespace, kind, :name, uuid, location, metadata_location, version,
                created_at
            FROM dropped WHERE id = :id
            ON CONFLICT (namespace_id, name) DO NOTHING
            """;

    private static final String RESTORE_METADATA = """
            INSERT INTO metadata (relation_id, version, body)
            SELECT relation_id, version, body FROM dropped WHERE id = :id AND body IS NOT NULL
            """;

    private static final String RESTORE_GRANTS = """
            INSERT INTO grants (grantee, scope, role, domain, expires_at, granted_by, granted_at, reason)
            SELECT grantee, :scope, role, :domain, expires_at, granted_by, granted_at, reason FROM dropped_grants WHERE dropped_id = :id
            ON CONFLICT DO NOTHING
            """;

    private static final String DELETE = """
            DELETE FROM dropped WHERE id = :id
            """;

    private static final String PURGE_NOW = """
            UPDATE dropped SET fate = 'purge', due_at = now() WHERE id = :id AND NOT purging
            """;

    private static final String FORGET = """
            DELETE FROM dropped WHERE fate = 'forget' AND due_at <= now()
            """;

    private static final String CLAIM = """
            WITH due AS MATERIALIZED (
                SELECT id, purging AS begun FROM dropped WHERE fate = 'purge' AND due_at <= now()
                ORDER BY due_at
                LIMIT 1
                FOR UPDATE SKIP LOCKED)
            UPDATE dropped x
            SET purging = true, attempts = attempts + 1, due_at = now() + :seconds * interval '1 second'
            FROM due, domains d
            WHERE x.id = due.id AND d.id = x.domain_id
            RETURNING x.id, x.namespace, x.relation_id, x.kind, x.name, x.uuid, x.location, x.metadata_location,
                x.version, x.dropped_by, x.dropped_at, x.fate, x.due_at, x.purging, x.problem, x.body, x.attempts,
                due.begun, d.id AS domain_id, d.version AS domain_version, d.name AS domain_name
            """;

    private static final String POSTPONE = """
            UPDATE dropped
            SET due_at = now() + :seconds * interval '1 second', problem = nullif(:problem, ''), purging = :purging
            WHERE id = :id AND attempts = :attempt
            """;

    private static final String DONE = """
            DELETE FROM dropped WHERE id = :id AND attempts = :attempt
            """;

    private static final String REMOVE_TAGS = """
            DELETE FROM tags t
            WHERE t.table_uuid = :uuid
            AND NOT EXISTS (SELECT FROM relations r WHERE r.uuid = :uuid)
            AND NOT EXISTS (SELECT FROM dropped x WHERE x.uuid = :uuid)
            """;

    /// All of the bucket: a store may have several domains in it.
    private static final String OTHER_RELATIONS = """
            SELECT r.id, d.name AS domain, n.path, r.name, m.body
            FROM relations r
            JOIN domains d ON d.id = r.domain_id
            JOIN namespaces n ON n.id = r.namespace_id
            LEFT JOIN metadata m ON m.relation_id = r.id AND m.version = r.version
            WHERE d.id IN (SELECT domain_id FROM storages WHERE bucket = :bucket) AND r.id > :after
            ORDER BY r.id
            LIMIT :limit
            """;

    private static final String OTHER_DROPPED = """
            SELECT x.id, d.name AS domain, x.namespace AS path, x.name, x.body
            FROM dropped x
            JOIN domains d ON d.id = x.domain_id
            WHERE d.id IN (SELECT domain_id FROM storages WHERE bucket = :bucket)
            AND x.id > :after AND x.id <> :self
            ORDER BY x.id
            LIMIT :limit
            """;

    private final Database database;
    private final DomainRows rows;

    public PostgresDropped(Database database) {
        this.database = database;
        this.rows = database.domainRows();
    }

    @Override
    public DroppedStore recording(Once requests) {
        return new PostgresDropped(database.recording(requests));
    }

    @Override
    public boolean drop(Table seen, Drop drop) {
        return database.write(dropped -> dropped, handle -> {
            if (!locked(handle, seen)) {
                return false;
            }
            PostgresProtection.check(handle, seen);
            if (drop.fate() == Fate.PURGE || drop.keep().isPositive()) {
                keep(handle, seen, drop);
            }
            forget(handle, seen);
            return true;
        });
    }

    /// Whoever changes it waits, and finds it gone.
    static boolean locked(Handle handle, Table table) {
        return handle.createQuery(LOCK)
                .bind("id", table.id())
                .bind("path", table.name().namespace().path())
                .bind("name", table.name().name())
                .mapTo(Long.class)
                .findOne()
                .isPresent();
    }

    private static void keep(Handle handle, Table table, Drop drop) {
        long dropped = handle.createQuery(KEEP)
                .bind("id", table.id())
                .bind("path", table.name().namespace().path())
                .bind("by", drop.by())
                .bind("fate", word(drop.fate()))
                .bind("seconds", drop.keep().toSeconds())
                .mapTo(Long.class)
                .one();
        scoped(handle.createUpdate(KEEP_GRANTS), table.name())
                .bind("dropped", dropped)
                .execute();
    }

    static void forget(Handle handle, Table table) {
        handle.createUpdate(REMOVE).bind("id", table.id()).execute();
        scoped(handle.createUpdate(REMOVE_GRANTS), table.name()).execute();
    }

    @Override
    public Optional<Seen> find(Set<Grantee> who, Domain domain, long id) {
        return database.read(handle -> handle.createQuery(FIND)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bind("domain_name", domain.name().value())
                .bind("apart", Grant.APART.value())
                .bind("domain", domain.id())
                .bind("id", id)
                .map((row, _) -> new Seen(dropped(row, domain), DomainRows.sight(row)))
                .findOne());
    }

    @Override
    public List<Seen> list(Set<Grantee> who, Domain domain, Wanted wanted, long before, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bind("domain_name", domain.name().value())
                .bind("apart", Grant.APART.value())
                .bind("domain", domain.id())
                .bind("namespace", wanted.namespace())
                .bind("name", wanted.name())
                .bind("before", before)
                .bind("limit", limit)
                .map((row, _) -> new Seen(dropped(row, domain), DomainRows.sight(row)))
                .list());
    }

    @Override
    public Restored restore(Dropped dropped, Namespace to, String name) {
        if (to.domain().id() != dropped.table().domain().id()) {
            throw new IllegalArgumentException("a table stays in its domain");
        }
        try {
            return database.write(Restored.DONE::equals, handle -> restore(handle, dropped, to, name));
        } catch (Database.Taken _) {
            return Restored.UUID_TAKEN;
        }
    }

    /// Its folder is reserved in every moment: it is in one of the two tables.
    private static Restored restore(Handle handle, Dropped dropped, Namespace to, String name) {
        if (handle.createQuery(LOCK_NAMESPACE)
                .bind("namespace", to.id())
                .mapTo(Long.class)
                .findOne()
                .isEmpty()) {
            return Restored.NO_NAMESPACE;
        }
        if (handle.createQuery(LOCK_DROPPED)
                .bind("id", dropped.id())
                .mapTo(Long.class)
                .findOne()
                .isEmpty()) {
            return Restored.GONE;
        }
        int restored = handle.createUpdate(RESTORE)
                .bind("id", dropped.id())
                .bind("namespace", to.id())
                .bind("name", name)
                .execute();
        if (restored == 0) {
            return Restored.NAME_TAKEN;
        }
        handle.createUpdate(RESTORE_METADATA).bind("id", dropped.id()).execute();
        scoped(handle.createUpdate(RESTORE_GRANTS), new TableId(to.name(), name))
                .bind("id", dropped.id())
                .execute();
        handle.createUpdate(DELETE).bind("id", dropped.id()).execute();
        return Restored.DONE;
    }

    @Override
    public void purgeNow(Dropped dropped) {
        database.write(handle ->
                handle.createUpdate(PURGE_NOW).bind("id", dropped.id()).execute());
    }

    @Override
    public int forget() {
        return database.write(handle -> handle.createUpdate(FORGET).execute());
    }

    @Override
    public Optional<Claim> claim(Duration lease) {
        return database.write(handle -> handle.createQuery(CLAIM)
                .bind("seconds", lease.toSeconds())
                .map((row, _) -> new Claim(
                        dropped(row, rows.domain(row)),
                        Optional.ofNullable(row.getBytes("body")).map(Gzip::unpack),
                        row.getInt("attempts"),
                        row.getBoolean("begun")))
                .findOne());
    }

    @Override
    public boolean postpone(Claim claim, Duration wait, String problem) {
        return postpone(claim, wait, problem, true);
    }

    @Override
    public boolean release(Claim claim, Duration wait, String problem) {
        return postpone(claim, wait, problem, claim.begun());
    }

    private boolean postpone(Claim claim, Duration wait, String problem, boolean purging) {
        return database.write(handle -> claimed(handle.createUpdate(POSTPONE), claim)
                        .bind("seconds", wait.toSeconds())
                        .bind("problem", problem)
                        .bind("purging", purging)
                        .execute()
                == 1);
    }

    private static <S extends SqlStatement<S>> S claimed(S statement, Claim claim) {
        return statement.bind("id", claim.dropped().id()).bind("attempt", claim.attempt());
    }

    @Override
    public void done(Claim claim) {
        database.write(handle -> {
            claimed(handle.createUpdate(DONE), claim).execute();
            return handle.createUpdate(REMOVE_TAGS)
                    .bind("uuid", claim.dropped().table().uuid())
                    .execute();
        });
    }

    @Override
    public Optional<TableId> other(Dropped dropped, Predicate<byte[]> metadata) {
        return other(OTHER_RELATIONS, dropped, metadata).or(() -> other(OTHER_DROPPED, dropped, metadata));
    }

    private record Other(long id, TableId name, Optional<byte[]> body) {}

    private Optional<TableId> other(String query, Dropped dropped, Predicate<byte[]> metadata) {
        long after = 0;
        while (true) {
            long from = after;
            List<Other> others = database.read(handle -> handle.createQuery(query)
                    .bind("bucket", dropped.table().location().bucket())
                    .bind("self", dropped.id())
                    .bind("after", from)
                    .bind("limit", OTHERS_BATCH)
                    .map((row, _) -> other(row))
                    .list());
            Optional<Other> found = others.stream()
                    .filter(each -> each.body()
                            .map(Gzip::unpack)
                            .filter(metadata.negate())
                            .isEmpty())
                    .findFirst();
            if (found.isPresent() || others.size() < OTHERS_BATCH) {
                return found.map(Other::name);
            }
            after = others.getLast().id();
        }
    }

    private static Other other(ResultSet row) throws SQLException {
        return new Other(
                row.getLong("id"),
                name(row.getString("domain"), row.getString("path"), row.getString("name")),
                Optional.ofNullable(row.getBytes("body")));
    }

    private static TableId name(String domain, String path, String name) {
        return new TableId(
                new NamespaceId(new DomainName(domain), List.of(path.split(NamespaceId.SEPARATOR, -1))), name);
    }

    private static Dropped dropped(ResultSet row, Domain domain) throws SQLException {
        return new Dropped(
                row.getLong("id"),
                new Table(
                        row.getLong("relation_id"),
                        Table.Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)),
                        domain,
                        name(domain.name().value(), row.getString("namespace"), row.getString("name")),
                        row.getObject("uuid", UUID.class),
                        Location.parse(row.getString("location")),
                        Location.parse(row.getString("metadata_location")),
                        row.getLong("version")),
                row.getString("dropped_by"),
                row.getObject("dropped_at", OffsetDateTime.class).toInstant(),
                Fate.valueOf(row.getString("fate").toUpperCase(Locale.ROOT)),
                row.getObject("due_at", OffsetDateTime.class).toInstant(),
                row.getBoolean("purging"),
                Optional.ofNullable(row.getString("problem")).orElse(""));
    }

    private static <S extends SqlStatement<S>> S scoped(S statement, TableId table) {
        return statement
                .bind("domain", table.namespace().domain().value())
                .bind("scope", Scope.of(table).text());
    }

    private static String word(Fate fate) {
        return fate.name().toLowerCase(Locale.ROOT);
    }
}
