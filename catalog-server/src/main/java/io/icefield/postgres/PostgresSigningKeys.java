package io.icefield.postgres;

import io.icefield.access.SigningKeyStore;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Signing keys in PostgreSQL, the private halves sealed.
public final class PostgresSigningKeys implements SigningKeyStore {
    private static final String KEYS = """
            SELECT key_id, sealed_key, public_key, created_at, signs_from FROM signing_keys ORDER BY id DESC
            """;

    private static final String LOCK = """
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.signing_keys', 0))
            """;

    private static final String ADD = """
            INSERT INTO signing_keys (key_id, sealed_key, public_key, created_at, signs_from)
            SELECT :key_id, :sealed_key, :public_key, :created_at, :signs_from
            WHERE (SELECT key_id FROM signing_keys ORDER BY id DESC LIMIT 1) IS NOT DISTINCT FROM :newest
            """;

    private static final String REMOVE = """
            DELETE FROM signing_keys WHERE key_id = :key_id
            """;

    private static final Logger LOG = LoggerFactory.getLogger(PostgresSigningKeys.class);

    private final Database database;
    private final Sealer sealer;

    public PostgresSigningKeys(Database database) {
        this.database = database;
        this.sealer = database.sealer();
    }

    @Override
    public List<SigningKey> keys() {
        return database.read(handle -> handle.createQuery(KEYS)
                .map((row, _) -> new SigningKey(
                        row.getString("key_id"),
                        opened(row.getString("key_id"), row.getBytes("sealed_key")),
                        row.getBytes("public_key"),
                        row.getObject("created_at", OffsetDateTime.class).toInstant(),
                        row.getObject("signs_from", OffsetDateTime.class).toInstant()))
                .list());
    }

    /// Whoever cannot sign with it still verifies with it.
    private Optional<byte[]> opened(String keyId, byte[] sealed) {
        try {
            return Optional.of(sealer.open(owner(keyId), sealed));
        } catch (Sealer.Shut e) {
            LOG.warn("{}", e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public boolean add(SigningKey key, Optional<String> newest) {
        return database.write(handle -> {
            handle.createQuery(LOCK).mapToMap().one();
            return handle.createUpdate(ADD)
                            .bind("key_id", key.id())
                            .bind(
                                    "sealed_key",
                                    sealer.seal(
                                            owner(key.id()), key.privateKey().orElseThrow()))
                            .bind("public_key", key.publicKey())
                            .bind("created_at", key.createdAt().atOffset(ZoneOffset.UTC))
                            .bind("signs_from", key.signsFrom().atOffset(ZoneOffset.UTC))
                            .bind("newest", newest)
                            .execute()
                    == 1;
        });
    }

    @Override
    public boolean remove(String id) {
        return database.write(
                handle -> handle.createUpdate(REMOVE).bind("key_id", id).execute() == 1);
    }

    static String owner(String keyId) {
        return "signing key " + keyId;
    }
}
