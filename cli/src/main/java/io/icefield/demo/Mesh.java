package io.icefield.demo;

import io.icefield.job.CatalogAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.services.s3.S3Client;

/// What the demo needs of a running mesh.
public interface Mesh {
    /// Names of the domains that are there.
    Set<String> domains();

    /// Makes a domain and its job.
    void createDomain(String name);

    /// How a principal reaches a domain's catalog.
    CatalogAddress catalog(String domain, String principal);

    /// A connection to the query engine as this principal.
    Connection query(String principal) throws SQLException;

    /// The store, by a key that a principal was given.
    S3Client store(String accessKey, String secretKey, String sessionToken);

    /// Every object of a domain's bucket with its version (ETag), seen by the platform.
    Map<String, String> objects(String domain);
}
