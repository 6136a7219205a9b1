package io.icefield.table;

import io.icefield.domain.Domain;
import java.util.Map;

/// A namespace that is there.
///
/// @param id the database's
public record Namespace(long id, Domain domain, NamespaceId name, Map<String, String> properties) {
    public Namespace {
        properties = Map.copyOf(properties);
    }
}
