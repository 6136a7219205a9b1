package io.icefield.postgres;

import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.Protect;
import io.icefield.table.ProtectionStore;
import io.icefield.table.Table;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Handle;

/// What is protected, in PostgreSQL.
public final class PostgresProtection implements ProtectionStore {
    private static final String TABLE = """
            SELECT protected FROM relations WHERE id = :id
            """;

    private static final String PROTECTED_AMONG = """
            SELECT path FROM namespaces
            WHERE domain_id = :domain AND path = ANY(:paths) AND protected
            ORDER BY length(path)
            LIMIT 1
            """;

    private static final String PROTECT_TABLE = """
            UPDATE relations SET protected = :on WHERE id = :id
            """;

    private static final String PROTECT_NAMESPACE = """
            UPDATE namespaces SET protected = :on WHERE id = :id
            """;

    private final Database database;

    public PostgresProtection(Database database) {
        this.database = database;
    }

    @Override
    public Protection of(Table table) {
        return database.read(handle -> new Protection(isProtected(handle, table), around(handle, table)));
    }

    @Override
    public Protection of(Namespace namespace) {
        NamespaceId name = namespace.name();
        return database.read(handle -> new Protection(
                first(handle, namespace.domain().id(), name, List.of(name.path()))
                        .isPresent(),
                first(
                        handle,
                        namespace.domain().id(),
                        name,
                        paths(name, name.levels().size() - 1))));
    }

    @Override
    public boolean protect(Table table, boolean on) {
        return database.write(handle -> handle.createUpdate(PROTECT_TABLE)
                        .bind("id", table.id())
                        .bind("on", on)
                        .execute()
                == 1);
    }

    @Override
    public boolean protect(Namespace namespace, boolean on) {
        return database.write(handle -> handle.createUpdate(PROTECT_NAMESPACE)
                        .bind("id", namespace.id())
                        .bind("on", on)
                        .execute()
                == 1);
    }

    /// Refuses when the table is protected, or a namespace that it is in. Whoever protects it at the same
    /// time comes before or after.
    static void check(Handle handle, Table table) {
        around(handle, table).ifPresent(namespace -> {
            throw Protect.refusal(namespace);
        });
        if (isProtected(handle, table)) {
            throw Protect.refusal(table);
        }
    }

    /// The same for a namespace and those that it is in.
    static void check(Handle handle, Namespace namespace) {
        NamespaceId name = namespace.name();
        first(handle, namespace.domain().id(), name, paths(name, name.levels().size()))
                .ifPresent(outermost -> {
                    throw Protect.refusal(outermost);
                });
    }

    private static boolean isProtected(Handle handle, Table table) {
        return handle.createQuery(TABLE)
                .bind("id", table.id())
                .mapTo(Boolean.class)
                .findOne()
                .orElse(false);
    }

    private static Optional<NamespaceId> around(Handle handle, Table table) {
        NamespaceId name = table.name().namespace();
        return first(
                handle, table.domain().id(), name, paths(name, name.levels().size()));
    }

    private static Optional<NamespaceId> first(Handle handle, long domain, NamespaceId of, List<String> paths) {
        return handle.createQuery(PROTECTED_AMONG)
                .bind("domain", domain)
                .bindArray("paths", String.class, paths)
                .mapTo(String.class)
                .findOne()
                .map(path -> new NamespaceId(of.domain(), List.of(path.split(NamespaceId.SEPARATOR, -1))));
    }

    private static List<String> paths(NamespaceId name, int depth) {
        return IntStream.rangeClosed(1, depth)
                .mapToObj(levels ->
                        String.join(NamespaceId.SEPARATOR, name.levels().subList(0, levels)))
                .toList();
    }
}
