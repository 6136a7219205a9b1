package io.icefield.table;

import io.icefield.storage.DomainName;
import java.util.List;

/// A namespace of a domain; levels from the outermost in.
public record NamespaceId(DomainName domain, List<String> levels) {
    public static final int LEVELS_MAX = 16;

    /// Separates levels in paths and in the database, as the specification has it. No name can contain it.
    public static final String SEPARATOR = "\u001F";

    public NamespaceId {
        levels = List.copyOf(levels);
        if (levels.isEmpty() || levels.size() > LEVELS_MAX) {
            throw new IllegalArgumentException("a namespace has 1 to %d levels".formatted(LEVELS_MAX));
        }
        levels.forEach(level -> Names.check("namespace", level));
    }

    /// The levels in one text, as the database keeps them.
    public String path() {
        return String.join(SEPARATOR, levels);
    }

    /// The name as clients of the domain's catalog know it.
    public String inDomain() {
        return String.join(".", levels);
    }

    @Override
    public String toString() {
        return domain + "." + inDomain();
    }
}
