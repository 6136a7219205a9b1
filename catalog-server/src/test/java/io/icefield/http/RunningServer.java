package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icefield.access.Grantee;
import io.icefield.access.IdentityProviders;
import io.icefield.access.Logins;
import io.icefield.access.Page;
import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.Role;
import io.icefield.access.SigningKeys;
import io.icefield.audit.DecisionLog;
import io.icefield.audit.DecisionStore;
import io.icefield.audit.Decisions;
import io.icefield.audit.ExportDecisions;
import io.icefield.domain.AccessRequestStore;
import io.icefield.domain.AccessRequests;
import io.icefield.domain.DomainStore;
import io.icefield.domain.Domains;
import io.icefield.domain.EngineSync;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.domain.Grants;
import io.icefield.domain.StorageStore;
import io.icefield.domain.Storages;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.iceberg.IcebergPlanner;
import io.icefield.iceberg.IcebergReachableFiles;
import io.icefield.iceberg.IcebergViewFormat;
import io.icefield.iceberg.ParquetDecisions;
import io.icefield.jwt.JwtTokens;
import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import io.icefield.policy.Violation;
import io.icefield.postgres.Database;
import io.icefield.postgres.PostgresAccessRequests;
import io.icefield.postgres.PostgresDomains;
import io.icefield.postgres.PostgresDropped;
import io.icefield.postgres.PostgresGrants;
import io.icefield.postgres.PostgresNamespaces;
import io.icefield.postgres.PostgresProtection;
import io.icefield.postgres.PostgresRequestKeys;
import io.icefield.postgres.PostgresStorages;
import io.icefield.postgres.PostgresTables;
import io.icefield.postgres.PostgresUsage;
import io.icefield.query.QueryEngine;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Endpoints;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.s3.S3RequestSigner;
import io.icefield.table.ClassifyTable;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.CreateView;
import io.icefield.table.DropTable;
import io.icefield.table.DropView;
import io.icefield.table.DroppedStore;
import io.icefield.table.DroppedTables;
import io.icefield.table.Housekeeping;
import io.icefield.table.LoadTable;
import io.icefield.table.LoadView;
import io.icefield.table.MetadataFiles;
import io.icefield.table.NamespaceStore;
import io.icefield.table.Namespaces;
import io.icefield.table.PlanScan;
import io.icefield.table.Protect;
import io.icefield.table.ProtectionStore;
import io.icefield.table.PurgeQueue;
import io.icefield.table.PurgeTables;
import io.icefield.table.QueryDecisions;
import io.icefield.table.RegisterTable;
import io.icefield.table.RenameTable;
import io.icefield.table.RenameView;
import io.icefield.table.ReplaceView;
import io.icefield.table.ReportMetrics;
import io.icefield.table.RequestKeys;
import io.icefield.table.Restricted;
import io.icefield.table.Retention;
import io.icefield.table.SignRequest;
import io.icefield.table.TableStore;
import io.icefield.table.Tables;
import io.icefield.table.UndropTable;
import io.icefield.table.UnregisterTable;
import io.icefield.table.UsageStore;
import io.icefield.table.Usages;
import io.icefield.table.Views;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.Supplier;

/// A server on a free port with stores in memory: domain `sales` (owned by `sellers`), namespace `crm`, and callers.
final class RunningServer implements AutoCloseable {
    private static final int ATTEMPTS_MAX = 5;
    static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    final InMemoryMesh mesh = new InMemoryMesh();
    final Server server;
    private final Thread reporting;
    final HttpClient client;
    private final String scheme;
    final Stores stores;
    final PurgeTables purge;
    final DecisionLog decisionLog;
    final ExportDecisions export;
    private final Supplier<ExportDecisions> exports;
    final String admin;
    final String seller;
    final String analyst;
    final String stranger;
    final String engine;
    final Domains domains;
    private final Principals principals;
    private final Logins logins;
    final Usages usages;
    private final PlanScan plans;
    volatile IdentityProviders providers = IdentityProviders.NONE;
    volatile boolean ready = true;
    volatile boolean broken;

    /// Names that start with `bad` are refused; columns called `email` are masked for those who do not read clear, and
    /// rows filtered by `region`.
    private static final Governance GOVERNANCE = new Governance() {
        @Override
        public Verdict judge(Change change) {
            boolean bad = change.table().table().startsWith("bad")
                    || change.table().namespace().getLast().startsWith("bad");
            return new Verdict(
                    bad
                            ? List.of(
                                    new Violation("naming/pattern", "name", "must not be bad; call it good"),
                                    new Violation("naming/length", "name", "is too short"))
                            : List.of(),
                    List.of());
        }

        @Override
        public String version() {
            return "rules-1";
        }

        @Override
        public Restrictions restrict(TableName table, List<Column> columns, Set<String> groups) {
            return columns.stream().anyMatch(column -> column.path().equals("email"))
                    ? new Restrictions(
                            Map.of("email", Mask.MASK_ALPHANUM, "address.street", Mask.SHOW_LAST_4),
                            List.of(new Restrictions.RowFilter("region", "string", List.of("eu"))))
                    : Restrictions.NONE;
        }
    };

    volatile boolean filterFits = true;
    final List<String> queries = new CopyOnWriteArrayList<>();

    private final Dialect dialect = new Dialect() {
        @Override
        public String masked(Mask mask, String column, String type, String query) {
            queries.add(query);
            return mask + "(" + column + ":" + type + ")";
        }

        @Override
        public String predicate(Restrictions.RowFilter filter) {
            if (!filterFits) {
                throw new IllegalArgumentException("no number");
            }
            return filter.column() + " IN " + filter.values();
        }
    };

    /// Where what the server knows is kept.
    record Stores(
            DomainStore domains,
            StorageStore storages,
            GrantStore grants,
            AccessRequestStore requests,
            NamespaceStore namespaces,
            TableStore tables,
            UsageStore usage,
            DroppedStore dropped,
            PurgeQueue queue,
            ProtectionStore protection,
            RequestKeys keys,
            Duration keyLifetime,
            DecisionStore decisions) {
        static Stores in(Database database) {
            PostgresDropped dropped = new PostgresDropped(database);
            return new Stores(
                    new PostgresDomains(database),
                    new PostgresStorages(database),
                    new PostgresGrants(database),
                    new PostgresAccessRequests(database),
                    new PostgresNamespaces(database),
                    new PostgresTables(database),
                    new PostgresUsage(database),
                    dropped,
                    dropped,
                    new PostgresProtection(database),
                    new PostgresRequestKeys(database),
                    Duration.ofMinutes(30),
                    new InMemoryDecisions());
        }

        static Stores in(InMemoryMesh mesh) {
            return new Stores(
                    mesh.domainStore,
                    mesh.storageStore,
                    mesh.grantStore,
                    mesh.requestStore,
                    mesh.namespaceStore,
                    mesh.tableStore,
                    InMemoryMesh.UNCOUNTED,
                    mesh.droppedStore,
                    mesh.purgeQueue,
                    mesh.protectionStore,
                    mesh.requestKeys,
                    Duration.ZERO,
                    new InMemoryDecisions());
        }
    }

    static final DecisionLog.Limits LOG_LIMITS =
            new DecisionLog.Limits(1_000, Duration.ofMillis(200), Duration.ofMillis(500), Duration.ofMinutes(1));

    static final Retention RETENTION = new Retention(Duration.ofDays(7), Duration.ofDays(3));

    RunningServer() {
        this(Stores::in);
    }

    /// With other stores; the objects stay in memory.
    RunningServer(Function<InMemoryMesh, Stores> storesOf) {
        this(storesOf, Logins.Lifetimes.USUAL);
    }

    RunningServer(Function<InMemoryMesh, Stores> storesOf, Logins.Lifetimes lifetimes) {
        this(storesOf, lifetimes, Protection.USUAL, HttpClient.newBuilder());
    }

    RunningServer(Protection protection) {
        this(protection, HttpClient.newBuilder());
    }

    RunningServer(Protection protection, HttpClient.Builder client) {
        this(Stores::in, Logins.Lifetimes.USUAL, protection, client);
    }

    private RunningServer(
            Function<InMemoryMesh, Stores> storesOf,
            Logins.Lifetimes lifetimes,
            Protection protection,
            HttpClient.Builder client) {
        this.client = client.version(HttpClient.Version.HTTP_1_1).build();
        this.scheme = protection.tls().isPresent() ? "https" : "http";
        stores = storesOf.apply(mesh);
        Principals principals = new Principals(mesh.principalStore, List.of(), Clock.systemUTC());
        this.principals = principals;
        SigningKeys keys = new SigningKeys(mesh.signingKeyStore, Duration.ofDays(30), Clock.systemUTC());
        logins = new Logins(
                mesh.principalStore,
                new JwtTokens(keys, Clock.systemUTC()),
                token -> providers.verify(token),
                lifetimes,
                Clock.systemUTC());
        domains = new Domains(
                stores.domains(),
                mesh.storage,
                RunningServer::storage,
                new EngineSync(QueryEngine.NONE, List::of, domain -> {
                    throw new AssertionError("no engine is there to need the catalog of " + domain);
                }));
        Storages storages = new Storages(
                domains,
                stores.storages(),
                mesh.storage,
                mesh.care,
                new Storages.Offer(
                        RunningServer::storage,
                        new Endpoints(List.of("127.0.0.1:9000")),
                        Set.of(URI.create("https://1.2.3.4"))),
                Clock.systemUTC());
        Grants grants = new Grants(domains, stores.grants(), Clock.systemUTC());
        AccessRequests requests = new AccessRequests(stores.requests(), Clock.systemUTC());
        Namespaces namespaces = new Namespaces(domains, stores.namespaces(), GOVERNANCE);
        Tables tables = new Tables(namespaces, stores.tables());
        IcebergFormat format = new IcebergFormat(32 << 20);
        MetadataFiles files = new MetadataFiles(stores.tables(), mesh.storage);
        IcebergViewFormat viewFormat = new IcebergViewFormat(1 << 20);
        Views views = new Views(namespaces, stores.tables());
        CreateView newViews = new CreateView(namespaces, stores.tables(), viewFormat, GOVERNANCE, files, files);
        Restricted restricted = new Restricted(GOVERNANCE, format, stores.tables());
        usages = new Usages(domains, stores.tables(), stores.usage(), files, format, Clock.systemUTC());
        CommitTable commits =
                new CommitTable(tables, namespaces, stores.tables(), format, GOVERNANCE, files, files, usages);
        RenameTable renaming = new RenameTable(tables, namespaces, stores.tables(), format, files, GOVERNANCE);
        DroppedTables dropped = new DroppedTables(domains, stores.dropped());
        purge = new PurgeTables(stores.queue(), new IcebergReachableFiles(mesh.storage), files, mesh.storage);
        plans = new PlanScan(
                tables,
                files,
                restricted,
                new IcebergPlanner(mesh.storage, 1 << 20),
                mesh.planStore,
                mesh.storage,
                new PlanScan.Patience(PATIENCE, PATIENCE));
        ReportMetrics reports = new ReportMetrics(tables, mesh.metricsStore, Duration.ofDays(1), Clock.systemUTC());
        reporting = Thread.ofPlatform().daemon().start(reports::run);
        LoadTable load = new LoadTable(tables, stores.tables(), files, format, restricted, mesh.storage);
        CreateTable newTables =
                new CreateTable(namespaces, stores.tables(), format, GOVERNANCE, files, files, mesh.storage);
        exports = () -> new ExportDecisions(
                stores.decisions(),
                new ParquetDecisions(),
                new ExportDecisions.Ways(principals, domains, grants, namespaces, newTables, load, commits),
                mesh.storage,
                Duration.ZERO,
                Clock.systemUTC());
        export = exports.get();
        decisionLog = new DecisionLog(stores.decisions(), LOG_LIMITS, Clock.systemUTC());
        decisionLog.start();
        server = Server.create(
                new Server.Settings("127.0.0.1", 0, protection),
                new UseCases(
                        principals,
                        logins,
                        keys,
                        NothingSealed.KEYS,
                        domains,
                        namespaces,
                        tables,
                        load,
                        newTables,
                        commits,
                        new CommitTransaction(domains, format, commits),
                        new RegisterTable(tables, namespaces, stores.tables(), format, GOVERNANCE, files, mesh.storage),
                        renaming,
                        new DropTable(tables, stores.dropped(), RETENTION),
                        new ClassifyTable(tables, stores.tables(), format, files),
                        reports,
                        new UseCases.OnViews(
                                views,
                                newViews,
                                new LoadView(views, viewFormat, files),
                                new ReplaceView(
                                        views, namespaces, stores.tables(), viewFormat, GOVERNANCE, files, files),
                                new RenameView(views, namespaces, stores.tables(), viewFormat, files, GOVERNANCE),
                                new DropView(views, stores.dropped(), RETENTION)),
                        new UseCases.OnFiles(
                                plans,
                                new SignRequest(
                                        tables,
                                        files,
                                        restricted,
                                        new S3RequestSigner(mesh.storage, Clock.systemUTC())),
                                "client"),
                        new UseCases.OnAccess(grants, requests),
                        new UseCases.Keeping(
                                dropped,
                                new UndropTable(
                                        dropped,
                                        namespaces,
                                        stores.namespaces(),
                                        stores.dropped(),
                                        stores.tables(),
                                        format,
                                        viewFormat,
                                        files,
                                        GOVERNANCE),
                                new UnregisterTable(domains, tables, stores.tables(), files, files),
                                new Protect(tables, views, namespaces, stores.protection()),
                                purge,
                                new Housekeeping(stores.queue(), purge, stores.keys(), List.of()),
                                stores.keys(),
                                stores.keyLifetime()),
                        new UseCases.OnStorage(storages, usages, tables, Clock.systemUTC()),
                        new UseCases.OnAudit(
                                decisionLog,
                                new Decisions(
                                        stores.decisions(),
                                        decisionLog,
                                        domains,
                                        Duration.ofDays(1),
                                        export::through,
                                        Clock.systemUTC()),
                                export,
                                GOVERNANCE.version(),
                                "replica-1",
                                Clock.systemUTC()),
                        new QueryDecisions(domains, namespaces, tables, views, restricted, files, renaming, newViews),
                        this::base),
                dialect,
                this::isReady);
        server.start();
        principals.bootstrap(new Principal("admin", Principal.Kind.USER, Set.of("platform")), "admin-secret");
        admin = token("admin", Principal.Kind.USER, "platform");
        seller = token("seller", Principal.Kind.JOB, "sellers");
        analyst = token("analyst", Principal.Kind.USER, "analysts");
        stranger = token("stranger", Principal.Kind.USER, "nobodies");
        engine = token("trino", Principal.Kind.ENGINE);
        send("POST", "/api/v1/domains", admin, "{\"name\":\"sales\",\"owners\":[\"sellers\"]}");
        send("POST", "/iceberg/v1/sales/namespaces", seller, "{\"namespace\":[\"crm\"]}");
        grant(new Grant(
                new Grantee(Grantee.Kind.GROUP, "analysts"),
                Role.READER,
                Optional.empty(),
                List.of(),
                Optional.empty()));
    }

    /// One that another replica has.
    ExportDecisions another() {
        return exports.get();
    }

    void grant(Grant grant) {
        GrantStore.Effect _ = stores.grants()
                .give(new Given(grant, Optional.empty(), Optional.of("admin"), Optional.empty(), Optional.empty()));
    }

    List<Grant> grants(DomainName domain) {
        return stores.grants().list(Optional.of(domain), List.of(), Page.Request.ALL).items().stream()
                .map(Given::grant)
                .toList();
    }

    void revoke(Grant grant) {
        GrantStore.Effect _ = stores.grants().revoke(grant);
    }

    private boolean isReady() {
        if (broken) {
            throw new IllegalStateException("host-17 is on fire");
        }
        return ready;
    }

    static StorageProfile storage(DomainName name) {
        return new StorageProfile(
                name,
                "bucket-" + name.value().replace('_', '-'),
                "",
                Optional.of(URI.create("http://127.0.0.1:9000")),
                Optional.empty(),
                "us-east-1",
                true,
                "arn:aws:iam::000000000000:role/icefield",
                Credential.permanent("root", "root-secret"));
    }

    /// Of a principal that is added if it is not there.
    String token(String name, Principal.Kind kind, String... groups) {
        Principal principal = new Principal(name, kind, new HashSet<>(List.of(groups)));
        principals.bootstrap(principal);
        return logins.tokenOf(principal);
    }

    private URI base() {
        return uri("");
    }

    /// What `/metrics` says of the first of that name.
    double metric(String name) {
        return send("GET", "/metrics", admin, "")
                .text()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name));
    }

    URI uri(String path) {
        return URI.create(scheme + "://127.0.0.1:" + server.port() + path);
    }

    /// @param token empty: none is sent
    /// @param body empty: none is sent
    Reply send(String method, String path, String token, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path))
                .timeout(PATIENCE)
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return send(request);
    }

    Reply send(HttpRequest.Builder request) {
        for (int attempt = 1; ; attempt++) {
            try {
                return new Reply(client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray()));
            } catch (IOException e) {
                // A server that refuses a body unread closes the connection, and TCP may drop the answer
                // with it
                // (RFC 9112, 9.6): a client asks again.
                if (attempt == ATTEMPTS_MAX) {
                    throw new UncheckedIOException(e);
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /// An answer.
    record Reply(HttpResponse<byte[]> response) {
        int status() {
            return response.statusCode();
        }

        String text() {
            return new String(response.body(), UTF_8);
        }

        JsonNode json() {
            try {
                return JSON.readTree(response.body());
            } catch (IOException e) {
                throw new UncheckedIOException(text(), e);
            }
        }

        String errorType() {
            return json().path("error").path("type").asText();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        @Override
        public String toString() {
            return status() + " " + text();
        }
    }

    @Override
    public void close() {
        client.close();
        server.stop();
        decisionLog.close();
        plans.close();
        reporting.interrupt();
    }
}
