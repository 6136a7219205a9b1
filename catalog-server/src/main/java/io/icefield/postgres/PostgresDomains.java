package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.domain.DomainStore;
import io.icefield.domain.Domains;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/// Domains and grants in PostgreSQL.
public final class PostgresDomains implements DomainStore {
    private static final String ADD = """
            INSERT INTO domains (name) VALUES (:name)
            ON CONFLICT DO NOTHING
            RETURNING id
            """;

    private static final String FIND = """
            SELECT d.id AS domain_id, d.version AS domain_version, d.name AS domain_name,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope IN ('', :name)) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who)
                    AND g.scope >= :name || chr(31) AND g.scope < :name || chr(32)) AS below
            FROM domains d
            WHERE d.name = :name
            """;

    private static final String LIST = """
            SELECT d.id AS domain_id, d.version AS domain_version, d.name AS domain_name,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope IN ('', d.name)) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who)
                    AND g.scope >= d.name || chr(31) AND g.scope < d.name || chr(32)) AS below
            FROM domains d
            WHERE d.name > :after
            ORDER BY d.name
            LIMIT :limit
            """;

    private static final String FOLLOW = """
            UPDATE storages SET endpoint = :endpoint, sts = :sts
            WHERE access_key = :access_key
            AND (endpoint IS DISTINCT FROM :endpoint OR sts IS DISTINCT FROM :sts)
            """;

    private static final String GUARDED = """
            SELECT d.protected OR EXISTS (SELECT FROM storages s WHERE s.domain_id = d.id AND s.protected)
            FROM domains d WHERE d.id = :id FOR UPDATE
            """;

    private static final String REMOVE = """
            DELETE FROM domains WHERE id = :id
            """;

    private static final String GRANTS_OF_MESH = """
            SELECT grantee, scope, role FROM grants
            WHERE domain IS NULL AND (scope, grantee, role) > (:after_scope, :after_grantee, :after_role)
            ORDER BY scope, grantee, role
            LIMIT :limit
            """;

    private static final String GRANTS_OF_DOMAIN = """
            SELECT grantee, scope, role FROM grants
            WHERE domain = :domain AND (scope, grantee, role) > (:after_scope, :after_grantee, :after_role)
            ORDER BY scope, grantee, role
            LIMIT :limit
            """;

    private static final String GRANT = """
            INSERT INTO grants (grantee, scope, role, domain)
            VALUES (:grantee, :scope, :role, :domain)
            ON CONFLICT DO NOTHING
            """;

    private static final String REVOKE = """
            DELETE FROM grants WHERE grantee = :grantee AND scope = :scope AND role = :role
            """;

    /// In no scope, grantee or role.
    private static final String KEY_SEPARATOR = "\n";

    private final Database database;
    private final DomainRows rows;

    public PostgresDomains(Database database) {
        this.database = database;
        this.rows = database.domainRows();
    }

    @Override
    public Optional<Domain> add(DomainName name, StorageProfile storage, Set<Grantee> owners) {
        return database.write(Optional::isPresent, handle -> {
            Optional<Long> id = handle.createQuery(ADD)
                    .bind("name", name.value())
                    .mapTo(Long.class)
                    .findOne();
            if (id.isEmpty() || !PostgresStorages.first(handle, rows, id.get(), storage)) {
                return Optional.empty();
            }
            owners.forEach(owner ->
                    insert(handle, new Grant(owner, Role.OWNER, Optional.of(name), List.of(), Optional.empty())));
            return handle.createQuery(FIND)
                    .bindArray("who", String.class, List.of())
                    .bind("name", name.value())
                    .map((row, _) -> rows.domain(row))
                    .findOne();
        });
    }

    /// The store that `now` names has moved there: all storages with the same root access key follow. Returns
    /// how many did.
    public int follow(StorageProfile now) {
        return database.write(handle -> handle.createUpdate(FOLLOW)
                .bind("access_key", now.root().accessKey())
                .bind("endpoint", now.endpoint().map(URI::toString))
                .bind("sts", now.sts().map(URI::toString))
                .execute());
    }

    @Override
    public Optional<Seen> find(Set<Grantee> who, DomainName name) {
        return database.read(handle -> handle.createQuery(FIND)
                .bindArray("who", String.class, names(who))
                .bind("name", name.value())
                .map((row, _) -> seen(row))
                .findOne());
    }

    @Override
    public List<Seen> list(Set<Grantee> who, String after, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bindArray("who", String.class, names(who))
                .bind("after", after)
                .bind("limit", limit)
                .map((row, _) -> seen(row))
                .list());
    }

    @Override
    public boolean remove(Domain domain) {
        try {
            return database.write(handle -> {
                boolean guarded = handle.createQuery(GUARDED)
                        .bind("id", domain.id())
                        .mapTo(Boolean.class)
                        .findOne()
                        .orElseThrow(() ->
                                new Refusal.NotFound(Thing.DOMAIN, domain.name().value()));
                if (guarded) {
                    throw Domains.guarded(domain.name());
                }
                return handle.createUpdate(REMOVE).bind("id", domain.id()).execute() == 1;
            });
        } catch (Database.Referenced _) {
            return false;
        }
    }

    @Override
    public Page<Grant> grants(Optional<DomainName> domain, Page.Request page) {
        List<String> after = List.of((page.after() + KEY_SEPARATOR.repeat(2)).split(KEY_SEPARATOR, -1));
        List<GrantRow> found = database.read(handle -> domain.map(
                        name -> handle.createQuery(GRANTS_OF_DOMAIN).bind("domain", name.value()))
                .orElseGet(() -> handle.createQuery(GRANTS_OF_MESH))
                .bind("after_scope", after.get(0))
                .bind("after_grantee", after.get(1))
                .bind("after_role", after.get(2))
                .bind("limit", page.size())
                .map((row, _) -> new GrantRow(
                        new Scope(row.getString("scope")), row.getString("grantee"), row.getString("role")))
                .list());
        return new Page<>(
                found.stream().map(GrantRow::grant).toList(),
                found.size() < page.size()
                        ? Optional.empty()
                        : Optional.of(found.getLast().key()));
    }

    private record GrantRow(Scope scope, String grantee, String role) {
        Grant grant() {
            return scope.grant(grantee, role);
        }

        String key() {
            return String.join(KEY_SEPARATOR, scope.text(), grantee, role);
        }
    }

    @Override
    public void grant(Grant grant) {
        try {
            database.write(handle -> insert(handle, grant));
        } catch (Database.Referenced _) {
            throw new Refusal.NotFound(
                    Thing.DOMAIN, grant.domain().map(DomainName::value).orElse(""));
        }
    }

    @Override
    public boolean revoke(Grant grant) {
        return database.write(
                handle -> bound(handle.createUpdate(REVOKE), grant).execute() > 0);
    }

    private static int insert(Handle handle, Grant grant) {
        return bound(handle.createUpdate(GRANT), grant)
                .bind("domain", grant.domain().map(DomainName::value))
                .execute();
    }

    private static <S extends SqlStatement<S>> S bound(S statement, Grant grant) {
        return statement
                .bind("grantee", grant.grantee().toString())
                .bind("scope", Scope.of(grant).text())
                .bind("role", grant.role().name().toLowerCase(Locale.ROOT));
    }

    private Seen seen(ResultSet row) throws SQLException {
        return new Seen(rows.domain(row), DomainRows.sight(row));
    }

    static List<String> names(Set<Grantee> who) {
        return who.stream().map(Grantee::toString).toList();
    }
}
