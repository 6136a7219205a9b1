package io.icefield.postgres;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.storage.Location;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Seen;
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
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Finds tables and views by name: pointer and grants, for all callers that ask at the same time in one indexed query.
/// Every load and every commit passes here, so this is plain JDBC with as few columns as will do.
final class TableLookup {
    /// Queries at the same time. With two, each would have half the questions, and PostgreSQL twice the work.
    private static final int TURNS = 1;

    private static final int KNOWN_MAX = 10_000;

    /// Between the elements of a list in one text. No name has it.
    private static final String BETWEEN = "\u001E";

    /// Its `LIMIT`s leave the planner no other way than from name to name, each by its unique index.
    private static final String FIND = """
            SELECT q.number, r.id, r.kind, r.uuid, r.location, r.metadata_location, r.version, d.id, d.version,
                (SELECT string_agg(g.role, ',') FROM grants g
                    WHERE g.grantee = ANY(string_to_array(q.who, chr(30)))
                    AND g.scope = ANY(string_to_array(q.scopes, chr(30)))),
                r.tags_version
            FROM unnest(?, ?, ?, ?, ?) WITH ORDINALITY AS q (domain, path, name, who, scopes, number)
            CROSS JOIN LATERAL (SELECT id, version FROM domains WHERE name = q.domain LIMIT 1) d
            CROSS JOIN LATERAL (SELECT id FROM namespaces WHERE domain_id = d.id AND path = q.path LIMIT 1) n
            CROSS JOIN LATERAL (
                SELECT id, kind, uuid, location, metadata_location, version, tags_version
                FROM relations WHERE namespace_id = n.id AND name = q.name LIMIT 1) r
            """;

    private final Database database;
    private final DomainRows domains;
    private final Cache<Pointer, Table> known =
            Caffeine.newBuilder().maximumSize(KNOWN_MAX).build();
    private final Rounds<Question, Optional<Seen>> rounds = new Rounds<>(this::find, TURNS);

    TableLookup(Database database) {
        this.database = database;
        this.domains = database.domainRows();
    }

    /// All but the name of what it points to never changes.
    private record Pointer(long id, long version, long domain, int domainVersion) {}

    private record Question(TableId name, String who, String scopes) {}

    Optional<Seen> find(Set<Grantee> who, TableId name) {
        List<String> scopes = Scope.enclosing(name.namespace());
        scopes.add(Scope.of(name).text());
        return rounds.answer(
                new Question(name, String.join(BETWEEN, PostgresDomains.names(who)), String.join(BETWEEN, scopes)));
    }

    private List<Optional<Seen>> find(List<Question> questions) {
        return database.readPlainly(connection -> {
            List<Optional<Seen>> answers = new ArrayList<>(Collections.nCopies(questions.size(), Optional.empty()));
            try (PreparedStatement find = connection.prepareStatement(FIND)) {
                bind(
                        find,
                        1,
                        questions,
                        question -> question.name().namespace().domain().value());
                bind(find, 2, questions, question -> question.name().namespace().path());
                bind(find, 3, questions, question -> question.name().name());
                bind(find, 4, questions, Question::who);
                bind(find, 5, questions, Question::scopes);
                try (ResultSet row = find.executeQuery()) {
                    while (row.next()) {
                        int number = row.getInt(1) - 1;
                        answers.set(
                                number,
                                Optional.of(seen(
                                        connection, row, questions.get(number).name())));
                    }
                }
            }
            return answers;
        });
    }

    private static void bind(
            PreparedStatement statement, int index, List<Question> questions, Function<Question, String> value)
            throws SQLException {
        statement.setArray(
                index,
                statement
                        .getConnection()
                        .createArrayOf("text", questions.stream().map(value).toArray()));
    }

    private Seen seen(Connection connection, ResultSet row, TableId name) throws SQLException {
        Pointer pointer = new Pointer(row.getLong(2), row.getLong(7), row.getLong(8), row.getInt(9));
        Table table = known.getIfPresent(pointer);
        if (table == null || !table.name().equals(name)) {
            table = table(connection, row, pointer, name);
            known.put(pointer, table);
        }
        return new Seen(table, new Sight(roles(row.getString(10)), false), row.getLong(11));
    }

    private Table table(Connection connection, ResultSet row, Pointer pointer, TableId name) throws SQLException {
        return new Table(
                pointer.id(),
                Table.Kind.valueOf(row.getString(3).toUpperCase(Locale.ROOT)),
                domains.domain(connection, pointer.domain(), pointer.domainVersion()),
                name,
                row.getObject(4, UUID.class),
                Location.parse(row.getString(5)),
                Location.parse(row.getString(6)),
                pointer.version());
    }

    /// @param names null: none
    private static Set<Role> roles(@Nullable String names) {
        Set<Role> roles = EnumSet.noneOf(Role.class);
        if (names != null) {
            for (String name : names.split(",", -1)) {
                roles.add(Role.valueOf(name.toUpperCase(Locale.ROOT)));
            }
        }
        return roles;
    }
}
