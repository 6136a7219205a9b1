package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.storage.DomainName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/// Grants in PostgreSQL.
public final class PostgresGrants implements GrantStore {
    private static final String SIGHT = """
            SELECT
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope = ANY(:scopes) AND g.expires_at > now()) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.expires_at > now()
                    AND g.scope >= :domain || chr(31) AND g.scope < :domain || chr(32)) AS below
            FROM domains WHERE name = :domain
            """;

    private static final String COLUMNS = """
            SELECT scope, grantee, role, nullif(expires_at, 'infinity') AS expires_at, granted_by, granted_at, reason
            FROM grants
            """;

    private static final String ON_MESH = COLUMNS + """
            WHERE domain IS NULL AND (scope, grantee, role) > (:after_scope, :after_grantee, :after_role)
            ORDER BY scope, grantee, role
            LIMIT :limit
            """;

    private static final String ON_DOMAIN = COLUMNS + """
            WHERE domain = :domain AND (scope = :scope OR (scope >= :scope || chr(31) AND scope < :scope || chr(32)))
            AND (scope, grantee, role) > (:after_scope, :after_grantee, :after_role)
            ORDER BY scope, grantee, role
            LIMIT :limit
            """;

    /// Of two who take back the last two grants of owners one comes second, and sees what the first one did.
    private static final String LOCK_OWNERS = """
            SELECT id FROM domains WHERE name = :domain FOR NO KEY UPDATE
            """;

    private static final String IS_LAST_OWNER = """
            SELECT EXISTS (
                SELECT FROM grants WHERE grantee = :grantee AND scope = :domain AND role = 'owner'
                AND expires_at = 'infinity')
            AND NOT EXISTS (
                SELECT FROM grants WHERE scope = :domain AND grantee <> :grantee AND role = 'owner'
                AND expires_at = 'infinity')
            """;

    private static final String GIVE = """
            INSERT INTO grants (grantee, scope, role, domain, expires_at, granted_by, granted_at, reason)
            VALUES (:grantee, :scope, :role, :domain, coalesce(:expires_at::timestamptz, 'infinity'), :by, :at, :reason)
            ON CONFLICT (grantee, scope, role) DO UPDATE
            SET expires_at = excluded.expires_at, granted_by = excluded.granted_by, granted_at = excluded.granted_at,
                reason = excluded.reason
            WHERE grants.expires_at <> excluded.expires_at OR grants.reason IS DISTINCT FROM excluded.reason
            """;

    /// Takes nothing from who has it for longer.
    private static final String GIVE_LONGER = """
            INSERT INTO grants (grantee, scope, role, domain, expires_at, granted_by, granted_at, reason)
            VALUES (:grantee, :scope, :role, :domain, coalesce(:expires_at::timestamptz, 'infinity'), :by, :at, :reason)
            ON CONFLICT (grantee, scope, role) DO UPDATE
            SET expires_at = excluded.expires_at, granted_by = excluded.granted_by, granted_at = excluded.granted_at,
                reason = excluded.reason
            WHERE grants.expires_at < excluded.expires_at
            """;

    private static final String REVOKE = """
            DELETE FROM grants WHERE grantee = :grantee AND scope = :scope AND role = :role
            """;

    private static final String FORGET = """
            DELETE FROM grants WHERE expires_at < now() - :seconds * interval '1 second'
            """;

    /// In no scope, grantee or role.
    private static final String KEY_SEPARATOR = "\n";

    private final Database database;

    public PostgresGrants(Database database) {
        this.database = database;
    }

    @Override
    public Optional<Sight> sight(Set<Grantee> who, Grant on) {
        return database.read(handle -> handle.createQuery(SIGHT)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bindArray("scopes", String.class, Scope.enclosing(on))
                .bind("domain", on.domain().map(DomainName::value).orElse(""))
                .map((row, _) -> DomainRows.sight(row))
                .findOne());
    }

    @Override
    public Page<Given> list(Optional<DomainName> domain, List<String> namespace, Page.Request page) {
        List<String> after = List.of((page.after() + KEY_SEPARATOR.repeat(2)).split(KEY_SEPARATOR, -1));
        List<GrantRow> found = database.read(handle -> domain.map(name -> handle.createQuery(ON_DOMAIN)
                        .bind("domain", name.value())
                        .bind("scope", Scope.of(name, namespace).text()))
                .orElseGet(() -> handle.createQuery(ON_MESH))
                .bind("after_scope", after.get(0))
                .bind("after_grantee", after.get(1))
                .bind("after_role", after.get(2))
                .bind("limit", page.size())
                .map((row, _) -> GrantRow.read(row))
                .list());
        return new Page<>(
                found.stream().map(GrantRow::given).toList(),
                found.size() < page.size()
                        ? Optional.empty()
                        : Optional.of(found.getLast().key()));
    }

    private record GrantRow(Given given, String key) {
        static GrantRow read(ResultSet row) throws SQLException {
            String scope = row.getString("scope");
            String grantee = row.getString("grantee");
            String role = row.getString("role");
            return new GrantRow(
                    new Given(
                            new Scope(scope).grant(grantee, role),
                            time(row, "expires_at"),
                            Optional.ofNullable(row.getString("granted_by")),
                            time(row, "granted_at"),
                            Optional.ofNullable(row.getString("reason"))),
                    String.join(KEY_SEPARATOR, scope, grantee, role));
        }
    }

    @Override
    public Effect give(Given given) {
        try {
            return database.write(effect -> effect == Effect.DONE, handle -> {
                if (given.expiresAt().isPresent() && isLastOwner(handle, given.grant())) {
                    return Effect.LAST_OWNER;
                }
                int _ = bound(handle.createUpdate(GIVE), given).execute();
                return Effect.DONE;
            });
        } catch (Database.Referenced _) {
            throw noDomain(given.grant());
        }
    }

    /// As a part of another transaction; who has the role for longer keeps it. Throws `Database.Referenced`.
    static void giveLonger(Handle handle, Given given) {
        int _ = bound(handle.createUpdate(GIVE_LONGER), given).execute();
    }

    static Refusal noDomain(Grant grant) {
        return new Refusal.NotFound(
                Thing.DOMAIN, grant.domain().map(DomainName::value).orElse(""));
    }

    @Override
    public Effect revoke(Grant grant) {
        return database.write(effect -> effect == Effect.DONE, handle -> {
            if (isLastOwner(handle, grant)) {
                return Effect.LAST_OWNER;
            }
            int _ = bound(handle.createUpdate(REVOKE), grant).execute();
            return Effect.DONE;
        });
    }

    private static boolean isLastOwner(Handle handle, Grant grant) {
        if (grant.role() != Role.OWNER
                || grant.domain().isEmpty()
                || !grant.namespace().isEmpty()) {
            return false;
        }
        String domain = grant.domain().get().value();
        handle.createQuery(LOCK_OWNERS).bind("domain", domain).mapTo(Long.class).findOne();
        return handle.createQuery(IS_LAST_OWNER)
                .bind("domain", domain)
                .bind("grantee", grant.grantee().toString())
                .mapTo(Boolean.class)
                .one();
    }

    @Override
    public int forget(Duration expiredFor) {
        return database.write(
                count -> count > 0,
                handle -> handle.createUpdate(FORGET)
                        .bind("seconds", expiredFor.toSeconds())
                        .execute());
    }

    private static <S extends SqlStatement<S>> S bound(S statement, Given given) {
        return bound(statement, given.grant())
                .bind("domain", given.grant().domain().map(DomainName::value))
                .bind("expires_at", given.expiresAt().map(PostgresGrants::time))
                .bind("by", given.by())
                .bind("at", given.at().map(PostgresGrants::time))
                .bind("reason", given.reason());
    }

    private static <S extends SqlStatement<S>> S bound(S statement, Grant grant) {
        return statement
                .bind("grantee", grant.grantee().toString())
                .bind("scope", Scope.of(grant).text())
                .bind("role", grant.role().name().toLowerCase(Locale.ROOT));
    }

    static OffsetDateTime time(Instant at) {
        return at.atOffset(ZoneOffset.UTC);
    }

    static Optional<Instant> time(ResultSet row, String column) throws SQLException {
        @Nullable OffsetDateTime at = row.getObject(column, OffsetDateTime.class);
        return Optional.ofNullable(at).map(OffsetDateTime::toInstant);
    }
}
