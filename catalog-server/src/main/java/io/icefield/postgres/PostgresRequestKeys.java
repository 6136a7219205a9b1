package io.icefield.postgres;

import io.icefield.access.Refusal;
import io.icefield.table.Once;
import io.icefield.table.RequestKeys;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/// The keys of requests in PostgreSQL.
public final class PostgresRequestKeys implements RequestKeys {
    private static final String FIND = """
            SELECT digest, note, status, body FROM request_keys WHERE principal = :principal AND id = :id
            """;

    /// Waits for whoever is inserting the same. In one order: who waits holds nothing that others wait for.
    private static final String RECORD = """
            INSERT INTO request_keys (principal, id, digest, note, expires_at)
            SELECT k.principal, k.id, k.digest, k.note, now() + k.seconds * interval '1 second'
            FROM unnest(:principals, :ids, :digests, :notes, :seconds) AS k (principal, id, digest, note, seconds)
            ORDER BY k.principal, k.id
            ON CONFLICT (principal, id) DO NOTHING
            RETURNING id
            """;

    private static final String REFUSED = """
            INSERT INTO request_keys (principal, id, digest, status, body, expires_at)
            VALUES (:principal, :id, :digest, :status, :body, now() + :seconds * interval '1 second')
            ON CONFLICT (principal, id) DO NOTHING
            """;

    private static final String EXPIRE = """
            DELETE FROM request_keys WHERE expires_at < now()
            """;

    private final Database database;

    public PostgresRequestKeys(Database database) {
        this.database = database;
    }

    /// Throws `Refusal.Repeated` when one of them is there, and then nothing of this transaction may be kept.
    static void record(Handle handle, Once once) {
        if (once.keys().isEmpty()) {
            return;
        }
        Set<UUID> recorded = new HashSet<>(handle.createQuery(RECORD)
                .bindArray("principals", String.class, each(once, Once.Key::principal))
                .bindArray("ids", UUID.class, each(once, Once.Key::id))
                .bindArray("digests", String.class, each(once, Once.Key::digest))
                .bindArray("notes", String.class, each(once, Once.Key::note))
                .bindArray("seconds", Long.class, each(once, key -> key.kept().toSeconds()))
                .mapTo(UUID.class)
                .list());
        List<UUID> repeated = each(once, Once.Key::id).stream()
                .filter(id -> !recorded.contains(id))
                .toList();
        if (!repeated.isEmpty()) {
            throw new Refusal.Repeated(repeated);
        }
    }

    private static <T> List<T> each(Once once, Function<Once.Key, T> part) {
        return once.keys().stream().map(part).toList();
    }

    @Override
    public Optional<Done> find(Once.Key key) {
        return database.read(handle -> handle.createQuery(FIND)
                .bind("principal", key.principal())
                .bind("id", key.id())
                .map((row, _) -> done(row))
                .findOne());
    }

    private static Done done(ResultSet row) throws SQLException {
        String body = row.getString("body");
        return new Done(
                row.getString("digest"),
                row.getString("note"),
                body == null ? Optional.empty() : Optional.of(new Refused(row.getInt("status"), body)));
    }

    @Override
    public void refused(Once.Key key, Refused answer) {
        database.write(handle -> handle.createUpdate(REFUSED)
                .bind("principal", key.principal())
                .bind("id", key.id())
                .bind("digest", key.digest())
                .bind("status", answer.status())
                .bind("body", answer.body())
                .bind("seconds", key.kept().toSeconds())
                .execute());
    }

    @Override
    public int expire() {
        return database.write(handle -> handle.createUpdate(EXPIRE).execute());
    }
}
