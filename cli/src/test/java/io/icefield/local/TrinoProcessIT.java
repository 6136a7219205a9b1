package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.query.EngineCatalog;
import io.icefield.query.trino.TrinoEngine;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// A real Trino, as the local mesh starts it, with a stub in the catalog's place.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrinoProcessIT {
    private StubCatalog catalog;
    private TrinoProcess trino;
    private Process process;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        Path distribution = TrinoDistribution.of(System.getenv()).assemble(System.out);
        catalog = new StubCatalog();
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        trino = new TrinoProcess(new TrinoProcess.Settings(
                distribution, folder, port, catalog.uri(), "trino:secret", TrinoProcess.Settings.HEAP_MEGABYTES));
        Path log = folder.resolve("trino.log");
        long begun = System.nanoTime();
        process = trino.prepare()
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            trino.awaitReady(() -> catalog.token("admin"), Duration.ofMinutes(3));
        } catch (Exception e) {
            System.out.println(Files.readString(log));
            throw e;
        }
        System.out.printf(
                "Trino was ready after %.1f s, %s CPU%n",
                (System.nanoTime() - begun) / 1e9,
                process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L));
    }

    @AfterAll
    void stop() throws Exception {
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        catalog.close();
    }

    @AfterEach
    void allowAll() {
        catalog.denied = _ -> false;
        catalog.masks = "[]";
        catalog.filters = "[]";
    }

    @Test
    void onlyTheCatalogsTokensProveAUser() throws Exception {
        assertThat(status(Optional.empty())).isEqualTo(401);
        assertThat(status(Optional.of(catalog.forged("admin")))).isEqualTo(401);
        assertThat(status(Optional.of(catalog.expired("admin")))).isEqualTo(401);
        assertThat(status(Optional.of(catalog.forAnotherAudience("admin")))).isEqualTo(401);
        assertThat(status(Optional.of(catalog.token("admin")))).isEqualTo(200);
    }

    @Test
    void theUserIsWhoTheTokenSays() throws Exception {
        assertThat(query("analyst", "SELECT current_user")).containsExactly("analyst");
    }

    @Test
    void nobodyActsForAnotherUnlessTheCatalogSaysSo() {
        catalog.denied = body -> body.contains("ImpersonateUser");
        assertThatThrownBy(() -> {
                    Properties properties = properties(catalog.token("analyst"));
                    properties.setProperty("sessionUser", "admin");
                    query(properties, "SELECT current_user");
                })
                .hasMessageContaining("cannot impersonate user admin");
    }

    @Test
    void whatTheCatalogDeniesIsDenied() {
        catalog.denied = body -> body.contains("SelectFromColumns") && body.contains("\"analyst\"");
        assertThatThrownBy(() -> query("analyst", "SELECT name FROM tpch.tiny.nation"))
                .hasMessageContaining("Access Denied")
                .hasMessageContaining("tpch.tiny.nation");
    }

    @Test
    void masksAndFiltersOfTheCatalogApply() throws Exception {
        catalog.masks = """
                [{"index":1,"viewExpression":{"expression":"CAST('***' AS varchar(25))"}}]""";
        catalog.filters = "[{\"expression\":\"nationkey = 7\"}]";
        assertThat(query("analyst", "SELECT name || ' ' || CAST(nationkey AS varchar) FROM tpch.tiny.nation"))
                .containsExactly("*** 7");
    }

    @Test
    void namesAndColumnsCanBeListed() throws Exception {
        assertThat(query("analyst", "SHOW TABLES FROM tpch.tiny")).contains("nation", "lineitem");
        assertThat(
                        query(
                                "analyst",
                                "SELECT column_name FROM tpch.information_schema.columns WHERE table_name = 'nation' AND table_schema = 'tiny'"))
                .containsExactlyInAnyOrder("nationkey", "name", "regionkey", "comment");
    }

    @Test
    void catalogsFollowTheDomains() throws Exception {
        TrinoEngine engine = new TrinoEngine(
                new TrinoEngine.Address(trino.uri(), Optional.of(trino.certificate())), () -> catalog.token("admin"));
        assertThat(engine.reachable()).isTrue();

        engine.sync(List.of(domain("sales", "us-east-1"), domain("payments", "us-east-1")));
        assertThat(query("admin", "SHOW CATALOGS")).containsExactly("payments", "sales", "system", "tpch");

        assertThat(created(() -> engine.sync(List.of(domain("sales", "us-east-1"), domain("payments", "us-east-1")))))
                .as("nothing to do")
                .isZero();
        TrinoEngine another = new TrinoEngine(
                new TrinoEngine.Address(trino.uri(), Optional.of(trino.certificate())), () -> catalog.token("admin"));
        assertThat(created(() -> another.sync(List.of(domain("sales", "us-east-1"), domain("payments", "eu-west-1")))))
                .as("one has changed")
                .isEqualTo(1);
        another.sync(List.of(domain("sales", "us-east-1")));
        assertThat(query("admin", "SHOW CATALOGS")).containsExactly("sales", "system", "tpch");
        engine.drop("tpch");
        engine.drop("sales");
        engine.drop("sales");
        assertThat(query("admin", "SHOW CATALOGS")).containsExactly("system", "tpch");
    }

    @Test
    void noSecretIsInAStatement() throws Exception {
        TrinoEngine engine = new TrinoEngine(
                new TrinoEngine.Address(trino.uri(), Optional.of(trino.certificate())), () -> catalog.token("admin"));
        engine.create(domain("hr", "us-east-1"));
        assertThat(query("admin", "SELECT query FROM system.runtime.queries WHERE query LIKE 'CREATE CATALOG \"hr\"%'"))
                .singleElement()
                .asString()
                .contains("${ENV:ICEFIELD_ENGINE_CREDENTIAL}")
                .doesNotContain("trino:secret");
        engine.drop("hr");
    }

    private EngineCatalog domain(String name, String region) {
        return new EngineCatalog(
                name,
                URI.create(catalog.uri() + "/iceberg"),
                name,
                Optional.of(URI.create("http://127.0.0.1:1")),
                region,
                true);
    }

    /// How many catalogs were created while this ran.
    private int created(Runnable work) throws SQLException {
        String count = "SELECT count(*) FROM system.runtime.queries WHERE query LIKE 'CREATE CATALOG%'";
        int before = Integer.parseInt(query("admin", count).getFirst());
        work.run();
        return Integer.parseInt(query("admin", count).getFirst()) - before;
    }

    private List<String> query(String user, String sql) throws SQLException {
        return query(properties(catalog.token(user)), sql);
    }

    private List<String> query(Properties properties, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                        "jdbc:trino://" + trino.uri().getAuthority(), properties);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> values = new ArrayList<>();
            while (rows.next()) {
                values.add(rows.getString(1));
            }
            return values;
        }
    }

    private Properties properties(String token) {
        Properties properties = new Properties();
        properties.setProperty("SSL", "true");
        properties.setProperty("SSLTrustStorePath", trino.certificate().toString());
        properties.setProperty("accessToken", token);
        return properties;
    }

    private int status(Optional<String> token) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream pem = Files.newInputStream(trino.certificate())) {
            trusted.setCertificateEntry(
                    "trino", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        try (HttpClient http = HttpClient.newBuilder().sslContext(tls).build()) {
            HttpRequest.Builder request = HttpRequest.newBuilder(trino.uri().resolve("/v1/statement"))
                    .POST(HttpRequest.BodyPublishers.ofString("SELECT 1"));
            token.ifPresent(given -> request.header("Authorization", "Bearer " + given));
            return http.send(request.build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }
}
