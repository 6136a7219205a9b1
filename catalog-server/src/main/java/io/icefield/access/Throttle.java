package io.icefield.access;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/// How often each caller may ask, and how much at once, on this server: one that runs wild leaves the others their
/// share. In bounded memory, and on no other server's word.
public final class Throttle {
    /// Of callers that are not idle; those beyond share one pace.
    public static final int TRACKED_MAX = 10_000;

    private static final long SECOND = 1_000_000_000L;

    /// @param perSecond requests; 0: as many as it likes
    /// @param burst so many may come at once after a pause
    /// @param atOnce requests that are being served; 0: as many as it likes
    public record Limit(int perSecond, int burst, int atOnce) {
        public static final Limit NONE = new Limit(0, 0, 0);

        public Limit {
            if (perSecond < 0 || atOnce < 0 || (perSecond > 0 && burst < 1)) {
                throw new IllegalArgumentException("no limit: %d/s, %d, %d".formatted(perSecond, burst, atOnce));
            }
        }
    }

    /// One request that is being served; closed when it has been.
    public interface Turn extends AutoCloseable {
        Turn FREE = () -> {};

        @Override
        void close();
    }

    private final Limit limit;
    private final LongSupplier nanos;
    private final long step;
    private final Map<String, Pace> paces = new ConcurrentHashMap<>();
    private final Pace others;
    private long tidied;

    public Throttle(Limit limit) {
        this(limit, System::nanoTime);
    }

    /// @param nanos a clock that never goes back
    Throttle(Limit limit, LongSupplier nanos) {
        this.limit = limit;
        this.nanos = nanos;
        this.step = limit.perSecond() == 0 ? 0 : Math.max(1, SECOND / limit.perSecond());
        this.others = new Pace(nanos.getAsLong());
        this.tidied = nanos.getAsLong() - SECOND;
    }

    /// Throws `TooManyRequests` with the time to wait.
    public Turn enter(String who) {
        if (limit.equals(Limit.NONE)) {
            return Turn.FREE;
        }
        long now = nanos.getAsLong();
        Pace known = paces.get(who);
        Pace pace = known == null ? track(who, now) : known;
        pace.begin(who, now);
        return pace;
    }

    private synchronized Pace track(String who, long now) {
        if (paces.size() >= TRACKED_MAX && now - tidied >= SECOND) {
            tidied = now;
            paces.values().removeIf(pace -> pace.isIdle(now));
        }
        return paces.size() >= TRACKED_MAX ? others : paces.computeIfAbsent(who, _ -> new Pace(now));
    }

    int tracked() {
        return paces.size();
    }

    /// A bucket of tokens, told by the time at which it will be full again.
    private final class Pace implements Turn {
        private long full;
        private int serving;

        Pace(long now) {
            full = now;
        }

        synchronized void begin(String who, long now) {
            if (limit.atOnce() > 0 && serving >= limit.atOnce()) {
                throw new Refusal.TooManyRequests(
                        "%d requests of `%s` are being served, more at once are not: wait for their answers"
                                .formatted(serving, who),
                        Duration.ofSeconds(1));
            }
            if (step > 0) {
                long from = full - now > 0 ? full : now;
                long wait = from - now - step * (limit.burst() - 1L);
                if (wait > 0) {
                    throw new Refusal.TooManyRequests(
                            "`%s` asks too often: up to %d requests a second are served"
                                    .formatted(who, limit.perSecond()),
                            Duration.ofNanos(wait));
                }
                full = from + step;
            }
            serving++;
        }

        @Override
        public synchronized void close() {
            serving--;
        }

        /// Nothing is lost by forgetting it.
        synchronized boolean isIdle(long now) {
            return serving == 0 && full - now <= 0;
        }
    }
}
