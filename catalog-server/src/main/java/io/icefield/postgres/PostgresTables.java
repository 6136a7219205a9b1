package io.icefield.postgres;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.domain.Domain;
import io.icefield.storage.Location;
import io.icefield.table.Metadata;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Once;
import io.icefield.table.Table;
import io.icefield.table.Table.Kind;
import io.icefield.table.TableId;
import io.icefield.table.TableStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/// Tables and views in PostgreSQL.
public final class PostgresTables implements TableStore {
    private static final String LIST = """
            SELECT r.id, r.kind, r.name, r.uuid, r.location, r.metadata_location, r.version,
                ARRAY(SELECT DISTINCT g.role FROM grants g
                    WHERE g.grantee = ANY(:who) AND g.scope = ANY(array_append(:scopes, :tables || r.name))
                    AND g.expires_at > now()) AS roles,
                false AS below
            FROM relations r
            WHERE r.namespace_id = :namespace AND r.name > :after AND r.kind = :kind
            ORDER BY r.name
            LIMIT :limit
            """;

    private static final String CONTENT = """
            SELECT body FROM metadata WHERE relation_id = :id AND version = :version
            """;

    private static final String LOCK_NAMESPACE = """
            SELECT id FROM namespaces WHERE id = :namespace FOR KEY SHARE
            """;

    /// First the namespace, then the locations.
    private static final String LOCK_PLACE = """
            WITH there AS MATERIALIZED (SELECT id FROM namespaces WHERE id = :namespace FOR KEY SHARE)
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.locations', :domain)) FROM there
            """;

    /// Held by whoever gives a table of the domain a location, until it is visible to the next one's look.
    private static final String LOCK_LOCATIONS = """
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.locations', :domain))
            """;

    /// Each condition by itself: with an `OR` between two of them a plan that was made while the tables were small
    /// reads
    /// all of a domain's folders.
    /// A storage that was deleted just now has no room either.
    private static final String TOUCHED = """
            SELECT EXISTS (
                SELECT FROM relations WHERE domain_id = :domain AND location = ANY(:around) AND id <> :id)
            OR EXISTS (
                SELECT FROM relations
                WHERE domain_id = :domain AND location >= :inside AND location < :beyond AND id <> :id)
            OR EXISTS (
                SELECT FROM dropped WHERE domain_id = :domain AND location = ANY(:around) AND id <> :left)
            OR EXISTS (
                SELECT FROM dropped
                WHERE domain_id = :domain AND location >= :inside AND location < :beyond AND id <> :left)
            OR NOT EXISTS (
                SELECT FROM storages
                WHERE domain_id = :domain
                AND 's3://' || bucket || CASE prefix WHEN '' THEN '' ELSE '/' || prefix END = ANY(:around))
            """;

    /// What was dropped, and whoever registers its own file takes it over: it is not purged meanwhile.
    private static final String LOCK_LEFT = """
            SELECT id FROM dropped
            WHERE domain_id = :domain AND kind = :kind AND uuid = :uuid AND location = :location AND NOT purging
            FOR UPDATE
            """;

    /// No other dropped one has the UUID: it could not come back, and its tags would be another's meanwhile.
    private static final String TAKE_OVER = """
            WITH taken AS (DELETE FROM dropped WHERE id = :left)
            SELECT EXISTS (SELECT FROM dropped WHERE uuid = :uuid AND id <> :left)
            """;

    private static final String CREATE = """
            WITH added AS (
                INSERT INTO relations
                    (domain_id, namespace_id, kind, name, uuid, location, metadata_location, version,
                    live_bytes, live_files, kept_bytes, kept_files)
                VALUES (:domain, :namespace, :kind, :name, :uuid, :location, :metadata, 1,
                    :live_bytes::bigint, :live_files::bigint, :kept_bytes::bigint, :kept_files::bigint)
                ON CONFLICT (namespace_id, name) DO NOTHING
                RETURNING id),
            kept AS (
                INSERT INTO metadata (relation_id, version, body)
                SELECT id, 1, :body FROM added)
            SELECT id, EXISTS (SELECT FROM tags WHERE table_uuid = :uuid AND source = 'declared') AS declared
            FROM added
            """;

    private static final String TAKEN = """
            SELECT id FROM relations WHERE namespace_id = :namespace AND name = :name
            """;

    /// By the UUID, as it may have another name by now, or none: then nobody can tell what became of it.
    private static final String REREAD_CREATE = """
            SELECT id, CASE WHEN namespace_id = :namespace AND name = :name THEN metadata_location ELSE '' END AS is_at
            FROM relations WHERE uuid = :uuid
            UNION ALL
            SELECT relation_id, '' FROM dropped WHERE uuid = :uuid
            LIMIT 1
            """;

    private static final String SWAP = """
            WITH moved AS (
                UPDATE relations
                SET uuid = :uuid, location = :location, metadata_location = :metadata, version = version + 1,
                    live_bytes = :live_bytes::bigint, live_files = :live_files::bigint,
                    kept_bytes = :kept_bytes::bigint, kept_files = :kept_files::bigint
                WHERE id = :id AND version = :seen
                RETURNING id, version),
            kept AS (
                INSERT INTO metadata (relation_id, version, body)
                SELECT id, version, :body FROM moved),
            cleaned AS (
                DELETE FROM metadata m USING moved
                WHERE m.relation_id = moved.id AND m.version < :seen)
            SELECT EXISTS (SELECT FROM tags WHERE table_uuid = :uuid AND source = 'declared') FROM moved
            """;

    private static final String REREAD_SWAP = """
            SELECT version, metadata_location FROM relations WHERE id = :id FOR UPDATE
            """;

    /// Nobody changes it before our transaction has ended.
    private static final String KEPT = """
            SELECT id FROM relations WHERE id = :id AND version = :seen FOR SHARE
            """;

    private static final String RENAME = """
            UPDATE relations r SET namespace_id = :to, name = :new_name
            FROM namespaces n
            WHERE r.id = :id AND n.id = r.namespace_id AND n.path = :path AND r.name = :name
            """;

    private static final String COPY_GRANTS = """
            INSERT INTO grants (grantee, scope, role, domain, expires_at, granted_by, granted_at, reason)
            SELECT grantee, :new_scope, role, domain, expires_at, granted_by, granted_at, reason FROM grants WHERE domain = :domain AND scope = :scope
            ON CONFLICT DO NOTHING
            """;

    private static final String REMOVE_GRANTS = """
            DELETE FROM grants WHERE domain = :domain AND scope = :scope
            """;

    private static final String TAGS = """
            SELECT field_id, tag, source FROM tags WHERE table_uuid = :uuid
            """;

    /// Leaves alone what stays the same, so a commit that classifies nothing writes nothing here.
    private static final String REPLACE_DECLARED = """
            WITH wanted AS (
                SELECT f.field_id, f.tag FROM unnest(:fields, :names) AS f (field_id, tag)),
            gone AS (
                DELETE FROM tags t
                WHERE t.table_uuid = :uuid AND t.source = 'declared'
                AND NOT EXISTS (SELECT FROM wanted w WHERE w.field_id = t.field_id AND w.tag = t.tag))
            INSERT INTO tags (table_uuid, field_id, tag, source)
            SELECT :uuid, w.field_id, w.tag, 'declared' FROM wanted w
            ORDER BY w.field_id, w.tag
            ON CONFLICT DO NOTHING
            """;

    /// One steward at a time: of two answers the later one counts, not both.
    private static final String LOCK_ANSWERS = """
            SELECT pg_advisory_xact_lock(hashtextextended('icefield.tags ' || :uuid, 0))
            """;

    private static final String REMOVE_ANSWERS = """
            DELETE FROM tags WHERE table_uuid = :uuid AND source = 'steward' AND field_id = ANY(:fields)
            """;

    private static final String ADD_ANSWERS = """
            INSERT INTO tags (table_uuid, field_id, tag, source)
            SELECT :uuid, f.field_id, f.tag, 'steward' FROM unnest(:fields, :names) AS f (field_id, tag)
            """;

    private static final long NOTHING_LEFT = 0;

    private static final int TAGGED_MAX = 10_000;

    private final Database database;
    private final Lookup<TableId, Seen> lookup;
    private final NameLists lists;
    private final Cache<Tagged, Map<Integer, Set<Tag>>> tags;

    public PostgresTables(Database database) {
        this.database = database;
        this.lookup = new Lookup<>(database, new TableLookup(database.domainRows()));
        this.lists = new NameLists(database);
        this.tags = Caffeine.newBuilder().maximumSize(TAGGED_MAX).build();
    }

    private PostgresTables(PostgresTables same, Once requests) {
        this.database = same.database.recording(requests);
        this.lookup = same.lookup;
        this.lists = same.lists;
        this.tags = same.tags;
    }

    @Override
    public TableStore recording(Once requests) {
        return new PostgresTables(this, requests);
    }

    @Override
    public Optional<Seen> find(Set<Grantee> who, TableId name) {
        return lookup.find(who, name);
    }

    @Override
    public List<Seen> list(Set<Grantee> who, Namespace namespace, String after, int limit) {
        return list(Kind.TABLE, who, namespace, after, limit);
    }

    @Override
    public Page<TableId> tables(NamespaceStore.Seen namespace, Page.Request page) {
        return lists.tables(namespace, page);
    }

    @Override
    public List<Seen> listViews(Set<Grantee> who, Namespace namespace, String after, int limit) {
        return list(Kind.VIEW, who, namespace, after, limit);
    }

    private List<Seen> list(Kind kind, Set<Grantee> who, Namespace namespace, String after, int limit) {
        return database.read(handle -> handle.createQuery(LIST)
                .bindArray("who", String.class, PostgresDomains.names(who))
                .bindArray("scopes", String.class, Scope.enclosing(namespace.name()))
                .bind("tables", Scope.tablesOf(namespace.name()))
                .bind("namespace", namespace.id())
                .bind("kind", word(kind))
                .bind("after", after)
                .bind("limit", limit)
                .map((row, _) -> new Seen(
                        table(row, namespace.domain(), new TableId(namespace.name(), row.getString("name"))),
                        DomainRows.sight(row)))
                .list());
    }

    @Override
    public Optional<byte[]> content(Table table) {
        return database.read(handle -> handle.createQuery(CONTENT)
                        .bind("id", table.id())
                        .bind("version", table.version())
                        .mapTo(byte[].class)
                        .findOne())
                .map(Gzip::unpack);
    }

    @Override
    public Created create(Namespace namespace, String name, UUID uuid, Published published) {
        return create(Kind.TABLE, namespace, name, uuid, published);
    }

    @Override
    public Created createView(Namespace namespace, String name, UUID uuid, Metadata metadata, Location location) {
        return create(Kind.VIEW, namespace, name, uuid, new Published(metadata, location, Map.of()));
    }

    private Created create(Kind kind, Namespace namespace, String name, UUID uuid, Published published) {
        byte[] body = Gzip.pack(published.metadata().json());
        try {
            return database.write(
                    Created.Done.class::isInstance,
                    handle -> create(handle, kind, namespace, name, uuid, published, body),
                    handle -> reread(handle, kind, namespace, name, uuid, published));
        } catch (Database.Taken _) {
            throw uuidTaken(uuid);
        }
    }

    private static Refusal uuidTaken(UUID uuid) {
        return new Refusal.Invalid(
                "another table or view, or a dropped one that can come back, has the UUID `%s`: leave the choice to the catalog"
                        .formatted(uuid));
    }

    private static Created create(
            Handle handle, Kind kind, Namespace namespace, String name, UUID uuid, Published published, byte[] body) {
        Domain domain = namespace.domain();
        boolean there = handle.createQuery(LOCK_PLACE)
                .bind("namespace", namespace.id())
                .bind("domain", domain.id())
                .mapToMap()
                .findOne()
                .isPresent();
        if (!there) {
            return new Created.NoNamespace();
        }
        Optional<Long> left = place(handle, kind, domain, 0, uuid, published.location());
        if (left.isEmpty()) {
            return taken(handle, namespace, name) ? new Created.NameTaken() : new Created.LocationTaken();
        }
        Optional<Long> id = insert(handle, kind, namespace, name, uuid, published, body);
        if (id.isEmpty()) {
            return new Created.NameTaken();
        }
        takeOver(handle, left.get(), uuid);
        return new Created.Done(created(id.get(), kind, namespace, name, uuid, published));
    }

    /// Empty: the name is taken.
    private static Optional<Long> insert(
            Handle handle, Kind kind, Namespace namespace, String name, UUID uuid, Published published, byte[] body) {
        return PostgresUsage.bound(handle.createQuery(CREATE), published.usage())
                .bind("domain", namespace.domain().id())
                .bind("namespace", namespace.id())
                .bind("kind", word(kind))
                .bind("name", name)
                .bind("uuid", uuid)
                .bind("location", stored(published.location()))
                .bind("metadata", published.metadata().location().toString())
                .bind("body", body)
                .map((row, _) -> new Inserted(row.getLong("id"), row.getBoolean("declared")))
                .findOne()
                .map(row -> {
                    declare(handle, kind, uuid, published, row.declared());
                    return row.id();
                });
    }

    private record Inserted(long id, boolean declared) {}

    /// Having the locations' lock, we know that the lost transaction has ended.
    private static Supplier<Created> reread(
            Handle handle, Kind kind, Namespace namespace, String name, UUID uuid, Published published) {
        lockLocations(handle, namespace.domain());
        Optional<Pointer> found = created(handle, namespace, name, uuid);
        if (found.isEmpty()) {
            boolean taken = taken(handle, namespace, name);
            return () -> {
                if (taken) {
                    return new Created.NameTaken();
                }
                throw new Refusal.Unavailable("the catalog's database failed; nothing was created: try again");
            };
        }
        if (!found.get().isAt(published)) {
            throw Database.unknown();
        }
        return () -> new Created.Done(created(found.get().number(), kind, namespace, name, uuid, published));
    }

    private static Optional<Pointer> created(Handle handle, Namespace namespace, String name, UUID uuid) {
        return handle.createQuery(REREAD_CREATE)
                .bind("namespace", namespace.id())
                .bind("name", name)
                .bind("uuid", uuid)
                .map((row, _) -> new Pointer(row.getLong("id"), row.getString("is_at")))
                .findOne();
    }

    private static Table created(long id, Kind kind, Namespace namespace, String name, UUID uuid, Published published) {
        return new Table(
                id,
                kind,
                namespace.domain(),
                new TableId(namespace.name(), name),
                uuid,
                published.location(),
                published.metadata().location(),
                1);
    }

    @Override
    public boolean isFree(Domain domain, Location folder) {
        return database.read(handle -> !touches(handle, domain, 0, folder, NOTHING_LEFT));
    }

    @Override
    public Swapped swap(Table seen, Published published) {
        byte[] body = Gzip.pack(published.metadata().json());
        return database.write(
                Swapped.DONE::equals,
                handle -> replace(handle, seen, seen.uuid(), published, body),
                handle -> reread(handle, seen, published));
    }

    @Override
    public Swapped replace(Table seen, UUID uuid, Published published) {
        byte[] body = Gzip.pack(published.metadata().json());
        try {
            return database.write(
                    Swapped.DONE::equals,
                    handle -> {
                        Swapped swapped = replace(handle, seen, uuid, published, body);
                        PostgresProtection.check(handle, seen); // having the row, nobody protects it meanwhile
                        return swapped;
                    },
                    handle -> reread(handle, seen, published));
        } catch (Database.Taken _) {
            throw uuidTaken(uuid);
        }
    }

    private static Swapped replace(Handle handle, Table seen, UUID uuid, Published published, byte[] body) {
        Optional<Long> left = Optional.of(NOTHING_LEFT);
        if (!published.location().equals(seen.location())) {
            lockLocations(handle, seen.domain());
            left = place(handle, seen.kind(), seen.domain(), seen.id(), uuid, published.location());
            if (left.isEmpty()) {
                return Swapped.LOCATION_TAKEN;
            }
        }
        if (!moved(handle, seen, uuid, published, body)) {
            return Swapped.LOST;
        }
        if (!uuid.equals(seen.uuid())) {
            takeOver(handle, left.get(), uuid);
        }
        return Swapped.DONE;
    }

    /// Whoever dropped it at the same time comes before: the UUID was not free until then.
    private static void takeOver(Handle handle, long left, UUID uuid) {
        boolean reserved = handle.createQuery(TAKE_OVER)
                .bind("left", left)
                .bind("uuid", uuid)
                .mapTo(Boolean.class)
                .one();
        if (reserved) {
            throw uuidTaken(uuid);
        }
    }

    private static boolean moved(Handle handle, Table seen, UUID uuid, Published published, byte[] body) {
        Optional<Boolean> declared = PostgresUsage.bound(handle.createQuery(SWAP), published.usage())
                .bind("id", seen.id())
                .bind("seen", seen.version())
                .bind("uuid", uuid)
                .bind("location", stored(published.location()))
                .bind("metadata", published.metadata().location().toString())
                .bind("body", body)
                .mapTo(Boolean.class)
                .findOne();
        declared.ifPresent(before -> declare(handle, seen.kind(), uuid, published, before));
        return declared.isPresent();
    }

    /// Having the row's lock, we know that the lost transaction has ended. Versions only grow, and a version is taken
    /// once: while the row is at most one ahead of what we saw, the pointer says whether that one was ours.
    private static Supplier<Swapped> reread(Handle handle, Table seen, Published published) {
        Swapped result = handle.createQuery(REREAD_SWAP)
                .bind("id", seen.id())
                .map((row, _) -> {
                    if (row.getString("metadata_location")
                            .equals(published.metadata().location().toString())) {
                        return Swapped.DONE;
                    }
                    if (row.getLong("version") > seen.version() + 1) {
                        throw Database.unknown();
                    }
                    return Swapped.LOST;
                })
                .findOne()
                .orElseThrow(Database::unknown);
        return () -> result;
    }

    @Override
    public Outcome publish(List<Step> steps) {
        List<Held> rows = steps.stream()
                .flatMap(step -> held(step).stream())
                .sorted(Held.ORDER)
                .toList();
        List<Step.Create> creations = steps.stream()
                .filter(Step.Create.class::isInstance)
                .map(Step.Create.class::cast)
                .sorted(Comparator.comparingLong(step -> step.namespace().id()))
                .toList();
        try {
            return database.write(
                    Outcome.Done.class::isInstance,
                    handle -> publish(handle, rows, creations),
                    handle -> reread(handle, rows, creations));
        } catch (NotPublished e) {
            return e.outcome;
        } catch (Database.Taken _) {
            throw new Refusal.Invalid(
                    "another table or view has the UUID of a new table: leave the choice to the catalog");
        }
    }

    /// A row that is there before a publication.
    ///
    /// @param next empty: it stays as it is
    private record Held(Table seen, Optional<Published> next, byte[] body) {
        static final Comparator<Held> ORDER =
                Comparator.comparingLong(row -> row.seen().id());

        boolean moves() {
            return next.filter(published -> !published.location().equals(seen.location()))
                    .isPresent();
        }
    }

    private static Optional<Held> held(Step step) {
        return switch (step) {
            case Step.Swap(Table seen, Published next) ->
                Optional.of(new Held(
                        seen, Optional.of(next), Gzip.pack(next.metadata().json())));
            case Step.Keep(Table seen) -> Optional.of(new Held(seen, Optional.empty(), new byte[0]));
            case Step.Create _ -> Optional.empty();
        };
    }

    /// Whoever waits holds only what comes earlier in this order: namespaces, the locations by domain, rows by
    /// id. All folders are compared when all have their places, so that tables may trade theirs.
    private static Outcome publish(Handle handle, List<Held> rows, List<Step.Create> creations) {
        for (Step.Create creation : creations) {
            if (absent(handle, creation.namespace())) {
                throw new NotPublished(
                        new Outcome.NoNamespace(creation.namespace().name()));
            }
        }
        List<Held> moving = rows.stream().filter(Held::moves).toList();
        lockLocations(
                handle,
                Stream.concat(
                        creations.stream().map(creation -> creation.namespace().domain()),
                        moving.stream().map(row -> row.seen().domain())));
        for (Held row : rows) {
            if (!published(handle, row)) {
                throw new NotPublished(new Outcome.Lost());
            }
        }
        Map<Long, Step.Create> created = new LinkedHashMap<>();
        for (Step.Create creation : creations) {
            created.put(inserted(handle, creation), creation);
        }
        for (Held row : moving) {
            checkAlone(handle, row.seen().id(), row.seen().domain(), row.next().orElseThrow());
        }
        created.forEach(
                (id, creation) -> checkAlone(handle, id, creation.namespace().domain(), creation.first()));
        return new Outcome.Done();
    }

    private static boolean published(Handle handle, Held row) {
        Table seen = row.seen();
        if (row.next().isEmpty()) {
            return kept(handle, seen);
        }
        return moved(handle, seen, seen.uuid(), row.next().get(), row.body());
    }

    private static boolean kept(Handle handle, Table seen) {
        return handle.createQuery(KEPT)
                .bind("id", seen.id())
                .bind("seen", seen.version())
                .mapTo(Long.class)
                .findOne()
                .isPresent();
    }

    private static long inserted(Handle handle, Step.Create step) {
        byte[] body = Gzip.pack(step.first().metadata().json());
        long id = insert(handle, Kind.TABLE, step.namespace(), step.name(), step.uuid(), step.first(), body)
                .orElseThrow(() -> new NotPublished(
                        new Outcome.NameTaken(new TableId(step.namespace().name(), step.name()))));
        takeOver(handle, NOTHING_LEFT, step.uuid());
        return id;
    }

    private static void checkAlone(Handle handle, long id, Domain domain, Published published) {
        if (touches(handle, domain, id, published.location(), NOTHING_LEFT)) {
            throw new NotPublished(new Outcome.LocationTaken(published.location()));
        }
    }

    /// Having a lock of each, we know that the lost transaction has ended. It did all or nothing, so one trace of it is
    /// enough, and so is one place where a trace is missing that nobody can have covered.
    private static Supplier<Outcome> reread(Handle handle, List<Held> rows, List<Step.Create> creations) {
        lockLocations(
                handle, creations.stream().map(creation -> creation.namespace().domain()));
        boolean covered = true;
        for (Held row : rows) {
            if (row.next().isPresent()) {
                Optional<Pointer> now = handle.createQuery(REREAD_SWAP)
                        .bind("id", row.seen().id())
                        .map((found, _) -> new Pointer(found.getLong("version"), found.getString("metadata_location")))
                        .findOne();
                if (now.filter(pointer -> pointer.isAt(row.next().get())).isPresent()) {
                    return Outcome.Done::new;
                }
                covered &= now.isEmpty() || now.get().number() > row.seen().version() + 1;
            }
        }
        for (Step.Create creation : creations) {
            Optional<Pointer> now = created(handle, creation.namespace(), creation.name(), creation.uuid());
            if (now.filter(pointer -> pointer.isAt(creation.first())).isPresent()) {
                return Outcome.Done::new;
            }
            covered &= now.isPresent();
        }
        if (covered) {
            throw Database.unknown();
        }
        return Outcome.Lost::new;
    }

    /// Where a row points.
    ///
    /// @param number the row's id, or its version
    private record Pointer(long number, String metadata) {
        boolean isAt(Published published) {
            return metadata.equals(published.metadata().location().toString());
        }
    }

    /// Ends a publication, and takes back what it has done so far.
    private static final class NotPublished extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Outcome outcome;

        NotPublished(Outcome outcome) {
            super(outcome.toString(), null, false, false);
            this.outcome = outcome;
        }
    }

    @Override
    public Renamed rename(Table seen, Namespace to, String name) {
        if (to.domain().id() != seen.domain().id()) {
            throw new IllegalArgumentException("a table stays in its domain");
        }
        TableId wanted = new TableId(to.name(), name);
        try {
            return database.write(Renamed.DONE::equals, handle -> {
                if (absent(handle, to)) {
                    return Renamed.GONE;
                }
                int renamed = named(handle.createUpdate(RENAME), seen)
                        .bind("to", to.id())
                        .bind("new_name", name)
                        .execute();
                if (renamed == 0) {
                    return Renamed.GONE;
                }
                PostgresProtection.check(handle, seen); // having the row, nobody protects it meanwhile
                if (!wanted.equals(seen.name())) {
                    scoped(handle.createUpdate(COPY_GRANTS), seen)
                            .bind("new_scope", Scope.of(wanted).text())
                            .execute();
                    scoped(handle.createUpdate(REMOVE_GRANTS), seen).execute();
                }
                return Renamed.DONE;
            });
        } catch (Database.Taken _) {
            return Renamed.NAME_TAKEN;
        }
    }

    @Override
    public boolean drop(Table seen) {
        return database.write(dropped -> dropped, handle -> {
            if (!PostgresDropped.locked(handle, seen) || !kept(handle, seen)) {
                return false;
            }
            PostgresProtection.check(handle, seen);
            PostgresDropped.forget(handle, seen);
            return true;
        });
    }

    @Override
    public Map<Integer, Set<Tag>> tags(UUID table) {
        return database.read(handle -> handle.createQuery(TAGS)
                .bind("uuid", table)
                .reduceRows(new HashMap<Integer, Set<Tag>>(), (tags, row) -> {
                    tags.computeIfAbsent(row.getColumn("field_id", Integer.class), _ -> new HashSet<>())
                            .add(new Tag(
                                    row.getColumn("tag", String.class),
                                    Source.valueOf(row.getColumn("source", String.class)
                                            .toUpperCase(Locale.ROOT))));
                    return tags;
                }));
    }

    @Override
    public Map<Integer, Set<Tag>> tags(Seen seen) {
        UUID table = seen.table().uuid();
        return seen.tagsVersion() == 0
                ? tags(table)
                : tags.get(new Tagged(table, seen.tagsVersion()), key -> tags(key.table()));
    }

    /// What may be remembered: read later than the version, tags are never older than it.
    private record Tagged(UUID table, long version) {}

    @Override
    public void classify(UUID table, Map<Integer, Set<String>> answers) {
        List<FieldTag> rows = answers.entrySet().stream()
                .flatMap(answer -> (answer.getValue().isEmpty() ? Set.of("") : answer.getValue())
                        .stream().map(name -> new FieldTag(answer.getKey(), name)))
                .toList();
        database.write(handle -> {
            handle.createQuery(LOCK_ANSWERS)
                    .bind("uuid", table.toString())
                    .mapToMap()
                    .one();
            handle.createUpdate(REMOVE_ANSWERS)
                    .bind("uuid", table)
                    .bindArray("fields", Integer.class, answers.keySet())
                    .execute();
            return bound(handle.createUpdate(ADD_ANSWERS), table, rows).execute();
        });
    }

    private record FieldTag(int field, String name) {}

    /// A commit replaces what jobs declared, never what a steward said meanwhile. A table's UUID may be that of a view
    /// in
    /// a file that somebody registers: views leave tags alone.
    ///
    /// @param before something is declared of it already
    private static void declare(Handle handle, Kind kind, UUID uuid, Published published, boolean before) {
        List<FieldTag> wanted = published.tags().entrySet().stream()
                .flatMap(entry -> entry.getValue().stream()
                        .filter(tag -> tag.source() == Source.DECLARED)
                        .map(tag -> new FieldTag(entry.getKey(), tag.name())))
                .toList();
        if (kind == Kind.TABLE && (before || !wanted.isEmpty())) {
            bound(handle.createUpdate(REPLACE_DECLARED), uuid, wanted).execute();
        }
    }

    private static <S extends SqlStatement<S>> S bound(S statement, UUID table, List<FieldTag> rows) {
        return statement
                .bind("uuid", table)
                .bindArray(
                        "fields",
                        Integer.class,
                        rows.stream().map(FieldTag::field).toList())
                .bindArray(
                        "names", String.class, rows.stream().map(FieldTag::name).toList());
    }

    private static String word(Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static boolean absent(Handle handle, Namespace namespace) {
        return handle.createQuery(LOCK_NAMESPACE)
                .bind("namespace", namespace.id())
                .mapTo(Long.class)
                .findOne()
                .isEmpty();
    }

    private static boolean taken(Handle handle, Namespace namespace, String name) {
        return handle.createQuery(TAKEN)
                .bind("namespace", namespace.id())
                .bind("name", name)
                .mapToMap()
                .findOne()
                .isPresent();
    }

    /// Those of several domains in one order, so that nobody waits in a circle.
    private static void lockLocations(Handle handle, Stream<Domain> domains) {
        domains.sorted(Comparator.comparingLong(Domain::id))
                .distinct()
                .forEach(domain -> lockLocations(handle, domain));
    }

    static void lockLocations(Handle handle, Domain domain) {
        handle.createQuery(LOCK_LOCATIONS)
                .bind("domain", domain.id())
                .mapToMap()
                .one();
    }

    /// Empty: the folder is not free. Else the dropped one of this UUID that is to make room there, if one is.
    ///
    /// @param id of whoever is to have the folder; 0: a new one
    private static Optional<Long> place(Handle handle, Kind kind, Domain domain, long id, UUID uuid, Location folder) {
        if (!touches(handle, domain, id, folder, NOTHING_LEFT)) {
            return Optional.of(NOTHING_LEFT);
        }
        long left = left(handle, kind, domain, uuid, folder);
        return left == NOTHING_LEFT || touches(handle, domain, id, folder, left) ? Optional.empty() : Optional.of(left);
    }

    /// The dropped one that a new one of this UUID and folder takes the place of.
    private static long left(Handle handle, Kind kind, Domain domain, UUID uuid, Location folder) {
        return handle.createQuery(LOCK_LEFT)
                .bind("domain", domain.id())
                .bind("kind", word(kind))
                .bind("uuid", uuid)
                .bind("location", stored(folder))
                .mapTo(Long.class)
                .findFirst()
                .orElse(NOTHING_LEFT);
    }

    /// Compares on `/` boundaries: the character after `/` is `0`.
    ///
    /// @param left a dropped one that does not count
    private static boolean touches(Handle handle, Domain domain, long id, Location folder, long left) {
        return handle.createQuery(TOUCHED)
                .bind("domain", domain.id())
                .bind("id", id)
                .bind("left", left)
                .bindArray("around", String.class, around(folder))
                .bind("inside", stored(folder) + "/")
                .bind("beyond", stored(folder) + "0")
                .mapTo(Boolean.class)
                .one();
    }

    /// The folder and those that it lies in.
    private static List<String> around(Location folder) {
        List<String> all = new ArrayList<>();
        String text = stored(folder);
        for (int end = text.length(); end > 0; end = text.lastIndexOf('/', end - 1)) {
            all.add(text.substring(0, end));
        }
        return all;
    }

    /// Without a slash at the end, also where the folder is the whole bucket.
    private static String stored(Location folder) {
        return folder.key().isEmpty() ? "s3://" + folder.bucket() : folder.toString();
    }

    private static <S extends SqlStatement<S>> S named(S statement, Table table) {
        return statement
                .bind("id", table.id())
                .bind("path", table.name().namespace().path())
                .bind("name", table.name().name());
    }

    private static <S extends SqlStatement<S>> S scoped(S statement, Table table) {
        return statement
                .bind("domain", table.domain().name().value())
                .bind("scope", Scope.of(table.name()).text());
    }

    private static Table table(ResultSet row, Domain domain, TableId name) throws SQLException {
        return new Table(
                row.getLong("id"),
                Kind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)),
                domain,
                name,
                row.getObject("uuid", UUID.class),
                Location.parse(row.getString("location")),
                Location.parse(row.getString("metadata_location")),
                row.getLong("version"));
    }
}
