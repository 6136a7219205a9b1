package io.icefield.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.SealedStore;
import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeys;
import io.icefield.access.SealingKeys.Shown;
import io.icefield.access.SealingKeys.State;
import io.icefield.access.SigningKeyStore.SigningKey;
import io.icefield.access.SigningKeys;
import io.icefield.domain.Domain;
import io.icefield.postgres.SealerTest.Keys;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.table.DroppedStore.Drop;
import io.icefield.table.Fate;
import io.icefield.table.Table;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The succession of sealing keys, on all that is sealed.
final class PostgresSealedTest {
    private static final SealingKey OLD = SealerTest.key(1);
    private static final SealingKey NEW = SealerTest.key(2);
    private static final Principal ADMIN =
            new Principal("admin", Principal.Kind.USER, Set.of(Principal.PLATFORM_GROUP));

    private final Keys keys = new Keys(OLD);
    private Database.Settings settings;
    private Mesh mesh;
    private PostgresSealed sealed;
    private SealingKeys sealingKeys;

    @BeforeEach
    void open() {
        Database.Settings fresh = TestDatabase.fresh();
        settings = new Database.Settings(fresh.url(), fresh.user(), fresh.password(), 8, keys);
        mesh = new Mesh(Database.open(settings));
        sealed = new PostgresSealed(mesh.database);
        sealingKeys = new SealingKeys(keys, sealed);
    }

    @AfterEach
    void close() {
        mesh.database.close();
    }

    private Database another(Keys its) {
        return Database.open(new Database.Settings(settings.url(), settings.user(), settings.password(), 4, its));
    }

    private SigningKeys signing(Database database) {
        return new SigningKeys(new PostgresSigningKeys(database), Duration.ofDays(30), Clock.systemUTC());
    }

    /// So many secrets: a storage of each domain, a signing key, one of the mesh.
    private void fill(int domains) {
        for (int i = 0; i < domains; i++) {
            mesh.domain("d" + i);
        }
        signing(mesh.database).begin();
        assertThat(sealed.secret("salt")).hasSize(32);
    }

    private List<SealedStore.Batch> reseal(int limit) {
        List<SealedStore.Batch> batches = new ArrayList<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            SealedStore.Batch batch = sealed.reseal(after.get(), limit);
            batches.add(batch);
            after = batch.next();
        }
        return batches;
    }

    @Test
    void everythingIsSealedAnewAndTheOldKeyCanGo() {
        fill(7);
        byte[] salt = sealed.secret("salt");
        String signs = signing(mesh.database).signing().id();
        keys.set(NEW, OLD);
        assertThat(sealingKeys.list(ADMIN))
                .containsExactly(new Shown(NEW.id(), State.SEALING, 0), new Shown(OLD.id(), State.OPENING, 9));

        List<SealedStore.Batch> batches = reseal(2);
        assertThat(batches).hasSizeGreaterThan(4);
        assertThat(batches.stream().mapToInt(SealedStore.Batch::resealed).sum()).isEqualTo(9);
        assertThat(batches).allMatch(batch -> batch.shut().isEmpty());
        assertThat(sealingKeys.list(ADMIN))
                .containsExactly(new Shown(NEW.id(), State.SEALING, 9), new Shown(OLD.id(), State.OPENING, 0));
        assertThat(reseal(2))
                .as("again there is nothing to do")
                .containsExactly(new SealedStore.Batch(0, List.of(), Optional.empty()));

        try (Database later = another(new Keys(NEW))) {
            for (int i = 0; i < 7; i++) {
                assertThat(secretOf(later, "d" + i)).isEqualTo("secret-of-d" + i);
            }
            assertThat(new PostgresSealed(later).secret("salt")).isEqualTo(salt);
            assertThat(signing(later).signing().id()).isEqualTo(signs);
        }
        try (Database thief = another(new Keys(OLD))) {
            assertThatThrownBy(() -> secretOf(thief, "d0"))
                    .isInstanceOf(DomainStorage.Shut.class)
                    .hasMessageContainingAll("domain d0", NEW.id());
        }
    }

    private static String secretOf(Database database, String domain) {
        return domain(database, domain).storage().root().secretKey();
    }

    private static Domain domain(Database database, String domain) {
        return new PostgresDomains(database)
                .find(Set.of(), new DomainName(domain))
                .orElseThrow()
                .domain();
    }

    @Test
    void whoIsInterruptedGoesOnAndWhatChangesMeanwhileIsNotLost() throws Exception {
        fill(20);
        keys.set(NEW, OLD);
        assertThat(sealed.reseal("", 5).resealed()).as("and then it died").isEqualTo(5);
        PostgresStorages storages = new PostgresStorages(mesh.database);
        AtomicBoolean done = new AtomicBoolean();
        try (var threads = Executors.newCachedThreadPool()) {
            Future<Integer> rotations = threads.submit(() -> {
                int count = 0;
                do {
                    for (int i = 0; i < 20; i++, count++) {
                        Domain domain = domain(mesh.database, "d" + i);
                        assertThat(storages.rekey(
                                        domain,
                                        domain.storages().getFirst(),
                                        Credential.permanent("AKIA", "another-" + i)))
                                .isTrue();
                    }
                } while (!done.get());
                return count;
            });
            Future<Integer> readings = threads.submit(() -> {
                int count = 0;
                try (Database replica = another(keys)) {
                    do {
                        for (int i = 0; i < 20; i++, count++) {
                            assertThat(secretOf(replica, "d" + i)).isIn("secret-of-d" + i, "another-" + i);
                        }
                    } while (!done.get());
                }
                return count;
            });
            List<Future<List<SealedStore.Batch>>> both =
                    List.of(threads.submit(() -> reseal(3)), threads.submit(() -> reseal(4)));
            for (Future<List<SealedStore.Batch>> each : both) {
                assertThat(each.get()).allMatch(batch -> batch.shut().isEmpty());
            }
            done.set(true);
            assertThat(rotations.get()).isGreaterThanOrEqualTo(20);
            assertThat(readings.get()).isGreaterThanOrEqualTo(20);
        }
        assertThat(sealed.counts()).containsOnlyKeys(NEW.id()).containsValue(22L);
        for (int i = 0; i < 20; i++) {
            assertThat(secretOf(mesh.database, "d" + i)).isEqualTo("another-" + i);
        }
    }

    @Test
    void whatDoesNotOpenStaysAndIsNamedAndTheRestIsSealedAnew() {
        keys.set(SealerTest.key(3));
        mesh.domain("lost");
        keys.set(OLD);
        fill(2);
        keys.set(NEW, OLD);
        List<SealedStore.Batch> batches = reseal(1);
        assertThat(batches.stream().mapToInt(SealedStore.Batch::resealed).sum()).isEqualTo(4);
        assertThat(batches.stream().flatMap(batch -> batch.shut().stream()))
                .singleElement()
                .satisfies(shut -> {
                    assertThat(shut.secret()).isEqualTo("domain lost");
                    assertThat(shut.why()).contains(SealerTest.key(3).id());
                });
        assertThat(sealingKeys.list(ADMIN)).contains(new Shown(SealerTest.key(3).id(), State.MISSING, 1));
        assertThatThrownBy(() -> sealed.reseal("nonsense", 1)).isInstanceOf(Refusal.Invalid.class);
        assertThatThrownBy(() -> sealed.reseal("storage/x", 1)).isInstanceOf(Refusal.Invalid.class);
    }

    @Test
    void aKeyIsMadeForAnEmptyDatabaseAndNeverBesideSecrets() {
        keys.set();
        sealingKeys.begin();
        assertThat(keys.keys()).containsExactly(SealerTest.key(50));
        sealingKeys.begin();
        fill(1);

        Keys none = new Keys();
        try (Database later = another(none)) {
            assertThatThrownBy(() -> new SealingKeys(none, new PostgresSealed(later)).begin())
                    .isInstanceOf(SealingKeys.Unfit.class)
                    .hasMessageContainingAll("3 sealed secrets", "ICEFIELD_KEY_FILE");
            assertThat(none.keys()).as("none was made").isEmpty();
        }
    }

    @Test
    void aServerWithoutTheKeyOfTheSigningKeysDoesNotStartAndMakesNone() {
        fill(0);
        try (Database wrong = another(new Keys(NEW))) {
            assertThatThrownBy(() -> signing(wrong).begin())
                    .isInstanceOf(SealingKeys.Unfit.class)
                    .hasMessageContainingAll(signing(mesh.database).signing().id(), "ICEFIELD_KEY");
            assertThat(new PostgresSigningKeys(wrong).keys()).hasSize(1);
            assertThatThrownBy(() -> new PostgresSealed(wrong).secret("salt"))
                    .isInstanceOf(SealingKeys.Unfit.class)
                    .hasMessageContaining(OLD.id());
        }
    }

    @Test
    void whoCannotOpenASigningKeyVerifiesWithItAndSignsWithAnother() {
        fill(0);
        SigningKey first = signing(mesh.database).signing();
        SigningKey second =
                new SigningKey("second", first.privateKey(), first.publicKey(), first.createdAt(), first.signsFrom());
        keys.set(NEW, OLD);
        assertThat(new PostgresSigningKeys(mesh.database).add(second, Optional.of(first.id())))
                .isTrue();
        try (Database behind = another(new Keys(OLD))) {
            SigningKeys its = signing(behind);
            its.begin();
            assertThat(its.signing().id()).isEqualTo(first.id());
            assertThat(its.verifying()).extracting(SigningKey::id).containsExactly("second", first.id());
        }
        assertThat(signing(mesh.database).signing().id()).isEqualTo("second");
    }

    /// One of several domains cannot be opened: that is its own trouble.
    @Test
    void aDomainThatDoesNotOpenKeepsNobodyElseFromAnything() {
        Table good = mesh.table(mesh.namespace(mesh.domain("good"), "core"), "t");
        keys.set(SealerTest.key(3));
        Table shut = mesh.table(mesh.namespace(mesh.domain("shut"), "core"), "t");
        keys.set(OLD);
        try (Database replica = another(new Keys(OLD))) {
            PostgresDomains domains = new PostgresDomains(replica);
            assertThat(domains.list(Set.of(), "", 10)).hasSize(2);
            PostgresTables tables = new PostgresTables(replica);
            Table found = tables.find(Set.of(), shut.name()).orElseThrow().table();
            assertThat(found.domain().isShut()).isTrue();
            assertThat(found.domain().toString()).doesNotContain("secret-of");
            assertThatThrownBy(() -> found.storage().root().secretKey())
                    .isInstanceOf(DomainStorage.Shut.class)
                    .hasMessageContainingAll("domain shut", SealerTest.key(3).id());

            PostgresDropped dropped = new PostgresDropped(replica);
            for (Table each : List.of(shut, good)) {
                assertThat(dropped.drop(each, new Drop("me", Fate.PURGE, Duration.ZERO)))
                        .isTrue();
            }
            Set<String> claimed = new HashSet<>();
            for (int i = 0; i < 2; i++) {
                claimed.add(dropped.claim(Duration.ofMinutes(5))
                        .orElseThrow()
                        .dropped()
                        .table()
                        .name()
                        .toString());
            }
            assertThat(claimed)
                    .containsExactlyInAnyOrder(
                            shut.name().toString(), good.name().toString());
            assertThat(new PostgresStorages(replica).ofOthers(found.domain())).hasSize(1);
        }
    }
}
