package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.http.AccessWorld.Who;
import io.icefield.http.RunningServer.Reply;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import java.io.IOException;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Every role at every route: who gets in is in a file that a human can read, and what holds for all of it is here.
class AccessMatrixTest {
    /// A plan and a request for access belong to whoever made them, and a key that signs ends every token: nobody here
    /// has one.
    private static final Set<String> NOT_THERE = Set.of(
            "GET /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}",
            "DELETE /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}",
            "POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks",
            "POST /api/v1/access-requests/{request}/withdraw",
            "DELETE /api/v1/signing-keys/{key}");

    /// What anybody with a token may ask: they are told of what they may see.
    private static final Set<String> OPEN_TO_STRANGERS = Set.of(
            "GET /api/v1/decisions",
            "GET /api/v1/domains",
            "GET /metrics",
            "GET /api/v1/access-requests",
            "POST /api/v1/access-requests",
            "POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics");

    /// What is not for the platform team, from whom masks hide: reports tell of values.
    private static final String TELLS_OF_VALUES =
            "GET /api/v1/domains/{domain}/namespaces/{namespace}/tables/{table}/metrics";

    /// Each may do all that the one before it may.
    private static final List<List<Who>> LADDERS = List.of(
            List.of(Who.STRANGER, Who.TABLE_READER, Who.NAMESPACE_READER, Who.DOMAIN_READER, Who.STEWARD, Who.OWNER),
            List.of(Who.STRANGER, Who.VIEW_READER, Who.NAMESPACE_READER, Who.NAMESPACE_OWNER, Who.OWNER),
            List.of(Who.DOMAIN_READER, Who.WRITER, Who.OWNER, Who.PLATFORM),
            List.of(Who.DOMAIN_READER, Who.MESH_READER, Who.PLATFORM));

    @Test
    void everyRoleAtEveryRoute() throws IOException {
        Map<String, Map<Who, Integer>> matrix =
                new TreeMap<>(Comparator.comparing((String name) -> name.substring(name.indexOf('/')))
                        .thenComparing(name -> name));
        try (Database database = Database.open(TestDatabase.fresh());
                RunningServer mesh = new RunningServer(_ -> RunningServer.Stores.in(database))) {
            Map<Who, String> tokens = AccessWorld.callers(mesh);
            int worlds = 0;
            AccessWorld world = new AccessWorld(mesh, worlds);
            for (Route route : mesh.server.routes()) {
                Map<Who, Integer> row = new EnumMap<>(Who.class);
                for (Who who : Who.values()) {
                    Reply reply = mesh.send(
                            route.method(),
                            world.path(route, world::value),
                            tokens.getOrDefault(who, ""),
                            world.body(route));
                    row.put(who, reply.status());
                    assertThat(reply.status())
                            .as("%s at %s %s: %s", who, route.method(), route.path(), reply)
                            .isNotEqualTo(400)
                            .isLessThan(500);
                    boolean changed =
                            reply.status() < 300 && !Set.of("GET", "HEAD").contains(route.method());
                    if (changed) {
                        worlds++;
                        world = new AccessWorld(mesh, worlds);
                    }
                }
                matrix.put(route.method() + " " + route.path(), row);
            }
            check(mesh.server.routes(), matrix);
        }
        Golden.matches("access.txt", shown(matrix));
    }

    private static void check(List<Route> routes, Map<String, Map<Who, Integer>> matrix) {
        assertThat(matrix).hasSize(routes.size());
        for (Route route : routes) {
            String name = route.method() + " " + route.path();
            Map<Who, Integer> row = matrix.getOrDefault(name, Map.of());
            boolean open = route.needs() == Needs.NOTHING;
            assertThat(row.getOrDefault(Who.NOBODY, 0) == 401).as(name).isNotEqualTo(open);
            assertThat(row.values().stream().anyMatch(AccessMatrixTest::isIn))
                    .as("somebody may: %s", name)
                    .isNotEqualTo(NOT_THERE.contains(name));
            assertThat(isIn(row.getOrDefault(Who.STRANGER, 0)))
                    .as("a stranger at %s", name)
                    .isEqualTo(open || OPEN_TO_STRANGERS.contains(name));
            if (!open && route.needs() != Needs.ENGINE) {
                LADDERS.forEach(ladder -> climb(name, row, ladder));
            }
        }
    }

    /// A conflict is found after the door.
    private static boolean isIn(int status) {
        return status < 300 || status == 409;
    }

    private static void climb(String name, Map<Who, Integer> row, List<Who> ladder) {
        boolean before = false;
        for (Who who : ladder) {
            boolean now = isIn(row.getOrDefault(who, 0));
            if (who != Who.PLATFORM || !name.equals(TELLS_OF_VALUES)) {
                assertThat(now || !before).as("%s at %s", who, name).isTrue();
            }
            before = now;
        }
    }

    private static String shown(Map<String, Map<Who, Integer>> matrix) {
        String legend = Stream.of(Who.values())
                .map(who -> "# %s  %s%n".formatted(who.code, who.description))
                .collect(Collectors.joining());
        String head =
                Stream.of(Who.values()).map(who -> "%-4s".formatted(who.code)).collect(Collectors.joining());
        return legend
                + "#\n# 404: may not know of it; 403: may know of it and not do this; 409: may, but it is not empty.\n#\n# "
                + head.strip() + "\n"
                + matrix.entrySet().stream()
                        .map(row -> row.getValue().values().stream()
                                        .map(status -> "%-4d".formatted(status))
                                        .collect(Collectors.joining())
                                + " " + row.getKey() + "\n")
                        .collect(Collectors.joining());
    }
}
