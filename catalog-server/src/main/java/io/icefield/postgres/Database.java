package io.icefield.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.icefield.access.Refusal;
import io.icefield.access.SealingKeySource;
import io.icefield.table.Once;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The PostgreSQL database: its connections, its schema, and what its failures mean. No answer of it is taken for more
/// than it says: a transaction whose COMMIT was not sent has not happened, one whose COMMIT was not answered may have.
public final class Database implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);

    /// How long we look for the outcome of a COMMIT that was not answered: long enough for a restart of the database.
    private static final Duration REREAD = Duration.ofSeconds(10);

    private static final Duration REREAD_PAUSE = Duration.ofMillis(50);

    /// Answers are durable even where the database's default is otherwise. A statement is planned once and by
    /// indexes, also while its tables are small: the plan is kept, and they will not stay small.
    private static final String SESSION = """
            SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') = 'off';
            SET plan_cache_mode = force_generic_plan;
            SET enable_seqscan = off;
            SET lock_timeout = '10s';
            SET statement_timeout = '30s';
            SET idle_in_transaction_session_timeout = '60s'
            """;

    private static final Logger LOG = LoggerFactory.getLogger(Database.class);

    /// Deadlock and serialization failure.
    private static final Set<String> ROLLED_BACK = Set.of("40001", "40P01");

    /// A lock or a transaction that took too long; a server that is, after a failover, read-only.
    private static final Set<String> NO_SERVICE = Set.of("55P03", "25P03", "25P04", "25006");

    /// PostgreSQL has no NUL in texts, and numbers have an end.
    private static final Set<String> UNSTORABLE = Set.of("22021", "22P05", "22003");

    private final HikariDataSource pool;
    private final Jdbi jdbi;
    private final Sealer sealer;
    private final DomainRows domainRows;
    private final Once once;

    /// How to reach it.
    ///
    /// @param url `jdbc:postgresql://…`
    /// @param poolSize connections at most
    /// @param keys of the secrets that are stored
    public record Settings(String url, String user, String password, int poolSize, SealingKeySource keys) {
        @Override
        public String toString() {
            return "Settings[%s, pool of %d]".formatted(user, poolSize);
        }
    }

    private Database(HikariDataSource pool, Sealer sealer) {
        this.pool = pool;
        this.jdbi = Jdbi.create(pool);
        this.jdbi.registerArrayType(String.class, "text");
        this.sealer = sealer;
        this.domainRows = new DomainRows(sealer);
        this.once = Once.UNTOLD;
    }

    private Database(Database same, Once once) {
        this.pool = same.pool;
        this.jdbi = same.jdbi;
        this.sealer = same.sealer;
        this.domainRows = same.domainRows;
        this.once = once;
    }

    /// The same database. Whatever transaction changes something here records these requests, and throws
    /// `Refusal.Repeated` instead if one of them is recorded already.
    Database recording(Once requests) {
        return new Database(this, requests);
    }

    /// Connects and brings the schema up to date. Throws `IllegalStateException`, for the operator, when that fails.
    public static Database open(Settings settings) {
        Sealer sealer = new Sealer(settings.keys());
        HikariConfig config = new HikariConfig();
        config.setPoolName("icefield");
        config.setJdbcUrl(settings.url());
        config.setUsername(settings.user());
        config.setPassword(settings.password());
        config.setMaximumPoolSize(settings.poolSize());
        config.setConnectionTimeout(CONNECT.toMillis());
        config.setInitializationFailTimeout(-1);
        config.setConnectionInitSql(SESSION);
        config.addDataSourceProperty("ApplicationName", "icefield");
        config.addDataSourceProperty("connectTimeout", "5");
        config.addDataSourceProperty("socketTimeout", "60");
        config.addDataSourceProperty("tcpKeepAlive", "true");
        HikariDataSource pool = new HikariDataSource(config);
        try {
            pool.getConnection().close();
            Flyway.configure()
                    .dataSource(pool)
                    .locations("classpath:db/migration")
                    .load()
                    .migrate();
            return new Database(pool, sealer);
        } catch (SQLException | FlywayException e) {
            pool.close();
            throw new IllegalStateException("cannot open the catalog's database: " + e.getMessage(), e);
        }
    }

    /// Does it answer?
    public boolean ready() {
        try (Connection connection = pool.getConnection()) {
            return connection.isValid(2);
        } catch (SQLException _) {
            return false;
        }
    }

    @Override
    public void close() {
        pool.close();
    }

    Sealer sealer() {
        return sealer;
    }

    DomainRows domainRows() {
        return domainRows;
    }

    /// Runs one statement that changes nothing.
    <T> T read(Function<Handle, T> query) {
        try (Handle handle = jdbiOpen()) {
            return query.apply(handle);
        } catch (JdbiException e) {
            throw translated(e);
        }
    }

    /// The same without Jdbi, where every microsecond counts.
    <T> T readPlainly(Reading<T> query) {
        try (Connection connection = pool.getConnection()) {
            return query.in(connection);
        } catch (SQLException e) {
            throw translated(e);
        }
    }

    /// Reads with a connection.
    interface Reading<T> {
        T in(Connection connection) throws SQLException;
    }

    /// Runs a transaction that always changes something. Throws `Conflict` after a deadlock or serialization failure,
    /// `Unavailable` when the database
    /// was lost before the COMMIT was sent (nothing was done), `OutcomeUnknown` when it was lost after that.
    <T> T write(Function<Handle, T> work) {
        return write(_ -> true, work);
    }

    /// The same for one that has changed nothing if its result is not `done`.
    <T> T write(Predicate<T> done, Function<Handle, T> work) {
        try {
            return transaction(done, recorded(work));
        } catch (CommitLost _) {
            throw unknown();
        }
    }

    /// First of all: who comes second waits before it holds anything.
    private <T> Function<Handle, T> recorded(Function<Handle, T> work) {
        return handle -> {
            PostgresRequestKeys.record(handle, once);
            return work.apply(handle);
        };
    }

    /// The same, but when the COMMIT was not answered, `reread` finds out on another connection what became of it. It
    /// takes a lock of the lost transaction first, so that this has ended one way or the other; what it returns
    /// is asked once it is through. It throws `OutcomeUnknown` itself when it cannot tell.
    <T> T write(Predicate<T> done, Function<Handle, T> work, Function<Handle, Supplier<T>> reread) {
        try {
            return transaction(done, recorded(work));
        } catch (CommitLost _) {
            return settled(reread).get();
        }
    }

    private <T> T transaction(Predicate<T> done, Function<Handle, T> work) {
        Handle handle = jdbiOpen();
        try {
            handle.getConnection().setAutoCommit(false);
            T result = work.apply(handle);
            if (done.test(result)) {
                commit(handle.getConnection());
            }
            return result;
        } catch (JdbiException | SQLException e) {
            throw translated(e);
        } finally {
            release(handle);
        }
    }

    private Handle jdbiOpen() {
        try {
            return jdbi.open();
        } catch (JdbiException e) {
            throw translated(e);
        }
    }

    /// Only where the server said that it rolled back, it did.
    private static void commit(Connection connection) {
        try {
            connection.commit();
        } catch (SQLException e) {
            String state = String.valueOf(e.getSQLState());
            if (ROLLED_BACK.contains(state) || state.startsWith("23")) {
                throw translated(e);
            }
            LOG.warn("a COMMIT was not answered: {} {}", state, e.getMessage());
            throw new CommitLost();
        }
    }

    /// What fails here changes no answer: the transaction is over, and the pool drops a broken connection.
    private static void release(Handle handle) {
        try (Connection connection = handle.getConnection();
                handle) {
            connection.rollback();
            connection.setAutoCommit(true);
        } catch (SQLException | JdbiException e) {
            LOG.debug("a connection broke when it was given back: {}", e.getMessage());
        }
    }

    private <T> Supplier<T> settled(Function<Handle, Supplier<T>> reread) {
        long deadline = System.nanoTime() + REREAD.toNanos();
        while (System.nanoTime() - deadline < 0) {
            try {
                return transaction(_ -> true, reread);
            } catch (Refusal.Unavailable | Refusal.Conflict | CommitLost e) {
                LockSupport.parkNanos(REREAD_PAUSE.toNanos());
            }
        }
        throw unknown();
    }

    static Refusal.OutcomeUnknown unknown() {
        return new Refusal.OutcomeUnknown(
                "the connection to the catalog's database was lost while it committed: the change may have happened or"
                        + " not; look before you try again, and delete nothing");
    }

    private static RuntimeException translated(Exception thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException e) {
                return meaning(e).orElseGet(() -> new IllegalStateException(thrown));
            }
        }
        return new IllegalStateException(thrown);
    }

    /// Empty: our bug.
    private static Optional<RuntimeException> meaning(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        if (ROLLED_BACK.contains(state)) {
            return Optional.of(
                    new Refusal.Conflict("another change was made at the same time; nothing was changed: try again"));
        }
        if (state.equals("23505")) {
            return Optional.of(new Taken(constraint(e)));
        }
        if (state.equals("23503") || state.equals("23001")) {
            return Optional.of(new Referenced());
        }
        if (UNSTORABLE.contains(state)) {
            return Optional.of(
                    new Refusal.Invalid("a text has a character that cannot be kept, NUL, or a number is too large"));
        }
        if (e instanceof SQLTransientConnectionException
                || NO_SERVICE.contains(state)
                || state.startsWith("08")
                || state.startsWith("53")
                || state.startsWith("57")) {
            LOG.warn("the database gave no service: {} {}", state, e.getMessage());
            return Optional.of(
                    new Refusal.Unavailable("the catalog's database does not answer; nothing was done: try again"));
        }
        return Optional.empty();
    }

    private static String constraint(SQLException e) {
        ServerErrorMessage message = e instanceof PSQLException answer ? answer.getServerErrorMessage() : null;
        String name = message == null ? null : message.getConstraint();
        return name == null ? "" : name;
    }

    /// A unique key is taken by another row.
    static final class Taken extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final String constraint;

        private Taken(String constraint) {
            super("taken: " + constraint);
            this.constraint = constraint;
        }

        String constraint() {
            return constraint;
        }
    }

    /// A row is referred to by others, or refers to one that is gone.
    static final class Referenced extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Referenced() {
            super("referenced");
        }
    }

    /// COMMIT was sent and not answered.
    private static final class CommitLost extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private CommitLost() {
            super("commit lost");
        }
    }
}
