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

    /// A P-256 key pair.
    ///
    /// @param id the `kid` of tokens signed with it
    /// @param privateKey PKCS#8
    /// @param publicKey X.509 SubjectPublicKeyInfo
    record SigningKey(String id, byte[] privateKey, byte[] publicKey, Instant createdAt) {
        @Override
        public String toString() {
            return "SigningKey[%s, created %s]".formatted(id, createdAt);
        }
    }
}
