package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Sight;
import io.icefield.domain.AccessRequest;
import io.icefield.domain.AccessRequest.Decision;
import io.icefield.domain.AccessRequest.State;
import io.icefield.domain.AccessRequestStore;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/// Requests for access in PostgreSQL.
public final class PostgresAccessRequests implements AccessRequestStore {
    private static final String LOCK_REQUESTER = """
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.access_requests', hashtext(:requester)))
            """;

    private static final String COLUMNS = """
            SELECT r.id, r.requester, r.scope, r.role, r.reason, r.until, r.requested_at, r.state, r.decided_by,
                r.decided_at, r.decision, r.expires_at
            FROM access_requests r
            """;

    private static final String OPEN = COLUMNS + """
            WHERE r.requester = :requester AND r.state = 'open'
            """;

    private static final String ADD = """
            INSERT INTO access_requests (requester, scope, around, role, reason, until, requested_at)
            VALUES (:requester, :scope, :around, :role, :reason, :until::timestamptz, :at)
            RETURNING id
            """;

    private static final String SEEN = """
            SELECT r.id, r.requester, r.scope, r.role, r.reason, r.until, r.requested_at, r.state, r.decided_by,
                r.decided_at, r.decision, r.expires_at,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope = ANY(r.around) AND g.expires_at > now()) AS roles,
                false AS below
            FROM access_requests r
            """;

    private static final String FIND = SEEN + """
            WHERE r.id = :id
            """;

    private static final String LIST = SEEN + """
            WHERE r.id < :before
            AND (:state::text IS NULL OR r.state = :state)
            AND (:domain::text IS NULL OR r.around @> ARRAY[:domain::text])
            AND (:requester::text IS NULL OR r.requester = :requester)
            ORDER BY r.id DESC
            LIMIT :limit
            """;

    private static final String END = """
            UPDATE access_requests
            SET state = :state, decided_by = :by, decided_at = :at, decision = :decision,
                expires_at = :expires_at::timestamptz
            WHERE id = :id AND state = 'open'
            """;

    private static final String FORGET = """
            DELETE FROM access_requests
            WHERE state <> 'open' AND decided_at < now() - :seconds * interval '1 second'
            """;

    private final Database database;

    public PostgresAccessRequests(Database database) {
        this.database = database;
    }

    @Override
    public Asked add(Grant wanted, String reason, Optional<Instant> until, Instant at, int openMax) {
        return database.write(added -> added instanceof Asked.Done, handle -> {
            String requester = wanted.grantee().name();
            handle.createQuery(LOCK_REQUESTER)
                    .bind("requester", requester)
                    .mapToMap()
                    .one();
            List<AccessRequest> open = handle.createQuery(OPEN)
                    .bind("requester", requester)
                    .map((row, _) -> request(row))
                    .list();
            Optional<AccessRequest> same = open.stream()
                    .filter(request -> request.wanted().equals(wanted))
                    .findFirst();
            if (same.isPresent()) {
                return new Asked.Twice(same.get());
            }
            if (open.size() >= openMax) {
                return new Asked.TooMany();
            }
            long id = handle.createQuery(ADD)
                    .bind("requester", requester)
                    .bind("scope", Scope.of(wanted).text())
                    .bindArray("around", String.class, Scope.enclosing(wanted))
                    .bind("role", wanted.role().name().toLowerCase(Locale.ROOT))
                    .bind("reason", reason)
                    .bind("until", until.map(PostgresGrants::time))
                    .bind("at", PostgresGrants.time(at))
                    .mapTo(Long.class)
                    .one();
            return new Asked.Done(new AccessRequest(id, wanted, reason, until, at, Optional.empty()));
        });
    }

    @Override
    public Optional<Seen> find(Set<Grantee> who, long id) {
        return database.read(handle -> handle.createQuery(FIND)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bind("id", id)
                .map((row, _) -> seen(row))
                .findOne());
    }

    @Override
    public List<Seen> list(Set<Grantee> who, Selection wanted, long before, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bind("before", before)
                .bind("state", wanted.state().map(PostgresAccessRequests::word))
                .bind("domain", wanted.domain().map(DomainName::value))
                .bind("requester", wanted.requester())
                .bind("limit", limit)
                .map((row, _) -> seen(row))
                .list());
    }

    @Override
    public Optional<AccessRequest> end(AccessRequest open, Decision decision) {
        try {
            return database.write(Optional::isPresent, handle -> end(handle, open, decision));
        } catch (Database.Referenced _) {
            throw PostgresGrants.noDomain(open.wanted());
        }
    }

    private static Optional<AccessRequest> end(Handle handle, AccessRequest open, Decision decision) {
        int ended = handle.createUpdate(END)
                .bind("id", open.id())
                .bind("state", word(decision.state()))
                .bind("by", decision.by())
                .bind("at", PostgresGrants.time(decision.at()))
                .bind("decision", decision.reason())
                .bind("expires_at", decision.expiresAt().map(PostgresGrants::time))
                .execute();
        if (ended == 0) {
            return Optional.empty();
        }
        if (decision.state() == State.APPROVED) {
            PostgresGrants.giveLonger(
                    handle,
                    new Given(
                            open.wanted(),
                            decision.expiresAt(),
                            Optional.of(decision.by()),
                            Optional.of(decision.at()),
                            decision.reason()));
        }
        return Optional.of(new AccessRequest(
                open.id(), open.wanted(), open.reason(), open.until(), open.at(), Optional.of(decision)));
    }

    @Override
    public int forget(Duration endedFor) {
        return database.write(
                count -> count > 0,
                handle -> handle.createUpdate(FORGET)
                        .bind("seconds", endedFor.toSeconds())
                        .execute());
    }

    private static Seen seen(ResultSet row) throws SQLException {
        Sight sight = DomainRows.sight(row);
        return new Seen(request(row), sight);
    }

    private static AccessRequest request(ResultSet row) throws SQLException {
        State state = State.valueOf(row.getString("state").toUpperCase(Locale.ROOT));
        Optional<Decision> decision = state == State.OPEN
                ? Optional.empty()
                : Optional.of(new Decision(
                        state,
                        row.getString("decided_by"),
                        PostgresGrants.time(row, "decided_at").orElseThrow(),
                        Optional.ofNullable(row.getString("decision")),
                        PostgresGrants.time(row, "expires_at")));
        return new AccessRequest(
                row.getLong("id"),
                new Scope(row.getString("scope"))
                        .grant(
                                new Grantee(Grantee.Kind.PRINCIPAL, row.getString("requester")).toString(),
                                row.getString("role")),
                row.getString("reason"),
                PostgresGrants.time(row, "until"),
                PostgresGrants.time(row, "requested_at").orElseThrow(),
                decision);
    }

    private static String word(State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }
}
