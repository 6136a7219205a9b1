package io.icefield.access;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;

/// A key that seals secrets in the database. What it has sealed says so by its id.
public final class SealingKey {
    public static final int BYTES = 32;

    /// Of an id, before it is written as text.
    public static final int ID_BYTES = 8;

    private static final byte[] PURPOSE = {'i', 'c', 'e', 'f', 'i', 'e', 'l', 'd', ' ', 's', 'e', 'a', 'l'};

    private final String id;
    private final byte[] key;

    /// Throws `IllegalArgumentException`, which tells nothing of the key, when it is no key.
    public SealingKey(byte[] key) {
        if (key.length != BYTES) {
            throw new IllegalArgumentException("a sealing key has %d bytes, not %d".formatted(BYTES, key.length));
        }
        this.key = key.clone();
        this.id = id(key);
    }

    public static SealingKey random() {
        byte[] key = new byte[BYTES];
        new SecureRandom().nextBytes(key);
        return new SealingKey(key);
    }

    /// What the key is called, which follows from what it is: nobody can confuse two, and nobody learns the key
    /// from it.
    public String id() {
        return id;
    }

    public byte[] bytes() {
        return key.clone();
    }

    private static String id(byte[] key) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(PURPOSE);
            return HexFormat.of().formatHex(Arrays.copyOf(digest.digest(key), ID_BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SealingKey that && MessageDigest.isEqual(key, that.key);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "SealingKey[%s]".formatted(id);
    }
}
