package io.icefield.postgres;

import io.icefield.access.Refusal;
import io.icefield.access.SealedStore;
import io.icefield.access.SealingKeys;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageName;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// All sealed secrets in PostgreSQL, whichever table they are in, and those that are the whole mesh's.
public final class PostgresSealed implements SealedStore {
    private static final int SECRET_BYTES = 32;

    /// `one` and `two` say whose it is. `sealer` is the id of its key, as text; empty: it does not say.
    private static final String ALL = """
            WITH all_sealed (kind, id, one, two, sealed) AS (
                SELECT 'secret', x.id, x.name, '', x.sealed_key FROM secrets x
                UNION ALL
                SELECT 'signing-key', k.id, k.key_id, '', k.sealed_key FROM signing_keys k
                UNION ALL
                SELECT 'storage', s.id, d.name, s.name, s.sealed_key
                FROM storages s JOIN domains d ON d.id = s.domain_id),
            every (kind, id, one, two, sealed, sealer) AS (
                SELECT kind, id, one, two, sealed,
                    CASE get_byte(sealed, 0) WHEN 2 THEN encode(substring(sealed FROM 2 FOR 8), 'hex') ELSE '' END
                FROM all_sealed)
            """;

    private static final String COUNTS = ALL + """
            SELECT sealer, count(*) AS secrets FROM every GROUP BY sealer
            """;

    private static final String BATCH = ALL + """
            SELECT kind, id, one, two, sealed FROM every
            WHERE sealer <> :key AND (kind, id) > (:kind, :id)
            ORDER BY kind, id
            LIMIT :limit
            """;

    private static final Map<String, String> REPLACE = Map.of("secret", """
            UPDATE secrets SET sealed_key = :next WHERE id = :id AND sealed_key = :seen
            """, "signing-key", """
            UPDATE signing_keys SET sealed_key = :next WHERE id = :id AND sealed_key = :seen
            """, "storage", """
            UPDATE storages SET sealed_key = :next WHERE id = :id AND sealed_key = :seen
            """);

    private static final String SECRET = """
            SELECT sealed_key FROM secrets WHERE name = :name
            """;

    private static final String ADD_SECRET = """
            INSERT INTO secrets (name, sealed_key) VALUES (:name, :sealed_key) ON CONFLICT DO NOTHING
            """;

    private final Database database;
    private final Sealer sealer;

    public PostgresSealed(Database database) {
        this.database = database;
        this.sealer = database.sealer();
    }

    /// Where in the order of all of them we are.
    private record Place(String kind, long id) {
        static Place parse(String text) {
            try {
                int slash = text.indexOf('/');
                return text.isEmpty()
                        ? new Place("", 0)
                        : new Place(text.substring(0, slash), Long.parseLong(text.substring(slash + 1)));
            } catch (IndexOutOfBoundsException | NumberFormatException e) {
                throw new Refusal.Invalid("`after` is what the answer before it called `next`");
            }
        }

        @Override
        public String toString() {
            return kind + "/" + id;
        }
    }

    private record Row(Place place, String owner, byte[] sealed) {
        static Row of(ResultSet row) throws SQLException {
            String one = row.getString("one");
            String two = row.getString("two");
            String kind = row.getString("kind");
            String owner = switch (kind) {
                case "storage" -> DomainRows.owner(new DomainName(one), new StorageName(two));
                case "signing-key" -> PostgresSigningKeys.owner(one);
                default -> one;
            };
            return new Row(new Place(kind, row.getLong("id")), owner, row.getBytes("sealed"));
        }
    }

    @Override
    public Map<String, Long> counts() {
        Map<String, Long> counts = new HashMap<>();
        database.read(handle -> handle.createQuery(COUNTS)
                        .map((row, _) -> Map.entry(row.getString("sealer"), row.getLong("secrets")))
                        .list())
                .forEach(row -> counts.put(row.getKey(), row.getValue()));
        return counts;
    }

    @Override
    public Batch reseal(String after, int limit) {
        Place from = Place.parse(after);
        String key = sealer.first().id();
        List<Row> rows = database.read(handle -> handle.createQuery(BATCH)
                .bind("key", key)
                .bind("kind", from.kind())
                .bind("id", from.id())
                .bind("limit", limit)
                .map((row, _) -> Row.of(row))
                .list());
        int resealed = 0;
        List<Shut> shut = new ArrayList<>();
        for (Row row : rows) {
            try {
                resealed += replace(row, sealer.seal(row.owner(), sealer.open(row.owner(), row.sealed())));
            } catch (Sealer.Shut e) {
                shut.add(new Shut(row.owner(), String.valueOf(e.getMessage())));
            }
        }
        return new Batch(
                resealed,
                shut,
                rows.size() < limit
                        ? Optional.empty()
                        : Optional.of(rows.getLast().place().toString()));
    }

    /// What has changed meanwhile was sealed by whoever changed it.
    private int replace(Row row, byte[] next) {
        return database.write(
                done -> done == 1,
                handle -> handle.createUpdate(REPLACE.get(row.place().kind()))
                        .bind("id", row.place().id())
                        .bind("seen", row.sealed())
                        .bind("next", next)
                        .execute());
    }

    /// The mesh's secret of this name: made once, and from then on the same for all servers, whatever keys seal
    /// it. Throws `SealingKeys.Unfit` when none opens it.
    public byte[] secret(String name) {
        return found(name).orElseGet(() -> {
            byte[] random = new byte[SECRET_BYTES];
            new SecureRandom().nextBytes(random);
            byte[] sealed = sealer.seal(name, random);
            int _ = database.write(handle -> handle.createUpdate(ADD_SECRET)
                    .bind("name", name)
                    .bind("sealed_key", sealed)
                    .execute());
            return found(name).orElseThrow();
        });
    }

    private byte[] opened(String name, byte[] sealed) {
        try {
            return sealer.open(name, sealed);
        } catch (Sealer.Shut e) {
            throw new SealingKeys.Unfit(String.valueOf(e.getMessage()));
        }
    }

    private Optional<byte[]> found(String name) {
        return database.read(handle -> handle.createQuery(SECRET)
                        .bind("name", name)
                        .map((row, _) -> row.getBytes("sealed_key"))
                        .findOne())
                .map(hidden -> opened(name, hidden));
    }
}
