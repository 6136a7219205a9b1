package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Finds things by name, as their callers see them: one indexed query reads the thing and what the grants say, and
/// callers
/// that ask at the same time share it.
///
/// @param <N> a name
/// @param <S> a thing as one caller sees it
final class Lookup<N, S> {
    /// Queries at the same time. With two, each would have half the questions, and PostgreSQL twice the work.
    private static final int TURNS = 1;

    private final Database database;
    private final Query<N, S> query;
    private final Rounds<Question<N>, Optional<S>> rounds = new Rounds<>(this::answers, TURNS);

    Lookup(Database database, Query<N, S> query) {
        this.database = database;
        this.query = query;
    }

    /// What is asked of the database.
    interface Query<N, S> {
        /// The first column of its rows is the number of the question, from 1.
        String sql();

        void bind(PreparedStatement statement, List<Question<N>> questions) throws SQLException;

        S read(Connection connection, ResultSet row, N name) throws SQLException;
    }

    /// @param who empty: nothing was granted to nobody
    record Question<N>(N name, Set<Grantee> who) {
        private static final String BETWEEN = "\u001E";

        /// Elements of a list in one text. No name has what is between them.
        static String joined(List<String> elements) {
            return String.join(BETWEEN, elements);
        }

        String grantees() {
            return joined(PostgresDomains.names(who));
        }
    }

    Optional<S> find(Set<Grantee> who, N name) {
        return rounds.answer(new Question<>(name, who));
    }

    private List<Optional<S>> answers(List<Question<N>> questions) {
        return database.readPlainly(connection -> {
            List<Optional<S>> answers = new ArrayList<>(Collections.nCopies(questions.size(), Optional.empty()));
            try (PreparedStatement find = connection.prepareStatement(query.sql())) {
                query.bind(find, questions);
                try (ResultSet row = find.executeQuery()) {
                    while (row.next()) {
                        int number = row.getInt(1) - 1;
                        N name = questions.get(number).name();
                        answers.set(number, Optional.of(query.read(connection, row, name)));
                    }
                }
            }
            return answers;
        });
    }

    static <N> void bind(
            PreparedStatement statement, int index, List<Question<N>> questions, Function<Question<N>, String> value)
            throws SQLException {
        statement.setArray(
                index,
                statement
                        .getConnection()
                        .createArrayOf("text", questions.stream().map(value).toArray()));
    }

    /// A role, and if it ends, the seconds until then.
    static final String ROLES = """
            (SELECT string_agg(
                    CASE g.expires_at WHEN 'infinity' THEN g.role
                        ELSE g.role || '@' || floor(extract(epoch FROM g.expires_at - now()))::bigint END, ',')
                FROM grants g
                WHERE g.grantee = ANY(string_to_array(q.who, chr(30)))
                AND g.scope = ANY(string_to_array(q.scopes, chr(30)))
                AND g.expires_at > now())
            """;

    /// @param roles as `ROLES` reads them; null: none
    static Sight sight(@Nullable String roles, boolean below) {
        if (roles == null) {
            return below ? new Sight(Set.of(), true) : Sight.NOTHING;
        }
        Map<Role, Duration> all = new EnumMap<>(Role.class);
        for (String granted : roles.split(",", -1)) {
            int at = granted.indexOf('@');
            Role role = Role.valueOf((at < 0 ? granted : granted.substring(0, at)).toUpperCase(Locale.ROOT));
            Duration lasts = at < 0 ? Sight.FOREVER : Duration.ofSeconds(Long.parseLong(granted.substring(at + 1)));
            all.merge(role, lasts, (one, other) -> one.compareTo(other) > 0 ? one : other);
        }
        return new Sight(all, below);
    }
}
