package io.icefield.postgres;

import io.icefield.access.Grantee;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.storage.DomainName;
import io.icefield.table.NamespaceId;
import io.icefield.table.TableId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A part of the mesh that something can be granted on, in one text: see table `grants`.
record Scope(String text) {
    static final Scope MESH = new Scope("");

    private static final String SEPARATOR = NamespaceId.SEPARATOR;

    static Scope of(DomainName domain) {
        return new Scope(domain.value());
    }

    static Scope of(NamespaceId namespace) {
        return new Scope(namespace.domain() + SEPARATOR + namespace.path());
    }

    static Scope of(TableId table) {
        return new Scope(tablesOf(table.namespace()) + table.name());
    }

    static Scope of(DomainName domain, List<String> namespace) {
        return namespace.isEmpty() ? of(domain) : of(new NamespaceId(domain, namespace));
    }

    /// The mesh, if grants on it reach the domain, and the domain.
    static List<String> around(DomainName domain) {
        return domain.equals(Grant.APART) ? List.of(domain.value()) : List.of(MESH.text, domain.value());
    }

    /// Of a part of a domain: all that enclose it, and itself.
    static List<String> enclosing(Grant grant) {
        List<String> all = new ArrayList<>();
        grant.domain().ifPresentOrElse(domain -> all.addAll(around(domain)), () -> all.add(MESH.text));
        grant.domain().ifPresent(domain -> {
            for (int depth = 1; depth <= grant.namespace().size(); depth++) {
                all.add(of(domain, grant.namespace().subList(0, depth)).text);
            }
        });
        if (grant.table().isPresent()) {
            all.add(of(grant).text);
        }
        return all;
    }

    static Scope of(Grant grant) {
        return grant.domain()
                .map(domain -> {
                    if (grant.namespace().isEmpty()) {
                        return of(domain);
                    }
                    NamespaceId namespace = new NamespaceId(domain, grant.namespace());
                    return grant.table()
                            .map(table -> of(new TableId(namespace, table)))
                            .orElse(of(namespace));
                })
                .orElse(MESH);
    }

    /// What the scopes of a namespace's tables start with.
    static String tablesOf(NamespaceId namespace) {
        return of(namespace).text + SEPARATOR + SEPARATOR;
    }

    /// What the scopes directly beneath a domain or namespace start with.
    String inside() {
        return text + SEPARATOR;
    }

    /// The mesh, the domain, the namespaces around this one, and itself.
    static List<String> enclosing(NamespaceId namespace) {
        List<String> all = new ArrayList<>(around(namespace.domain()));
        for (int depth = 1; depth <= namespace.levels().size(); depth++) {
            all.add(of(new NamespaceId(namespace.domain(), namespace.levels().subList(0, depth))).text);
        }
        return all;
    }

    Grant grant(String grantee, String role) {
        List<String> parts = List.of(text.split(SEPARATOR, -1));
        int gap = parts.subList(1, parts.size()).indexOf("") + 1;
        return new Grant(
                Grantee.parse(grantee),
                Role.valueOf(role.toUpperCase(Locale.ROOT)),
                text.isEmpty() ? Optional.empty() : Optional.of(new DomainName(parts.getFirst())),
                parts.subList(1, gap == 0 ? parts.size() : gap),
                gap == 0 ? Optional.empty() : Optional.of(parts.get(gap + 1)));
    }
}
