package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads domains out of rows that have the columns of `domains` as `domain_…`. A domain's root key is unsealed once per
/// version of its row, not once per query.
final class DomainRows {
    private static final int CACHED_MAX = 10_000;

    private static final String FIND = """
            SELECT d.id AS domain_id, d.version AS domain_version, d.name AS domain_name, d.bucket AS domain_bucket,
                d.prefix AS domain_prefix, d.endpoint AS domain_endpoint, d.sts AS domain_sts,
                d.region AS domain_region, d.path_style AS domain_path_style, d.role_arn AS domain_role_arn,
                d.access_key AS domain_access_key, d.sealed_key AS domain_sealed_key,
                d.created_at AS domain_created_at
            FROM domains d
            WHERE d.id = ?
            """;

    private final Sealer sealer;
    private final Cache<Version, Domain> cache =
            Caffeine.newBuilder().maximumSize(CACHED_MAX).build();

    DomainRows(Sealer sealer) {
        this.sealer = sealer;
    }

    private record Version(long id, int version) {}

    /// The domain at this version, or at a newer one.
    Domain domain(Connection connection, long id, int version) throws SQLException {
        Domain known = cache.getIfPresent(new Version(id, version));
        if (known != null) {
            return known;
        }
        try (PreparedStatement find = connection.prepareStatement(FIND)) {
            find.setLong(1, id);
            try (ResultSet row = find.executeQuery()) {
                if (!row.next()) {
                    throw new Refusal.Unavailable("the domain was just removed: try again");
                }
                return domain(row);
            }
        }
    }

    Domain domain(ResultSet row) throws SQLException {
        Version version = new Version(row.getLong("domain_id"), row.getInt("domain_version"));
        Domain known = cache.getIfPresent(version);
        if (known != null) {
            return known;
        }
        Domain read = read(row);
        cache.put(version, read);
        return read;
    }

    private Domain read(ResultSet row) throws SQLException {
        DomainName name = new DomainName(row.getString("domain_name"));
        String secret = new String(sealer.open(owner(name), row.getBytes("domain_sealed_key")), UTF_8);
        StorageProfile storage = new StorageProfile(
                name,
                row.getString("domain_bucket"),
                row.getString("domain_prefix"),
                uri(row.getString("domain_endpoint")),
                uri(row.getString("domain_sts")),
                row.getString("domain_region"),
                row.getBoolean("domain_path_style"),
                row.getString("domain_role_arn"),
                Credential.permanent(row.getString("domain_access_key"), secret));
        return new Domain(
                row.getLong("domain_id"),
                name,
                storage,
                row.getObject("domain_created_at", OffsetDateTime.class).toInstant());
    }

    byte[] seal(StorageProfile storage) {
        if (storage.root().sessionToken().isPresent()) {
            throw new IllegalArgumentException("the root key of a domain is one that does not expire");
        }
        return sealer.seal(owner(storage.domain()), storage.root().secretKey().getBytes(UTF_8));
    }

    private static String owner(DomainName name) {
        return "domain " + name;
    }

    private static Optional<URI> uri(@Nullable String text) {
        return Optional.ofNullable(text).map(URI::create);
    }

    /// From the columns `roles` and `below`.
    static Sight sight(ResultSet row) throws SQLException {
        return new Sight(roles(row.getArray("roles")), row.getBoolean("below"));
    }

    private static Set<Role> roles(Array names) throws SQLException {
        return Arrays.stream((Object[]) names.getArray())
                .map(name -> Role.valueOf(name.toString().toUpperCase(Locale.ROOT)))
                .collect(Collectors.toSet());
    }
}
