package io.icefield.local;

import io.icefield.client.Credential;

/// What to type to use a mesh, with addresses and credentials that work.
public final class ConnectGuide {
    private ConnectGuide() {}

    /// `domain` is one that exists, or a name to put in its place; `job` is who reads and writes its files, `token`
    /// an analyst's.
    public static String of(
            MeshState.Addresses at, Credential job, String token, String domain, String launcher, MeshHome home) {
        String command = launcher + " --home " + home.folder();
        String trustStore =
                at.trinoTrustStore().map(path -> "&SSLTrustStorePath=" + path).orElse("");
        String trinoCli =
                at.trinoTrustStore().map(path -> " --truststore-path " + path).orElse("");
        return """
                Catalog   %1$s/iceberg   platform API %1$s/api/v1
                SQL       %2$s sql "SHOW CATALOGS" --as analyst
                trino-cli trino --server %3$s%4$s --access-token "$(%2$s token analyst)"
                JDBC      jdbc:trino://%5$s?SSL=true%6$s&accessToken=%10$s
                Spark     --conf spark.sql.catalog.%7$s=org.apache.iceberg.spark.SparkCatalog \\
                          --conf spark.sql.catalog.%7$s.type=rest --conf spark.sql.catalog.%7$s.uri=%1$s/iceberg \\
                          --conf spark.sql.catalog.%7$s.warehouse=%7$s --conf spark.sql.catalog.%7$s.credential=%8$s:%9$s \\
                          --conf spark.sql.catalog.%7$s.oauth2-server-uri=%1$s/iceberg/v1/oauth/tokens \\
                          --conf spark.sql.catalog.%7$s.header.X-Iceberg-Access-Delegation=vended-credentials
                PyIceberg load_catalog("%7$s", type="rest", uri="%1$s/iceberg", warehouse="%7$s", credential="%8$s:%9$s",
                              **{"oauth2-server-uri": "%1$s/iceberg/v1/oauth/tokens",
                                 "header.X-Iceberg-Access-Delegation": "vended-credentials"})
                """.formatted(
                        at.catalog(),
                        command,
                        at.trino(),
                        trinoCli,
                        at.trino().getAuthority(),
                        trustStore,
                        domain,
                        job.clientId(),
                        job.clientSecret(),
                        token);
    }
}
