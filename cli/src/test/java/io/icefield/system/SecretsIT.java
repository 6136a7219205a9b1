package io.icefield.system;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// No part of the mesh writes down a secret: neither while all goes well nor when it is shown wrong ones. It runs last,
/// and so reads what all system tests of this run left in the logs.
@Order(Integer.MAX_VALUE)
class SecretsIT {
    private static final String DOMAIN = "discreet";
    private static final String TABLE = "/iceberg/v1/" + DOMAIN + "/namespaces/core/tables/orders";

    /// Three parts of Base64: a token of ours, or of any provider, whether this test knows it or not.
    private static final Pattern TOKEN =
            Pattern.compile("eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{16,}");

    private static final Pattern SESSION = Pattern.compile(
            "(?i)(x-amz-security-token|session-token|secret-access-key)[\"':= ]+[A-Za-z0-9+/=_%-]{20,}");

    private static final int SECRET_CHARS_MIN = 12;

    /// @param name what it is
    private record Found(Path file, String name) {}

    /// Secrets by what they are.
    private final Map<String, String> secrets = new LinkedHashMap<>();

    @TempDir
    private Path planted;

    private void secret(String name, String value) {
        assertThat(value.length()).as(name).isGreaterThanOrEqualTo(SECRET_CHARS_MIN);
        secrets.put(name, value);
    }

    private List<Found> scan(Path folder) throws IOException {
        List<Found> found = new ArrayList<>();
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.filter(Files::isRegularFile).toList();
        }
        assertThat(files).as("%s", folder).isNotEmpty();
        for (Path file : files) {
            String text = new String(Files.readAllBytes(file), ISO_8859_1);
            secrets.forEach((name, value) -> {
                if (text.contains(value)) {
                    found.add(new Found(file, name));
                }
            });
            for (Pattern pattern : List.of(TOKEN, SESSION)) {
                Matcher matcher = pattern.matcher(text);
                if (matcher.find()) {
                    found.add(new Found(file, matcher.group().substring(0, 12) + "…"));
                }
            }
        }
        return found;
    }

    @Test
    void noLogHoldsASecret() throws Exception {
        Mesh mesh = Mesh.shared();
        mesh.domain(DOMAIN);
        theMeshsOwn(mesh);
        work(mesh);
        provoke(mesh);

        List<Found> found = new ArrayList<>(scan(mesh.home().resolve("logs")));
        found.addAll(scan(mesh.home().resolve("trino/var")));
        assertThat(found).isEmpty();

        // A search that finds nothing must be able to find something.
        for (Map.Entry<String, String> each : secrets.entrySet()) {
            Files.writeString(planted.resolve("planted.log"), "WARN so it was: " + each.getValue() + "\n");
            assertThat(scan(planted)).extracting(Found::name).contains(each.getKey());
        }
        Files.writeString(planted.resolve("planted.log"), "x-amz-security-token: " + "A".repeat(40));
        assertThat(scan(planted)).isNotEmpty();
    }

    private void theMeshsOwn(Mesh mesh) throws IOException, InterruptedException {
        JsonNode own = Mesh.JSON.readTree(mesh.home().resolve("secrets.json").toFile());
        for (String name : List.of("admin", "database", "s3-secret-key")) {
            secret("the mesh's " + name, own.path(name).asText());
        }
        byte[] master = Files.readAllBytes(mesh.home().resolve("catalog.key"));
        secret("the master key", new String(master, UTF_8).strip());
        secret(
                "Trino's key password",
                Files.readString(mesh.home().resolve("trino/trino.p12.password"))
                        .strip());
        for (JsonNode each : mesh.status().path("principals")) {
            secret(
                    "the secret of " + each.path("name").asText(),
                    each.path("client-secret").asText());
        }
    }

    /// Each way in which a secret is used.
    private void work(Mesh mesh) throws Exception {
        try (RESTCatalog catalog = mesh.iceberg(DOMAIN, DOMAIN + "-job")) {
            catalog.createNamespace(Namespace.of("core"));
            catalog.createTable(
                    TableIdentifier.of("core", "orders"),
                    new Schema(Types.NestedField.required(1, "id", Types.LongType.get())));
            Rows.append(
                    catalog.loadTable(TableIdentifier.of("core", "orders")),
                    List.of(Rows.row(catalog.loadTable(TableIdentifier.of("core", "orders")), 1L)));
        }
        for (String principal : List.of("admin", "analyst", "steward", DOMAIN + "-job")) {
            secret("the token of " + principal, mesh.token(principal));
        }
        assertThat(mesh.rows("analyst", "SELECT id FROM " + DOMAIN + ".core.orders"))
                .containsExactly(List.of("1"));
        for (String path : List.of(TABLE, TABLE + "/credentials")) {
            Mesh.Answer answer = mesh.send(HttpRequest.newBuilder(mesh.catalog(path))
                    .header("Authorization", "Bearer " + mesh.token("analyst"))
                    .header("X-Iceberg-Access-Delegation", "vended-credentials")
                    .build());
            JsonNode keys =
                    answer.json().findPath("storage-credentials").path(0).path("config");
            secret(
                    "a vended secret from " + path,
                    keys.path("s3.secret-access-key").asText());
            secret(
                    "a vended session from " + path,
                    keys.path("s3.session-token").asText());
        }
        Mesh.Answer renewed = mesh.call("admin", "POST", "/api/v1/principals", """
                {"name":"discreet-user","kind":"user","groups":[]}""");
        secret("a new secret", renewed.json().path("client-secret").asText());
    }

    /// What goes wrong is logged, and must not tell of what it was shown.
    private void provoke(Mesh mesh) throws IOException, InterruptedException {
        String wrong = "wrong-but-it-may-be-right-elsewhere";
        secret("a secret that was no right one", wrong);
        assertThatThrownBy(() -> mesh.token(new Mesh.Identity("admin", wrong))).isInstanceOf(AssertionError.class);
        String basic = Base64.getEncoder().encodeToString(("admin:" + wrong).getBytes(UTF_8));
        secret("the same as HTTP Basic", basic);
        secret("a key of a store that is not there", "key-of-a-store-that-is-not-there");
        List<HttpRequest.Builder> requests = List.of(
                HttpRequest.newBuilder(mesh.catalog("/oauth/token"))
                        .header("Authorization", "Basic " + basic)
                        .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials")),
                HttpRequest.newBuilder(mesh.catalog("/api/v1/domains?token=" + mesh.token("analyst")))
                        .header("Authorization", "Bearer " + mesh.token("analyst") + "x"),
                HttpRequest.newBuilder(mesh.catalog("/" + mesh.token("analyst"))),
                HttpRequest.newBuilder(mesh.catalog(TABLE))
                        .header("Authorization", "Bearer " + mesh.token(DOMAIN + "-job"))
                        .POST(HttpRequest.BodyPublishers.ofString("{\"secret\":\"" + wrong + "\"")),
                HttpRequest.newBuilder(mesh.catalog("/api/v1/domains/" + DOMAIN + "/storage"))
                        .header("Authorization", "Bearer " + mesh.token("admin"))
                        .POST(HttpRequest.BodyPublishers.ofString("""
                                {"name":"far","endpoint":"http://127.0.0.1:1","bucket":"far","access-key":"AKIAfar",
                                "secret-key":"key-of-a-store-that-is-not-there"}""")));
        for (HttpRequest.Builder each : requests) {
            assertThat(mesh.send(each.build()).status()).isGreaterThanOrEqualTo(400);
        }
        assertThatThrownBy(() -> {
                    try (var connection = mesh.sqlWithToken(mesh.token("analyst") + "x");
                            var statement = connection.createStatement()) {
                        statement.execute("SELECT 1");
                    }
                })
                .isInstanceOf(SQLException.class);
        assertThatThrownBy(() -> mesh.rows("analyst", "SELECT nonsense FROM " + DOMAIN + ".core.orders"))
                .isInstanceOf(SQLException.class);
    }
}
