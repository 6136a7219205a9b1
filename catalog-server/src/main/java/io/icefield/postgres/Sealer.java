package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeySource;
import io.icefield.access.SealingKeys;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Encrypts secrets for the database: AES-256-GCM, bound to what they belong to, so that a sealed secret copied to
/// another row does not open. Layout: version 2, 8 bytes id of the key, 12 bytes nonce, ciphertext with its tag;
/// version
/// 1, of before, has no id.
final class Sealer {
    private static final byte NAMED = 2;
    private static final byte UNNAMED = 1;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    /// Secrets that do not open make us ask for keys for each of them no oftener than this.
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(Sealer.class);

    private final SealingKeySource source;
    private final SecureRandom random = new SecureRandom();
    private volatile List<SealingKey> known = List.of();

    /// Ids of keys that were missed, and when the source was asked for each; guarded by this.
    private final Map<String, Long> missed = new HashMap<>();

    Sealer(SealingKeySource source) {
        this.source = source;
    }

    /// A sealed secret that no key of ours opens. The message says whose it is and what to do, and nothing secret.
    static final class Shut extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Shut(String message) {
            super(message);
        }
    }

    /// Under the first key, as it is at this moment: whatever is sealed after a new key came is sealed under it.
    byte[] seal(String owner, byte[] secret) {
        SealingKey key = first();
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] hidden = cipher(Cipher.ENCRYPT_MODE, key, nonce, owner).doFinal(secret);
            return ByteBuffer.allocate(1 + SealingKey.ID_BYTES + NONCE_BYTES + hidden.length)
                    .put(NAMED)
                    .put(HexFormat.of().parseHex(key.id()))
                    .put(nonce)
                    .put(hidden)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Throws `Shut`.
    byte[] open(String owner, byte[] sealed) {
        String keyId = keyId(sealed);
        return opened(known, owner, sealed, keyId)
                .or(() -> opened(askedFor(keyId), owner, sealed, keyId))
                .orElseThrow(() -> shut(owner, keyId));
    }

    /// Which key has sealed this; empty: it does not say.
    static String keyId(byte[] sealed) {
        return sealed.length > SealingKey.ID_BYTES && sealed[0] == NAMED
                ? HexFormat.of().formatHex(sealed, 1, 1 + SealingKey.ID_BYTES)
                : "";
    }

    /// The key that seals.
    SealingKey first() {
        return refreshed().stream()
                .findFirst()
                .orElseThrow(() ->
                        new IllegalStateException("there is no key to seal secrets with: add one, " + SealingKeys.HOW));
    }

    private static Optional<byte[]> opened(List<SealingKey> keys, String owner, byte[] sealed, String keyId) {
        return keys.stream()
                .filter(key -> keyId.isEmpty() || key.id().equals(keyId))
                .flatMap(key -> opened(key, owner, sealed).stream())
                .findFirst();
    }

    private static Optional<byte[]> opened(SealingKey key, String owner, byte[] sealed) {
        int head = sealed.length > 0 && sealed[0] == NAMED ? 1 + SealingKey.ID_BYTES : 1;
        if (sealed.length < head + NONCE_BYTES + TAG_BITS / 8 || (sealed[0] != NAMED && sealed[0] != UNNAMED)) {
            return Optional.empty();
        }
        ByteBuffer from = ByteBuffer.wrap(sealed, head, sealed.length - head);
        byte[] nonce = new byte[NONCE_BYTES];
        from.get(nonce);
        byte[] hidden = new byte[from.remaining()];
        from.get(hidden);
        try {
            return Optional.of(cipher(Cipher.DECRYPT_MODE, key, nonce, owner).doFinal(hidden));
        } catch (GeneralSecurityException e) {
            return Optional.empty();
        }
    }

    private static Cipher cipher(int mode, SealingKey key, byte[] nonce, String owner) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key.bytes(), "AES"), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(owner.getBytes(UTF_8));
        return cipher;
    }

    private synchronized List<SealingKey> askedFor(String keyId) {
        long now = System.nanoTime();
        Long before = missed.put(keyId, now);
        if (before != null && now - before < PAUSE.toNanos()) {
            missed.put(keyId, before);
            return known;
        }
        return refreshed();
    }

    /// Keys that cannot be read at this moment are those that we know: the file may be just being replaced.
    private synchronized List<SealingKey> refreshed() {
        try {
            List<SealingKey> now = source.keys();
            if (!now.isEmpty()) {
                known = List.copyOf(now);
            }
        } catch (IllegalStateException e) {
            if (known.isEmpty()) {
                throw e;
            }
            LOG.warn("the sealing keys cannot be read, those of before stay: {}", e.getMessage());
        }
        return known;
    }

    private Shut shut(String owner, String keyId) {
        if (known.stream().anyMatch(key -> key.id().equals(keyId))) {
            return new Shut(
                    "the secret of %s was altered: it does not open under its key `%s`; put another in its place"
                            .formatted(owner, keyId));
        }
        return new Shut(
                "the secret of %s is sealed under %s, and this server has only %s: add that key behind the others, %s, or put another secret in its place"
                        .formatted(
                                owner,
                                keyId.isEmpty() ? "a key of before keys had ids" : "key `%s`".formatted(keyId),
                                known.stream()
                                        .map(key -> "`%s`".formatted(key.id()))
                                        .toList(),
                                SealingKeys.HOW));
    }

    @Override
    public String toString() {
        return "Sealer[***]";
    }
}
