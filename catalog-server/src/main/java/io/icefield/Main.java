package io.icefield;

import io.icefield.access.Issuer;
import io.icefield.access.Logins;
import io.icefield.access.Principal;
import io.icefield.access.Principals;
import io.icefield.access.SealingKeys;
import io.icefield.access.SigningKeys;
import io.icefield.audit.DecisionLog;
import io.icefield.audit.Decisions;
import io.icefield.audit.ExportDecisions;
import io.icefield.config.IssuersFile;
import io.icefield.config.Settings;
import io.icefield.domain.AccessRequests;
import io.icefield.domain.Domain;
import io.icefield.domain.DomainStore;
import io.icefield.domain.Domains;
import io.icefield.domain.EngineSync;
import io.icefield.domain.Grants;
import io.icefield.domain.Storages;
import io.icefield.http.Dialect;
import io.icefield.http.Patience;
import io.icefield.http.Protection;
import io.icefield.http.Server;
import io.icefield.http.Tls;
import io.icefield.http.UseCases;
import io.icefield.iceberg.CachedMetadata;
import io.icefield.iceberg.IcebergFormat;
import io.icefield.iceberg.IcebergPlanner;
import io.icefield.iceberg.IcebergReachableFiles;
import io.icefield.iceberg.IcebergViewFormat;
import io.icefield.iceberg.ParquetDecisions;
import io.icefield.jwt.JwtTokens;
import io.icefield.jwt.OidcProviders;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions.RowFilter;
import io.icefield.policy.file.PolicyFileException;
import io.icefield.policy.file.PolicyFiles;
import io.icefield.postgres.Database;
import io.icefield.postgres.PostgresAccessRequests;
import io.icefield.postgres.PostgresDecisions;
import io.icefield.postgres.PostgresDomains;
import io.icefield.postgres.PostgresDropped;
import io.icefield.postgres.PostgresGrants;
import io.icefield.postgres.PostgresMetrics;
import io.icefield.postgres.PostgresNamespaces;
import io.icefield.postgres.PostgresPlans;
import io.icefield.postgres.PostgresPrincipals;
import io.icefield.postgres.PostgresProtection;
import io.icefield.postgres.PostgresRequestKeys;
import io.icefield.postgres.PostgresSealed;
import io.icefield.postgres.PostgresSigningKeys;
import io.icefield.postgres.PostgresStorages;
import io.icefield.postgres.PostgresTables;
import io.icefield.postgres.PostgresUsage;
import io.icefield.query.EngineCatalog;
import io.icefield.query.QueryEngine;
import io.icefield.query.RestrictionSql;
import io.icefield.query.trino.TrinoEngine;
import io.icefield.storage.Credential;
import io.icefield.storage.DomainName;
import io.icefield.storage.Endpoints;
import io.icefield.storage.StorageProfile;
import io.icefield.storage.s3.S3DomainStorage;
import io.icefield.storage.s3.S3RequestSigner;
import io.icefield.table.ClassifyTable;
import io.icefield.table.CommitTable;
import io.icefield.table.CommitTransaction;
import io.icefield.table.CreateTable;
import io.icefield.table.CreateView;
import io.icefield.table.DropTable;
import io.icefield.table.DropView;
import io.icefield.table.DroppedTables;
import io.icefield.table.Housekeeping;
import io.icefield.table.LoadTable;
import io.icefield.table.LoadView;
import io.icefield.table.MetadataFiles;
import io.icefield.table.Namespaces;
import io.icefield.table.PlanScan;
import io.icefield.table.Protect;
import io.icefield.table.PurgeTables;
import io.icefield.table.QueryDecisions;
import io.icefield.table.RegisterTable;
import io.icefield.table.RenameTable;
import io.icefield.table.RenameView;
import io.icefield.table.ReplaceView;
import io.icefield.table.ReportMetrics;
import io.icefield.table.Restricted;
import io.icefield.table.Retention;
import io.icefield.table.SignRequest;
import io.icefield.table.Tables;
import io.icefield.table.UndropTable;
import io.icefield.table.UnregisterTable;
import io.icefield.table.Usages;
import io.icefield.table.Views;
import java.net.URI;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/// The catalog server: its whole object graph, and nothing else.
public final class Main {
    private static final int DATABASE_CONNECTIONS = 16;

    /// To one object store, kept for later.
    private static final int STORE_CONNECTIONS = 64;

    private static final long METADATA_CACHE_BYTES = 64L << 20;
    private static final long MANIFEST_CACHE_BYTES = 32L << 20;
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    /// Who we are to the query engine when we manage its catalogs. Nobody can sign in as this: its secret is thrown
    /// away.
    private static final Principal OURSELVES = new Principal("icefield", Principal.Kind.ENGINE, Set.of());

    /// The secret behind masks that hold for one query. It outlives sealing keys: while these change, all servers
    /// mask alike.
    private static final String QUERY_SALT = "salt of queries";

    private static final int BUCKET_CHARS_MIN = 3;

    private Main() {}

    public static void main(String[] args) {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        // The JDK keeps 5 to a host, and commits write at the same time.
        System.setProperty("http.maxConnections", Integer.toString(STORE_CONNECTIONS));
        try {
            serve(Settings.from(System.getenv()));
        } catch (Settings.Unusable | PolicyFileException | SealingKeys.Unfit e) {
            System.err.println(e.getMessage());
            System.exit(2);
        } catch (RuntimeException e) {
            LOG.error("the catalog server did not start", e);
            System.exit(1);
        }
    }

    private static void serve(Settings settings) {
        Clock clock = Clock.systemUTC();
        Governance governance = settings.policies().map(PolicyFiles::load).orElseGet(PolicyFiles::starter);
        Database database = Database.open(new Database.Settings(
                settings.database().url(),
                settings.database().user(),
                settings.database().password().value(),
                DATABASE_CONNECTIONS,
                settings.keys()));
        PostgresSealed sealed = new PostgresSealed(database);
        SealingKeys sealingKeys = new SealingKeys(settings.keys(), sealed);
        sealingKeys.begin();
        Endpoints endpoints = endpoints(settings);
        S3DomainStorage storage = new S3DomainStorage(clock, endpoints);

        List<Issuer> issuers =
                settings.identity().issuers().map(IssuersFile::read).orElse(List.of());
        PostgresPrincipals principalStore = new PostgresPrincipals(database, clock);
        Principals principals = new Principals(principalStore, issuers, clock);
        principals.checkIssuers();
        settings.adminSecret().ifPresent(secret -> principals.bootstrap(admin(), secret.value()));
        principals.bootstrap(OURSELVES);
        SigningKeys signingKeys = new SigningKeys(
                new PostgresSigningKeys(database), settings.identity().keyAge(), clock);
        signingKeys.begin();
        Logins logins = new Logins(
                principalStore,
                new JwtTokens(signingKeys, clock),
                new OidcProviders(issuers, OidcProviders.Fetching.USUAL, clock),
                settings.identity().lifetimes(),
                clock);

        PostgresDomains domainStore = new PostgresDomains(database);
        if (settings.storage().moved()) {
            int followed = domainStore.follow(profile(settings.storage(), new DomainName("any")));
            LOG.info("the object store has moved: {} domains follow", followed);
        }
        Address address = new Address(settings);
        EngineSync engine = new EngineSync(
                engine(settings, logins), () -> all(domainStore), domain -> catalogOf(settings, address, domain));
        Domains domains = new Domains(domainStore, storage, name -> profile(settings.storage(), name), engine);
        Storages storages = new Storages(
                domains,
                new PostgresStorages(database),
                storage,
                storage,
                new Storages.Offer(
                        name -> profile(settings.storage(), name),
                        endpoints,
                        Set.copyOf(settings.stores().offered())),
                clock);

        Grants grants = new Grants(domains, new PostgresGrants(database), clock);
        AccessRequests requests = new AccessRequests(new PostgresAccessRequests(database), clock);

        PostgresTables tableStore = new PostgresTables(database);
        PostgresDropped droppedStore = new PostgresDropped(database);
        PostgresNamespaces namespaceStore = new PostgresNamespaces(database);
        Retention retention =
                new Retention(settings.keeping().undrop(), settings.keeping().purge());
        IcebergFormat format = new IcebergFormat(METADATA_CACHE_BYTES);
        MetadataFiles files = new MetadataFiles(tableStore, storage);
        CachedMetadata cache = new CachedMetadata(files, METADATA_CACHE_BYTES);
        Namespaces namespaces = new Namespaces(domains, namespaceStore, governance);
        Tables tables = new Tables(namespaces, tableStore);
        IcebergViewFormat viewFormat = new IcebergViewFormat(METADATA_CACHE_BYTES / 4);
        Views views = new Views(namespaces, tableStore);
        CreateView newViews = new CreateView(namespaces, tableStore, viewFormat, governance, files, cache);
        Restricted restricted = new Restricted(governance, format, tableStore);
        Usages usages = new Usages(domains, tableStore, new PostgresUsage(database), cache, format, clock);
        CommitTable commits = new CommitTable(tables, namespaces, tableStore, format, governance, files, cache, usages);
        RenameTable renaming = new RenameTable(tables, namespaces, tableStore, format, cache, governance);

        PostgresDecisions decisionStore = new PostgresDecisions(database);
        DecisionLog decisionLog = new DecisionLog(decisionStore, DecisionLog.Limits.USUAL, clock);
        LoadTable load = new LoadTable(tables, tableStore, cache, format, restricted, storage);
        CreateTable newTables = new CreateTable(namespaces, tableStore, format, governance, files, cache, storage);
        ExportDecisions export = new ExportDecisions(
                decisionStore,
                new ParquetDecisions(),
                new ExportDecisions.Ways(principals, domains, grants, namespaces, newTables, load, commits),
                storage,
                settings.audit().export(),
                clock);
        Decisions decisions = new Decisions(
                decisionStore, decisionLog, domains, settings.audit().retention(), export::through, clock);

        PostgresRequestKeys keys = new PostgresRequestKeys(database);
        PurgeTables purge = new PurgeTables(droppedStore, new IcebergReachableFiles(storage), files, storage);
        Housekeeping housekeeping = new Housekeeping(
                droppedStore,
                purge,
                keys,
                List.of(storages::probeNext, usages::measureNext, grants::tidy, requests::tidy, decisions::tidy));
        DroppedTables dropped = new DroppedTables(domains, droppedStore);
        PlanScan plans = new PlanScan(
                tables,
                cache,
                restricted,
                new IcebergPlanner(storage, MANIFEST_CACHE_BYTES),
                new PostgresPlans(database),
                storage,
                PlanScan.Patience.USUAL);
        ReportMetrics reports =
                new ReportMetrics(tables, new PostgresMetrics(database), settings.metricsRetention(), clock);

        Server server = Server.create(
                new Server.Settings(settings.host(), settings.port(), protection(settings)),
                new UseCases(
                        principals,
                        logins,
                        signingKeys,
                        sealingKeys,
                        domains,
                        namespaces,
                        tables,
                        load,
                        newTables,
                        commits,
                        new CommitTransaction(domains, format, commits),
                        new RegisterTable(tables, namespaces, tableStore, format, governance, files, storage),
                        renaming,
                        new DropTable(tables, droppedStore, retention),
                        new ClassifyTable(tables, tableStore, format, cache),
                        reports,
                        new UseCases.OnViews(
                                views,
                                newViews,
                                new LoadView(views, viewFormat, cache),
                                new ReplaceView(views, namespaces, tableStore, viewFormat, governance, files, cache),
                                new RenameView(views, namespaces, tableStore, viewFormat, cache, governance),
                                new DropView(views, droppedStore, retention)),
                        new UseCases.OnFiles(
                                plans,
                                new SignRequest(tables, cache, restricted, new S3RequestSigner(storage, clock)),
                                settings.planning().name().toLowerCase(Locale.ROOT)),
                        new UseCases.OnAccess(grants, requests),
                        new UseCases.Keeping(
                                dropped,
                                new UndropTable(
                                        dropped,
                                        namespaces,
                                        namespaceStore,
                                        droppedStore,
                                        tableStore,
                                        format,
                                        viewFormat,
                                        files,
                                        governance),
                                new UnregisterTable(domains, tables, tableStore, files, cache),
                                new Protect(tables, views, namespaces, new PostgresProtection(database)),
                                purge,
                                housekeeping,
                                keys,
                                settings.keeping().requestKeys()),
                        new UseCases.OnStorage(storages, usages, tables, clock),
                        new UseCases.OnAudit(
                                decisionLog,
                                decisions,
                                export,
                                governance.version(),
                                settings.audit().replica(),
                                clock),
                        new QueryDecisions(domains, namespaces, tables, views, restricted, cache, renaming, newViews),
                        address::base),
                trinoSql(sealed.secret(QUERY_SALT)),
                database::ready);
        decisionLog.start();
        server.start();
        address.serves(server.port());
        LOG.info("the catalog serves {}", address.iceberg());
        Thread following = Thread.ofPlatform().daemon().name("engine-sync").start(engine::run);
        Thread keeping = Thread.ofPlatform().daemon().name("housekeeping").start(housekeeping);
        Thread reporting = Thread.ofPlatform().daemon().name("metrics-reports").start(reports::run);
        Thread exporting = Thread.ofPlatform().daemon().name("decisions-export").start(export);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            following.interrupt();
            keeping.interrupt();
            exporting.interrupt();
            server.stop();
            decisionLog.close();
            plans.close();
            reporting.interrupt();
            storage.close();
            database.close();
        }));
    }

    /// The platform's own store is where the platform says that it is.
    private static Endpoints endpoints(Settings settings) {
        List<String> allowed = new ArrayList<>(settings.stores().allowed());
        settings.storage().endpoint().map(Endpoints::authority).ifPresent(allowed::add);
        settings.storage().sts().map(Endpoints::authority).ifPresent(allowed::add);
        return new Endpoints(allowed);
    }

    private static Protection protection(Settings settings) {
        Settings.Door door = settings.door();
        boolean secure = settings.publicUri()
                .map(uri -> "https".equals(uri.getScheme()))
                .orElse(door.tls().isPresent());
        return new Protection(
                door.limit(),
                door.connectionsMax(),
                Patience.USUAL,
                door.tls().map(files -> new Tls.Pem(files.certificate(), files.key(), Tls.Pem.LOOK_EVERY)),
                secure,
                door.proxies(),
                door.origins(),
                door.openMetrics());
    }

    private static Principal admin() {
        return new Principal("admin", Principal.Kind.USER, Set.of(Principal.PLATFORM_GROUP));
    }

    private static QueryEngine engine(Settings settings, Logins logins) {
        return settings.trino()
                .<QueryEngine>map(trino -> new TrinoEngine(
                        new TrinoEngine.Address(trino.uri(), trino.trust()), () -> logins.tokenOf(OURSELVES)))
                .orElse(QueryEngine.NONE);
    }

    private static List<Domain> all(DomainStore store) {
        return store.list(Set.of(), "", Integer.MAX_VALUE).stream()
                .map(DomainStore.Seen::domain)
                .toList();
    }

    private static EngineCatalog catalogOf(Settings settings, Address address, Domain domain) {
        URI uri = settings.trino()
                .flatMap(Settings.Trino::catalogUri)
                .map(Address::iceberg)
                .orElseGet(address::iceberg);
        StorageProfile storage = domain.storage();
        return new EngineCatalog(
                domain.name().value(),
                uri,
                domain.name().value(),
                storage.endpoint(),
                storage.region(),
                storage.pathStyle(),
                storage.kmsKey());
    }

    /// A new domain's bucket has its name, with dashes as S3 has it; S3 has no names of two letters, and no domain a
    /// dot.
    static String bucket(String prefix, DomainName name) {
        String bucket = prefix + name.value().replace('_', '-');
        return bucket.length() < BUCKET_CHARS_MIN ? bucket + ".domain" : bucket;
    }

    private static StorageProfile profile(Settings.Storage storage, DomainName name) {
        return new StorageProfile(
                name,
                bucket(storage.bucketPrefix(), name),
                "",
                storage.endpoint(),
                storage.sts(),
                storage.region(),
                storage.pathStyle(),
                storage.roleArn(),
                Credential.permanent(storage.accessKey(), storage.secretKey().value()));
    }

    private static Dialect trinoSql(byte[] secret) {
        return new Dialect() {
            @Override
            public String masked(Mask mask, String column, String type, String query) {
                return RestrictionSql.mask(mask, column, type, RestrictionSql.Salt.of(secret, query));
            }

            @Override
            public String predicate(RowFilter filter) {
                return RestrictionSql.filter(filter);
            }
        };
    }
}
