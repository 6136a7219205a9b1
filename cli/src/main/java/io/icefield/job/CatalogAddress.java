package io.icefield.job;

import java.net.URI;
import java.util.Map;
import org.apache.iceberg.aws.s3.S3FileIO;
import org.apache.iceberg.rest.RESTCatalog;

/// Where an Iceberg REST catalog is and how a job signs in. Data is reached with the keys the catalog vends,
/// with no other: a job holds no storage credentials.
public record CatalogAddress(URI uri, URI oauth2ServerUri, String warehouse, String clientId, String clientSecret) {

    /// Signs in. The caller closes the catalog.
    public RESTCatalog open() {
        RESTCatalog catalog = new RESTCatalog();
        catalog.initialize(
                "icefield",
                Map.of(
                        "uri",
                        uri.toString(),
                        "oauth2-server-uri",
                        oauth2ServerUri.toString(),
                        "warehouse",
                        warehouse,
                        "credential",
                        clientId + ":" + clientSecret,
                        "header.X-Iceberg-Access-Delegation",
                        "vended-credentials",
                        "io-impl",
                        S3FileIO.class.getName(),
                        "http-client.type",
                        "urlconnection"));
        return catalog;
    }

    /// Records get logged by accident.
    @Override
    public String toString() {
        return "CatalogAddress[%s, warehouse %s, client %s]".formatted(uri, warehouse, clientId);
    }
}
