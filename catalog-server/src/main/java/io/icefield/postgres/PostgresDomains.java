package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.domain.DomainStore;
import io.icefield.domain.Domains;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Domains in PostgreSQL.
public final class PostgresDomains implements DomainStore {
    private static final String ADD = """
            INSERT INTO domains (name) VALUES (:name)
            ON CONFLICT DO NOTHING
            RETURNING id
            """;

    private static final String FIND = """
            SELECT d.id AS domain_id, d.version AS domain_version, d.name AS domain_name,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope = ANY(:scopes) AND g.expires_at > now()) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.expires_at > now()
                    AND g.scope >= :name || chr(31) AND g.scope < :name || chr(32)) AS below
            FROM domains d
            WHERE d.name = :name
            """;

    private static final String LIST = """
            SELECT d.id AS domain_id, d.version AS domain_version, d.name AS domain_name,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope IN (CASE d.name WHEN :apart THEN d.name ELSE '' END, d.name) AND g.expires_at > now()) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.expires_at > now()
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

    private static final String OWNERS = """
            SELECT scope, substr(grantee, length('group:') + 1) AS name FROM grants
            WHERE scope = ANY(:domains) AND role = 'owner' AND starts_with(grantee, 'group:') AND expires_at > now()
            """;

    private static final String OWN = """
            INSERT INTO grants (grantee, scope, role, domain, granted_at)
            VALUES (:grantee, :domain, 'owner', :domain, now())
            """;

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
            owners.forEach(owner -> handle.createUpdate(OWN)
                    .bind("grantee", owner.toString())
                    .bind("domain", name.value())
                    .execute());
            return handle.createQuery(FIND)
                    .bindArray("who", String.class, List.of())
                    .bindArray("scopes", String.class, List.of())
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
                .bindArray("scopes", String.class, Scope.around(name))
                .bind("name", name.value())
                .map((row, _) -> seen(row))
                .findOne());
    }

    @Override
    public List<Seen> list(Set<Grantee> who, String after, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bind("apart", Grant.APART.value())
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
    public Map<DomainName, Set<String>> owners(Collection<DomainName> domains) {
        Map<DomainName, Set<String>> owners = new HashMap<>();
        database.read(handle -> handle.createQuery(OWNERS)
                        .bindArray(
                                "domains",
                                String.class,
                                domains.stream().map(DomainName::value).toList())
                        .map((row, _) -> List.of(row.getString("scope"), row.getString("name")))
                        .list())
                .forEach(row -> owners.computeIfAbsent(new DomainName(row.getFirst()), _ -> new TreeSet<>())
                        .add(row.getLast()));
        return owners;
    }

    private Seen seen(ResultSet row) throws SQLException {
        return new Seen(rows.domain(row), DomainRows.sight(row));
    }

    static List<String> names(Set<Grantee> who) {
        return who.stream().map(Grantee::toString).toList();
    }
}
