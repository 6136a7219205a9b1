package io.icefield.escape;

import java.time.Duration;

/// One way out, as data.
///
/// @param area the class of attempts that it belongs to
/// @param name unique; stores' gaps are known by it
record Attempt(String area, String name, Sender sender, Way way, Ask ask, Outcome outcome) {
    enum Sender {
        /// Writer of the table `orders`, and of nothing else.
        WRITER,
        /// Reader of the same.
        READER,
        /// Writer of its sibling `orders2`.
        NEIGHBOUR,
        /// Reader of the table `people`, of which a column is masked.
        MASKED,
        /// Has a login and no grant.
        STRANGER,
        /// No login.
        NOBODY;

        String principal() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    sealed interface Way {
        /// With the key that came with the loaded table.
        record Vended() implements Way {}

        /// The same when its time is over.
        record Expired() implements Way {}

        /// With that key, for another region, service or time.
        record Odd(String region, String service, Duration ahead) implements Way {}

        /// With that key, in the query.
        record Presigned(Duration ahead, Duration lifetime) implements Way {}

        /// Signed by the server, then sent.
        record Signed() implements Way {}

        /// Something else was signed by the server.
        record Tampered(Ask signed) implements Way {}

        /// With nothing.
        record Bare() implements Way {}

        /// Encrypted as MinIO's administration wants it, with the vended key; NOBODY's: with the key that this made.
        record Admin() implements Way {}

        /// To the catalog, with the sender's token.
        record Catalog() implements Way {}

        default String word() {
            return getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /// What must come of it. Whatever it is, no answer shows what is outside, and nothing outside changes.
    enum Outcome {
        /// An error.
        REFUSED,
        /// Any answer: read literally, it stays inside.
        CONTAINED,
        /// It works: the controls.
        ALLOWED
    }
}
