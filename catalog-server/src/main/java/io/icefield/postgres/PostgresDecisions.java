package io.icefield.postgres;

import io.icefield.access.Refusal;
import io.icefield.audit.Chain;
import io.icefield.audit.Chain.Link;
import io.icefield.audit.Decision;
import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Outcome;
import io.icefield.audit.Decision.Ruling;
import io.icefield.audit.DecisionStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/// The log of decisions in PostgreSQL: one chain for all servers.
public final class PostgresDecisions implements DecisionStore {
    /// The servers take turns.
    private static final String LOCK_HEAD = """
            SELECT head_id, head_hash FROM decision_chain FOR UPDATE
            """;

    private static final String ADD = """
            INSERT INTO decisions (id, at, until, count, who, engine, action, right_asked, domain, thing, detail, outcome,
                reason, rules, grounds, hidden, absent, policies, request, query, replica, hash)
            VALUES (:id, :at, :until, :count, :who, :engine, :action, :right, :domain, :thing, :detail, :outcome,
                :reason, :rules, :grounds, :hidden, :absent, :policies, :request, :query, :replica, :hash)
            """;

    private static final String MOVE_HEAD = """
            UPDATE decision_chain SET head_id = :id, head_hash = :hash
            """;

    private static final String IS_THERE = """
            SELECT EXISTS (SELECT FROM decisions WHERE id = :id AND hash = :hash)
            """;

    private static final String COLUMNS = """
            SELECT id, at, until, count, who, engine, action, right_asked, domain, thing, detail, outcome, reason, rules,
                grounds, hidden, absent, policies, request, query, replica, hash
            FROM decisions
            """;

    private static final String AFTER = COLUMNS + """
            WHERE id > :id
            ORDER BY id
            LIMIT :limit
            """;

    /// What is looked for whichever index leads.
    private static final String WANTED = """
            AND id < :before
            AND (:all OR who = :viewer OR domain = ANY(:domains))
            AND (:who = '' OR who = :who)
            AND (:domain = '' OR domain = :domain)
            AND (:thing = '' OR thing = :thing)
            AND (:outcome = '' OR outcome = :outcome)
            AND (:request = '' OR request = :request)
            AND (:query = '' OR query = :query)
            AND (:since::timestamptz IS NULL OR until >= :since::timestamptz)
            AND (:until::timestamptz IS NULL OR at < :until::timestamptz)
            ORDER BY id DESC
            LIMIT :limit
            """;

    private static final String OF_REQUEST = COLUMNS + "WHERE request = :request AND request <> '' " + WANTED;
    private static final String OF_QUERY = COLUMNS + "WHERE query = :query AND query <> '' " + WANTED;
    private static final String OF_WHO = COLUMNS + "WHERE who = :who " + WANTED;
    private static final String OF_DOMAIN = COLUMNS + "WHERE domain = :domain AND domain <> '' " + WANTED;
    private static final String OF_VIEWER = COLUMNS + "WHERE who = :viewer " + WANTED;
    private static final String OF_ALL = COLUMNS + "WHERE true " + WANTED;

    private static final String ENDS = """
            SELECT cut_id, cut_hash, head_id, head_hash FROM decision_chain
            """;

    private static final String CUT = """
            SELECT cut_decisions(:before, :last, :limit)
            """;

    private final Database database;

    // Guarded by this: what may have been added by a transaction whose outcome is not known.
    private Optional<Link> unsure = Optional.empty();

    /// How many of the next ones it would have added.
    private int unsureCount;

    public PostgresDecisions(Database database) {
        this.database = database;
    }

    @Override
    public synchronized void append(List<Decision> decisions) {
        Attempt attempt = new Attempt();
        try {
            Link _ = database.write(_ -> true, handle -> append(handle, decisions, attempt), handle -> {
                Link _ = head(handle); // the lost transaction is over
                boolean there = isThere(handle, attempt.reached);
                return () -> {
                    if (!there) {
                        throw new Refusal.Unavailable("the decisions were not added: try again");
                    }
                    return attempt.reached;
                };
            });
            unsure = Optional.empty();
        } catch (Refusal.OutcomeUnknown e) {
            unsure = Optional.of(attempt.reached);
            unsureCount = attempt.count;
            throw e;
        }
    }

    /// Where the log would end.
    private static final class Attempt {
        private Link reached = Chain.START;

        /// Of the decisions, how many are there then.
        private int count;
    }

    private Link append(Handle handle, List<Decision> decisions, Attempt attempt) {
        Link last = head(handle);
        List<Decision> missing = decisions;
        if (unsure.isPresent() && isThere(handle, unsure.get())) {
            attempt.reached = unsure.get();
            attempt.count = unsureCount;
            missing = decisions.subList(unsureCount, decisions.size());
            if (missing.isEmpty()) {
                return unsure.get();
            }
        }
        PreparedBatch batch = handle.prepareBatch(ADD);
        for (Decision decision : missing) {
            last = Chain.next(last, decision);
            bound(batch, last, decision).add();
        }
        int[] _ = batch.execute();
        attempt.reached = last;
        attempt.count = decisions.size();
        int _ = handle.createUpdate(MOVE_HEAD)
                .bind("id", last.id())
                .bind("hash", bytes(last.hash()))
                .execute();
        return last;
    }

    private static Link head(Handle handle) {
        return handle.createQuery(LOCK_HEAD)
                .map((row, _) -> link(row, "head_id", "head_hash"))
                .one();
    }

    private static boolean isThere(Handle handle, Link link) {
        return handle.createQuery(IS_THERE)
                .bind("id", link.id())
                .bind("hash", bytes(link.hash()))
                .mapTo(Boolean.class)
                .one();
    }

    private static PreparedBatch bound(PreparedBatch batch, Link link, Decision decision) {
        Asked asked = decision.asked();
        Ruling ruling = decision.ruling();
        return batch.bind("id", link.id())
                .bind("at", time(decision.at()))
                .bind("until", time(decision.until()))
                .bind("count", decision.count())
                .bind("who", asked.who())
                .bind("engine", asked.engine())
                .bind("action", asked.action())
                .bind("right", asked.right())
                .bind("domain", asked.domain())
                .bind("thing", asked.thing())
                .bind("detail", asked.detail())
                .bind("outcome", ruling.outcome().name().toLowerCase(Locale.ROOT))
                .bind("reason", ruling.reason())
                .bindArray("rules", String.class, ruling.rules())
                .bind("grounds", ruling.grounds())
                .bind("hidden", ruling.hidden())
                .bind("absent", ruling.absent())
                .bind("policies", ruling.policies())
                .bind("request", asked.request())
                .bind("query", asked.query())
                .bind("replica", decision.replica())
                .bind("hash", bytes(link.hash()));
    }

    @Override
    public List<Entry> list(Viewer viewer, Filter filter, long before, int limit) {
        return database.read(handle -> handle.createQuery(leading(viewer, filter))
                .bind("before", before)
                .bind("all", viewer.all())
                .bind("viewer", viewer.name())
                .bindArray("domains", String.class, viewer.domains())
                .bind("who", filter.who())
                .bind("domain", filter.domain())
                .bind("thing", filter.thing())
                .bind(
                        "outcome",
                        filter.outcome()
                                .map(each -> each.name().toLowerCase(Locale.ROOT))
                                .orElse(""))
                .bind("request", filter.request())
                .bind("query", filter.query())
                .bind("since", filter.since().map(PostgresDecisions::time))
                .bind("until", filter.until().map(PostgresDecisions::time))
                .bind("limit", limit)
                .map((row, _) -> entry(row))
                .list());
    }

    /// The narrowest of what is looked for.
    private static String leading(Viewer viewer, Filter filter) {
        if (!filter.request().isEmpty()) {
            return OF_REQUEST;
        }
        if (!filter.query().isEmpty()) {
            return OF_QUERY;
        }
        if (!filter.who().isEmpty()) {
            return OF_WHO;
        }
        if (!filter.domain().isEmpty()) {
            return OF_DOMAIN;
        }
        return viewer.all() || !viewer.domains().isEmpty() ? OF_ALL : OF_VIEWER;
    }

    @Override
    public List<Entry> after(long id, int limit) {
        return database.read(handle -> handle.createQuery(AFTER)
                .bind("id", id)
                .bind("limit", limit)
                .map((row, _) -> entry(row))
                .list());
    }

    @Override
    public Ends ends() {
        return database.read(handle -> handle.createQuery(ENDS)
                .map((row, _) -> new Ends(link(row, "cut_id", "cut_hash"), link(row, "head_id", "head_hash")))
                .one());
    }

    @Override
    public int cut(Instant before, long last, int limit) {
        return database.write(
                count -> count > 0,
                handle -> handle.createQuery(CUT)
                        .bind("before", time(before))
                        .bind("last", last)
                        .bind("limit", limit)
                        .mapTo(Integer.class)
                        .one());
    }

    private static Entry entry(ResultSet row) throws SQLException {
        return new Entry(
                link(row, "id", "hash"),
                new Decision(
                        time(row, "at"),
                        time(row, "until"),
                        row.getLong("count"),
                        new Asked(
                                row.getString("who"),
                                row.getString("engine"),
                                row.getString("action"),
                                row.getString("right_asked"),
                                row.getString("domain"),
                                row.getString("thing"),
                                row.getString("detail"),
                                row.getString("request"),
                                row.getString("query")),
                        new Ruling(
                                outcome(row.getString("outcome")),
                                row.getString("reason"),
                                List.of((String[]) row.getArray("rules").getArray()),
                                row.getString("grounds"),
                                row.getBoolean("hidden"),
                                row.getBoolean("absent"),
                                row.getString("policies")),
                        row.getString("replica")));
    }

    /// Whatever an altered row says: that it was altered is for the chain to tell.
    private static Outcome outcome(String text) {
        return Stream.of(Outcome.values())
                .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(text))
                .findFirst()
                .orElse(Outcome.FAILED);
    }

    private static Link link(ResultSet row, String id, String hash) throws SQLException {
        return new Link(row.getLong(id), HexFormat.of().formatHex(row.getBytes(hash)));
    }

    private static byte[] bytes(String hash) {
        return HexFormat.of().parseHex(hash);
    }

    private static OffsetDateTime time(Instant at) {
        return at.atOffset(ZoneOffset.UTC);
    }

    private static Instant time(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }
}
