package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.table.Once;
import io.icefield.table.RequestKeys;
import io.icefield.table.RequestKeys.Done;
import io.icefield.table.RequestKeys.Refused;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/// Requests that come again with the same `Idempotency-Key` have their effect once, and each time the
/// answer to that.
///
/// The key is recorded with the change, in its transaction, and nobody looks for it before: a request that
/// comes again is refused through its own first effect, or because its key is there. So it is after a
/// refusal that we look, and whoever may not do this (any more) is refused as ever.
final class Retries {
    static final String HEADER = "Idempotency-Key";

    /// Clients' clocks are not ours.
    private static final Duration GRACE = Duration.ofMinutes(5);

    /// A longer refusal is made again.
    private static final int REFUSAL_CHARS_MAX = 65_536;

    private final RequestKeys keys;
    private final Duration lifetime;

    /// @param lifetime zero: keys are not heeded
    Retries(RequestKeys keys, Duration lifetime) {
        this.keys = keys;
        this.lifetime = lifetime;
    }

    /// How long a client may send a request again; empty: it may not.
    Optional<Duration> lifetime() {
        return lifetime.isZero() ? Optional.empty() : Optional.of(lifetime);
    }

    /// @param again the answer when it was done before; may show a newer state
    Answer once(Call call, Function<Once, Answer> work, Supplier<Answer> again) {
        return noted(call, work, _ -> again.get());
    }

    /// The same for a change that leaves nothing to load.
    ///
    /// @param again is given what was noted with the change
    Answer noted(Call call, Function<Once, Answer> work, Function<String, Answer> again) {
        Optional<Once.Key> known = key(call);
        if (known.isEmpty()) {
            return work.apply(Once.UNTOLD);
        }
        Once.Key key = known.get();
        try {
            return work.apply(new Once(List.of(key)));
        } catch (Refusal.OutcomeUnknown | Refusal.Unavailable e) {
            throw e; // not settled: it may come again
        } catch (Refusal e) {
            Optional<Done> done = keys.find(key);
            if (done.isPresent()) {
                if (done.get().refusal().isPresent()) {
                    Trail.current().refused(e);
                }
                return replay(key, done.get(), again);
            }
            if (e instanceof Refusal.Repeated) {
                throw new Refusal.Unavailable("the same request is being served: try again");
            }
            settle(key, e, call);
            throw e;
        }
    }

    private static Answer replay(Once.Key key, Done done, Function<String, Answer> again) {
        if (!done.digest().equals(key.digest())) {
            throw new Refusal.Contradictory(
                    "`%s` `%s` was used for another request: take a new one for each".formatted(HEADER, key.id()));
        }
        if (done.refusal().isPresent()) {
            return Answer.json(
                    done.refusal().get().status(), done.refusal().get().body().getBytes(UTF_8));
        }
        try {
            return again.apply(done.note());
        } catch (Refusal.NotFound | Refusal.NotAllowed | Refusal.Invalid e) {
            // It was done, so no 4xx: clients would delete what they wrote for it.
            throw new Refusal.OutcomeUnknown(
                    "this request was done when it came first; what it changed cannot be shown now: " + e.getMessage());
        }
    }

    /// A lost race is not for good: what is asked may be right by then.
    private void settle(Once.Key key, Refusal refusal, Call call) {
        if (refusal instanceof Refusal.Conflict) {
            return;
        }
        Answer answer = Errors.of(refusal, call.template());
        String body = new String(answer.body(), UTF_8);
        if (body.length() <= REFUSAL_CHARS_MAX) {
            keys.refused(key, new Refused(answer.status(), body));
        }
    }

    private Optional<Once.Key> key(Call call) {
        return lifetime.isZero()
                ? Optional.empty()
                : call.header(HEADER)
                        .map(text -> new Once.Key(call.who().name(), uuid(text), digest(call), lifetime.plus(GRACE)));
    }

    /// Of any version: clients are not exact about that.
    private static UUID uuid(String text) {
        try {
            if (text.length() == 36) {
                return UUID.fromString(text);
            }
        } catch (IllegalArgumentException _) {
            // said below
        }
        throw new Refusal.Invalid("`%s` must be a UUID of 36 characters".formatted(HEADER));
    }

    private static String digest(Call call) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(call.address().getBytes(UTF_8));
            sha.update((byte) 0);
            return HexFormat.of().formatHex(sha.digest(call.body().getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
