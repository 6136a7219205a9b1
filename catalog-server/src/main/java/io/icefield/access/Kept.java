package io.icefield.access;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// A value of elsewhere, read again when it has got old. While one caller reads, or when reading fails, the others go
/// on
/// with the old value until it is too old: then each reads for itself, and fails if that fails.
public final class Kept<T> {
    private final Supplier<T> source;
    private final Duration age;
    private final Duration ageMax;
    private final InstantSource clock;
    private final AtomicBoolean reading = new AtomicBoolean();
    private volatile Optional<Value<T>> value = Optional.empty();

    /// What was forgotten; guarded by this.
    private long forgotten;

    private record Value<T>(T it, Instant readAt) {
        /// A clock that went back says nothing about the age.
        boolean isYounger(Duration than, Instant now) {
            return !now.isBefore(readAt) && now.isBefore(readAt.plus(than));
        }
    }

    /// @param age of a value that is read again
    /// @param ageMax of a value that nobody sees any more
    public Kept(Supplier<T> source, Duration age, Duration ageMax, InstantSource clock) {
        this.source = source;
        this.age = age;
        this.ageMax = ageMax;
        this.clock = clock;
    }

    public T get() {
        Instant now = clock.instant();
        Optional<Value<T>> known = value;
        if (known.isEmpty() || !known.get().isYounger(ageMax, now)) {
            return read(now);
        }
        T old = known.get().it();
        if (known.get().isYounger(age, now) || !reading.compareAndSet(false, true)) {
            return old;
        }
        try {
            return read(now);
        } catch (Refusal.Unavailable e) {
            return old;
        } finally {
            reading.set(false);
        }
    }

    /// The value, read again if it is not younger than this.
    public T youngerThan(Duration limit) {
        Instant now = clock.instant();
        Optional<Value<T>> known = value;
        return known.isPresent() && known.get().isYounger(limit, now)
                ? known.get().it()
                : read(now);
    }

    /// The next caller reads; what is being read just now is not kept.
    public synchronized void forget() {
        forgotten++;
        value = Optional.empty();
    }

    private T read(Instant now) {
        long before = forgotten();
        T read = source.get();
        keep(new Value<>(read, now), before);
        return read;
    }

    private synchronized long forgotten() {
        return forgotten;
    }

    private synchronized void keep(Value<T> read, long before) {
        if (forgotten == before) {
            value = Optional.of(read);
        }
    }
}
