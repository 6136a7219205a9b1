package io.icefield.postgres;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Kept;
import io.icefield.access.Logins;
import io.icefield.access.Principal;
import io.icefield.access.PrincipalStore;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/// Principals in PostgreSQL. Those who call often are remembered in memory, under a number that every change of a
/// principal raises: one look at that number a second answers for all of them.
public final class PostgresPrincipals implements PrincipalStore {
    private static final Duration EPOCH_AGE = Duration.ofSeconds(1);
    private static final int RECALLED_MAX = 10_000;

    /// Those of outside are kept a little longer than they count.
    private static final Duration FORGOTTEN_AFTER = Duration.ofDays(1);

    /// Expired secrets of one principal that are kept for the tokens issued upon them.
    private static final int EXPIRED_MAX = 20;

    private static final String ADD = """
            INSERT INTO principals (name, kind, groups)
            VALUES (:name, :kind, :groups)
            ON CONFLICT (name) DO NOTHING
            RETURNING id
            """;

    private static final String FIND = """
            SELECT p.id, p.name, p.kind, p.groups, p.until, s.id AS secret_id, s.hash, s.created_at, s.expires_at
            FROM principals p LEFT JOIN principal_secrets s ON s.principal_id = p.id
            WHERE p.name = :name
            ORDER BY s.id
            """;

    private static final String LIST = """
            SELECT name, kind, groups FROM principals
            WHERE name > :after AND issuer IS NULL
            ORDER BY name LIMIT :limit
            """;

    private static final String ANY_NAMED = """
            SELECT name FROM principals
            WHERE name >= :prefix AND starts_with(name, :prefix) AND issuer IS NULL
            LIMIT 1
            """;

    private static final String LOCK = """
            SELECT id FROM principals WHERE name = :name AND issuer IS NULL FOR UPDATE
            """;

    private static final String REMOVE_SECRETS = """
            DELETE FROM principal_secrets WHERE principal_id = :principal
            """;

    private static final String END_SECRETS = """
            UPDATE principal_secrets SET expires_at = least(coalesce(expires_at, :until), :until)
            WHERE principal_id = :principal
            """;

    /// Sessions that began with them are over, or there are too many.
    private static final String REMOVE_OLD_SECRETS = """
            DELETE FROM principal_secrets
            WHERE principal_id = :principal AND (expires_at < :over OR id IN (
                SELECT id FROM principal_secrets
                WHERE principal_id = :principal AND expires_at <= :now
                ORDER BY expires_at DESC, id DESC OFFSET :kept))
            """;

    private static final String COUNT_SECRETS = """
            SELECT count(*) FROM principal_secrets
            WHERE principal_id = :principal AND coalesce(expires_at, 'infinity') > :now
            """;

    private static final String ADD_SECRET = """
            INSERT INTO principal_secrets (principal_id, hash, expires_at)
            VALUES (:principal, :hash, :expires_at)
            RETURNING id AS secret_id, hash, created_at, expires_at
            """;

    private static final String REMOVE_SECRET = """
            DELETE FROM principal_secrets s USING principals p
            WHERE p.id = s.principal_id AND p.name = :name AND s.id::text = :id
            """;

    private static final String REPLACE_GROUPS = """
            UPDATE principals SET groups = :groups WHERE name = :name AND issuer IS NULL
            """;

    private static final String REMOVE = """
            DELETE FROM principals WHERE name = :name
            """;

    /// As whoever takes a grant of an owner back: one after the other. In one order, for those who wait for several.
    private static final String LOCK_OWNED = """
            SELECT d.id FROM domains d
            WHERE d.name IN (
                SELECT scope FROM grants
                WHERE grantee = 'principal:' || :name AND role = 'owner' AND expires_at = 'infinity')
            ORDER BY d.id
            FOR NO KEY UPDATE
            """;

    private static final String ORPHANED = """
            SELECT g.scope FROM grants g
            JOIN domains d ON d.name = g.scope
            WHERE g.grantee = 'principal:' || :name AND g.role = 'owner' AND g.expires_at = 'infinity'
            AND NOT EXISTS (
                SELECT FROM grants o
                WHERE o.scope = g.scope AND o.grantee <> g.grantee AND o.role = 'owner' AND o.expires_at = 'infinity')
            ORDER BY g.scope
            LIMIT 10
            """;

    private static final String REMOVE_GRANTS = """
            WITH dropped AS (DELETE FROM dropped_grants WHERE grantee = 'principal:' || :name),
            asked AS (DELETE FROM access_requests WHERE requester = :name)
            DELETE FROM grants WHERE grantee = 'principal:' || :name
            """;

    private static final String GROUPS = """
            SELECT groups FROM principals WHERE name = :name FOR UPDATE
            """;

    private static final String REMEMBER = """
            INSERT INTO principals (name, kind, groups, issuer, until)
            VALUES (:name, 'user', :groups, :issuer, :until)
            ON CONFLICT (name) DO UPDATE SET groups = :groups, until = greatest(principals.until, :until)
            WHERE principals.issuer = :issuer
            """;

    private static final String FORGET = """
            DELETE FROM principals WHERE name IN (
                SELECT name FROM principals WHERE until < :before ORDER BY until LIMIT 100 FOR UPDATE SKIP LOCKED)
            """;

    private static final String EPOCH = """
            SELECT value FROM principal_epoch WHERE one
            """;

    private static final String RAISE_EPOCH = """
            UPDATE principal_epoch SET value = value + 1 WHERE one
            """;

    private final Database database;
    private final Clock clock;
    private final Kept<Epoch> epoch;

    public PostgresPrincipals(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        this.epoch = new Kept<>(this::readEpoch, EPOCH_AGE, RECALL_MAX, clock);
    }

    /// What was read after the number was, so that it is at least as new.
    private record Epoch(long number, Cache<String, Optional<Stored>> recalled) {}

    /// The epoch that was read last, so that what is known under the same number is not read again.
    private volatile Optional<Epoch> last = Optional.empty();

    private Epoch readEpoch() {
        long number = database.read(
                handle -> handle.createQuery(EPOCH).mapTo(Long.class).one());
        Epoch read = last.filter(known -> known.number() == number)
                .orElseGet(() -> new Epoch(
                        number, Caffeine.newBuilder().maximumSize(RECALLED_MAX).build()));
        last = Optional.of(read);
        return read;
    }

    @Override
    public Optional<Stored> recall(String name) {
        Epoch now = epoch.get();
        Optional<Stored> known = now.recalled().getIfPresent(name);
        // Those of outside may have come back, which does not raise the number.
        if (known != null
                && known.flatMap(Stored::until).map(clock.instant()::isBefore).orElse(true)) {
            return known;
        }
        Optional<Stored> found = find(name);
        now.recalled().put(name, found);
        return found;
    }

    @Override
    public boolean add(Principal principal, byte[] secretHash) {
        return changed(Boolean::booleanValue, handle -> {
            Optional<Long> id = handle.createQuery(ADD)
                    .bind("name", principal.name())
                    .bind("kind", principal.kind().name().toLowerCase(Locale.ROOT))
                    .bindArray("groups", String.class, principal.groups())
                    .mapTo(Long.class)
                    .findOne();
            id.ifPresent(added -> addSecret(handle, added, secretHash, Optional.empty()));
            return id.isPresent();
        });
    }

    private static Secret addSecret(Handle handle, long principal, byte[] hash, Optional<Instant> expiresAt) {
        return handle.createQuery(ADD_SECRET)
                .bind("principal", principal)
                .bind("hash", hash)
                .bind("expires_at", expiresAt.map(PostgresPrincipals::time))
                .map((row, _) -> secret(row))
                .one();
    }

    @Override
    public Optional<Stored> find(String name) {
        return database.read(handle -> find(handle, name));
    }

    private static Optional<Stored> find(Handle handle, String name) {
        List<Stored> rows = handle.createQuery(FIND)
                .bind("name", name)
                .map((row, _) -> new Stored(
                        row.getLong("id"),
                        principal(row),
                        row.getString("secret_id") == null ? List.of() : List.of(secret(row)),
                        instant(row, "until")))
                .list();
        return rows.stream()
                .findFirst()
                .map(first -> new Stored(
                        first.id(),
                        first.principal(),
                        rows.stream().flatMap(row -> row.secrets().stream()).toList(),
                        first.until()));
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
    public boolean anyNamed(String prefix) {
        return database.read(handle -> handle.createQuery(ANY_NAMED)
                .bind("prefix", prefix)
                .mapTo(String.class)
                .findOne()
                .isPresent());
    }

    @Override
    public Optional<Secret> addSecret(
            String name, byte[] secretHash, Optional<Instant> expiresAt, Optional<Instant> othersUntil) {
        Instant now = clock.instant();
        return changed(
                Optional::isPresent,
                handle -> handle.createQuery(LOCK)
                        .bind("name", name)
                        .mapTo(Long.class)
                        .findOne()
                        .map(principal -> {
                            if (othersUntil.isPresent()) {
                                handle.createUpdate(END_SECRETS)
                                        .bind("principal", principal)
                                        .bind("until", time(othersUntil.get()))
                                        .execute();
                                handle.createUpdate(REMOVE_OLD_SECRETS)
                                        .bind("principal", principal)
                                        .bind("over", time(now.minus(Logins.SESSION_MAX)))
                                        .bind("now", time(now))
                                        .bind("kept", EXPIRED_MAX)
                                        .execute();
                            } else {
                                handle.createUpdate(REMOVE_SECRETS)
                                        .bind("principal", principal)
                                        .execute();
                            }
                            int there = handle.createQuery(COUNT_SECRETS)
                                    .bind("principal", principal)
                                    .bind("now", time(now))
                                    .mapTo(Integer.class)
                                    .one();
                            if (there >= SECRETS_MAX) {
                                throw new Refusal.Invalid(
                                        "`%s` has %d secrets already: revoke one of them".formatted(name, there));
                            }
                            return addSecret(handle, principal, secretHash, expiresAt);
                        }));
    }

    @Override
    public boolean removeSecret(String name, String id) {
        return changed(
                Boolean::booleanValue,
                handle -> handle.createUpdate(REMOVE_SECRET)
                                .bind("name", name)
                                .bind("id", id)
                                .execute()
                        == 1);
    }

    @Override
    public boolean replaceGroups(String name, List<String> groups) {
        return changed(
                Boolean::booleanValue,
                handle -> handle.createUpdate(REPLACE_GROUPS)
                                .bind("name", name)
                                .bindArray("groups", String.class, groups)
                                .execute()
                        == 1);
    }

    @Override
    public boolean remove(String name) {
        return changed(Boolean::booleanValue, handle -> {
            if (handle.createUpdate(REMOVE).bind("name", name).execute() == 0) {
                return false;
            }
            handle.createQuery(LOCK_OWNED).bind("name", name).mapTo(Long.class).list();
            List<String> orphaned = handle.createQuery(ORPHANED)
                    .bind("name", name)
                    .mapTo(String.class)
                    .list();
            if (!orphaned.isEmpty()) {
                throw Principals.lastOwner(name, orphaned);
            }
            handle.createUpdate(REMOVE_GRANTS).bind("name", name).execute();
            return true;
        });
    }

    @Override
    public Optional<Stored> remember(Principal external, String issuer, Instant until) {
        Remembered remembered = database.write(result -> result.stored().isPresent(), handle -> {
            handle.createUpdate(FORGET)
                    .bind("before", time(clock.instant().minus(FORGOTTEN_AFTER)))
                    .execute();
            boolean same = handle.createQuery(GROUPS)
                    .bind("name", external.name())
                    .map((row, _) -> groups(row))
                    .findOne()
                    .equals(Optional.of(external.groups()));
            int written = handle.createUpdate(REMEMBER)
                    .bind("name", external.name())
                    .bindArray("groups", String.class, external.groups())
                    .bind("issuer", issuer)
                    .bind("until", time(until))
                    .execute();
            if (written == 0) {
                return new Remembered(Optional.empty(), false);
            }
            if (!same) {
                handle.createUpdate(RAISE_EPOCH).execute();
            }
            return new Remembered(find(handle, external.name()), !same);
        });
        if (remembered.isNew()) {
            epoch.forget();
        }
        return remembered.stored();
    }

    private record Remembered(Optional<Stored> stored, boolean isNew) {}

    /// Runs a transaction that changes principals if its result is `done`. Also after a lost answer nothing old is kept
    /// here.
    private <T> T changed(Predicate<T> done, Function<Handle, T> work) {
        try {
            return database.write(done, handle -> {
                T result = work.apply(handle);
                if (done.test(result)) {
                    handle.createUpdate(RAISE_EPOCH).execute();
                }
                return result;
            });
        } finally {
            epoch.forget();
        }
    }

    private static Principal principal(ResultSet row) throws SQLException {
        return new Principal(
                row.getString("name"),
                Principal.Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)),
                groups(row));
    }

    private static Set<String> groups(ResultSet row) throws SQLException {
        return Set.of((String[]) row.getArray("groups").getArray());
    }

    private static Secret secret(ResultSet row) throws SQLException {
        return new Secret(
                row.getString("secret_id"),
                row.getBytes("hash"),
                instant(row, "created_at").orElseThrow(),
                instant(row, "expires_at"));
    }

    private static Optional<Instant> instant(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getObject(column, OffsetDateTime.class)).map(OffsetDateTime::toInstant);
    }

    private static OffsetDateTime time(Instant at) {
        return at.atOffset(ZoneOffset.UTC);
    }
}
