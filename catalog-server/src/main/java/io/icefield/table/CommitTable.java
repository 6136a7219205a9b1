package io.icefield.table;

import io.icefield.access.Action;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.domain.Domain;
import io.icefield.policy.Change;
import io.icefield.policy.Governance;
import io.icefield.storage.Location;
import io.icefield.table.Publication.Accepted;
import io.icefield.table.Publication.Draft;
import io.icefield.table.TableFormat.CommitRequest;
import io.icefield.table.TableFormat.Prepared;
import io.icefield.table.TableStore.Seen;
import io.icefield.table.TableStore.Tag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Commits changes to one table, or for `CommitTransaction` to several at once: get, prepare, judge, write, publish.
///
/// Commits to one table that arrive together become one publication: each is prepared on what the one before it leaves
/// and judged by itself, each fails by itself, and nobody is answered before the pointer has moved.
public final class CommitTable {
    /// How often a commit is prepared anew because another replica was faster, before its client is asked to.
    public static final int ATTEMPTS_MAX = 5;

    /// Appends that wait for their turn, and whose files are read meanwhile.
    private static final int READS_AT_ONCE_MAX = 16;

    private static final System.Logger LOG = System.getLogger(CommitTable.class.getName());

    private final Turns<Member> turns = new Turns<>();
    private final Tables tables;
    private final Namespaces namespaces;
    private final TableStore store;
    private final TableFormat format;
    private final Review review;
    private final MetadataFiles files;
    private final MetadataSource cache;
    private final Publication publication;
    private final Usages usages;

    public CommitTable(
            Tables tables,
            Namespaces namespaces,
            TableStore store,
            TableFormat format,
            Governance governance,
            MetadataFiles files,
            MetadataSource cache,
            Usages usages) {
        this.tables = tables;
        this.namespaces = namespaces;
        this.store = store;
        this.format = format;
        this.review = new Review(governance);
        this.files = files;
        this.cache = cache;
        this.publication = new Publication(store, format, files, cache);
        this.usages = usages;
    }

    public Loaded commit(Principal who, TableId id, String body, Once once) {
        return commit(who, Map.of(id, List.of(format.commitRequest(body))), once)
                .getFirst();
    }

    /// All of it becomes visible at once, or nothing does.
    ///
    /// @param changes the commits of each table, in their order
    List<Loaded> commit(Principal who, Map<TableId, List<CommitRequest>> changes, Once once) {
        if (changes.size() == 1) {
            var only = changes.entrySet().iterator().next();
            if (!only.getValue().getFirst().creates()) {
                Member member = new Member(who, only.getValue(), once);
                turns.together(only.getKey(), member, group -> together(only.getKey(), group));
                return List.of(member.answer());
            }
        }
        return turns.alone(changes.keySet(), () -> {
            for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
                Optional<List<Loaded>> done = attempt(who, changes, once);
                if (done.isPresent()) {
                    return done.get();
                }
            }
            throw tooSlow("the tables are");
        });
    }

    private static Refusal tooSlow(String what) {
        return new Refusal.Conflict("%s changed by others faster than this commit can be: try again".formatted(what));
    }

    // --- One table, many clients

    /// One client's commit among those that are published together.
    private static final class Member {
        private final Principal who;
        private final List<CommitRequest> requests;
        private final Once once;
        private final Trail trail = Trail.current();
        private boolean read;
        private Optional<TableFormat.Append> append = Optional.empty();
        private @Nullable Loaded answer;
        private @Nullable RuntimeException failure;

        Member(Principal who, List<CommitRequest> requests, Once once) {
            this.who = who;
            this.requests = requests;
            this.once = once;
        }

        /// Read once, and only if the state has changed that the request was made for.
        Optional<TableFormat.Append> append(TableFormat format, Prepared table, CommitFiles files) {
            if (!read) {
                append = requests.size() == 1 ? format.append(requests.getFirst(), table, files) : Optional.empty();
                read = true;
            }
            return append;
        }

        /// What cannot be read is read again, and said, when it is this one's turn.
        void readAhead(TableFormat format, Prepared table, CommitFiles files) {
            try {
                Optional<TableFormat.Append> _ = append(format, table, files);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.DEBUG, "an append was not read ahead", e);
            }
        }

        boolean waits() {
            return answer == null && failure == null;
        }

        Loaded answer() {
            if (failure != null) {
                throw failure;
            }
            if (answer == null) {
                throw new IllegalStateException("a commit was left without an answer");
            }
            return answer;
        }
    }

    /// Gives each of them its answer, whatever happens.
    private void together(TableId id, List<Member> group) {
        try {
            for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
                if (attempt(id, group.stream().filter(Member::waits).toList())) {
                    return;
                }
            }
            fail(group, tooSlow("table `%s` is".formatted(id)));
        } catch (Refusal.Invalid | Refusal.Repeated e) {
            if (group.size() == 1) {
                fail(group, e);
            } else { // somebody's change cannot be published, or is there already: whose?
                group.stream().filter(Member::waits).forEach(member -> together(id, List.of(member)));
            }
        } catch (RuntimeException e) {
            fail(group, e);
        } finally {
            fail(group, new IllegalStateException("commits of table `%s` broke off".formatted(id)));
        }
    }

    private static void fail(List<Member> group, RuntimeException e) {
        group.stream().filter(Member::waits).forEach(member -> member.failure = e);
    }

    /// `false`: somebody else was faster, and those that still wait are to be prepared again.
    private boolean attempt(TableId id, List<Member> members) {
        Optional<List<Permitted>> permitted = permitted(id, members); // may these callers?
        if (permitted.isEmpty()) {
            return false;
        }
        if (permitted.get().isEmpty()) {
            return true;
        }
        Work work = new Work(permitted.get().getFirst().seen());
        work.readAhead(permitted.get());
        permitted.get().forEach(work::take); // are they valid, are they acceptable?
        if (!work.changed()) {
            return true;
        }
        Optional<List<Loaded>> done =
                publication.publish(List.of(work.accepted()), work.once()); // the only visible effect
        done.ifPresent(answers -> work.settle(answers.getFirst()));
        return done.isPresent();
    }

    private record Permitted(Member member, Seen seen) {}

    /// What one principal sees, found out for this member first.
    private record Look(Seen seen, Member by) {}

    /// Those who may commit; the others have their answer. Empty: the table was changed between two looks.
    private Optional<List<Permitted>> permitted(TableId id, List<Member> members) {
        Map<Principal, Look> looks = new HashMap<>();
        List<Permitted> permitted = new ArrayList<>();
        for (Member member : members) {
            try {
                Look look = looks.computeIfAbsent(
                        member.who, who -> member.trail.on(() -> new Look(tables.get(who, Action.COMMIT, id), member)));
                member.trail.like(look.by().trail);
                permitted.add(new Permitted(member, look.seen()));
            } catch (RuntimeException e) {
                member.failure = e;
            }
        }
        boolean same =
                permitted.stream().map(each -> each.seen().table()).distinct().count() <= 1;
        return same ? Optional.of(permitted) : Optional.empty();
    }

    /// A table's metadata while several commits are applied to it, before any of it is written.
    private final class Work {
        private final Table table;
        private final Metadata current;
        private final CommitFiles written;
        private final Map<Member, RuntimeException> failed = new HashMap<>();
        private final List<Member> prepared = new ArrayList<>();
        private Prepared now;
        private Location location;
        private Map<Integer, Set<Tag>> tags;

        Work(Seen seen) {
            this.table = seen.table();
            this.current = cache.of(table);
            this.written = files.forCommit(table);
            this.now = format.read(current);
            this.location = table.location();
            this.tags = store.tags(seen);
        }

        boolean changed() {
            return !now.unchanged();
        }

        /// Whoever comes after another one has to be moved if it is an append; that needs files, and they are read at
        /// the same time.
        void readAhead(List<Permitted> group) {
            if (group.size() == 1) {
                return;
            }
            Prepared start = now;
            Parallel.run(
                    READS_AT_ONCE_MAX,
                    group.subList(1, group.size()).stream()
                            .<Runnable>map(each -> () -> each.member().readAhead(format, start, written))
                            .toList());
        }

        /// Adds this one's change, or takes note of why not.
        void take(Permitted permitted) {
            Member member = permitted.member();
            List<Location> before = written.names();
            try {
                member.trail.on(() -> add(member, permitted.seen()));
            } catch (RuntimeException e) {
                written.back(before);
                if (changed()) {
                    failed.put(member, e); // true if what it was judged on is published
                } else {
                    member.failure = e;
                }
            }
        }

        private void add(Member member, Seen seen) {
            Prepared next = applied(member);
            if (next.unchanged()) {
                if (changed()) {
                    prepared.add(member);
                } else {
                    member.answer = Publication.answer(table.domain(), current, table.location());
                }
                return;
            }
            Location folder = checked(member.who, table, next);
            checkQuota(table.domain(), folder, Optional.of(now), next);
            tags = review.change(member.who, seen.sight(), table.name(), now, next, tags)
                    .accepted();
            now = next;
            location = folder;
            prepared.add(member);
        }

        private Prepared applied(Member member) {
            try {
                return format.commit(now, member.requests);
            } catch (Refusal.Conflict e) {
                return member.append(format, now, written)
                        .flatMap(append -> format.moved(append, now, written))
                        .map(request -> format.commit(now, List.of(request)))
                        .orElseThrow(() -> e);
            }
        }

        Accepted accepted() {
            return new Accepted(new Draft.Changed(table, now, location, written), tags);
        }

        /// All of these requests have their effect at once, so they are known together.
        Once once() {
            return new Once(prepared.stream()
                    .flatMap(member -> member.once.keys().stream())
                    .toList());
        }

        void settle(Loaded answer) {
            prepared.forEach(member -> member.answer = answer);
            failed.forEach((member, e) -> member.failure = e);
        }
    }

    /// Is there room for what it adds?
    private void checkQuota(Domain domain, Location folder, Optional<Prepared> before, Prepared next) {
        if (Usages.isLimited(domain)) {
            usages.check(domain, folder, before.map(format::usage).orElse(Usage.NOTHING), format.usage(next));
        }
    }

    /// The table's folder after this change.
    private Location checked(Principal who, Table table, Prepared next) {
        Location location = Locations.check(table.domain(), next);
        if (!location.equals(table.location())) { // as if the table were made there
            Namespace in =
                    namespaces.get(who, Action.CREATE, table.name().namespace()).namespace();
            namespaces.checkFolder(who, in, location);
        }
        return location;
    }

    // --- One client, many tables

    /// Empty: somebody else was faster, and nothing was done.
    private Optional<List<Loaded>> attempt(Principal who, Map<TableId, List<CommitRequest>> changes, Once once) {
        List<Asked> asked = changes.entrySet().stream() // may this caller, and is it valid?
                .map(change -> asked(who, change.getKey(), change.getValue()))
                .toList();
        List<Review.Verdict> verdicts =
                asked.stream().map(each -> judge(who, each)).toList(); // is it acceptable?
        Review.accept(verdicts);

        List<Accepted> accepted = new ArrayList<>();
        for (int i = 0; i < asked.size(); i++) {
            accepted.add(new Accepted(asked.get(i).draft(), verdicts.get(i).tags()));
        }
        return publication.publish(accepted, once); // the only visible effect
    }

    /// A change that is allowed and valid, not yet judged.
    private sealed interface Asked {
        Draft draft();

        record Creation(Draft.New draft) implements Asked {}

        record Change(Seen seen, Prepared before, Draft.Changed draft) implements Asked {}

        record Nothing(Draft.Unchanged draft) implements Asked {}
    }

    private Asked asked(Principal who, TableId id, List<CommitRequest> requests) {
        id.told();
        return requests.getFirst().creates() ? creation(who, id, requests) : change(who, id, requests);
    }

    /// A table that was staged: the whole of it comes with the request.
    private Asked creation(Principal who, TableId id, List<CommitRequest> requests) {
        Namespace namespace = namespaces.get(who, Action.CREATE, id.namespace()).namespace();
        store.find(Set.of(), id).ifPresent(there -> {
            throw Publication.exists(there.table().kind(), id);
        });
        Domain domain = namespace.domain();
        Prepared next = format.commitNew(requests, Locations.of(namespace, id.name(), UUID.randomUUID()));
        Location location = namespaces.checkFolder(who, namespace, Locations.check(domain, next));
        checkQuota(domain, location, Optional.empty(), next);
        return new Asked.Creation(new Draft.New(namespace, id, next, location));
    }

    private Asked change(Principal who, TableId id, List<CommitRequest> requests) {
        Seen seen = tables.get(who, Action.COMMIT, id);
        Table table = seen.table();
        Metadata current = cache.of(table);
        Prepared before = format.read(current);
        Prepared next = format.commit(before, requests);
        if (next.unchanged()) {
            return new Asked.Nothing(new Draft.Unchanged(table, current));
        }
        Location folder = checked(who, table, next);
        checkQuota(table.domain(), folder, Optional.of(before), next);
        return new Asked.Change(seen, before, new Draft.Changed(table, next, folder, files.forCommit(table)));
    }

    private Review.Verdict judge(Principal who, Asked asked) {
        return switch (asked) {
            case Asked.Creation(Draft.New(Namespace _, TableId name, var next, Location _)) ->
                review.creation(Change.Kind.CREATE_TABLE, name, next, Map.of());
            case Asked.Change(Seen seen, var before, var draft) ->
                review.change(who, seen.sight(), seen.table().name(), before, draft.next(), store.tags(seen));
            case Asked.Nothing(Draft.Unchanged(Table table, Metadata _)) ->
                new Review.Verdict(table.name(), Map.of(), List.of());
        };
    }
}
