package io.icefield.escape;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/// Bodies as MinIO's administration takes them: encrypted with the sender's secret.
final class Admin {
    /// Of the account that an attempt would make for itself.
    static final String ACCESS_KEY = "escapedaccount";

    static final String SECRET_KEY = "escaped-secret-1";

    /// The root's own, which is there before.
    static final String VICTIM = "otheraccount";

    private static final int ITERATIONS = 8_192;
    private static final byte PBKDF2_AES_GCM = 2;

    private Admin() {}

    static byte[] encrypted(String secret, byte[] plain) {
        try {
            SecureRandom random = new SecureRandom();
            byte[] salt = new byte[32];
            byte[] nonce = new byte[8];
            random.nextBytes(salt);
            random.nextBytes(nonce);
            byte[] key = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(new PBEKeySpec(secret.toCharArray(), salt, ITERATIONS, 256))
                    .getEncoded();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.writeBytes(salt);
            out.write(PBKDF2_AES_GCM);
            out.writeBytes(nonce);
            byte[] tag = sealed(key, nonce, 0, new byte[0], new byte[0]);
            byte[] last = ByteBuffer.allocate(1 + tag.length)
                    .put((byte) 0x80)
                    .put(tag)
                    .array();
            out.writeBytes(sealed(key, nonce, 1, last, plain));
            return out.toByteArray();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] sealed(byte[] key, byte[] nonce, int number, byte[] associated, byte[] plain)
            throws GeneralSecurityException {
        byte[] full = ByteBuffer.allocate(12)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(nonce)
                .putInt(number)
                .array();
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, full));
        cipher.updateAAD(associated);
        return cipher.doFinal(plain);
    }
}
