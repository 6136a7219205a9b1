package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.domain.Quota;
import io.icefield.domain.Storage;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.StorageName;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.Upkeep;
import java.net.URI;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads domains with their storages. Their root keys are unsealed once per version of a domain, not once per query:
/// queries have the columns `domain_id` and `domain_version`.
final class DomainRows {
    private static final int CACHED_MAX = 10_000;

    private static final String FIND = """
            SELECT d.id, d.name, d.protected, d.soft_bytes, d.hard_bytes, d.created_at, d.version,
                s.id AS storage_id, s.name AS storage_name, s.standard, s.protected AS storage_protected,
                s.bucket, s.prefix, s.endpoint, s.sts, s.region, s.path_style, s.role_arn, s.kms_key,
                s.access_key, s.sealed_key, s.versioning, s.upload_days, s.version_days,
                s.soft_bytes AS storage_soft_bytes, s.hard_bytes AS storage_hard_bytes,
                s.created_at AS storage_created_at
            FROM domains d
            JOIN storages s ON s.domain_id = d.id
            WHERE d.id = ?
            ORDER BY s.name
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
                return read(id, row);
            }
        }
    }

    Domain domain(ResultSet row) throws SQLException {
        return domain(row.getStatement().getConnection(), row.getLong("domain_id"), row.getInt("domain_version"));
    }

    /// One statement has read all of it, so it is what it was at the version that it says.
    private Domain read(long id, ResultSet row) throws SQLException {
        DomainName name = new DomainName(row.getString("name"));
        Version version = new Version(id, row.getInt("version"));
        Quota quota = quota(row, "");
        boolean guarded = row.getBoolean("protected");
        Instant createdAt = instant(row, "created_at");
        List<Storage> storages = new ArrayList<>();
        do {
            storages.add(storage(name, row));
        } while (row.next());
        Domain domain = new Domain(id, name, storages, quota, guarded, createdAt);
        if (!domain.isShut()) { // the key may come at any moment
            cache.put(version, domain);
        }
        return domain;
    }

    private Storage storage(DomainName domain, ResultSet row) throws SQLException {
        return new Storage(
                row.getLong("storage_id"),
                profile(domain, row),
                row.getBoolean("standard"),
                row.getBoolean("storage_protected"),
                new Upkeep(
                        Optional.ofNullable(row.getObject("versioning", Boolean.class)),
                        Optional.ofNullable(row.getObject("upload_days", Integer.class)),
                        Optional.ofNullable(row.getObject("version_days", Integer.class))),
                quota(row, "storage_"),
                instant(row, "storage_created_at"));
    }

    /// From the columns of `storages`, its name as `storage_name`.
    StorageProfile profile(DomainName domain, ResultSet row) throws SQLException {
        StorageName name = new StorageName(row.getString("storage_name"));
        return new StorageProfile(
                domain,
                name,
                row.getString("bucket"),
                row.getString("prefix"),
                uri(row.getString("endpoint")),
                uri(row.getString("sts")),
                row.getString("region"),
                row.getBoolean("path_style"),
                row.getString("role_arn"),
                Optional.ofNullable(row.getString("kms_key")),
                root(owner(domain, name), row.getString("access_key"), row.getBytes("sealed_key")));
    }

    /// What needs no key must go on, so a key that does not open is a key all the same.
    private Credential root(String owner, String accessKey, byte[] sealed) {
        try {
            return Credential.permanent(accessKey, new String(sealer.open(owner, sealed), UTF_8));
        } catch (Sealer.Shut e) {
            return Credential.shut(accessKey, String.valueOf(e.getMessage()));
        }
    }

    byte[] seal(StorageProfile storage) {
        if (storage.root().sessionToken().isPresent()) {
            throw new IllegalArgumentException("the root key of a storage is one that does not expire");
        }
        return sealer.seal(
                owner(storage.domain(), storage.name()),
                storage.root().secretKey().getBytes(UTF_8));
    }

    /// The first one's key was sealed when a domain had no other.
    static String owner(DomainName domain, StorageName name) {
        return name.equals(StorageName.MAIN) ? "domain " + domain : "storage " + domain + "/" + name;
    }

    private static Quota quota(ResultSet row, String prefix) throws SQLException {
        return new Quota(
                Optional.ofNullable(row.getObject(prefix + "soft_bytes", Long.class)),
                Optional.ofNullable(row.getObject(prefix + "hard_bytes", Long.class)));
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
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
