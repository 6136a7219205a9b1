package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.query.EngineCatalog;
import io.icefield.query.QueryEngine.EngineFailed;
import io.icefield.query.RestrictionSql;
import io.icefield.query.RestrictionSql.Salt;
import io.icefield.query.trino.TrinoEngine;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        catalog.masks = _ -> "[]";
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
        String mask = RestrictionSql.mask(Mask.SHOW_FIRST_4, "name", "varchar(25)", Salt.random());
        catalog.masks = StubCatalog.mask("name", mask);
        catalog.filters = "[{\"expression\":\"nationkey = 7\"}]";
        assertThat(query("analyst", "SELECT name || ' ' || CAST(nationkey AS varchar) FROM tpch.tiny.nation"))
                .containsExactly("GERMxxx 7");
    }

    /// Examples of Iceberg's specification, and the corners: nothing, null, what is no letter, time before 1970.
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            MASK_ALPHANUM       | varchar   | 'prashant010696@gmail.com'  | xxxxxxxxnnnnnn@xxxxx.xxx
            MASK_ALPHANUM       | varchar   | 'Ä (1,2) - é/日😀'          | xx(n,n)x-xxxxx
            MASK_ALPHANUM       | varchar   | concat('a', chr(10), '١')  | xxx
            MASK_ALPHANUM       | varchar   | ''                          | ""
            MASK_ALPHANUM       | varchar   | CAST(NULL AS varchar)       |
            SHOW_FIRST_4        | varchar   | 'prashant010696@gmail.com'  | prasxxxxnnnnnn@xxxxx.xxx
            SHOW_FIRST_4        | varchar   | '日本語😀1'                  | 日本語😀n
            SHOW_FIRST_4        | varchar   | 'abcd'                      | abcd
            SHOW_LAST_4         | varchar   | '4111-1111-1111-4444'       | nnnn-nnnn-nnnn-4444
            SHOW_LAST_4         | varchar   | 'x😀日本語'                  | x😀日本語
            SHOW_LAST_4         | varchar   | 'abc'                       | abc
            SHOW_LAST_4         | varchar   | ''                          | ""
            SHOW_LAST_4         | varchar   | CAST(NULL AS varchar)       |
            REPLACE_WITH_NULL   | bigint    | BIGINT '7'                  |
            MASK_TO_FIXED_VALUE | varchar   | CAST(NULL AS varchar)       | XXXXXXXX
            MASK_TO_FIXED_VALUE | date      | DATE '2026-02-03'           | 1970-01-01
            MASK_TO_FIXED_VALUE | boolean   | TRUE                        | false
            MASK_TO_FIXED_VALUE | decimal(9,2) | DECIMAL '1234567.89'     | 0.00
            MASK_TO_FIXED_VALUE | uuid      | UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59' | 00000000-0000-0000-0000-000000000000
            MASK_TO_FIXED_VALUE | time(6)   | TIME '12:34:56.123456'      | 00:00:00.000000
            MASK_TO_FIXED_VALUE | timestamp(6) with time zone | TIMESTAMP '2026-02-03 04:05:06.000001 UTC' | 1970-01-01 00:00:00.000000 UTC
            MASK_TO_FIXED_VALUE | array(varchar) | ARRAY['secret']        |
            TRUNCATE_TO_YEAR    | date      | DATE '2024-07-15'           | 2024-01-01
            TRUNCATE_TO_YEAR    | date      | DATE '1969-12-31'           | 1969-01-01
            TRUNCATE_TO_MONTH   | date      | DATE '2024-07-15'           | 2024-07-01
            TRUNCATE_TO_MONTH   | timestamp(6) | TIMESTAMP '2024-07-15 01:02:03.000004' | 2024-07-01 00:00:00.000000
            TRUNCATE_TO_YEAR    | timestamp(6) with time zone | TIMESTAMP '2024-01-01 00:30:00.000000 +02:00' | 2023-01-01 00:00:00.000000 UTC
            SHA_256_GLOBAL      | varchar   | 'abc'                       | ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
            SHA_256_GLOBAL      | varchar   | CAST(NULL AS varchar)       |
            SHA_256_GLOBAL      | double    | DOUBLE '1.5'                |
            """)
    void masksAreWhatIcebergSays(Mask mask, String type, String value, @Nullable String masked) throws Exception {
        String sql = RestrictionSql.mask(mask, "c", type, Salt.random());
        String query = "SELECT CAST(m AS varchar), typeof(m) FROM (SELECT %s AS m FROM (VALUES %s) AS t(c))"
                .formatted(sql, "CAST(%s AS %s)".formatted(value, type));
        if (type.startsWith("array")) {
            query = query.replace("CAST(m AS varchar)", "json_format(CAST(m AS json))");
        }
        try (Connection connection = connect(properties(catalog.token("admin")));
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            assertThat(rows.next()).isTrue();
            assertThat(rows.getString(1)).isEqualTo(masked);
            assertThat(rows.getString(2)).isEqualTo(type);
        }
    }

    /// The same numbers as `MessageDigest` over little-endian bytes gives.
    @Test
    void digestsOfNumbersAreThoseOfIceberg() throws Exception {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        for (long value : new long[] {0, 1, -1, 123456789L, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            byte[] four = ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt((int) value)
                    .array();
            byte[] eight = ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(value)
                    .array();
            int shortDigest = ByteBuffer.wrap(sha256.digest(four))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getInt();
            long longDigest = ByteBuffer.wrap(sha256.digest(eight))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            String asInt = RestrictionSql.mask(Mask.SHA_256_GLOBAL, "i", "integer", Salt.random());
            String asLong = RestrictionSql.mask(Mask.SHA_256_GLOBAL, "l", "bigint", Salt.random());
            assertThat(query(
                            "admin",
                            "SELECT CAST(%s AS varchar) || ' ' || CAST(%s AS varchar) FROM (VALUES (CAST(%d AS integer), CAST(%d AS bigint))) AS t(i, l)"
                                    .formatted(asInt, asLong, value, value)))
                    .containsExactly(shortDigest + " " + longDigest);
        }
    }

    @Test
    void aSaltedDigestHoldsWithinAQueryOnly() throws Exception {
        Salt salt = Salt.random();
        byte[] salted = HexFormat.of().parseHex(salt.hex() + HexFormat.of().formatHex("abc".getBytes(UTF_8)));
        String expected =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(salted));
        String sql = RestrictionSql.mask(Mask.SHA_256_QUERY_LOCAL, "c", "varchar", salt);
        assertThat(query("admin", "SELECT %s FROM (VALUES CAST('abc' AS varchar)) AS t(c)".formatted(sql)))
                .containsExactly(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            string        | varchar                     | O'Hara     | 'O''Hara'
            int           | integer                     | -7         | -7
            long          | bigint                      | 9223372036854775807 | 9223372036854775807
            decimal(9, 2) | decimal(9,2)                | 1.5        | DECIMAL '1.50'
            double        | double                      | 1e3        | DOUBLE '1000.0'
            float         | real                        | 0.5        | REAL '0.5'
            boolean       | boolean                     | true       | TRUE
            date          | date                        | 2026-02-28 | DATE '2026-02-28'
            timestamp     | timestamp(6)                | 2026-02-28T01:02:03.5 | TIMESTAMP '2026-02-28 01:02:03.500000'
            timestamptz   | timestamp(6) with time zone | 2026-02-28T01:02:03Z | TIMESTAMP '2026-02-28 01:02:03.000000 UTC'
            uuid          | uuid                        | 12151fd2-7586-11e9-8f9e-2a86e4085a59 | UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'
            """)
    void filtersFindTheirValueAndNothingElse(String type, String trinoType, String value, String literal)
            throws Exception {
        String sql = RestrictionSql.filter(new Restrictions.RowFilter("c", type, List.of(value)));
        assertThat(query(
                        "admin",
                        "SELECT count(*) FROM (VALUES CAST(%2$s AS %1$s), CAST(NULL AS %1$s)) AS t(c) WHERE %3$s"
                                .formatted(trinoType, literal, sql)))
                .containsExactly("1");
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
        assertThatThrownBy(() -> engine.create(domain("tpch", "us-east-1"))).isInstanceOf(EngineFailed.class);
        engine.drop("tpch");
        engine.drop("sales");
        engine.drop("sales");
        assertThat(query("admin", "SHOW CATALOGS")).containsExactly("system", "tpch");
    }

    @Test
    void whatTheEngineWouldReplaceByASecretIsRefused() {
        assertThatThrownBy(() -> domain("sales", "${ENV:ICEFIELD_ENGINE_CREDENTIAL}"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anEngineThatIsNotThereIsNotReachable() {
        TrinoEngine.Address nobody = new TrinoEngine.Address(URI.create("https://127.0.0.1:1"), Optional.empty());
        assertThat(new TrinoEngine(nobody, () -> "token").reachable()).isFalse();
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

    private Connection connect(Properties properties) throws SQLException {
        return DriverManager.getConnection("jdbc:trino://" + trino.uri().getAuthority(), properties);
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
