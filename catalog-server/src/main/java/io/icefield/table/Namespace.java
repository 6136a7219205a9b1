package io.icefield.table;

import io.icefield.domain.Domain;
import io.icefield.domain.Storages;
import io.icefield.storage.Location;
import java.util.Map;
import java.util.Optional;

/// A namespace that is there.
///
/// @param id the database's
public record Namespace(long id, Domain domain, NamespaceId name, Map<String, String> properties) {
    /// Property that names the storage of the domain in which new tables go.
    public static final String STORAGE = "icefield.storage";

    public Namespace {
        properties = Map.copyOf(properties);
    }

    /// The storage that new tables go to if nobody says otherwise.
    Location home() {
        return Storages.home(domain, Optional.ofNullable(properties.get(STORAGE)));
    }
}
