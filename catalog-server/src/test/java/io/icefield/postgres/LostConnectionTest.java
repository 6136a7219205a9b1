package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.audit.Decision;
import io.icefield.audit.DecisionStoreContract;
import io.icefield.audit.Verified;
import io.icefield.domain.Domain;
import io.icefield.table.DroppedStore;
import io.icefield.table.Fate;
import io.icefield.table.Namespace;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Outcome;
import io.icefield.table.TableStore.Published;
import io.icefield.table.TableStore.Renamed;
import io.icefield.table.TableStore.Step;
import io.icefield.table.TableStore.Swapped;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Connections cut before, in and after a COMMIT: every answer is one that we know.
final class LostConnectionTest {
    private final String name = TestDatabase.create();
    private final Wire wire = new Wire(TestDatabase.port());
    private final Mesh mesh = new Mesh(Database.open(TestDatabase.through(wire.port(), name)));
    private final Domain sales = mesh.domain("sales");
    private final Namespace crm = mesh.namespace(sales, "crm");
    private final Table orders = mesh.table(crm, "orders");

    @AfterEach
    void close() {
        mesh.database.close();
        wire.close();
    }

    @Test
    void trap15_aSwapWhoseAnswerWasLostIsDoneIfItIsThere() {
        Published published = Mesh.next(orders);
        wire.next(Cut.AFTER_COMMIT);

        assertThat(mesh.tables.swap(orders, published)).isEqualTo(Swapped.DONE);
        assertThat(wire.cuts()).isTrue();
        assertThat(mesh.now(orders.name()).metadata())
                .isEqualTo(published.metadata().location());
    }

    @Test
    void trap15_aSwapWhoseCommitNeverArrivedIsLost() {
        wire.next(Cut.BEFORE_COMMIT);

        assertThat(mesh.tables.swap(orders, Mesh.next(orders))).isEqualTo(Swapped.LOST);
        assertThat(wire.cuts()).isTrue();
        assertThat(mesh.now(orders.name())).isEqualTo(orders);
    }

    @Test
    void decisionsWhoseAnswerWasLostAreInTheLogOnce() {
        PostgresDecisions log = new PostgresDecisions(mesh.database);
        Decision decision = DecisionStoreContract.decision("ann", "sales", "orders");
        wire.next(Cut.AFTER_COMMIT);
        log.append(List.of(decision, decision));
        assertThat(wire.cuts()).isTrue();
        assertThat(log.ends().head().id()).isEqualTo(2);

        wire.next(Cut.BEFORE_COMMIT);
        assertThatThrownBy(() -> log.append(List.of(decision))).isInstanceOf(Refusal.Unavailable.class);
        assertThat(log.ends().head().id()).isEqualTo(2);
        log.append(List.of(decision));
        assertThat(log.ends().head().id()).isEqualTo(3);
        assertThat(Verified.now(log, Optional.empty()).breaks()).isEmpty();
    }

    /// The pointer is two ahead of what was seen: one of the two may be ours.
    @Test
    void aSwapThatOthersWentOnFromBeforeWeLookedIsUnknown() {
        Runnable another = () -> {
            Table now = mesh.now(orders.name());
            assertThat(mesh.tables.swap(now, Mesh.next(now))).isEqualTo(Swapped.DONE);
        };
        wire.next(Cut.AFTER_COMMIT, another);
        assertThatThrownBy(() -> mesh.tables.swap(orders, Mesh.next(orders)))
                .isInstanceOf(Refusal.OutcomeUnknown.class);
        assertThat(wire.cuts()).isTrue();

        Table now = mesh.now(orders.name());
        wire.next(Cut.AFTER_COMMIT, another);
        assertThatThrownBy(() -> mesh.tables.publish(List.of(new Step.Swap(now, Mesh.next(now)))))
                .isInstanceOf(Refusal.OutcomeUnknown.class);
        assertThat(wire.cuts()).isTrue();
    }

    @Test
    void aCreationWhoseAnswerWasLostIsDoneIfItIsThere() {
        UUID uuid = UUID.randomUUID();
        wire.next(Cut.AFTER_COMMIT);
        Created created = mesh.tables.create(crm, "items", uuid, Mesh.published(crm, "items"));

        assertThat(wire.cuts()).isTrue();
        assertThat(created).isEqualTo(new Created.Done(mesh.now(new TableId(crm.name(), "items"))));
    }

    /// What we created may have another name by then, or be dropped: its file is in use.
    @Test
    void aCreationThatOthersChangedBeforeWeLookedIsUnknown() {
        PostgresDropped dropped = new PostgresDropped(mesh.database);
        List<Consumer<Table>> others = List.of(
                made -> assertThat(mesh.tables.rename(made, crm, "is" + made.id()))
                        .isEqualTo(Renamed.DONE),
                made -> assertThat(dropped.drop(made, new DroppedStore.Drop("x", Fate.FORGET, Duration.ofDays(1))))
                        .isTrue());
        for (Consumer<Table> then : others) {
            Runnable change = () -> then.accept(mesh.now(new TableId(crm.name(), "made")));
            wire.next(Cut.AFTER_COMMIT, change);
            UUID uuid = UUID.randomUUID();
            assertThatThrownBy(() -> mesh.tables.create(crm, "made", uuid, Mesh.published(crm, uuid.toString())))
                    .isInstanceOf(Refusal.OutcomeUnknown.class);
            assertThat(wire.cuts()).isTrue();

            wire.next(Cut.AFTER_COMMIT, change);
            assertThatThrownBy(() -> mesh.tables.publish(List.of(creation("made"))))
                    .isInstanceOf(Refusal.OutcomeUnknown.class);
            assertThat(wire.cuts()).isTrue();
        }
    }

    @Test
    void aCreationWhoseCommitNeverArrivedIsNotDone() {
        wire.next(Cut.BEFORE_COMMIT);

        assertThatThrownBy(() -> mesh.tables.create(crm, "items", UUID.randomUUID(), Mesh.published(crm, "items")))
                .isInstanceOf(Refusal.Unavailable.class);
        assertThat(mesh.tables.find(Mesh.NOBODY, new TableId(crm.name(), "items")))
                .isEmpty();
    }

    @Test
    void aPublicationWhoseAnswerWasLostIsDoneIfItIsThere() {
        for (List<Step> steps :
                List.of(List.of(new Step.Swap(orders, Mesh.next(orders)), creation("a")), List.of(creation("b")))) {
            wire.next(Cut.AFTER_COMMIT);

            assertThat(mesh.tables.publish(steps)).isEqualTo(new Outcome.Done());
            assertThat(wire.cuts()).isTrue();
        }
        assertThat(mesh.now(orders.name()).version()).isEqualTo(2);
        assertThat(mesh.tables.list(Mesh.NOBODY, crm, "", 9)).hasSize(3);
    }

    @Test
    void aPublicationWhoseCommitNeverArrivedIsLost() {
        for (List<Step> steps :
                List.of(List.of(new Step.Swap(orders, Mesh.next(orders)), creation("a")), List.of(creation("b")))) {
            wire.next(Cut.BEFORE_COMMIT);

            assertThat(mesh.tables.publish(steps)).isEqualTo(new Outcome.Lost());
            assertThat(wire.cuts()).isTrue();
        }
        assertThat(mesh.now(orders.name())).isEqualTo(orders);
        assertThat(mesh.tables.list(Mesh.NOBODY, crm, "", 9)).hasSize(1);
    }

    private Step creation(String name) {
        UUID uuid = UUID.randomUUID();
        return new Step.Create(crm, name, uuid, Mesh.published(crm, uuid.toString()));
    }

    @Test
    void trap15_anyOtherChangeWhoseAnswerWasLostIsUnknown() {
        for (Cut cut : List.of(Cut.AFTER_COMMIT, Cut.BEFORE_COMMIT)) {
            wire.next(cut);
            assertThatThrownBy(() ->
                            mesh.principals.add(new Principal(user(cut), Principal.Kind.USER, Set.of()), new byte[32]))
                    .isInstanceOf(Refusal.OutcomeUnknown.class)
                    .hasMessageNotContaining("jdbc");
        }
        assertThat(mesh.principals.find(user(Cut.AFTER_COMMIT))).isPresent();
        assertThat(mesh.principals.find(user(Cut.BEFORE_COMMIT))).isEmpty();
    }

    /// The wire must not take a name for the command.
    private static String user(Cut cut) {
        return cut.name().toLowerCase(java.util.Locale.ROOT);
    }

    @Test
    void aBackendKilledBeforeTheCommitMeansThatNothingWasDone() {
        assertThatThrownBy(() -> mesh.database.write(handle -> {
                    handle.createUpdate("UPDATE relations SET version = 99").execute();
                    return handle.createQuery("SELECT pg_terminate_backend(pg_backend_pid())")
                            .mapTo(Boolean.class)
                            .one();
                }))
                .isInstanceOf(Refusal.Unavailable.class);
        assertThat(mesh.now(orders.name())).isEqualTo(orders);
    }

    @Test
    void aDeadlockIsAConflictAndNothingWasDone() throws Exception {
        Table items = mesh.table(crm, "items");
        CyclicBarrier both = new CyclicBarrier(2);
        AtomicReference<Throwable> refused = new AtomicReference<>();
        try (var threads = Executors.newCachedThreadPool()) {
            threads.execute(() -> lockInTurn(orders, items, both, refused));
            threads.execute(() -> lockInTurn(items, orders, both, refused));
        }
        assertThat(refused.get()).isInstanceOf(Refusal.Conflict.class);
    }

    private void lockInTurn(Table first, Table second, CyclicBarrier both, AtomicReference<Throwable> refused) {
        try {
            mesh.database.write(handle -> {
                String lock = "SELECT id FROM relations WHERE id = :id FOR UPDATE";
                handle.createQuery(lock).bind("id", first.id()).mapToMap().one();
                try {
                    both.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                return handle.createQuery(lock)
                        .bind("id", second.id())
                        .mapToMap()
                        .one();
            });
        } catch (RuntimeException e) {
            refused.set(e);
        }
    }

    @Test
    void withoutAServerNothingWasDone() {
        assertThat(mesh.database.ready()).isTrue();
        wire.close();

        assertThat(mesh.database.ready()).isFalse();
        assertThatThrownBy(() -> mesh.tables.find(Mesh.NOBODY, orders.name())).isInstanceOf(Refusal.Unavailable.class);
        assertThatThrownBy(() -> mesh.tables.swap(orders, Mesh.published(orders.location(), "{}", Map.of())))
                .isInstanceOf(Refusal.Unavailable.class);
    }

    /// Where the wire is cut.
    enum Cut {
        NONE,
        BEFORE_COMMIT,
        AFTER_COMMIT
    }

    /// A wire to the server that can be cut, once, at the next COMMIT: before it is passed on, or before its answer is.
    private static final class Wire implements AutoCloseable {
        private final ServerSocket listener;
        private final int target;
        private volatile Runnable after = () -> {};
        private final AtomicReference<Cut> next = new AtomicReference<>(Cut.NONE);
        private final List<Socket> open = new java.util.concurrent.CopyOnWriteArrayList<>();

        Wire(int target) {
            this.target = target;
            try {
                listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Thread.ofPlatform().daemon().start(this::accept);
        }

        int port() {
            return listener.getLocalPort();
        }

        void next(Cut cut) {
            next(cut, () -> {});
        }

        /// @param then runs when the answer to the COMMIT is there, before anybody learns that it is lost
        void next(Cut cut, Runnable then) {
            after = then;
            next.set(cut);
        }

        /// Was the cut made?
        boolean cuts() {
            return next.get() == Cut.NONE;
        }

        @Override
        public void close() {
            try {
                listener.close();
                for (Socket socket : open) {
                    socket.close();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void accept() {
            while (!listener.isClosed()) {
                try {
                    Socket client = listener.accept();
                    Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                    open.addAll(List.of(client, server));
                    AtomicReference<Cut> cut = new AtomicReference<>(Cut.NONE);
                    Thread.ofPlatform().daemon().start(() -> pump(client, server, cut, true));
                    Thread.ofPlatform().daemon().start(() -> pump(server, client, cut, false));
                } catch (IOException e) {
                    return;
                }
            }
        }

        private void pump(Socket from, Socket to, AtomicReference<Cut> cut, boolean commands) {
            byte[] buffer = new byte[65_536];
            try (from;
                    to;
                    InputStream in = from.getInputStream();
                    OutputStream out = to.getOutputStream()) {
                for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                    if (commands && new String(buffer, 0, length, ISO_8859_1).contains("COMMIT")) {
                        cut.set(next.getAndSet(Cut.NONE));
                    }
                    if (cut.get() == Cut.AFTER_COMMIT && !commands) {
                        after.run();
                        return;
                    }
                    if (cut.get() == Cut.BEFORE_COMMIT) {
                        return;
                    }
                    out.write(buffer, 0, length);
                }
            } catch (IOException e) {
                // The other direction closed the sockets, or the test ended.
            }
        }
    }
}
