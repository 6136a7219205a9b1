package io.icefield.query;

import java.net.URI;
import java.util.Optional;

/// How the query engine reaches one domain: an Iceberg REST catalog and the domain's object storage.
///
/// @param name catalog name in the engine
/// @param warehouse the domain
/// @param s3Endpoint empty: Amazon's own for the region
public record EngineCatalog(
        String name, URI catalogUri, String warehouse, Optional<URI> s3Endpoint, String region, boolean pathStyle) {}
