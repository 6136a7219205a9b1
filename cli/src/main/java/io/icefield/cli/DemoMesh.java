package io.icefield.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.client.ApiClient;
import io.icefield.client.Credential;
import io.icefield.demo.Mesh;
import io.icefield.job.CatalogAddress;
import io.icefield.local.MeshHome;
import io.icefield.local.MeshSecrets;
import io.icefield.local.MeshState;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/// The mesh of a home, as the demo sees it.
///
/// @param root the object store's key of the platform
record DemoMesh(Target target, MeshState.Addresses addresses, AwsCredentials root) implements Mesh {
    static DemoMesh of(MeshHome home, Map<String, String> environment) {
        MeshState state = Target.Local.stateOf(home);
        boolean external = environment.containsKey("ICEFIELD_S3_ENDPOINT");
        MeshSecrets secrets = MeshSecrets.of(home);
        AwsCredentials root = external
                ? AwsBasicCredentials.create(
                        environment.getOrDefault("ICEFIELD_S3_ACCESS_KEY", ""),
                        environment.getOrDefault("ICEFIELD_S3_SECRET_KEY", ""))
                : AwsBasicCredentials.create(secrets.s3AccessKey(), secrets.s3SecretKey());
        return new DemoMesh(new Target.Local(home), state.addresses(), root);
    }

    @Override
    public Set<String> domains() {
        return new TreeSet<>(Wiring.domains(target));
    }

    @Override
    public void createDomain(String name) {
        ObjectNode domain = JsonNodeFactory.instance.objectNode().put("name", name);
        domain.putArray("owners").add(name + "-owners");
        target.client().post("/api/v1/domains", domain);
        target.domainsChanged();
    }

    @Override
    public CatalogAddress catalog(String domain, String principal) {
        URI server = target.client().server();
        Credential credential = target.credential(principal);
        return new CatalogAddress(
                server.resolve("/iceberg"),
                server.resolve("/iceberg/v1/oauth/tokens"),
                domain,
                credential.clientId(),
                credential.clientSecret());
    }

    @Override
    public Connection query(String principal) throws SQLException {
        String token = target.as(Optional.of(principal)).token();
        return SqlCommand.connect(target.trino(), target.trinoTrustStore(), token);
    }

    @Override
    public S3Client store(String accessKey, String secretKey, String sessionToken) {
        return store(AwsSessionCredentials.create(accessKey, secretKey, sessionToken));
    }

    @Override
    public Map<String, String> objects(String domain) {
        ApiClient admin = target.client();
        String bucket =
                admin.get(ApiClient.path("domains", domain)).path("bucket").asText();
        Map<String, String> objects = new TreeMap<>();
        try (S3Client store = store(root)) {
            store.listObjectsV2Paginator(list -> list.bucket(bucket))
                    .contents()
                    .forEach(object -> objects.put(object.key(), object.eTag()));
        }
        return objects;
    }

    private S3Client store(AwsCredentials key) {
        return S3Client.builder()
                .endpointOverride(URI.create(addresses.s3Endpoint()))
                .region(Region.of(addresses.s3Region()))
                .forcePathStyle(addresses.s3PathStyle())
                .credentialsProvider(StaticCredentialsProvider.create(key))
                .httpClient(UrlConnectionHttpClient.create())
                .build();
    }

    @Override
    public String toString() {
        return "DemoMesh[%s]".formatted(addresses);
    }
}
