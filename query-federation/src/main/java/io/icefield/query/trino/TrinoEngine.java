package io.icefield.query.trino;

import io.icefield.query.EngineCatalog;
import io.icefield.query.QueryEngine;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// [QueryEngine] on a Trino whose catalogs are dynamic (`catalog.management=dynamic`).
///
/// Trino tells nobody the properties of a catalog, so ours carry a mark: the default of a session property that has no
/// effect unless another one is set. It says that a catalog is ours and, by a fingerprint, with which properties.
public final class TrinoEngine implements QueryEngine {
    private static final String MARK_PROPERTY = "iceberg.query-partition-filter-required-schemas";
    private static final String MARK_SESSION_PROPERTY = "query_partition_filter_required_schemas";
    private static final String MARK = "icefield-";
    private static final Set<String> RESERVED = Set.of("system", "jmx", "tpch");

    /// @param uri `https`, or `http` for a Trino without authentication
    /// @param trustStore PEM of the certificate, where the JDK does not trust it anyway
    public record Address(URI uri, Optional<Path> trustStore) {}

    private final Address address;
    private final Supplier<String> accessToken;

    /// @param accessToken a token of a principal who may create and drop catalogs; asked for at each connection
    public TrinoEngine(Address address, Supplier<String> accessToken) {
        this.address = address;
        this.accessToken = accessToken;
    }

    @Override
    public void sync(Collection<EngineCatalog> wanted) {
        Map<String, EngineCatalog> byName = new LinkedHashMap<>();
        wanted.forEach(catalog -> byName.put(catalog.name(), catalog));
        run("make its catalogs those of the domains", statement -> {
            Map<String, String> marks = marks(statement);
            for (String name : marks.keySet()) {
                if (!byName.containsKey(name)) {
                    statement.execute("DROP CATALOG IF EXISTS " + quoted(name));
                }
            }
            for (EngineCatalog catalog : byName.values()) {
                create(statement, catalog, marks);
            }
        });
    }

    @Override
    public void create(EngineCatalog catalog) {
        run("create catalog `%s`".formatted(catalog.name()), statement -> create(statement, catalog, marks(statement)));
    }

    @Override
    public void drop(String name) {
        run("drop catalog `%s`".formatted(name), statement -> {
            if (marks(statement).containsKey(name)) {
                statement.execute("DROP CATALOG IF EXISTS " + quoted(name));
            }
        });
    }

    @Override
    public boolean reachable() {
        try {
            run("answer", statement -> statement.execute("SELECT 1"));
            return true;
        } catch (EngineFailed e) {
            return false;
        }
    }

    private static void create(Statement statement, EngineCatalog catalog, Map<String, String> marks)
            throws SQLException {
        if (RESERVED.contains(catalog.name())) {
            throw new SQLException("`%s` is a catalog of Trino's own".formatted(catalog.name()));
        }
        Map<String, String> properties = properties(catalog);
        String mark = mark(properties);
        String known = marks.get(catalog.name());
        if (mark.equals(known)) {
            return;
        }
        if (known != null) {
            statement.execute("DROP CATALOG IF EXISTS " + quoted(catalog.name()));
        }
        properties.put(MARK_PROPERTY, mark);
        String with = properties.entrySet().stream()
                .map(property -> quoted(property.getKey()) + " = " + literal(property.getValue()))
                .collect(Collectors.joining(",\n  "));
        statement.execute("CREATE CATALOG %s USING iceberg WITH (\n  %s)".formatted(quoted(catalog.name()), with));
    }

    /// Our catalogs with their marks.
    private static Map<String, String> marks(Statement statement) throws SQLException {
        Map<String, String> marks = new HashMap<>();
        try (ResultSet rows = statement.executeQuery("SHOW SESSION LIKE '%." + MARK_SESSION_PROPERTY + "'")) {
            while (rows.next()) {
                String name = rows.getString("Name");
                String value = rows.getString("Default");
                int start = value.indexOf(MARK);
                if (start >= 0) {
                    String mark = value.substring(start).replaceAll("[^a-z0-9-].*", "");
                    marks.put(name.substring(0, name.length() - MARK_SESSION_PROPERTY.length() - 1), mark);
                }
            }
        }
        return marks;
    }

    static Map<String, String> properties(EngineCatalog catalog) {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("iceberg.catalog.type", "rest");
        properties.put("iceberg.rest-catalog.uri", catalog.catalogUri().toString());
        properties.put("iceberg.rest-catalog.warehouse", catalog.warehouse());
        properties.put("iceberg.rest-catalog.security", "OAUTH2");
        properties.put("iceberg.rest-catalog.oauth2.credential", "${ENV:ICEFIELD_ENGINE_CREDENTIAL}");
        properties.put("iceberg.rest-catalog.oauth2.scope", "catalog");
        properties.put("iceberg.rest-catalog.oauth2.server-uri", catalog.catalogUri() + "/v1/oauth/tokens");
        properties.put("iceberg.rest-catalog.vended-credentials-enabled", "true");
        properties.put("iceberg.rest-catalog.nested-namespace-enabled", "true");
        // Tags of columns and the like are plain table properties; the catalog server judges them.
        properties.put("iceberg.allowed-extra-properties", "*");
        // The cache knows paths, not users: what was revoked would stay readable.
        properties.put("iceberg.metadata-cache.enabled", "false");
        properties.put("fs.s3.enabled", "true");
        catalog.s3Endpoint().ifPresent(endpoint -> properties.put("s3.endpoint", endpoint.toString()));
        properties.put("s3.region", catalog.region());
        properties.put("s3.path-style-access", String.valueOf(catalog.pathStyle()));
        catalog.kmsKey().ifPresent(key -> {
            properties.put("s3.sse.type", "KMS");
            properties.put("s3.sse.kms-key-id", key);
        });
        return properties;
    }

    private static String mark(Map<String, String> properties) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(properties.toString().getBytes(StandardCharsets.UTF_8));
            return MARK + HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    private interface Work {
        void on(Statement statement) throws SQLException;
    }

    private void run(String what, Work work) {
        try (Connection connection = connection();
                Statement statement = connection.createStatement()) {
            work.on(statement);
        } catch (SQLException e) {
            throw new EngineFailed("Trino at %s did not %s: %s".formatted(address.uri(), what, e.getMessage()), e);
        }
    }

    private Connection connection() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("source", "icefield");
        if ("https".equals(address.uri().getScheme())) {
            properties.setProperty("SSL", "true");
            properties.setProperty("accessToken", accessToken.get());
            address.trustStore().ifPresent(pem -> properties.setProperty("SSLTrustStorePath", pem.toString()));
        } else {
            // Such a Trino believes every name, and the driver sends no token without encryption.
            properties.setProperty("user", "icefield");
        }
        URI uri = address.uri();
        return DriverManager.getConnection("jdbc:trino://" + uri.getAuthority(), properties);
    }

    private static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    private static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
