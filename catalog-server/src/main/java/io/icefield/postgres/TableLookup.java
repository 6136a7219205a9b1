package io.icefield.postgres;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.storage.Location;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Seen;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/// Finds tables and views: the pointer and the grants. Every load and every commit passes here.
final class TableLookup implements Lookup.Query<TableId, Seen> {
    private static final int KNOWN_MAX = 10_000;

    /// Its `LIMIT`s leave the planner no other way than from name to name, each by its unique index.
    private static final String FIND = """
            SELECT q.number, r.id, r.kind, r.uuid, r.location, r.metadata_location, r.version, d.id, d.version,
                r.tags_version,
            """ + Lookup.ROLES + """
            FROM unnest(?, ?, ?, ?, ?) WITH ORDINALITY AS q (domain, path, name, who, scopes, number)
            CROSS JOIN LATERAL (SELECT id, version FROM domains WHERE name = q.domain LIMIT 1) d
            CROSS JOIN LATERAL (SELECT id FROM namespaces WHERE domain_id = d.id AND path = q.path LIMIT 1) n
            CROSS JOIN LATERAL (
                SELECT id, kind, uuid, location, metadata_location, version, tags_version
                FROM relations WHERE namespace_id = n.id AND name = q.name LIMIT 1) r
            """;

    private final DomainRows domains;
    private final Cache<Pointer, Table> known =
            Caffeine.newBuilder().maximumSize(KNOWN_MAX).build();

    TableLookup(DomainRows domains) {
        this.domains = domains;
    }

    /// All but the name of what it points to never changes.
    private record Pointer(long id, long version, long domain, int domainVersion) {}

    @Override
    public String sql() {
        return FIND;
    }

    @Override
    public void bind(PreparedStatement find, List<Lookup.Question<TableId>> questions) throws SQLException {
        Lookup.bind(
                find,
                1,
                questions,
                question -> question.name().namespace().domain().value());
        Lookup.bind(find, 2, questions, question -> question.name().namespace().path());
        Lookup.bind(find, 3, questions, question -> question.name().name());
        Lookup.bind(find, 4, questions, Lookup.Question::grantees);
        Lookup.bind(find, 5, questions, TableLookup::scopes);
    }

    private static String scopes(Lookup.Question<TableId> question) {
        List<String> scopes = Scope.enclosing(question.name().namespace());
        scopes.add(Scope.of(question.name()).text());
        return Lookup.Question.joined(scopes);
    }

    @Override
    public Seen read(Connection connection, ResultSet row, TableId name) throws SQLException {
        Pointer pointer = new Pointer(row.getLong(2), row.getLong(7), row.getLong(8), row.getInt(9));
        Table kept = known.getIfPresent(pointer);
        Table table = kept != null && kept.name().equals(name) ? kept : table(connection, row, pointer, name);
        return new Seen(table, Lookup.sight(row.getString(11), false), row.getLong(10));
    }

    private Table table(Connection connection, ResultSet row, Pointer pointer, TableId name) throws SQLException {
        Table table = new Table(
                pointer.id(),
                Table.Kind.valueOf(row.getString(3).toUpperCase(Locale.ROOT)),
                domains.domain(connection, pointer.domain(), pointer.domainVersion()),
                name,
                row.getObject(4, UUID.class),
                Location.parse(row.getString(5)),
                Location.parse(row.getString(6)),
                pointer.version());
        if (!table.domain().isShut()) {
            known.put(pointer, table);
        }
        return table;
    }
}
