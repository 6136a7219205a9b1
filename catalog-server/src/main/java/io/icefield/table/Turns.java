package io.icefield.table;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Commits on one table wait here for each other instead of colliding. Whoever's turn it is takes along what has come
/// for the same table meanwhile.
///
/// @param <M> what waits
final class Turns<M> {
    /// What is done at once. Who waits behind a full group is the next one's first.
    static final int GROUP_MAX = 32;

    /// Tables share queues: a bounded number of them, whatever the number of tables. A power of two.
    private static final int QUEUES = 1_024;

    private final List<Line<M>> lines =
            Stream.generate(Line<M>::new).limit(QUEUES).toList();

    /// Runs when it is the turn of each of these tables. Queues are entered in one order, so nobody waits in a circle.
    <T> T alone(Set<TableId> ids, Supplier<T> work) {
        List<ReentrantLock> turns = ids.stream()
                .map(Turns::number)
                .distinct()
                .sorted()
                .map(number -> lines.get(number).turn)
                .toList();
        turns.forEach(ReentrantLock::lock);
        try {
            return work.get();
        } finally {
            turns.forEach(ReentrantLock::unlock);
        }
    }

    /// Returns when `member` was among those given to `lead`, by this caller or another one. First come, first served.
    ///
    /// @param lead deals with all that it is given, and never throws
    void together(TableId id, M member, Consumer<List<M>> lead) {
        Line<M> line = lines.get(number(id));
        Waiting<M> mine = new Waiting<>(id, member);
        line.waiting.add(mine);
        line.turn.lock();
        try {
            while (!mine.taken) {
                lead.accept(line.take(id));
            }
        } finally {
            line.turn.unlock();
        }
    }

    private static int number(TableId id) {
        int hash = id.hashCode();
        return (hash ^ (hash >>> 16)) & (QUEUES - 1);
    }

    private static final class Waiting<M> {
        private final TableId id;
        private final M member;

        // Guarded by the line's turn.
        private boolean taken;

        Waiting(TableId id, M member) {
            this.id = id;
            this.member = member;
        }
    }

    private static final class Line<M> {
        private final ReentrantLock turn = new ReentrantLock(true);
        private final Queue<Waiting<M>> waiting = new ConcurrentLinkedQueue<>();

        /// Only for whoever's turn it is.
        List<M> take(TableId id) {
            List<M> group = new ArrayList<>();
            Iterator<Waiting<M>> all = waiting.iterator();
            while (group.size() < GROUP_MAX && all.hasNext()) {
                Waiting<M> each = all.next();
                if (each.id.equals(id)) {
                    all.remove();
                    each.taken = true;
                    group.add(each.member);
                }
            }
            return group;
        }
    }
}
