package io.icefield.storage;

import java.time.Duration;
import java.util.Collection;
import java.util.Optional;

/// The object storage of the domains. All methods throw [StorageException] when the store fails or refuses.
public interface DomainStorage {
    /// Creates the profile's bucket, or adopts it when it is there already and the key may write to it: proved by
    /// a write, a read and a delete of one small object. Throws [Unfit] when no domain can be safe there.
    void provision(StorageProfile profile);

    /// Removes the bucket if nothing is in it; `false` and nothing changed when there is.
    boolean remove(StorageProfile profile);

    /// Writes a new object. Never overwrites: throws when there is one of that name.
    void write(StorageProfile profile, Location at, byte[] bytes);

    /// The whole object; empty when there is none. Throws `TooLong` when it is larger than `bytesMax`.
    Optional<byte[]> read(StorageProfile profile, Location at, int bytesMax);

    /// Deletes objects; those that are not there count as deleted.
    void delete(StorageProfile profile, Collection<Location> objects);

    /// The same for objects of any name.
    void deleteFiles(StorageProfile profile, Collection<StoredFile> files);

    /// Is there nothing below this folder?
    boolean isEmpty(StorageProfile profile, Location folder);

    /// A key for one table's folder and nothing else, issued by the store's STS.
    ///
    /// @param lifetime at least 15 minutes
    Credential vend(StorageProfile profile, Location table, Reach reach, Duration lifetime);

    /// What a vended key may do inside its folder.
    enum Reach {
        READ,
        READ_WRITE
    }

    /// The store lets clients do what they must not. The message is for the caller.
    final class Unfit extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Unfit(String message) {
            super(message);
        }
    }

    /// The store failed or refused. The message has no secret and is fit for a log; it is not for a caller.
    class StorageException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public StorageException(String message) {
            super(message);
        }

        public StorageException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The storage's own key is not known to this server. The message says why and what to do, and is fit for a caller.
    final class Shut extends StorageException {
        private static final long serialVersionUID = 1L;

        public Shut(String message) {
            super(message);
        }
    }

    /// An object is larger than whoever reads it allows.
    final class TooLong extends StorageException {
        private static final long serialVersionUID = 1L;

        public TooLong(String message) {
            super(message);
        }
    }
}
