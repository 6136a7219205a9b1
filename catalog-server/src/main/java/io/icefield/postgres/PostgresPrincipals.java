package io.icefield.postgres;

import io.icefield.access.Principal;
import io.icefield.access.PrincipalStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Principals in PostgreSQL.
public final class PostgresPrincipals implements PrincipalStore {
    private static final String ADD = """
            INSERT INTO principals (name, kind, groups, secret_hash)
            VALUES (:name, :kind, :groups, :secret_hash)
            ON CONFLICT (name) DO NOTHING
            """;

    private static final String FIND = """
            SELECT name, kind, groups, secret_hash FROM principals WHERE name = :name
            """;

    private static final String LIST = """
            SELECT name, kind, groups FROM principals WHERE name > :after ORDER BY name LIMIT :limit
            """;

    private static final String REPLACE_SECRET = """
            UPDATE principals SET secret_hash = :secret_hash WHERE name = :name
            """;

    private static final String REPLACE_GROUPS = """
            UPDATE principals SET groups = :groups WHERE name = :name
            """;

    private static final String REMOVE = """
            DELETE FROM principals WHERE name = :name
            """;

    private static final String REMOVE_GRANTS = """
            WITH dropped AS (DELETE FROM dropped_grants WHERE grantee = 'principal:' || :name)
            DELETE FROM grants WHERE grantee = 'principal:' || :name
            """;

    private final Database database;

    public PostgresPrincipals(Database database) {
        this.database = database;
    }

    @Override
    public boolean add(Principal principal, byte[] secretHash) {
        return database.write(handle -> handle.createUpdate(ADD)
                        .bind("name", principal.name())
                        .bind("kind", principal.kind().name().toLowerCase(Locale.ROOT))
                        .bindArray("groups", String.class, principal.groups())
                        .bind("secret_hash", secretHash)
                        .execute()
                == 1);
    }

    @Override
    public Optional<Stored> find(String name) {
        return database.read(handle -> handle.createQuery(FIND)
                .bind("name", name)
                .map((row, _) -> new Stored(principal(row), row.getBytes("secret_hash")))
                .findOne());
    }

    @Override
    public List<Principal> list(String after, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bind("after", after)
                .bind("limit", limit)
                .map((row, _) -> principal(row))
                .list());
    }

    @Override
    public boolean replaceSecret(String name, byte[] secretHash) {
        return database.write(handle -> handle.createUpdate(REPLACE_SECRET)
                        .bind("name", name)
                        .bind("secret_hash", secretHash)
                        .execute()
                == 1);
    }

    @Override
    public boolean replaceGroups(String name, List<String> groups) {
        return database.write(handle -> handle.createUpdate(REPLACE_GROUPS)
                        .bind("name", name)
                        .bindArray("groups", String.class, groups)
                        .execute()
                == 1);
    }

    @Override
    public boolean remove(String name) {
        return database.write(handle -> {
            if (handle.createUpdate(REMOVE).bind("name", name).execute() == 0) {
                return false;
            }
            handle.createUpdate(REMOVE_GRANTS).bind("name", name).execute();
            return true;
        });
    }

    private static Principal principal(ResultSet row) throws SQLException {
        return new Principal(
                row.getString("name"),
                Principal.Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)),
                Set.of((String[]) row.getArray("groups").getArray()));
    }
}
