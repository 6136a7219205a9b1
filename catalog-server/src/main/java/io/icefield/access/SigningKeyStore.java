package io.icefield.access;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The keys that sign access tokens, the same for all replicas.
public interface SigningKeyStore {
    /// Newest first.
    List<SigningKey> keys();

    /// Adds a key if the newest one is still this (empty: if there is none). Atomic: of two racing callers exactly one
    /// gets `true`; after `false` nothing has changed. The private half is stored sealed.
    boolean add(SigningKey key, Optional<String> newest);

    /// `false` when there is none.
    boolean remove(String id);

    /// A P-256 key pair.
    ///
    /// @param id the `kid` of tokens signed with it
    /// @param privateKey PKCS#8; empty: it is sealed under a key that this server does not have
    /// @param publicKey X.509 SubjectPublicKeyInfo
    /// @param signsFrom until then it is only published
    record SigningKey(String id, Optional<byte[]> privateKey, byte[] publicKey, Instant createdAt, Instant signsFrom) {
        @Override
        public String toString() {
            return "SigningKey[%s, created %s, signs from %s]".formatted(id, createdAt, signsFrom);
        }
    }
}
