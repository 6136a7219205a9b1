package io.icefield.access;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Slows down who guesses secrets: by client id and by address, whether there is such a client or not, in bounded
/// memory. Whoever has signed in from an address before is not held up there by others' guesses.
final class Attempts {
    /// Wrong secrets until the first wait.
    static final int FREE_OF_CLIENT = 5;

    static final int FREE_OF_ADDRESS = 50;

    /// Also who knows the secret may have to wait so long, where it has not signed in before.
    static final Duration CLIENT_WAIT_MAX = Duration.ofSeconds(5);

    static final Duration ADDRESS_WAIT_MAX = Duration.ofSeconds(30);

    /// After so long without a wrong secret all is forgiven.
    static final Duration FORGIVEN_AFTER = Duration.ofMinutes(15);

    /// Of clients, of addresses, and of the two together; those that were seen last.
    static final int REMEMBERED_MAX = 10_000;

    private static final Duration FIRST_WAIT = Duration.ofSeconds(1);
    private static final int NAME_CHARS_MAX = 100;

    private final Map<String, Failures> clients = remembering();
    private final Map<String, Failures> addresses = remembering();
    private final Map<Pair, Failures> trusted = remembering();

    /// Who signs in from where.
    record Pair(String client, String address) {
        Pair {
            // Nobody has a longer name.
            client = client.length() > NAME_CHARS_MAX ? "" : client;
        }
    }

    private record Failures(int count, Instant last) {
        static final Failures NONE = new Failures(0, Instant.MIN);

        Failures more(Instant now) {
            return new Failures(isForgiven(now) ? 1 : Math.incrementExact(count), now);
        }

        boolean isForgiven(Instant now) {
            return count == 0 || last.plus(FORGIVEN_AFTER).isBefore(now);
        }

        Duration wait(int free, Duration waitMax, Instant now) {
            if (count < free || isForgiven(now)) {
                return Duration.ZERO;
            }
            Duration grown = FIRST_WAIT.multipliedBy(1L << Math.min(count - free, 20));
            Duration whole = grown.compareTo(waitMax) < 0 ? grown : waitMax;
            Duration left = Duration.between(now, last.plus(whole));
            return left.isNegative() ? Duration.ZERO : left;
        }
    }

    /// How long to wait before the next attempt; empty: not at all.
    synchronized Optional<Duration> wait(Pair who, Instant now) {
        if (trusted.get(who) != null) {
            return Optional.empty();
        }
        Duration client = clients.getOrDefault(who.client(), Failures.NONE).wait(FREE_OF_CLIENT, CLIENT_WAIT_MAX, now);
        Duration address =
                addresses.getOrDefault(who.address(), Failures.NONE).wait(FREE_OF_ADDRESS, ADDRESS_WAIT_MAX, now);
        Duration longer = client.compareTo(address) > 0 ? client : address;
        return Optional.of(longer).filter(Duration::isPositive);
    }

    synchronized void failed(Pair who, Instant now) {
        clients.merge(who.client(), Failures.NONE.more(now), (old, _) -> old.more(now));
        addresses.merge(who.address(), Failures.NONE.more(now), (old, _) -> old.more(now));
        Failures own = trusted.get(who);
        if (own != null) {
            Failures more = own.more(now);
            if (more.count() >= FREE_OF_CLIENT) {
                trusted.remove(who);
            } else {
                trusted.put(who, more);
            }
        }
    }

    synchronized void succeeded(Pair who) {
        clients.remove(who.client());
        trusted.put(who, Failures.NONE);
    }

    synchronized int remembered() {
        return clients.size() + addresses.size() + trusted.size();
    }

    private static <K> Map<K, Failures> remembering() {
        return new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<K, Failures> eldest) {
                return size() > REMEMBERED_MAX;
            }
        };
    }
}
