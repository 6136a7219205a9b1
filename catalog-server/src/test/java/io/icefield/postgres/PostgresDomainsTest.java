package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Role;
import io.icefield.access.Sight;
import io.icefield.domain.Domain;
import io.icefield.storage.DomainName;
import io.icefield.storage.DomainStorage;
import io.icefield.storage.StorageProfile;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PostgresDomainsTest {
    private final Database.Settings settings = TestDatabase.fresh();
    private final Mesh mesh = new Mesh(Database.open(settings));

    @AfterEach
    void close() {
        mesh.database.close();
    }

    @Test
    void whatWasAddedIsFoundWithItsOwnersAndItsKey() {
        StorageProfile storage = Mesh.storage("sales", "bucket", "folder");
        Domain added = mesh.domains
                .add(new DomainName("sales"), storage, Set.of(Mesh.ANALYSTS))
                .orElseThrow();

        var seen = mesh.domains.find(Set.of(Mesh.ANALYSTS), added.name()).orElseThrow();
        assertThat(seen.domain()).isEqualTo(added);
        assertThat(seen.domain().storage()).isEqualTo(storage);
        assertThat(seen.sight()).isEqualTo(new Sight(Set.of(Role.OWNER), false));
        assertThat(mesh.grants(Optional.of(added.name()), Page.Request.ALL).items())
                .containsExactly(Mesh.grant(Mesh.ANALYSTS, Role.OWNER, "sales"));
    }

    @Test
    void aSecondServerReadsTheKeyAndOneWithAnotherSealingKeyDoesNot() {
        Domain sales = mesh.domain("sales");
        try (Database second = Database.open(settings)) {
            assertThat(new PostgresDomains(second)
                            .find(Set.of(), sales.name())
                            .orElseThrow()
                            .domain())
                    .isEqualTo(sales);
        }
        Database.Settings stolen = new Database.Settings(
                settings.url(), settings.user(), settings.password(), 2, new SealerTest.Keys(SealerTest.key(0)));
        try (Database thief = Database.open(stolen)) {
            Domain seen = new PostgresDomains(thief)
                    .find(Set.of(), sales.name())
                    .orElseThrow()
                    .domain();
            assertThatThrownBy(() -> seen.storage().root().secretKey())
                    .isInstanceOf(DomainStorage.Shut.class)
                    .hasMessageContaining("domain sales");
        }
    }

    @Test
    void domainsFollowAStoreThatMovesAndThoseOfAnotherKeyStay() {
        Domain sales = mesh.domain("sales");
        Domain hr = mesh.domain("hr");
        StorageProfile was = sales.storage();
        URI there = URI.create("http://127.0.0.1:33333");
        StorageProfile now = new StorageProfile(
                was.domain(),
                was.bucket(),
                was.prefix(),
                Optional.of(there),
                Optional.of(there),
                was.region(),
                was.pathStyle(),
                was.roleArn(),
                was.root());

        assertThat(mesh.domains.follow(now)).isEqualTo(1);
        assertThat(mesh.domains
                        .find(Set.of(), sales.name())
                        .orElseThrow()
                        .domain()
                        .storage())
                .isEqualTo(now);
        assertThat(mesh.domains.find(Set.of(), hr.name()).orElseThrow().domain())
                .isEqualTo(hr);
        assertThat(mesh.domains.follow(now)).as("a second time").isZero();
    }

    @Test
    void theKeyIsNotInTheDatabaseAsItIs() {
        mesh.domain("sales");
        String row = mesh.database.read(handle -> handle.createQuery("SELECT s::text, sealed_key FROM storages s")
                .map((columns, _) -> columns.getString(1) + new String(columns.getBytes(2), ISO_8859_1))
                .one());

        assertThat(row).contains("AKIAsales").doesNotContain("secret-of-sales");
        assertThat(row).doesNotContain(java.util.HexFormat.of().formatHex("secret-of-sales".getBytes(ISO_8859_1)));
        assertThat(settings.toString()).doesNotContain(settings.url()).doesNotContain("[7");
    }

    @Test
    void aTakenNameOrBucketFolderChangesNothing() {
        assertThat(add("sales", "bucket", "a/b")).isPresent();

        assertThat(add("sales", "other", "")).isEmpty();
        assertThat(add("x1", "bucket", "a/b")).isEmpty();
        assertThat(add("x2", "bucket", "a/b/c")).isEmpty();
        assertThat(add("x3", "bucket", "a")).isEmpty();
        assertThat(add("x4", "bucket", "")).isEmpty();
        assertThat(add("beside", "bucket", "a/bc")).isPresent();
        assertThat(names("", 10)).containsExactly("beside", "sales");
        assertThat(mesh.grants(Optional.of(new DomainName("x1")), Page.Request.ALL)
                        .items())
                .isEmpty();
    }

    @Test
    void ofRacingAdditionsOfOneFolderExactlyOneWins() throws Exception {
        List<Callable<Optional<Domain>>> race = List.of(
                () -> add("d1", "bucket", "a"),
                () -> add("d2", "bucket", "a/b"),
                () -> add("d3", "bucket", ""),
                () -> add("d4", "bucket", "a"));
        try (var threads = Executors.newCachedThreadPool()) {
            assertThat(threads.invokeAll(race).stream().map(Future::resultNow).filter(Optional::isPresent))
                    .hasSize(1);
        }
    }

    @Test
    void listsGoOnAfterAName() {
        List.of("cc", "aa", "bb", "b_").forEach(name -> mesh.domain(name.replace("_", "_x")));

        assertThat(names("", 2)).containsExactly("aa", "b_x");
        assertThat(names("b_x", 2)).containsExactly("bb", "cc");
        assertThat(names("cc", 2)).isEmpty();
    }

    @Test
    void aDomainWithNamespacesStays() {
        Domain sales = mesh.domain("sales");
        var crm = mesh.namespace(sales, "crm");

        assertThat(mesh.domains.remove(sales)).isFalse();
        assertThat(mesh.namespaces.find(Set.of(), crm.name())).isPresent();
        mesh.namespaces.remove(crm);
        assertThat(mesh.domains.remove(sales)).isTrue();
        assertThatThrownBy(() -> mesh.domains.remove(sales)).isInstanceOf(Refusal.NotFound.class);
    }

    private Optional<Domain> add(String name, String bucket, String prefix) {
        return mesh.domains.add(
                new DomainName(name), Mesh.storage(name, bucket, prefix), Set.of(Grantee.parse("group:owners")));
    }

    private List<String> names(String after, int limit) {
        return mesh.domains.list(Set.of(), after, limit).stream()
                .map(seen -> seen.domain().name().value())
                .toList();
    }
}
