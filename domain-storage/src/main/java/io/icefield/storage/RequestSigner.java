package io.icefield.storage;

import io.icefield.storage.DomainStorage.Reach;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Signs requests that clients make to the store without a key of their own.
public interface RequestSigner {
    /// Signs one request if all that it touches is inside the folder and within the reach; throws [OutOfReach] and
    /// signs nothing otherwise. What the request's body decides is bound to the signature.
    ///
    /// @param folder one table's
    /// @param right how long its sender may do this: the signature is good no longer, and 15 minutes at most
    Signed sign(StorageProfile profile, Location folder, Reach reach, Duration right, Unsigned request);

    /// A request as its client would send it.
    ///
    /// @param uri with scheme and host, percent-encoded, exactly as it will be sent
    /// @param headers by name in any case
    /// @param body only where it says what the request touches
    record Unsigned(
            String method, String uri, String region, Map<String, List<String>> headers, Optional<String> body) {
        public Unsigned {
            TreeMap<String, List<String>> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            headers.forEach((name, values) -> {
                if (copy.put(name, List.copyOf(values)) != null) {
                    throw new IllegalArgumentException("the header `%s` is given twice".formatted(shown(name)));
                }
            });
            headers = Collections.unmodifiableMap(copy);
        }

        private static String shown(String value) {
            return value.length() > 60 ? value.substring(0, 60) + "…" : value;
        }
    }

    /// The same request and the headers that it must be sent with, beside its own.
    ///
    /// @param reusable the same request may be sent again with these headers: it reads one object
    record Signed(String uri, Map<String, List<String>> headers, boolean reusable) {
        public Signed {
            headers = Map.copyOf(headers);
        }

        @Override
        public String toString() {
            return "Signed[" + uri + "]";
        }
    }

    /// The request would touch what its sender has no key to. The message is for the sender.
    final class OutOfReach extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public OutOfReach(String message) {
            super(message, null, false, false);
        }
    }
}
