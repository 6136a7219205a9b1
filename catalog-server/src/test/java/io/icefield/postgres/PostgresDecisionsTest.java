package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.audit.Chain;
import io.icefield.audit.Decision;
import io.icefield.audit.DecisionStore;
import io.icefield.audit.DecisionStoreContract;
import io.icefield.audit.Verified;
import io.icefield.audit.Verified.Break;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The log in PostgreSQL, and those who lay hands on it.
final class PostgresDecisionsTest extends DecisionStoreContract {
    private final Database.Settings settings = TestDatabase.fresh();
    private final Database database = Database.open(settings);
    private final PostgresDecisions store = new PostgresDecisions(database);

    @AfterEach
    void close() {
        database.close();
    }

    @Override
    protected DecisionStore store() {
        return store;
    }

    private void sql(String... statements) {
        try (Connection connection = DriverManager.getConnection(settings.url(), settings.user(), settings.password());
                Statement statement = connection.createStatement()) {
            for (String each : statements) {
                statement.execute(each);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    /// As a superuser does it who knows what stands in the way.
    private void tamper(String statement) {
        sql("SET session_replication_role = replica", statement);
    }

    private void fill(int count) {
        store.append(IntStream.rangeClosed(1, count)
                .mapToObj(i -> decision("ann", "sales", "t" + i))
                .toList());
    }

    private Verified verified() {
        return Verified.now(store, Optional.empty());
    }

    @Test
    void nobodyChangesOrTakesAwayARow() {
        fill(3);
        for (String each : List.of(
                "UPDATE decisions SET who = 'eve' WHERE id = 2",
                "DELETE FROM decisions WHERE id = 2",
                "DELETE FROM decisions",
                "TRUNCATE decisions",
                "DELETE FROM decision_chain",
                "TRUNCATE decision_chain",
                "UPDATE decision_chain SET head_id = 2",
                "UPDATE decision_chain SET head_hash = cut_hash",
                "UPDATE decision_chain SET cut_hash = head_hash")) {
            assertThatThrownBy(() -> sql(each)).as(each).hasMessageContaining("append-only");
        }
        assertThat(verified().breaks()).isEmpty();
        assertThat(verified().verified()).isEqualTo(3);
    }

    @Test
    void whatASuperuserAltersIsFound() {
        fill(5);
        tamper("UPDATE decisions SET who = 'eve' WHERE id = 3");
        assertThat(verified().breaks()).containsExactly(new Break(3, "it was altered, or the one before it was"));
    }

    @Test
    void everyColumnCounts() {
        fill(1);
        for (String each : List.of(
                "at = at + interval '1 microsecond'",
                "until = at",
                "count = 8",
                "engine = ''",
                "action = 'x'",
                "right_asked = 'x'",
                "domain = 'x'",
                "thing = 'x'",
                "detail = 'x'",
                "outcome = 'denied'",
                "outcome = 'x'",
                "reason = reason || ' '",
                "rules = '{}'",
                "rules = '{deny:naming/a,warn:b,\"\"}'",
                "grounds = 'x'",
                "hidden = false",
                "absent = true",
                "policies = 'x'",
                "request = 'x'",
                "query = 'x'",
                "replica = 'x'")) {
            tamper("CREATE TABLE IF NOT EXISTS before AS SELECT * FROM decisions");
            tamper("UPDATE decisions SET " + each);
            assertThat(verified().breaks()).as(each).hasSize(1);
            tamper("DELETE FROM decisions");
            tamper("INSERT INTO decisions SELECT * FROM before");
            assertThat(verified().breaks()).isEmpty();
        }
    }

    @Test
    void aRowThatIsHashedAnewBreaksTheNextOne() {
        fill(4);
        List<DecisionStore.Entry> entries = store.after(0, 10);
        Decision forged = decision("eve", "sales", "t2");
        String hash = Chain.next(entries.getFirst().link(), forged).hash();
        tamper("UPDATE decisions SET who = 'eve', hash = decode('" + hash + "', 'hex') WHERE id = 2");
        assertThat(verified().breaks()).containsExactly(new Break(3, "it was altered, or the one before it was"));
    }

    @Test
    void whatIsTakenOutIsMissed() {
        fill(9);
        tamper("DELETE FROM decisions WHERE id IN (2, 5, 6)");
        assertThat(verified().breaks())
                .containsExactly(new Break(2, "it is missing"), new Break(5, "decisions from here to 6 are missing"));
    }

    @Test
    void anEndThatIsCutOffIsMissed() {
        fill(9);
        tamper("DELETE FROM decisions WHERE id > 7");
        assertThat(verified().breaks()).containsExactly(new Break(8, "decisions from here to 9 are missing"));
        tamper("DELETE FROM decisions");
        assertThat(verified().breaks()).containsExactly(new Break(1, "decisions from here to 9 are missing"));
    }

    @Test
    void aBeginningThatIsCutOffByHandIsMissed() {
        fill(9);
        assertThat(store.cut(NOON.plusSeconds(60), 3, 100)).isEqualTo(3);
        assertThat(verified().breaks()).isEmpty();
        tamper("DELETE FROM decisions WHERE id = 4");
        assertThat(verified().breaks()).containsExactly(new Break(4, "it is missing"));
    }

    @Test
    void whatIsAddedPastTheHeadIsFound() {
        fill(2);
        tamper(
                "INSERT INTO decisions SELECT 3, at, until, count, who, engine, action, right_asked, domain, thing, detail,"
                        + " outcome, reason, rules, grounds, hidden, absent, policies, request, query, replica, hash"
                        + " FROM decisions WHERE id = 2");
        assertThat(verified().breaks()).isNotEmpty();
    }
}
