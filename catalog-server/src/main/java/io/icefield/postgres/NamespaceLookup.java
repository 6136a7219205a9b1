package io.icefield.postgres;

import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.NamespaceStore.Seen;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/// Finds namespaces: their properties, how often their names have changed, and the grants.
final class NamespaceLookup implements Lookup.Query<NamespaceId, Seen> {
    private static final String FIND = """
            SELECT q.number, n.id, n.names_version, d.id, d.version, p.keys, p.vals,
            """ + Lookup.ROLES + """
                ,
                EXISTS (
                    SELECT FROM grants g
                    WHERE g.grantee = ANY(string_to_array(q.who, chr(30)))
                    AND g.scope >= q.domain || chr(31) || q.path || chr(31)
                    AND g.scope < q.domain || chr(31) || q.path || chr(32)
                    AND g.expires_at > now())
            FROM unnest(?, ?, ?, ?) WITH ORDINALITY AS q (domain, path, who, scopes, number)
            CROSS JOIN LATERAL (SELECT id, version FROM domains WHERE name = q.domain LIMIT 1) d
            CROSS JOIN LATERAL (
                SELECT id, names_version, properties FROM namespaces
                WHERE domain_id = d.id AND path = q.path LIMIT 1) n
            CROSS JOIN LATERAL (
                SELECT array_agg(e.key) AS keys, array_agg(e.value) AS vals FROM jsonb_each_text(n.properties) e) p
            """;

    private final DomainRows domains;

    NamespaceLookup(DomainRows domains) {
        this.domains = domains;
    }

    @Override
    public String sql() {
        return FIND;
    }

    @Override
    public void bind(PreparedStatement find, List<Lookup.Question<NamespaceId>> questions) throws SQLException {
        Lookup.bind(find, 1, questions, question -> question.name().domain().value());
        Lookup.bind(find, 2, questions, question -> question.name().path());
        Lookup.bind(find, 3, questions, Lookup.Question::grantees);
        Lookup.bind(find, 4, questions, question -> Lookup.Question.joined(Scope.enclosing(question.name())));
    }

    @Override
    public Seen read(Connection connection, ResultSet row, NamespaceId name) throws SQLException {
        Namespace namespace = new Namespace(
                row.getLong(2),
                domains.domain(connection, row.getLong(4), row.getInt(5)),
                name,
                PostgresNamespaces.properties(row));
        return new Seen(namespace, Lookup.sight(row.getString(8), row.getBoolean(9)), row.getLong(3));
    }
}
