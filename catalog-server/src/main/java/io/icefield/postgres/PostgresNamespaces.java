package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.domain.Domain;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Once;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/// Namespaces in PostgreSQL.
public final class PostgresNamespaces implements NamespaceStore {
    private static final String CHILDREN = """
            SELECT n.id, n.level, n.names_version,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope = ANY(array_append(:scopes, :inside || n.level))
                    AND g.expires_at > now()) AS roles,
                EXISTS (SELECT FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.expires_at > now()
                    AND g.scope >= :inside || n.level || chr(31) AND g.scope < :inside || n.level || chr(32)) AS below
            FROM namespaces n
            WHERE coalesce(n.parent_id, -n.domain_id) = :parent AND n.level > :after
            ORDER BY n.level
            LIMIT :limit
            """;

    private static final String LOCK_DOMAIN = """
            SELECT id FROM domains WHERE id = :domain FOR KEY SHARE
            """;

    private static final String LOCK_PARENT = """
            SELECT id FROM namespaces WHERE domain_id = :domain AND path = :path FOR KEY SHARE
            """;

    private static final String ADD = """
            INSERT INTO namespaces (domain_id, parent_id, path, level, properties)
            VALUES (:domain, :parent, :path, :level, jsonb_object(:keys, :vals))
            ON CONFLICT (domain_id, path) DO NOTHING
            """;

    private static final String CHANGE = """
            UPDATE namespaces SET properties = (properties || jsonb_object(:keys, :vals)) - :remove
            WHERE id = :id
            RETURNING ARRAY(SELECT e.key FROM jsonb_each_text(properties) e ORDER BY e.key) AS keys,
                ARRAY(SELECT e.value FROM jsonb_each_text(properties) e ORDER BY e.key) AS vals
            """;

    private static final String REMOVE = """
            DELETE FROM namespaces WHERE id = :id
            """;

    private static final String REMOVE_GRANTS = """
            DELETE FROM grants
            WHERE domain = :domain
            AND (scope = :scope OR (scope >= :scope || chr(31) AND scope < :scope || chr(32)))
            """;

    private final Database database;
    private final Lookup<NamespaceId, Seen> lookup;

    public PostgresNamespaces(Database database) {
        this(database, new Lookup<>(database, new NamespaceLookup(database.domainRows())));
    }

    private PostgresNamespaces(Database database, Lookup<NamespaceId, Seen> lookup) {
        this.database = database;
        this.lookup = lookup;
    }

    @Override
    public NamespaceStore recording(Once requests) {
        return new PostgresNamespaces(database.recording(requests), lookup);
    }

    @Override
    public Optional<Seen> find(Set<Grantee> who, NamespaceId name) {
        return lookup.find(who, name);
    }

    @Override
    public List<Seen> children(Set<Grantee> who, Domain domain, Optional<Namespace> parent, String after, int limit) {
        List<String> above = parent.map(namespace -> namespace.name().levels()).orElse(List.of());
        Scope scope = parent.map(namespace -> Scope.of(namespace.name())).orElse(Scope.of(domain.name()));
        List<String> scopes =
                parent.map(namespace -> Scope.enclosing(namespace.name())).orElse(Scope.around(domain.name()));
        return database.read(handle -> handle.createQuery(CHILDREN)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bindArray("scopes", String.class, scopes)
                .bind("inside", scope.inside())
                .bind("parent", parent.map(Namespace::id).orElse(-domain.id()))
                .bind("after", after)
                .bind("limit", limit)
                .map((row, _) -> {
                    List<String> levels = new ArrayList<>(above);
                    levels.add(row.getString("level"));
                    return new Seen(
                            new Namespace(row.getLong("id"), domain, new NamespaceId(domain.name(), levels), Map.of()),
                            DomainRows.sight(row),
                            row.getLong("names_version"));
                })
                .list());
    }

    @Override
    public Added add(Domain domain, NamespaceId name, Map<String, String> properties) {
        return database.write(Added.DONE::equals, handle -> {
            Optional<Long> parent = Optional.empty();
            if (name.levels().size() == 1) {
                checkThere(handle, domain);
            } else {
                parent = lockParent(handle, domain, name);
                if (parent.isEmpty()) {
                    return Added.NO_PARENT;
                }
            }
            List<Map.Entry<String, String>> entries = List.copyOf(properties.entrySet());
            int added = handle.createUpdate(ADD)
                    .bind("domain", domain.id())
                    .bind("parent", parent)
                    .bind("path", name.path())
                    .bind("level", name.levels().getLast())
                    .bindArray(
                            "keys",
                            String.class,
                            entries.stream().map(Map.Entry::getKey).toList())
                    .bindArray(
                            "vals",
                            String.class,
                            entries.stream().map(Map.Entry::getValue).toList())
                    .execute();
            return added == 1 ? Added.DONE : Added.EXISTS;
        });
    }

    private static void checkThere(Handle handle, Domain domain) {
        if (handle.createQuery(LOCK_DOMAIN)
                .bind("domain", domain.id())
                .mapTo(Long.class)
                .findOne()
                .isEmpty()) {
            throw new Refusal.NotFound(Thing.DOMAIN, domain.name().value());
        }
    }

    private static Optional<Long> lockParent(Handle handle, Domain domain, NamespaceId name) {
        List<String> above = name.levels().subList(0, name.levels().size() - 1);
        return handle.createQuery(LOCK_PARENT)
                .bind("domain", domain.id())
                .bind("path", new NamespaceId(name.domain(), above).path())
                .mapTo(Long.class)
                .findOne();
    }

    @Override
    public Optional<Map<String, String>> change(Namespace namespace, Map<String, String> set, Set<String> remove) {
        List<Map.Entry<String, String>> entries = List.copyOf(set.entrySet());
        return database.write(
                Optional::isPresent,
                handle -> handle.createQuery(CHANGE)
                        .bind("id", namespace.id())
                        .bindArray(
                                "keys",
                                String.class,
                                entries.stream().map(Map.Entry::getKey).toList())
                        .bindArray(
                                "vals",
                                String.class,
                                entries.stream().map(Map.Entry::getValue).toList())
                        .bindArray("remove", String.class, remove)
                        .map((row, _) -> properties(row))
                        .findOne());
    }

    @Override
    public boolean remove(Namespace namespace) {
        try {
            return database.write(handle -> {
                PostgresProtection.check(handle, namespace);
                if (handle.createUpdate(REMOVE).bind("id", namespace.id()).execute() == 0) {
                    throw new Refusal.NotFound(Thing.NAMESPACE, namespace.name().inDomain());
                }
                handle.createUpdate(REMOVE_GRANTS)
                        .bind("domain", namespace.domain().name().value())
                        .bind("scope", Scope.of(namespace.name()).text())
                        .execute();
                return true;
            });
        } catch (Database.Referenced _) {
            return false;
        }
    }

    /// Without properties the arrays are null.
    static Map<String, String> properties(ResultSet row) throws SQLException {
        Array keys = row.getArray("keys");
        if (keys == null) {
            return Map.of();
        }
        String[] names = (String[]) keys.getArray();
        String[] values = (String[]) row.getArray("vals").getArray();
        Map<String, String> properties = new HashMap<>();
        for (int i = 0; i < names.length; i++) {
            properties.put(names[i], values[i]);
        }
        return properties;
    }
}
