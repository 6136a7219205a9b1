package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// Session keys without a memory of them: the token is the session, sealed. So they survive a restart, and nothing
/// has to be cleaned up.
final class S3Sessions {
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final int ID_LENGTH = 20;
    private static final String ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private static final int TOKEN_CHARS_MAX = 6_000;

    private final SecureRandom random = new SecureRandom();
    private final Clock clock;
    private final SecretKey sealing;
    private final SecretKey naming;

    /// @param keyFile made if absent, readable by its owner only
    S3Sessions(Path keyFile, Clock clock) throws IOException {
        this.clock = clock;
        byte[] key = Files.exists(keyFile) ? Files.readAllBytes(keyFile) : create(keyFile);
        if (key.length != KEY_BYTES) {
            throw new IOException("%s is not a key of %d bytes".formatted(keyFile, KEY_BYTES));
        }
        this.sealing = derive(key, "seal", "AES");
        this.naming = derive(key, "secret", "HmacSHA256");
    }

    /// Prints without secrets.
    record Issued(String accessKey, String secretKey, String token, Instant expiresAt) {
        @Override
        public String toString() {
            return "Issued[%s, expires %s]".formatted(accessKey, expiresAt);
        }
    }

    /// @param secretKey what the request must be signed with
    record Session(String accessKey, String secretKey, S3Policy policy, Instant expiresAt) {
        @Override
        public String toString() {
            return "Session[%s, expires %s]".formatted(accessKey, expiresAt);
        }
    }

    /// The token is not one of ours, or was changed, or belongs to another access key.
    static final class Forged extends Exception {
        private static final long serialVersionUID = 1L;

        Forged() {
            super("the session token is not valid");
        }
    }

    /// @param policy a document that [S3Policy] has understood
    Issued issue(String policy, Duration lifetime) {
        StringBuilder id = new StringBuilder("ASIA");
        while (id.length() < ID_LENGTH) {
            id.append(ID_LETTERS.charAt(random.nextInt(ID_LETTERS.length())));
        }
        Instant expiresAt = Instant.ofEpochSecond(clock.instant().plus(lifetime).getEpochSecond());
        byte[] rules = policy.getBytes(UTF_8);
        byte[] plain = ByteBuffer.allocate(Long.BYTES + ID_LENGTH + rules.length)
                .putLong(expiresAt.getEpochSecond())
                .put(id.toString().getBytes(UTF_8))
                .put(rules)
                .array();
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = crypt(Cipher.ENCRYPT_MODE, nonce, plain, 0);
        String token = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(ByteBuffer.allocate(nonce.length + sealed.length)
                        .put(nonce)
                        .put(sealed)
                        .array());
        return new Issued(id.toString(), secret(token), token, expiresAt);
    }

    /// The session of a token, expired or not.
    Session open(String token) throws Forged {
        byte[] plain;
        try {
            if (token.length() > TOKEN_CHARS_MAX) {
                throw new Forged();
            }
            byte[] all = Base64.getUrlDecoder().decode(token);
            if (all.length < NONCE_BYTES + TAG_BITS / 8) {
                throw new Forged();
            }
            plain = crypt(Cipher.DECRYPT_MODE, all, all, NONCE_BYTES);
        } catch (IllegalArgumentException notOurs) {
            throw new Forged();
        }
        ByteBuffer fields = ByteBuffer.wrap(plain);
        Instant expiresAt = Instant.ofEpochSecond(fields.getLong());
        byte[] id = new byte[ID_LENGTH];
        fields.get(id);
        byte[] rules = new byte[fields.remaining()];
        fields.get(rules);
        return new Session(new String(id, UTF_8), secret(token), S3Policy.parse(new String(rules, UTF_8)), expiresAt);
    }

    boolean isExpired(Session session) {
        return !clock.instant().isBefore(session.expiresAt());
    }

    private byte[] crypt(int mode, byte[] nonce, byte[] text, int from) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, sealing, new GCMParameterSpec(TAG_BITS, nonce, 0, NONCE_BYTES));
            return cipher.doFinal(text, from, text.length - from);
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("not sealed by us", e);
        }
    }

    private String secret(String token) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(naming);
            return Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(token.getBytes(UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no HMAC", e);
        }
    }

    private static SecretKey derive(byte[] key, String purpose, String algorithm) {
        try {
            byte[] bytes = KDF.getInstance("HKDF-SHA256")
                    .deriveData(HKDFParameterSpec.ofExtract()
                            .addIKM(key)
                            .thenExpand(("icefield s3 session " + purpose).getBytes(UTF_8), KEY_BYTES));
            return new SecretKeySpec(bytes, algorithm);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no HKDF", e);
        }
    }

    private byte[] create(Path keyFile) throws IOException {
        byte[] key = new byte[KEY_BYTES];
        random.nextBytes(key);
        try (FileChannel file = FileChannel.open(
                keyFile,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer bytes = ByteBuffer.wrap(key);
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            file.force(true);
        }
        return key;
    }
}
