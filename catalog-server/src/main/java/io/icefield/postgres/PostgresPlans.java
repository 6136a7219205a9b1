package io.icefield.postgres;

import io.icefield.table.PlanStore;
import io.icefield.table.Table;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/// Plans in PostgreSQL. All times are the database's.
public final class PostgresPlans implements PlanStore {
    private static final String FORGET = """
            DELETE FROM plans WHERE id IN (
                SELECT id FROM plans WHERE expires_at < now() ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
            """;

    private static final String ADD = """
            INSERT INTO plans (id, relation_id, principal, scan, state, runner, leased_until, expires_at)
            SELECT :plan, :table, :principal, :scan, 'submitted', :runner,
                now() + make_interval(secs => :lease), now() + make_interval(secs => :kept)
            WHERE (SELECT count(*) FROM plans
                WHERE principal = :principal AND state = 'submitted' AND expires_at > now()) < :running_max
            """;

    private static final String FIND = """
            SELECT id, relation_id, principal, scan, state, failure, message, pages,
                state = 'submitted' AND leased_until < now() AS abandoned
            FROM plans
            WHERE id = :plan AND expires_at > now()
            """;

    private static final String TAKE_OVER = """
            UPDATE plans SET runner = :runner, leased_until = now() + make_interval(secs => :lease),
                pages = 0, attempts = attempts + 1
            WHERE id = :plan AND state = 'submitted' AND leased_until < now() AND attempts < :attempts_max
            """;

    private static final String GIVE_UP = """
            UPDATE plans SET state = 'failed', failure = 'unsupported',
                message = 'planning was begun ' || attempts || ' times and never ended: filter more, or plan in the client'
            WHERE id = :plan AND state = 'submitted' AND leased_until < now() AND attempts >= :attempts_max
            """;

    private static final String FORGET_PAGES = """
            DELETE FROM plan_pages WHERE plan_id = :plan
            """;

    private static final String RENEW = """
            UPDATE plans SET leased_until = now() + make_interval(secs => :lease)
            WHERE id = :plan AND runner = :runner AND state = 'submitted'
            """;

    private static final String RELEASE = """
            UPDATE plans SET leased_until = '-infinity'
            WHERE id = :plan AND runner = :runner AND state = 'submitted'
            """;

    private static final String COUNT_PAGE = """
            UPDATE plans SET pages = pages + 1
            WHERE id = :plan AND runner = :runner AND state = 'submitted' AND pages = :page
            """;

    private static final String ADD_PAGE = """
            INSERT INTO plan_pages (plan_id, page, body) VALUES (:plan, :page, :body)
            """;

    private static final String COMPLETE = """
            UPDATE plans SET state = 'completed'
            WHERE id = :plan AND runner = :runner AND state = 'submitted'
            """;

    private static final String FAIL = """
            UPDATE plans SET state = 'failed', failure = :failure, message = :message
            WHERE id = :plan AND runner = :runner AND state = 'submitted'
            """;

    private static final String CANCEL = """
            UPDATE plans SET state = 'cancelled' WHERE id = :plan AND state IN ('submitted', 'completed')
            """;

    private static final String PAGE = """
            SELECT g.body FROM plans p JOIN plan_pages g ON g.plan_id = p.id
            WHERE p.id = :plan AND p.state = 'completed' AND p.expires_at > now() AND g.page = :page
            """;

    private final Database database;

    public PostgresPlans(Database database) {
        this.database = database;
    }

    @Override
    public boolean add(UUID plan, Table table, String principal, String scan, UUID runner, Limits limits) {
        return database.write(handle -> {
            handle.createUpdate(FORGET).execute();
            return handle.createUpdate(ADD)
                            .bind("plan", plan)
                            .bind("table", table.id())
                            .bind("principal", principal)
                            .bind("scan", scan)
                            .bind("runner", runner)
                            .bind("lease", seconds(limits.lease()))
                            .bind("kept", seconds(limits.kept()))
                            .bind("running_max", limits.runningMax())
                            .execute()
                    == 1;
        });
    }

    @Override
    public Optional<Plan> find(UUID plan) {
        return database.read(handle -> handle.createQuery(FIND)
                .bind("plan", plan)
                .map((row, _) -> plan(row))
                .findOne());
    }

    private static Plan plan(ResultSet row) throws SQLException {
        String failure = row.getString("failure");
        return new Plan(
                row.getObject("id", UUID.class),
                row.getLong("relation_id"),
                row.getString("principal"),
                row.getString("scan"),
                State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                row.getInt("pages"),
                failure == null
                        ? Optional.empty()
                        : Optional.of(new Failure(
                                Failure.Kind.valueOf(failure.toUpperCase(Locale.ROOT)), row.getString("message"))),
                row.getBoolean("abandoned"));
    }

    @Override
    public boolean takeOver(UUID plan, UUID runner, Duration lease, int attemptsMax) {
        return database.write(handle -> {
            handle.createUpdate(GIVE_UP)
                    .bind("plan", plan)
                    .bind("attempts_max", attemptsMax)
                    .execute();
            boolean taken = handle.createUpdate(TAKE_OVER)
                            .bind("plan", plan)
                            .bind("runner", runner)
                            .bind("lease", seconds(lease))
                            .bind("attempts_max", attemptsMax)
                            .execute()
                    == 1;
            if (taken) {
                handle.createUpdate(FORGET_PAGES).bind("plan", plan).execute();
            }
            return taken;
        });
    }

    @Override
    public boolean renew(UUID plan, UUID runner, Duration lease) {
        return database.write(handle -> handle.createUpdate(RENEW)
                        .bind("plan", plan)
                        .bind("runner", runner)
                        .bind("lease", seconds(lease))
                        .execute()
                == 1);
    }

    @Override
    public void release(UUID plan, UUID runner) {
        int _ = database.write(handle -> handle.createUpdate(RELEASE)
                .bind("plan", plan)
                .bind("runner", runner)
                .execute());
    }

    @Override
    public boolean addPage(UUID plan, UUID runner, int page, byte[] body) {
        byte[] packed = Gzip.pack(body);
        return database.write(handle -> {
            boolean mine = handle.createUpdate(COUNT_PAGE)
                            .bind("plan", plan)
                            .bind("runner", runner)
                            .bind("page", page)
                            .execute()
                    == 1;
            if (mine) {
                handle.createUpdate(ADD_PAGE)
                        .bind("plan", plan)
                        .bind("page", page)
                        .bind("body", packed)
                        .execute();
            }
            return mine;
        });
    }

    @Override
    public void complete(UUID plan, UUID runner) {
        int _ = database.write(handle -> handle.createUpdate(COMPLETE)
                .bind("plan", plan)
                .bind("runner", runner)
                .execute());
    }

    @Override
    public void fail(UUID plan, UUID runner, Failure failure) {
        int _ = database.write(handle -> handle.createUpdate(FAIL)
                .bind("plan", plan)
                .bind("runner", runner)
                .bind("failure", failure.kind().name().toLowerCase(Locale.ROOT))
                .bind("message", failure.message())
                .execute());
    }

    @Override
    public void cancel(UUID plan) {
        database.write(handle -> {
            int cancelled = handle.createUpdate(CANCEL).bind("plan", plan).execute();
            handle.createUpdate(FORGET_PAGES).bind("plan", plan).execute();
            return cancelled;
        });
    }

    @Override
    public Optional<byte[]> page(UUID plan, int page) {
        return database.read(handle -> handle.createQuery(PAGE)
                .bind("plan", plan)
                .bind("page", page)
                .map((row, _) -> Gzip.unpack(row.getBytes("body")))
                .findOne());
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1_000.0;
    }
}
