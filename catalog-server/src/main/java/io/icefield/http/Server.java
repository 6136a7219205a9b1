package io.icefield.http;

import io.icefield.access.Access;
import io.icefield.access.Logins;
import io.icefield.access.Principal;
import io.icefield.access.Refusal;
import io.icefield.access.Throttle;
import io.icefield.access.Trail;
import io.icefield.audit.DecisionLog;
import io.icefield.storage.DomainStorage;
import io.icefield.table.PurgeTables;
import io.icefield.table.ReportMetrics;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.compression.Gzip;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import io.javalin.router.Endpoint;
import io.javalin.util.JavalinException;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.jetty.ee10.servlet.HttpOutput;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.RetainableByteBuffer;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.EagerContentHandler;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The web server: every route behind the same door, every answer JSON.
public final class Server {
    /// A name of 2,000 characters still arrives, so that the refusal can say why.
    private static final int HEADER_BYTES_MAX = 64 << 10;

    /// Requests that are being answered; more wait for their turn.
    private static final int REQUESTS_AT_ONCE_MAX = 500;

    private static final int THREADS_KEPT = 8;
    private static final Duration STOP_MAX = Duration.ofSeconds(5);
    /// So much of a body comes in before a thread takes care of the request.
    private static final int EAGER_BYTES_MAX = 64 << 10;

    /// A part of it, however small, holds a buffer of this size.
    private static final int EAGER_PART_BYTES = 8 << 10;

    /// Of connections while there are too many.
    private static final Duration CROWDED_IDLE_MAX = Duration.ofSeconds(5);

    /// A longer answer is written in its parts.
    private static final int GATHERED_BYTES_MAX = 1 << 20;

    private static final String UNROUTED = "none";
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    private final Settings settings;
    private final Logins logins;
    private final Auditing auditing;
    private final List<Route> routes;
    private final PrometheusMeterRegistry meters;
    private final Map<Served, Timer> timers = new ConcurrentHashMap<>();
    // Not virtual ones, here and everywhere: ArchitectureTest says why.
    private final QueuedThreadPool threads = new QueuedThreadPool(REQUESTS_AT_ONCE_MAX, THREADS_KEPT);
    private final AnswerHeaders headers;
    private final Proxies proxies;
    private final Bodies bodies;
    private final Throttle principals;
    private final Throttle addresses;
    private final List<Runnable> tasks = new ArrayList<>();
    private final List<Thread> watching = new ArrayList<>();
    private final List<Runnable> beforeStop = new ArrayList<>();
    private final Javalin javalin;

    /// @param port 0: any that is free
    public record Settings(String host, int port, Protection protection) {}

    /// What requests are counted by.
    private record Served(String method, String template, int status) {}

    private Server(
            Settings settings, Logins logins, Auditing auditing, List<Route> routes, PrometheusMeterRegistry meters) {
        this.settings = settings;
        this.logins = logins;
        this.auditing = auditing;
        this.routes = routes;
        this.meters = meters;
        Protection protection = settings.protection();
        this.headers = new AnswerHeaders(protection.secure(), protection.origins());
        this.proxies = new Proxies(protection.proxies());
        this.bodies = new Bodies(protection.patience());
        this.principals = new Throttle(protection.limit());
        this.addresses = new Throttle(protection.limit());
        this.javalin = Javalin.create(this::configure);
    }

    /// @param ready does what the server needs answer?
    public static Server create(Settings settings, UseCases use, Dialect dialect, BooleanSupplier ready) {
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Stream.of(
                        new JvmMemoryMetrics(),
                        new JvmThreadMetrics(),
                        new ClassLoaderMetrics(),
                        new ProcessorMetrics(),
                        new UptimeMetrics())
                .forEach(binder -> binder.bindTo(meters));
        count(meters, use.keeping().purge());
        count(meters, use.onAudit().log());
        FunctionCounter.builder("icefield.metrics.reports.dropped", use.reportMetrics(), ReportMetrics::dropped)
                .description("clients' reports on scans and commits that were not kept")
                .register(meters);
        List<Route> routes = Stream.of(
                        new IcebergRoutes(use).routes(), // first: a path is compared with one route after the other
                        new LoginRoutes(use.logins(), use.address()).routes(),
                        new IdentityRoutes(use.principals(), use.signingKeys()).routes(),
                        new SealingKeyRoutes(use.sealingKeys()).routes(),
                        new PlatformRoutes(use).routes(),
                        new AccessRoutes(use.onAccess().grants(), use.onAccess().requests()).routes(),
                        new KeepRoutes(use.keeping()).routes(),
                        new StorageRoutes(use.onStorage()).routes(),
                        new QueryRoutes(use, dialect).routes(),
                        new DecisionRoutes(use.onAudit()).routes(),
                        new HealthRoutes(
                                        ready,
                                        meters,
                                        settings.protection().openMetrics() ? Needs.NOTHING : Needs.LOGIN)
                                .routes())
                .flatMap(List::stream)
                .toList();
        return new Server(settings, use.logins(), new Auditing(use.onAudit()), routes, meters);
    }

    private static void count(PrometheusMeterRegistry meters, PurgeTables purge) {
        FunctionCounter.builder("icefield.purge.tables", purge, PurgeTables::tablesPurged)
                .register(meters);
        FunctionCounter.builder("icefield.purge.files", purge, PurgeTables::filesDeleted)
                .register(meters);
        FunctionCounter.builder("icefield.purge.failures", purge, PurgeTables::failures)
                .register(meters);
    }

    private static void count(PrometheusMeterRegistry meters, DecisionLog log) {
        Gauge.builder("icefield.decisions.queued", log, DecisionLog::depth)
                .description("decisions that wait to be written")
                .register(meters);
        Gauge.builder("icefield.decisions.waiting", log, DecisionLog::waiting)
                .description("requests that wait for room in the queue of decisions")
                .register(meters);
        FunctionCounter.builder("icefield.decisions.written", log, DecisionLog::written)
                .register(meters);
        FunctionCounter.builder("icefield.decisions.refused", log, DecisionLog::refused)
                .description("requests that were refused because decisions could not be logged")
                .register(meters);
    }

    public void start() {
        javalin.start();
        tasks.forEach(task -> watching.add(Thread.ofPlatform().daemon().start(task)));
    }

    public int port() {
        return javalin.port();
    }

    public void stop() {
        watching.forEach(Thread::interrupt);
        beforeStop.forEach(Runnable::run);
        try {
            javalin.stop();
        } catch (JavalinException e) { // slow clients keep nobody from stopping
            LOG.warn("not all requests had an answer when the server stopped: {}", e.getMessage());
        }
        meters.close();
    }

    List<Route> routes() {
        return routes;
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.jetty.threadPool = threads;
        config.http.prefer405over404 = true;
        config.http.compressionStrategy = new CompressionStrategy(null, new Gzip(1));
        config.jetty.modifyHttpConfiguration(http -> {
            http.setRequestHeaderSize(HEADER_BYTES_MAX);
            http.setSendServerVersion(false);
            http.addCustomizer(headers);
        });
        config.jetty.modifyServer(server -> {
            server.setErrorHandler(new JettyErrors(headers));
            server.setStopTimeout(STOP_MAX.toMillis());
            server.setHandler(eager());
        });
        config.jetty.addConnector(this::connector);
        config.jetty.modifyServletContextHandler(context -> context.setErrorHandler(new JettyErrors(headers)));
        routes.forEach(route -> add(config, route));
        config.routes.exception(HttpResponseException.class, this::unrouted);
    }

    /// A thread takes a request when its body is there. Not a long one's: it might be refused unread.
    private static EagerContentHandler eager() {
        EagerContentHandler eager = new EagerContentHandler(
                new EagerContentHandler.RetainedContentLoaderFactory(EAGER_BYTES_MAX, EAGER_PART_BYTES, false));
        eager.exclude(request -> request.getLength() > EAGER_BYTES_MAX);
        return eager;
    }

    private Connector connector(org.eclipse.jetty.server.Server server, HttpConfiguration http) {
        Protection protection = settings.protection();
        HttpConnectionFactory plain = new HttpConnectionFactory(http);
        Optional<Tls> tls = protection.tls().map(Tls::new);
        // There is one certificate; what name a client or a proxy has for us is its own affair.
        tls.ifPresent(_ -> http.addCustomizer(new SecureRequestCustomizer(false)));
        ServerConnector connector = tls.map(each -> new ServerConnector(server, each.context(), plain))
                .orElseGet(() -> new ServerConnector(server, plain));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setIdleTimeout(protection.patience().idle().toMillis());
        NetworkConnectionLimit limit = new NetworkConnectionLimit(protection.connectionsMax(), connector);
        limit.setEndPointIdleTimeout(CROWDED_IDLE_MAX.toMillis());
        connector.addBean(limit);
        // It would give connections their time back while they are being closed.
        beforeStop.add(() -> LifeCycle.stop(limit));
        tls.ifPresent(tasks::add);
        SlowClients slow = new SlowClients(connector, protection.patience());
        tasks.add(slow);
        count(connector, slow);
        return connector;
    }

    private void count(ServerConnector connector, SlowClients slow) {
        FunctionCounter.builder("icefield.http.connections.slow", slow, SlowClients::closed)
                .description("connections that were closed because their client was too slow")
                .register(meters);
        Gauge.builder(
                        "icefield.http.connections",
                        connector,
                        each -> each.getConnectedEndPoints().size())
                .register(meters);
        Gauge.builder("icefield.http.bodies.arriving", bodies, Bodies::arriving)
                .description("long bodies that are coming in")
                .register(meters);
    }

    private void add(JavalinConfig config, Route route) {
        config.routes.addEndpoint(
                new Endpoint(HandlerType.findOrCreate(route.method()), route.path(), context -> serve(route, context)));
        boolean bodiless = route.method().equals("GET")
                && routes.stream()
                        .noneMatch(other ->
                                other.method().equals("HEAD") && other.path().equals(route.path()));
        if (bodiless) {
            config.routes.addEndpoint(new Endpoint(HandlerType.HEAD, route.path(), context -> serve(route, context)));
        }
    }

    private void serve(Route route, Context context) {
        Trail trail = new Trail();
        trail.on(() -> serve(route, context, trail));
    }

    private void serve(Route route, Context context, Trail trail) {
        String id = RequestId.next();
        ScopedValue.where(RequestId.CURRENT, id).run(() -> {
            long start = System.nanoTime();
            Optional<Principal> who = Optional.empty();
            Throttle.Turn turn = Throttle.Turn.FREE;
            Answer answer;
            try {
                auditing.admit(route);
                who = admit(route, context, trail);
                turn = turn(who, context);
                try (Call call = new Call(context.req(), route, who, client(context), bodies)) {
                    answer = route.handler().answer(call);
                }
            } catch (Refusal refusal) {
                trail.refused(refusal);
                answer = Errors.of(refusal, route.path());
            } catch (DomainStorage.Shut e) {
                LOG.warn("request {}: {} {}: {}", id, route.method(), route.path(), e.getMessage());
                answer = Errors.of(new Refusal.Unavailable(String.valueOf(e.getMessage())), route.path());
            } catch (DomainStorage.StorageException e) {
                LOG.warn("request {}: {} {}: the object storage failed", id, route.method(), route.path(), e);
                answer = Errors.of(
                        new Refusal.Unavailable("the object storage does not answer; nothing was done: try again"),
                        route.path());
            } catch (RuntimeException | IOException | Error e) { // also no memory: its turn ends, and it is logged
                LOG.error("request {}: {} {} failed", id, route.method(), route.path(), e);
                answer = Errors.bug(id);
            }
            try {
                answer = auditing.recorded(route, context.req(), trail, answer, id);
                send(context, answer, id);
            } finally {
                turn.close();
            }
            account(
                    context,
                    route.path(),
                    answer.status(),
                    start,
                    who.map(Principal::name).orElse("-"),
                    id);
        });
    }

    private String client(Context context) {
        return proxies.client(
                String.valueOf(context.req().getRemoteAddr()),
                Collections.list(context.req().getHeaders("X-Forwarded-For")));
    }

    /// Engines ask for many users.
    private Throttle.Turn turn(Optional<Principal> who, Context context) {
        if (who.isEmpty()) {
            return addresses.enter(Call.network(client(context)));
        }
        Principal caller = who.get();
        return caller.kind() == Principal.Kind.ENGINE ? Throttle.Turn.FREE : principals.enter(caller.name());
    }

    /// The door: who calls, and may it come in at all?
    private Optional<Principal> admit(Route route, Context context, Trail trail) {
        if (route.needs() == Needs.NOTHING) {
            return Optional.empty();
        }
        String header = header(context, "Authorization");
        if (!header.regionMatches(true, 0, "Bearer ", 0, 7)) {
            throw new Refusal.NotAuthenticated(
                    "no token: get one at `/iceberg/v1/oauth/tokens` and send it as `Authorization: Bearer …`");
        }
        Principal who = logins.bearer(header.substring(7).strip()).orElseThrow(() -> {
            addresses.enter(Call.network(client(context))).close(); // it counts there
            return new Refusal.NotAuthenticated("the token is not valid (any more): get a new one");
        });
        trail.by(who);
        if (route.needs() == Needs.ENGINE && who.kind() != Principal.Kind.ENGINE) {
            throw new Refusal.NotAllowed("`%s` is no query engine: only engines may ask this".formatted(who.name()));
        }
        if (route.needs() == Needs.PLATFORM) {
            Access.checkPlatform(who, "do this");
        }
        return Optional.of(who);
    }

    private static void send(Context context, Answer answer, String requestId) {
        context.status(answer.status()).header("X-Request-Id", requestId);
        answer.headers().forEach(context::header);
        if (answer.contentType().isEmpty()) {
            context.res().setContentType(null);
            return;
        }
        context.contentType(answer.contentType());
        if (answer.spliced().isPresent()) {
            send(context, answer.spliced().get());
            return;
        }
        if (!context.method().equals(HandlerType.HEAD)) {
            context.result(answer.body());
        }
    }

    /// Past Javalin, which would copy it, and compress it each time.
    private static void send(Context context, Splices.Spliced body) {
        boolean gzip = acceptsGzip(header(context, "Accept-Encoding"));
        context.res().addHeader("Vary", "Accept-Encoding");
        if (gzip) {
            context.header("Content-Encoding", "gzip");
        }
        byte[][] parts = body.parts(gzip);
        long length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        context.res().setContentLengthLong(length);
        if (context.method().equals(HandlerType.HEAD)) {
            return;
        }
        try {
            write(context, parts, length);
        } catch (IOException e) {
            LOG.debug("the client left before its answer was there: {}", e.getMessage());
        }
    }

    /// Head and body leave in one system call: the parts are copied once, to where the operating system takes them
    /// from.
    private static void write(Context context, byte[][] parts, long length) throws IOException {
        OutputStream out = context.res().getOutputStream();
        if (length > GATHERED_BYTES_MAX || !(out instanceof HttpOutput output)) {
            for (byte[] part : parts) {
                out.write(part);
            }
            return;
        }
        ByteBufferPool pool = ServletContextRequest.getServletContextRequest(context.req())
                .getComponents()
                .getByteBufferPool();
        RetainableByteBuffer gathered = pool.acquire((int) length, true);
        try {
            ByteBuffer bytes = gathered.getByteBuffer();
            BufferUtil.clearToFill(bytes);
            for (byte[] part : parts) {
                bytes.put(part);
            }
            bytes.flip();
            output.write(bytes);
        } finally {
            gathered.release();
        }
    }

    static boolean acceptsGzip(String acceptEncoding) {
        if (acceptEncoding.isEmpty() || acceptEncoding.equals("gzip")) {
            return !acceptEncoding.isEmpty();
        }
        return Stream.of(acceptEncoding.toLowerCase(Locale.ROOT).split(",", -1))
                .map(each -> each.replace(" ", "").split(";", -1))
                .anyMatch(each -> (each[0].equals("gzip") || each[0].equals("x-gzip") || each[0].equals("*"))
                        && Stream.of(each).skip(1).noneMatch(more -> more.matches("q=0(\\.0*)?")));
    }

    /// What has no route: nothing of that address, or not with that method.
    private void unrouted(HttpResponseException e, Context context) {
        long start = System.nanoTime();
        String id = RequestId.next();
        Set<String> allowed = methods(context.path());
        String method = context.method().name();
        if (!allowed.isEmpty()
                && headers.isPreflight(
                        method, header(context, "Origin"), header(context, "Access-Control-Request-Method"))) {
            send(context, AnswerHeaders.preflight(allowed), id);
            account(context, UNROUTED, 204, start, "-", id);
            return;
        }
        Answer answer = allowed.isEmpty() || (e.getStatus() != 404 && e.getStatus() != 405)
                ? Errors.ofStatus(e.getStatus())
                : Errors.ofStatus(405).with("Allow", String.join(", ", allowed));
        send(context, answer, id);
        account(context, UNROUTED, answer.status(), start, "-", id);
    }

    private static String header(Context context, String name) {
        return Optional.ofNullable(context.header(name)).orElse("");
    }

    private Set<String> methods(String path) {
        return routes.stream()
                .filter(route -> path.matches(route.path().replaceAll("\\{[^/}]+}", "[^/]+") + "/?"))
                .map(Route::method)
                .flatMap(method -> method.equals("GET") ? Stream.of("GET", "HEAD") : Stream.of(method))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private void account(Context context, String template, int status, long start, String who, String id) {
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        // What callers invent must not become time series.
        String method = template.equals(UNROUTED) ? "any" : context.method().name();
        timers.computeIfAbsent(new Served(method, template, status), this::timer)
                .record(took);
        LOG.debug("request {}: {} {} {} {} ms {}", id, method, template, status, took.toMillis(), who);
    }

    private Timer timer(Served served) {
        return Timer.builder("http.server.requests")
                .tag("method", served.method())
                .tag("uri", served.template())
                .tag("status", Integer.toString(served.status()))
                .register(meters);
    }
}
