package io.icefield.table;

import io.icefield.storage.DomainName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The catalog that a client has opened, which is how it names things: one domain, or the whole mesh, in which
/// the first level of every namespace is its domain. What may be done is the domain's to say either way.
public sealed interface Warehouse {
    /// The prefix of the whole mesh. No domain can have this name.
    String MESH = "mesh";

    /// Throws `IllegalArgumentException` for what is the name of neither.
    static Warehouse of(String prefix) {
        return prefix.equals(MESH) ? new Mesh() : new OneDomain(new DomainName(prefix));
    }

    String prefix();

    /// Throws `IllegalArgumentException` when no namespace can have these levels.
    NamespaceId namespace(List<String> levels);

    /// The levels by which clients of this catalog know the namespace.
    List<String> levels(NamespaceId namespace);

    /// The domain that these levels stand for, if they stand for one itself and for no namespace of it. Throws
    /// `IllegalArgumentException` when no domain can have the name.
    Optional<DomainName> domain(List<String> levels);

    /// A domain is a catalog of its own.
    record OneDomain(DomainName name) implements Warehouse {
        @Override
        public String prefix() {
            return name.value();
        }

        @Override
        public NamespaceId namespace(List<String> levels) {
            return new NamespaceId(name, levels);
        }

        @Override
        public List<String> levels(NamespaceId namespace) {
            return namespace.levels();
        }

        @Override
        public Optional<DomainName> domain(List<String> levels) {
            return levels.isEmpty() ? Optional.of(name) : Optional.empty();
        }
    }

    /// All domains side by side.
    record Mesh() implements Warehouse {
        @Override
        public String prefix() {
            return MESH;
        }

        @Override
        public NamespaceId namespace(List<String> levels) {
            if (levels.size() > 1 && levels.getFirst().equals(MESH)) {
                throw new IllegalArgumentException(
                        "`%s` is the catalog: names in it begin with a domain, as in `sales.crm`".formatted(MESH));
            }
            if (levels.size() < 2) {
                throw new IllegalArgumentException(
                        "in the catalog `%s` a namespace is that of a domain, as in `sales.crm`".formatted(MESH));
            }
            return new NamespaceId(new DomainName(levels.getFirst()), levels.subList(1, levels.size()));
        }

        @Override
        public List<String> levels(NamespaceId namespace) {
            List<String> levels = new ArrayList<>(List.of(namespace.domain().value()));
            levels.addAll(namespace.levels());
            return levels;
        }

        @Override
        public Optional<DomainName> domain(List<String> levels) {
            return levels.size() == 1 ? Optional.of(new DomainName(levels.getFirst())) : Optional.empty();
        }
    }
}
