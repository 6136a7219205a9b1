package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.Quota;
import io.icefield.domain.Storage;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageName;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// What the domains' tables weigh, and the limits on it.
public final class Usages {
    /// How long the sums of a domain with a quota are believed; what other replicas add meanwhile comes on top.
    static final Duration BELIEVED = Duration.ofSeconds(10);

    /// Between two warnings of one domain, and between two notes of the day.
    private static final Duration HOUR = Duration.ofHours(1);

    /// Days that are kept.
    public static final int DAYS_MAX = 400;

    private static final System.Logger LOG = System.getLogger(Usages.class.getName());

    private final Domains domains;
    private final TableStore tables;
    private final UsageStore store;
    private final MetadataSource files;
    private final TableFormat format;
    private final Clock clock;
    private final Map<Long, Believed> believed = new ConcurrentHashMap<>();
    private final Map<String, Instant> warned = new ConcurrentHashMap<>();
    private Optional<Long> cursor = Optional.empty();
    private Instant noted = Instant.MIN;

    public Usages(
            Domains domains,
            TableStore tables,
            UsageStore store,
            MetadataSource files,
            TableFormat format,
            Clock clock) {
        this.domains = domains;
        this.tables = tables;
        this.store = store;
        this.files = files;
        this.format = format;
        this.clock = clock;
    }

    private record Believed(Instant until, Map<StorageName, Long> bytes) {
        long all() {
            return bytes.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    // --- To look at

    /// A domain's usage now, and its past days.
    public record Shown(Domain domain, Map<StorageName, UsageStore.Sum> now, List<UsageStore.Day> days) {}

    public Shown of(Principal who, DomainName name, int days) {
        Domain domain = domains.get(who, Action.READ, name).domain();
        return new Shown(
                domain,
                store.sums(domain),
                store.days(domain, days * domain.storages().size()));
    }

    /// Of one table; a table that nobody has looked at yet is looked at now.
    public Usage of(Principal who, Tables door, TableId id) {
        Table table = door.get(who, Action.READ, id).table();
        return store.of(table).orElseGet(() -> measure(table));
    }

    // --- Limits

    /// Refuses what a commit adds beyond a hard quota. What frees space, or adds no data, is never refused.
    void check(Domain domain, Location at, Usage before, Usage after) {
        long more = after.keptBytes() - before.keptBytes();
        Optional<Storage> storage = domain.holding(at);
        if (more == 0 || storage.isEmpty()) {
            return;
        }
        Quota ofStorage = storage.get().quota();
        if (domain.quota().isNone() && ofStorage.isNone()) {
            return;
        }
        StorageName name = storage.get().name();
        synchronized (believed) {
            Believed sums = believed(domain);
            if (more < 0) {
                sums.bytes().merge(name, more, Long::sum);
                return;
            }
            check("domain `%s`".formatted(domain.name()), domain.quota(), sums.all(), more);
            check(
                    "storage `%s/%s`".formatted(domain.name(), name),
                    ofStorage,
                    sums.bytes().getOrDefault(name, 0L),
                    more);
            sums.bytes().merge(name, more, Long::sum);
        }
    }

    private Believed believed(Domain domain) {
        Believed known = believed.get(domain.id());
        if (known == null || !clock.instant().isBefore(known.until())) {
            Map<StorageName, Long> bytes = new HashMap<>();
            store.sums(domain)
                    .forEach((name, sum) -> bytes.put(name, sum.usage().keptBytes()));
            known = new Believed(clock.instant().plus(BELIEVED), bytes);
            believed.put(domain.id(), known);
        }
        return known;
    }

    private void check(String what, Quota quota, long now, long more) {
        if (quota.hardBytes().filter(max -> now + more > max).isPresent()) {
            throw new Refusal.NotAllowed(
                    "%s has a quota of %d bytes, keeps %d, and this commit adds %d: expire snapshots or drop tables that nobody needs, or ask the platform team for more"
                            .formatted(what, quota.hardBytes().get(), now, more));
        }
        if (quota.softBytes().filter(max -> now + more > max).isPresent()) {
            warn(what, quota.softBytes().get(), now + more);
        }
    }

    private void warn(String what, long quota, long bytes) {
        Instant now = clock.instant();
        Instant last = warned.get(what);
        if (last == null || now.isAfter(last.plus(HOUR))) {
            warned.put(what, now);
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} keeps {1} bytes, more than its soft quota of {2}",
                    what,
                    bytes,
                    quota);
        }
    }

    // --- In the background

    /// Looks at some tables that nobody has looked at, and notes the day; `false` when there was nothing to do.
    public synchronized boolean measureNext() {
        Instant now = clock.instant();
        if (cursor.isEmpty()) {
            if (noted.isAfter(now.minus(HOUR))) {
                return false;
            }
            cursor = Optional.of(0L);
        }
        UsageStore.Batch batch = store.unmeasured(cursor.get());
        for (TableId id : batch.tables()) {
            try {
                tables.find(Set.of(), id).map(TableStore.Seen::table).ifPresent(table -> {
                    Usage _ = measure(table);
                });
            } catch (Refusal | DomainStorage.StorageException e) {
                LOG.log(System.Logger.Level.INFO, "{0} is not measured: {1}", id, e.getMessage());
            }
        }
        cursor = batch.next();
        if (cursor.isEmpty()) {
            LocalDate today = LocalDate.ofInstant(now, ZoneOffset.UTC);
            store.note(today, today.minusDays(DAYS_MAX));
            noted = now;
        }
        return true;
    }

    private Usage measure(Table table) {
        Usage usage = format.usage(format.read(files.of(table)));
        store.measured(table, usage);
        return usage;
    }

    /// Is there a quota to check?
    static boolean isLimited(Domain domain) {
        return !domain.quota().isNone()
                || domain.storages().stream().anyMatch(each -> !each.quota().isNone());
    }
}
