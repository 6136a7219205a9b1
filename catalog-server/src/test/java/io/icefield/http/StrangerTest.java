package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Principal;
import io.icefield.http.AccessWorld.Who;
import io.icefield.http.RunningServer.Reply;
import io.icefield.postgres.CountedStatements;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A stranger at every door: what is there and what is not there answer the same, after the same work.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StrangerTest {
    private static final Pattern PARAMETER = Pattern.compile("\\{([^}]+)}");
    private static final int SENDS = 3;
    /// `Connection`: whether a body that is refused unread had arrived already.
    private static final Set<String> OF_THE_MOMENT = Set.of("date", "x-request-id", "content-length", "connection");

    private final CountedStatements counted = new CountedStatements(TestDatabase.fresh());
    private final Database database = Database.open(counted.settings());
    private final RunningServer mesh = new RunningServer(_ -> RunningServer.Stores.in(database));
    private Map<Who, String> tokens = Map.of();
    private AccessWorld world = new AccessWorld(mesh, 0);

    @BeforeAll
    void start() {
        tokens = AccessWorld.callers(mesh);
    }

    @AfterAll
    void stop() {
        mesh.close();
        database.close();
    }

    private record Heard(
            int status, Map<String, List<String>> headers, String body, long statements, long storeCalls) {}

    private Heard heard(Route route, String token, Function<String, String> value) {
        String path = world.path(route, value);
        String body = world.body(route);
        mesh.send(route.method(), path, token, body); // whatever is remembered of names is known now
        long fewest = Long.MAX_VALUE;
        long storeCalls = mesh.mesh.storeCalls.get();
        Reply reply;
        int sends = 0;
        do { // what works in the background may ask at the same time
            long statements = counted.count();
            reply = mesh.send(route.method(), path, token, body);
            fewest = Math.min(fewest, counted.count() - statements);
            sends++;
        } while (sends < SENDS);
        Map<String, List<String>> headers =
                new TreeMap<>(reply.response().headers().map());
        headers.keySet().removeAll(OF_THE_MOMENT);
        return new Heard(
                reply.status(),
                headers,
                reply.text(),
                worksLater(route) ? 0 : fewest,
                mesh.mesh.storeCalls.get() - storeCalls);
    }

    /// A report is answered before anybody looks at what it is of.
    private static boolean worksLater(Route route) {
        return route.method().equals("POST") && route.path().endsWith("/metrics");
    }

    private static Set<String> parameters(Route route) {
        Set<String> found = new LinkedHashSet<>();
        Matcher matcher = PARAMETER.matcher(route.path());
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    private void same(Route route, String token, boolean inMesh) {
        Set<String> parameters = parameters(route);
        Function<String, String> there = world::value;
        Heard known = heard(route, token, inMesh ? AccessWorld.inMesh(there) : there);
        for (String absent : parameters) {
            Function<String, String> value =
                    parameter -> parameter.equals(absent) ? AccessWorld.absent(absent) : world.value(parameter);
            Heard unknown = heard(route, token, inMesh ? AccessWorld.inMesh(value) : value);
            Heard renamed = new Heard(
                    unknown.status(),
                    unknown.headers(),
                    unknown.body().replace(AccessWorld.absent(absent), world.value(absent)),
                    unknown.statements(),
                    unknown.storeCalls());
            assertThat(renamed)
                    .as("%s %s with and without the %s", route.method(), route.path(), absent)
                    .isEqualTo(known);
        }
        assertThat(known.storeCalls()).as("%s %s", route.method(), route.path()).isZero();
    }

    private List<Route> doors() {
        return mesh.server.routes().stream()
                .filter(route -> route.needs() != Needs.NOTHING)
                .filter(route -> route.path().contains("{"))
                .sorted(Comparator.comparing(StrangerTest::worksLater))
                .toList();
    }

    @Test
    void whatIsThereAndWhatIsNotAnswerAStrangerTheSame() {
        List<Executed> failures = new ArrayList<>();
        for (Route route : doors()) {
            for (Who who : List.of(Who.STRANGER, Who.OTHER_OWNER)) {
                for (boolean inMesh : route.path().contains("{prefix}") ? List.of(false, true) : List.of(false)) {
                    try {
                        same(route, tokens.getOrDefault(who, ""), inMesh);
                    } catch (AssertionError e) {
                        failures.add(new Executed(who, inMesh, String.valueOf(e.getMessage())));
                    }
                }
            }
        }
        assertThat(failures).isEmpty();
    }

    private record Executed(Who who, boolean inMesh, String what) {}

    /// Who may know of a part does not thereby know of the rest.
    @Test
    void whatLiesBesideWhatOneMayReadAnswersTheSame() {
        String home = "/iceberg/v1/" + world.domain + "/namespaces";
        for (Reply made : List.of(
                mesh.send("POST", home, mesh.admin, "{\"namespace\":[\"secret\"]}"),
                mesh.send("POST", home + "/secret/tables", mesh.admin, Caller.createBody("customers", "")),
                mesh.send("POST", home + "/secret/views", mesh.admin, ViewRoutesTest.createBody("best", "")))) {
            assertThat(made.status()).as("%s", made).isEqualTo(200);
        }
        for (Route route : doors()) {
            if (!parameters(route).contains("namespace") || worksLater(route)) {
                continue;
            }
            String token = tokens.getOrDefault(Who.NAMESPACE_READER, "");
            Function<String, String> hidden = name -> name.equals("namespace") ? "secret" : world.value(name);
            Function<String, String> absent = name -> name.equals("namespace") ? "noplac" : world.value(name);
            Heard there = heard(route, token, hidden);
            Heard nowhere = heard(route, token, absent);
            assertThat(nowhere.body().replace("noplac", "secret"))
                    .as("%s %s", route.method(), route.path())
                    .isEqualTo(there.body());
            assertThat(nowhere.status())
                    .as("%s %s", route.method(), route.path())
                    .isEqualTo(there.status());
        }
    }

    /// Nobody sees a new domain but its owners and the platform team.
    @Test
    void aNewDomainIsVisibleToItsOwnersAndThePlatformTeamOnly() {
        String owner = mesh.token("fresh-owner", Principal.Kind.USER, "fresh-owners");
        Reply made =
                mesh.send("POST", "/api/v1/domains", mesh.admin, "{\"name\":\"fresh\",\"owners\":[\"fresh-owners\"]}");
        assertThat(made.status()).isEqualTo(201);
        for (Who who : Who.values()) {
            boolean sees = Set.of(Who.MESH_READER, Who.PLATFORM, Who.ENGINE).contains(who);
            Reply reply = mesh.send("GET", "/api/v1/domains/fresh", tokens.getOrDefault(who, ""), "");
            assertThat(reply.status()).as("%s", who).isEqualTo(sees ? 200 : who == Who.NOBODY ? 401 : 404);
            if (who != Who.NOBODY) {
                Reply list = mesh.send("GET", "/api/v1/domains", tokens.getOrDefault(who, ""), "");
                assertThat(list.json().path("domains").findValuesAsText("name").contains("fresh"))
                        .as("%s", who)
                        .isEqualTo(sees);
            }
        }
        assertThat(mesh.send("GET", "/api/v1/domains/fresh", owner, "").status())
                .isEqualTo(200);
    }
}
