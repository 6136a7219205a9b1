package io.icefield.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Grantee;
import io.icefield.access.Page;
import io.icefield.access.Role;
import io.icefield.domain.Domain;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Location;
import io.icefield.storage.StorageProfile;
import io.icefield.table.Metadata;
import io.icefield.table.Namespace;
import io.icefield.table.NamespaceId;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Table;
import io.icefield.table.TableId;
import io.icefield.table.TableStore.Created;
import io.icefield.table.TableStore.Published;
import io.icefield.table.TableStore.Tag;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// The stores over one database, and short ways to fill them.
final class Mesh {
    static final Set<Grantee> NOBODY = Set.of();
    static final Grantee ANALYSTS = Grantee.parse("group:analysts");

    final Database database;
    final PostgresDomains domains;
    final PostgresGrants grants;
    final PostgresNamespaces namespaces;
    final PostgresTables tables;
    final PostgresPrincipals principals;

    Mesh(Database database) {
        this.database = database;
        domains = new PostgresDomains(database);
        grants = new PostgresGrants(database);
        namespaces = new PostgresNamespaces(database);
        tables = new PostgresTables(database);
        principals = new PostgresPrincipals(database, Clock.systemUTC());
    }

    static Mesh open() {
        return new Mesh(Database.open(TestDatabase.fresh()));
    }

    static StorageProfile storage(String domain, String bucket, String prefix) {
        return new StorageProfile(
                new DomainName(domain),
                bucket,
                prefix,
                Optional.of(URI.create("http://127.0.0.1:9000")),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                Credential.permanent("AKIA" + domain, "secret-of-" + domain));
    }

    Domain domain(String name) {
        return domains.add(new DomainName(name), storage(name, "bucket-" + name.replace('_', '-'), ""), Set.of())
                .orElseThrow();
    }

    Namespace namespace(Domain domain, String... levels) {
        NamespaceId id = new NamespaceId(domain.name(), List.of(levels));
        if (namespaces.add(domain, id, Map.of()) != NamespaceStore.Added.DONE) {
            throw new IllegalStateException("cannot add " + id);
        }
        return namespaces.find(NOBODY, id).orElseThrow().namespace();
    }

    Table table(Namespace namespace, String name) {
        return table(namespace, name, String.join("/", namespace.name().levels()) + "/" + name);
    }

    Table table(Namespace namespace, String name, String folder) {
        return switch (tables.create(namespace, name, UUID.randomUUID(), published(namespace, folder))) {
            case Created.Done(Table table) -> table;
            case Created other -> throw new IllegalStateException(other.toString());
        };
    }

    static Published published(Namespace namespace, String folder) {
        return published(new Location(namespace.domain().storage().bucket(), folder), "{}", Map.of());
    }

    static Published published(Location folder, String json, Map<Integer, Set<Tag>> tags) {
        Location file = folder.child("metadata").child(UUID.randomUUID() + ".metadata.json");
        return new Published(new Metadata(file, json.getBytes(UTF_8)), folder, tags);
    }

    static Published next(Table table) {
        return published(table.location(), "{\"next\":1}", Map.of());
    }

    Table now(TableId name) {
        return tables.find(NOBODY, name).orElseThrow().table();
    }

    void grant(Grant grant) {
        GrantStore.Effect _ = grants.give(
                new Given(grant, Optional.empty(), Optional.of("admin"), Optional.empty(), Optional.empty()));
    }

    /// Was there one?
    boolean revoke(Grant grant) {
        boolean there = grants(grant.domain(), Page.Request.ALL).items().contains(grant);
        assertThat(grants.revoke(grant)).isEqualTo(GrantStore.Effect.DONE);
        return there;
    }

    Page<Grant> grants(Optional<DomainName> domain, Page.Request page) {
        Page<Given> found = grants.list(domain, List.of(), page);
        return new Page<>(found.items().stream().map(Given::grant).toList(), found.next());
    }

    static Grant grant(Grantee grantee, Role role, String... path) {
        return new Grant(
                grantee,
                role,
                path.length == 0 ? Optional.empty() : Optional.of(new DomainName(path[0])),
                path.length < 2 ? List.of() : List.of(path).subList(1, path.length),
                Optional.empty());
    }

    static Grant tableGrant(Grantee grantee, Role role, TableId table) {
        return new Grant(
                grantee,
                role,
                Optional.of(table.namespace().domain()),
                table.namespace().levels(),
                Optional.of(table.name()));
    }
}
