package io.icefield.postgres;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Page;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceStore;
import io.icefield.table.TableId;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The tables of namespaces, read again only when one came, went or changed its name.
final class NameLists {
    /// Of all pages that are kept.
    private static final int NAMES_MAX = 200_000;

    private static final String NAMES = """
            SELECT name FROM relations
            WHERE namespace_id = ? AND name > ? AND kind = 'table'
            ORDER BY name
            LIMIT ?
            """;

    private final Database database;
    private final Cache<Key, Page<TableId>> pages = Caffeine.newBuilder()
            .maximumWeight(NAMES_MAX)
            .weigher((Key _, Page<TableId> page) -> 1 + page.items().size())
            .build();

    NameLists(Database database) {
        this.database = database;
    }

    private record Key(long namespace, long version, Page.Request page) {}

    /// The names are read after their version, so they are as new as it, or newer.
    Page<TableId> tables(NamespaceStore.Seen seen, Page.Request wanted) {
        Namespace namespace = seen.namespace();
        Key key = new Key(namespace.id(), seen.namesVersion(), wanted);
        return pages.get(key, _ -> database.readPlainly(connection -> read(connection, namespace, wanted)));
    }

    private static Page<TableId> read(Connection connection, Namespace namespace, Page.Request wanted)
            throws SQLException {
        List<TableId> names = new ArrayList<>();
        try (PreparedStatement find = connection.prepareStatement(NAMES)) {
            find.setLong(1, namespace.id());
            find.setString(2, wanted.after());
            find.setInt(3, wanted.size());
            try (ResultSet row = find.executeQuery()) {
                while (row.next()) {
                    names.add(new TableId(namespace.name(), row.getString(1)));
                }
            }
        }
        boolean full = names.size() == wanted.size();
        return new Page<>(names, full ? Optional.of(names.getLast().name()) : Optional.empty());
    }
}
