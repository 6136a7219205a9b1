package io.icefield.audit;

import io.icefield.access.Access;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Trail;
import io.icefield.audit.DecisionStore.Entry;
import io.icefield.domain.Domain;
import io.icefield.domain.Domains;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.Grants;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.CommitTable;
import io.icefield.table.CreateTable;
import io.icefield.table.Delegation;
import io.icefield.table.LoadTable;
import io.icefield.table.Loaded;
import io.icefield.table.NamespaceId;
import io.icefield.table.Namespaces;
import io.icefield.table.Once;
import io.icefield.table.TableFormat;
import io.icefield.table.TableId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/// Adds decisions to the table `governance.audit.decisions`, by the same use cases as everybody else. How far the table
/// goes is kept in the table, and moves in the commit of the rows: whoever dies or loses the race has added nothing,
/// and starts again where the table ends.
public final class ExportDecisions implements Runnable {
    public static final TableId TABLE = new TableId(new NamespaceId(Grant.APART, List.of("audit")), "decisions");

    /// Writes the table. It has no secret that anybody knows, and `writer` on the domain.
    public static final Principal EXPORTER = new Principal("icefield-audit", Principal.Kind.JOB, Set.of());

    /// Rows of one commit.
    public static final int ROWS_MAX = 20_000;

    private static final int STEP = 1_000;
    private static final int FILE_BYTES_MAX = 32 << 20;
    private static final Duration LOOK_EVERY = Duration.ofMinutes(1);
    private static final System.Logger LOG = System.getLogger(ExportDecisions.class.getName());

    /// Who makes the domain, once.
    private static final Principal FOUNDER =
            new Principal(EXPORTER.name(), Principal.Kind.JOB, Set.of(Principal.PLATFORM_GROUP));

    private static final Grant WRITER = new Grant(
            new Grantee(Grantee.Kind.PRINCIPAL, EXPORTER.name()),
            Role.WRITER,
            Optional.of(Grant.APART),
            List.of(),
            Optional.empty());

    private final DecisionStore store;
    private final DecisionFiles format;
    private final Ways ways;
    private final DomainStorage storage;
    private final Duration every;
    private final Clock clock;
    private final Semaphore oneAtATime = new Semaphore(1);
    private final Instant started;
    private volatile long through;

    /// What everybody else uses, too.
    public record Ways(
            Principals principals,
            Domains domains,
            Grants grants,
            Namespaces namespaces,
            CreateTable create,
            LoadTable load,
            CommitTable commit) {}

    /// @param every how often; zero: only when somebody asks
    public ExportDecisions(
            DecisionStore store, DecisionFiles format, Ways ways, DomainStorage storage, Duration every, Clock clock) {
        this.store = store;
        this.format = format;
        this.ways = ways;
        this.storage = storage;
        this.every = every;
        this.clock = clock;
        this.started = clock.instant();
    }

    /// The last decision that is not needed in the log for the table's sake.
    public long through() {
        return every.isZero() ? Long.MAX_VALUE : through;
    }

    /// @param added rows that the table did not have before
    /// @param through the last decision that it has now
    public record Exported(long added, long through) {}

    /// Exports now, for the platform team.
    public Exported export(Principal who) {
        Access.checkPlatform(who, "export decisions");
        return new Trail().on(() -> export()); // what it does is not done by the caller
    }

    /// Exports when it is time, until its thread is interrupted. With several replicas, whoever looks first.
    @Override
    public void run() {
        try {
            while (!every.isZero()) {
                TimeUnit.MILLISECONDS.sleep(Math.min(every.toMillis(), LOOK_EVERY.toMillis()));
                exportIfDue();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void exportIfDue() {
        try {
            Instant last = started;
            Optional<Loaded> there = load();
            if (there.isPresent()) {
                DecisionFiles.State state = format.state(there.get().metadata());
                through = Math.min(state.through(), store.ends().head().id());
                last = state.at().orElse(started);
            }
            if (!clock.instant().isBefore(last.plus(every))) {
                Exported done = export();
                LOG.log(System.Logger.Level.INFO, "{0} decisions were exported", done.added());
            }
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "decisions are not exported: {0}", e.getMessage());
        }
    }

    private Exported export() {
        if (!oneAtATime.tryAcquire()) {
            throw new Refusal.Unavailable("decisions are being exported: try again");
        }
        try {
            Loaded table = load().orElseGet(this::create);
            long end = store.ends().head().id(); // what comes meanwhile is for the next time
            long added = 0;
            while (true) {
                long from = format.state(table.metadata()).through();
                if (from > end) {
                    throw new Refusal.Conflict(
                            "the table has decisions up to %d and the log only up to %d: the log was restored from a backup, or the table's property was changed"
                                    .formatted(from, end));
                }
                through = from;
                List<Entry> decisions = next(from, end);
                if (decisions.isEmpty()) {
                    return new Exported(added, from);
                }
                append(table, decisions);
                added += decisions.size();
                table = load().orElseThrow(() -> new Refusal.Unavailable("the table was dropped meanwhile: try again"));
            }
        } finally {
            oneAtATime.release();
        }
    }

    private List<Entry> next(long from, long end) {
        List<Entry> all = new ArrayList<>();
        long last = from;
        while (all.size() < ROWS_MAX) {
            List<Entry> some = store.after(last, STEP).stream()
                    .filter(entry -> entry.link().id() <= end)
                    .toList();
            if (some.isEmpty()) {
                break;
            }
            all.addAll(some);
            last = some.getLast().link().id();
        }
        return all;
    }

    private Optional<Loaded> load() {
        try {
            return Optional.of(ways.load().load(EXPORTER, TABLE, LoadTable.Snapshots.ALL, Delegation.NONE));
        } catch (Refusal.NotFound e) {
            return Optional.empty();
        }
    }

    /// A domain of that name which is somebody else's stays so: its owners say whether decisions may go there.
    private Loaded create() {
        NamespaceId namespace = TABLE.namespace();
        ways.principals().bootstrap(EXPORTER); // nobody else takes the name
        Set<String> platform = Set.of(Principal.PLATFORM_GROUP);
        try {
            Domain _ = ways.domains().create(FOUNDER, namespace.domain(), platform);
        } catch (Refusal.AlreadyExists e) {
            LOG.log(System.Logger.Level.DEBUG, "the domain is there");
        }
        Set<String> owners =
                ways.domains().owners(List.of(namespace.domain())).getOrDefault(namespace.domain(), Set.of());
        if (owners.equals(platform)) {
            Given _ =
                    ways.grants().grant(FOUNDER, WRITER, Optional.empty(), Optional.of("decisions are exported there"));
        }
        try {
            Map<String, String> _ = ways.namespaces().create(EXPORTER, namespace, Map.of(), Once.UNTOLD);
        } catch (Refusal.AlreadyExists e) {
            LOG.log(System.Logger.Level.DEBUG, "the namespace is there");
        } catch (Refusal.NotFound e) {
            throw new Refusal.NotAllowed(
                    "domain `%s` is not one that the server made: grant the role writer on it to `principal:%s`, and decisions are exported there"
                            .formatted(namespace.domain(), EXPORTER.name()));
        }
        return ways.create().create(EXPORTER, namespace, format.creation(TABLE.name()), Delegation.NONE, Once.UNTOLD);
    }

    private void append(Loaded table, List<Entry> decisions) {
        Folder folder = new Folder(table.storage(), table.location());
        try {
            String body = format.append(table.metadata(), folder, decisions);
            Loaded _ = ways.commit().commit(EXPORTER, TABLE, body, Once.UNTOLD);
        } catch (Refusal.OutcomeUnknown e) {
            throw e; // they may be the table's
        } catch (RuntimeException e) {
            folder.clear();
            throw folder.failure.<RuntimeException>map(Function.identity()).orElse(e); // whatever it was wrapped in
        }
    }

    /// The table's folder in its bucket.
    private final class Folder implements TableFormat.Files {
        private final StorageProfile profile;
        private final Location folder;
        private final List<Location> written = new CopyOnWriteArrayList<>();
        private volatile Optional<DomainStorage.StorageException> failure = Optional.empty();

        Folder(StorageProfile profile, Location folder) {
            this.profile = profile;
            this.folder = folder;
        }

        @Override
        public byte[] read(String uri) {
            return storage.read(profile, inside(uri), FILE_BYTES_MAX)
                    .orElseThrow(() -> new Refusal.Conflict("the file `%s` is gone".formatted(uri)));
        }

        @Override
        public void write(String uri, byte[] content) {
            Location at = inside(uri);
            written.add(at);
            try {
                storage.write(profile, at, content);
            } catch (DomainStorage.StorageException e) {
                failure = Optional.of(e);
                throw e;
            }
        }

        @Override
        public void forget(String uri) {
            storage.delete(profile, List.of(inside(uri)));
        }

        private Location inside(String uri) {
            Location at = Location.parse(uri);
            if (!at.isWithin(folder)) {
                throw new IllegalStateException("`%s` is not in the folder `%s`".formatted(uri, folder));
            }
            return at;
        }

        /// What harms nobody may stay behind.
        void clear() {
            try {
                storage.delete(profile, written);
            } catch (DomainStorage.StorageException e) {
                LOG.log(System.Logger.Level.INFO, "left behind: {0}", written);
            }
        }
    }
}
