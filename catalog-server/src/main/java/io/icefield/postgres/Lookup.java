package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
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

    /// @param roles with commas between them; null: none
    static Sight sight(@Nullable String roles, boolean below) {
        if (roles == null) {
            return below ? new Sight(Set.of(), true) : Sight.NOTHING;
        }
        Set<Role> all = EnumSet.noneOf(Role.class);
        for (String role : roles.split(",", -1)) {
            all.add(Role.valueOf(role.toUpperCase(Locale.ROOT)));
        }
        return new Sight(all, below);
    }
}
