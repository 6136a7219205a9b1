package io.icefield.table;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/// What requests are known by when their clients send them again: recorded in the transaction of their change, they
/// have their effect once.
///
/// @param keys of all requests that a change is made for; empty: whoever sends it again does it again
public record Once(List<Key> keys) {
    /// Its client says nothing.
    public static final Once UNTOLD = new Once(List.of());

    public Once {
        keys = List.copyOf(keys);
    }

    /// A request.
    ///
    /// @param id the client's; each principal has its own
    /// @param digest of all that is asked: no other request has it
    /// @param kept how long it is remembered
    /// @param note what its answer needs when it is given again; empty: what is there then
    public record Key(String principal, UUID id, String digest, Duration kept, String note) {
        public Key(String principal, UUID id, String digest, Duration kept) {
            this(principal, id, digest, kept, "");
        }
    }

    /// The same, with a note.
    Once noting(String note) {
        return new Once(keys.stream()
                .map(key -> new Key(key.principal(), key.id(), key.digest(), key.kept(), note))
                .toList());
    }

    /// A UUID that is the same when the request comes again: what is not stored cannot be recorded.
    UUID uuid() {
        return keys.size() == 1
                ? UUID.nameUUIDFromBytes(
                        (keys.getFirst().principal() + " " + keys.getFirst().id()).getBytes(StandardCharsets.UTF_8))
                : UUID.randomUUID();
    }
}
