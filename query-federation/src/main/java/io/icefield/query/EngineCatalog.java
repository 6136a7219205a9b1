package io.icefield.query;

import java.net.URI;
import java.util.List;
import java.util.Optional;

/// One domain as a catalog of the query engine.
///
/// @param name of the catalog: the domain's
/// @param catalogUri the Iceberg REST catalog as the engine reaches it, without `/v1`
/// @param warehouse what the engine names to the REST catalog: the domain
/// @param s3Endpoint empty for AWS itself
/// @param kmsKey encrypts what the engine writes; empty: the store's own habit
public record EngineCatalog(
        String name,
        URI catalogUri,
        String warehouse,
        Optional<URI> s3Endpoint,
        String region,
        boolean pathStyle,
        Optional<String> kmsKey) {
    public EngineCatalog {
        // Engines replace `${…}` by what is in their environment: secrets.
        for (String value : List.of(name, warehouse, region, kmsKey.orElse("none"))) {
            if (value.isBlank() || value.contains("$")) {
                throw new IllegalArgumentException("`%s` cannot be part of an engine's catalog".formatted(value));
            }
        }
    }

    public EngineCatalog(
            String name, URI catalogUri, String warehouse, Optional<URI> s3Endpoint, String region, boolean pathStyle) {
        this(name, catalogUri, warehouse, s3Endpoint, region, pathStyle, Optional.empty());
    }
}
