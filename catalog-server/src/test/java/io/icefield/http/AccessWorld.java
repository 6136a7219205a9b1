package io.icefield.http;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Role;
import io.icefield.domain.Grant;
import io.icefield.http.RunningServer.Reply;
import io.icefield.storage.DomainName;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A domain with one of everything that a path can name, callers of every role, and for each route a request that those
/// who may make it make successfully.
final class AccessWorld {
    private static final String SEPARATOR = "%1F";

    private final RunningServer mesh;
    private final String suffix;
    final String domain;
    private final String home;
    private final String principal;
    private final String secret;
    private final String decision;
    private final String dropped;
    private final String request;
    private final String metadata;
    private final String viewMetadata;
    private final String location;

    /// Who calls: from nobody to everybody.
    enum Who {
        NOBODY("no", "sends no token"),
        STRANGER("st", "a principal without any grant"),
        MESH_READER("mr", "reader on the whole mesh"),
        DOMAIN_READER("dr", "reader on the domain"),
        NAMESPACE_READER("nr", "reader on the namespace"),
        TABLE_READER("tr", "reader on the table"),
        VIEW_READER("vr", "reader on the view"),
        WRITER("wr", "writer on the domain"),
        STEWARD("sw", "steward on the domain"),
        NAMESPACE_OWNER("nw", "owner on the namespace"),
        OWNER("ow", "owner on the domain"),
        OTHER_OWNER("oo", "owner on another domain"),
        PLATFORM("pl", "a member of the group `platform`"),
        ENGINE("en", "a trusted query engine");

        final String code;
        final String description;

        Who(String code, String description) {
            this.code = code;
            this.description = description;
        }
    }

    AccessWorld(RunningServer mesh, int number) {
        this.mesh = mesh;
        this.suffix = Integer.toString(number);
        this.domain = "d" + suffix;
        this.home = "/iceberg/v1/" + domain + "/namespaces";
        done("POST", "/api/v1/domains", "{\"name\":\"%s\",\"owners\":[\"group-of-%s\"]}".formatted(domain, domain));
        done("POST", "/api/v1/domains/" + domain + "/storage", "{\"name\":\"archive\"}");
        done("POST", home, "{\"namespace\":[\"crm\"]}");
        JsonNode table = done("POST", home + "/crm/tables", Caller.createBody("customers", ""));
        location = table.path("metadata").path("location").asText().substring("s3://".length());
        done("POST", home + "/crm/views", ViewRoutesTest.createBody("best", ""));
        done("POST", home + "/crm/tables", Caller.createBody("left", ""));
        metadata = done("POST", home + "/crm/tables/left/unregister", "")
                .path("metadata-location")
                .asText();
        viewMetadata = done("POST", home + "/crm/views", ViewRoutesTest.createBody("gone", ""))
                .path("metadata-location")
                .asText();
        done("POST", home + "/crm/tables", Caller.createBody("old", ""));
        done("DELETE", home + "/crm/tables/old", "");
        dropped = done("GET", "/api/v1/domains/" + domain + "/dropped", "")
                .path("dropped")
                .path(0)
                .path("id")
                .asText();
        done("DELETE", home + "/crm/views/gone", "");
        decision = done("GET", "/api/v1/decisions?domain=" + domain, "")
                .path("decisions")
                .path(0)
                .path("id")
                .asText();
        principal = "somebody" + suffix;
        done("POST", "/api/v1/principals", "{\"name\":\"%s\",\"kind\":\"user\"}".formatted(principal));
        secret = done("GET", "/api/v1/principals/" + principal + "/secrets", "")
                .path("secrets")
                .path(0)
                .path("id")
                .asText();
        grants().forEach(mesh::grant);
        Reply asked =
                mesh.send("POST", "/api/v1/access-requests", mesh.token("asker" + number, Principal.Kind.USER), ask());
        assertThat(asked.status()).as("%s", asked).isEqualTo(201);
        request = asked.json().path("id").asText();
    }

    private JsonNode done(String method, String path, String body) {
        Reply reply = mesh.send(method, path, mesh.admin, body);
        assertThat(reply.status()).as("%s %s: %s", method, path, reply).isBetween(200, 204);
        return reply.status() == 204 ? NullNode.getInstance() : reply.json();
    }

    private Stream<Grant> grants() {
        return Stream.of(
                grant(Who.DOMAIN_READER, Role.READER),
                grant(Who.NAMESPACE_READER, Role.READER, "crm"),
                grant(Who.TABLE_READER, Role.READER, "crm", "customers"),
                grant(Who.VIEW_READER, Role.READER, "crm", "best"),
                grant(Who.WRITER, Role.WRITER),
                grant(Who.STEWARD, Role.STEWARD),
                grant(Who.NAMESPACE_OWNER, Role.OWNER, "crm"),
                grant(Who.OWNER, Role.OWNER));
    }

    private Grant grant(Who who, Role role, String... path) {
        return new Grant(
                new Grantee(Grantee.Kind.PRINCIPAL, name(who)),
                role,
                Optional.of(new DomainName(domain)),
                path.length == 0 ? List.of() : List.of(path[0]),
                path.length < 2 ? Optional.empty() : Optional.of(path[1]));
    }

    private static String name(Who who) {
        return "the-" + who.name().toLowerCase(Locale.ROOT);
    }

    /// The tokens of all of them; grants that no world changes are given here.
    static Map<Who, String> callers(RunningServer mesh) {
        mesh.grant(new Grant(
                new Grantee(Grantee.Kind.PRINCIPAL, name(Who.MESH_READER)),
                Role.READER,
                Optional.empty(),
                List.of(),
                Optional.empty()));
        mesh.grant(new Grant(
                new Grantee(Grantee.Kind.PRINCIPAL, name(Who.OTHER_OWNER)),
                Role.OWNER,
                Optional.of(new DomainName("sales")),
                List.of(),
                Optional.empty()));
        return Stream.of(Who.values()).collect(Collectors.toMap(Function.identity(), who -> switch (who) {
            case NOBODY -> "";
            case PLATFORM -> mesh.token("boss", Principal.Kind.USER, "platform");
            case ENGINE -> mesh.token("engine", Principal.Kind.ENGINE);
            default -> mesh.token(name(who), Principal.Kind.USER, "no-group-of-weight");
        }));
    }

    /// What a path names that is there.
    String value(String parameter) {
        return switch (parameter) {
            case "prefix", "domain" -> domain;
            case "namespace" -> "crm";
            case "table" -> "customers";
            case "view" -> "best";
            case "principal" -> principal;
            case "secret" -> secret;
            case "dropped" -> dropped;
            case "storage" -> "archive";
            case "request" -> request;
            case "plan-id" -> "00000000-0000-0000-0000-000000000000";
            case "key" -> "nokey";
            case "decision" -> decision;
            default -> throw new AssertionError("say what {%s} is here".formatted(parameter));
        };
    }

    /// What it could name and is not there.
    static String absent(String parameter) {
        return switch (parameter) {
            case "prefix", "domain" -> "nowhere";
            case "namespace" -> "noplace";
            case "table" -> "nothing";
            case "view" -> "unseen";
            case "principal" -> "noone";
            case "secret" -> "99999";
            case "request" -> "99999";
            case "dropped" -> "99999";
            case "storage" -> "absentee";
            case "plan-id" -> "00000000-0000-0000-0000-000000000009";
            case "key" -> "nonesuch";
            case "decision" -> "999999999";
            default -> throw new AssertionError("say what {%s} is not".formatted(parameter));
        };
    }

    String path(Route route, Function<String, String> value) {
        String path = route.path();
        for (String segment : route.path().split("/", -1)) {
            if (segment.startsWith("{")) {
                path = path.replace(segment, value.apply(segment.substring(1, segment.length() - 1)));
            }
        }
        return path.endsWith("/config") ? path + "?warehouse=" + domain : path;
    }

    /// The same things by their names in the catalog of the whole mesh.
    static Function<String, String> inMesh(Function<String, String> value) {
        return parameter -> switch (parameter) {
            case "prefix" -> "mesh";
            case "namespace" -> value.apply("prefix") + SEPARATOR + value.apply("namespace");
            default -> value.apply(parameter);
        };
    }

    private static final String GRANT = "{\"grantee\":\"group:x\",\"role\":\"reader\"}";
    private static final String PROTECT = "{\"protected\":true}";
    private static final String CHANGE =
            "{\"requirements\":[],\"updates\":[%s]}".formatted(Caller.setProperty("a", "b"));

    /// A route that is not here has no request yet: add one.
    private static final Map<String, Function<AccessWorld, String>> BODIES = Map.ofEntries(
            entry("POST /iceberg/v1/oauth/tokens", AccessWorld::signIn),
            entry("POST /oauth/token", AccessWorld::signIn),
            entry(
                    "POST /opa/v1/allow",
                    world -> opa("\"operation\":\"AccessCatalog\",\"resource\":" + "{\"catalog\":{\"name\":\""
                            + world.domain + "\"}}")),
            entry(
                    "POST /opa/v1/batch",
                    world -> opa("\"operation\":\"FilterCatalogs\"," + "\"filterResources\":[{\"catalog\":{\"name\":\""
                            + world.domain + "\"}}]")),
            entry(
                    "POST /opa/v1/row-filters",
                    world -> opa(
                            "\"operation\":\"GetRowFilters\"," + "\"resource\":{\"table\":" + world.relation() + "}")),
            entry(
                    "POST /opa/v1/column-masks",
                    world -> opa("\"operation\":\"GetColumnMask\"," + "\"filterResources\":[]")),
            entry("POST /api/v1/domains", world -> "{\"name\":\"new%s\",\"owners\":[\"x\"]}".formatted(world.suffix)),
            entry("PUT /api/v1/domains/{domain}/owners", world -> "{\"owners\":[\"x\"]}"),
            entry("POST /api/v1/domains/{domain}/grants", world -> GRANT),
            entry("DELETE /api/v1/domains/{domain}/grants", world -> GRANT),
            entry("POST /api/v1/grants", world -> GRANT),
            entry("DELETE /api/v1/grants", world -> GRANT),
            entry("POST /api/v1/domains/{domain}/storage", world -> "{\"name\":\"new\"}"),
            entry("PATCH /api/v1/domains/{domain}/storage/{storage}", world -> PROTECT),
            entry("DELETE /api/v1/domains/{domain}/storage/{storage}", world -> ""),
            entry("POST /api/v1/domains/{domain}/storage/{storage}/validate", world -> ""),
            entry(
                    "POST /api/v1/domains/{domain}/storage/{storage}/credentials",
                    world -> "{\"access-key\":\"AKIAother\",\"secret-key\":\"other-secret\"}"),
            entry("PUT /api/v1/domains/{domain}/protection", world -> PROTECT),
            entry("PUT /api/v1/domains/{domain}/quota", world -> "{\"hard-bytes\":1000000}"),
            entry("POST /api/v1/access-requests", AccessWorld::ask),
            entry("POST /api/v1/access-requests/{request}/approve", world -> "{\"reason\":\"yes\"}"),
            entry("POST /api/v1/access-requests/{request}/refuse", world -> "{\"reason\":\"no\"}"),
            entry("POST /api/v1/access-requests/{request}/withdraw", world -> ""),
            entry("POST /api/v1/domains/{domain}/dropped/{dropped}/undrop", world -> ""),
            entry("DELETE /api/v1/domains/{domain}/dropped/{dropped}", world -> ""),
            entry("DELETE /api/v1/domains/{domain}", world -> ""),
            entry("PUT /api/v1/domains/{domain}/namespaces/{namespace}/protection", world -> PROTECT),
            entry("PUT /api/v1/domains/{domain}/namespaces/{namespace}/tables/{table}/protection", world -> PROTECT),
            entry("PUT /api/v1/domains/{domain}/namespaces/{namespace}/views/{view}/protection", world -> PROTECT),
            entry(
                    "PUT /api/v1/domains/{domain}/namespaces/{namespace}/tables/{table}/classification",
                    world -> "{\"columns\":{\"id\":[\"public\"]}}"),
            entry("POST /api/v1/principals", world -> "{\"name\":\"new%s\",\"kind\":\"user\"}".formatted(world.suffix)),
            entry("DELETE /api/v1/principals/{principal}", world -> ""),
            entry("POST /api/v1/principals/{principal}/secret", world -> ""),
            entry("DELETE /api/v1/principals/{principal}/secrets/{secret}", world -> ""),
            entry("PUT /api/v1/principals/{principal}/groups", world -> "{\"groups\":[\"g\"]}"),
            entry("POST /api/v1/signing-keys", world -> ""),
            entry("POST /api/v1/decisions/verify", world -> ""),
            entry("POST /api/v1/sealing-keys/reseal", world -> ""),
            entry("POST /api/v1/decisions/export", world -> ""),
            entry("DELETE /api/v1/signing-keys/{key}", world -> ""),
            entry("POST /iceberg/v1/{prefix}/namespaces", world -> "{\"namespace\":[\"new\"]}"),
            entry("DELETE /iceberg/v1/{prefix}/namespaces/{namespace}", world -> ""),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/properties",
                    world -> "{\"updates\":{\"a\":\"b\"}}"),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/register",
                    world -> "{\"name\":\"again\",\"metadata-location\":\"%s\"}".formatted(world.metadata)),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/register-view",
                    world -> "{\"name\":\"again\",\"metadata-location\":\"%s\"}".formatted(world.viewMetadata)),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables", world -> Caller.createBody("new", "")),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}", world -> CHANGE),
            entry("DELETE /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}", world -> ""),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics", world -> "{}"),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan", world -> "{}"),
            entry("DELETE /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}", world -> ""),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks",
                    world -> "{\"plan-task\":\"00000000-0000-0000-0000-000000000000.0\"}"),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
                    world -> "{\"method\":\"GET\",\"region\":\"us-east-1\",\"uri\":\"http://127.0.0.1:9000/"
                            + world.location + "/data/a.parquet\",\"headers\":{\"User-Agent\":[\"x\"]}}"),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister", world -> ""),
            entry(
                    "POST /iceberg/v1/{prefix}/namespaces/{namespace}/views",
                    world -> ViewRoutesTest.createBody("newview", "")),
            entry("POST /iceberg/v1/{prefix}/namespaces/{namespace}/views/{view}", world -> CHANGE),
            entry("DELETE /iceberg/v1/{prefix}/namespaces/{namespace}/views/{view}", world -> ""),
            entry("POST /iceberg/v1/{prefix}/tables/rename", world -> rename("customers")),
            entry("POST /iceberg/v1/{prefix}/views/rename", world -> rename("best")),
            entry(
                    "POST /iceberg/v1/{prefix}/transactions/commit",
                    world -> "{\"table-changes\":[{\"identifier\":{\"namespace\":[\"crm\"],\"name\":\"customers\"},"
                            + CHANGE.substring(1) + "]}"));

    String body(Route route) {
        if (route.method().equals("GET") || route.method().equals("HEAD")) {
            return "";
        }
        String name = route.method() + " " + route.path();
        Function<AccessWorld, String> body = BODIES.get(name);
        if (body == null) {
            throw new AssertionError("`%s` has no request in `AccessWorld`: add one".formatted(name));
        }
        return body.apply(this);
    }

    private static String rename(String name) {
        return "{\"source\":{\"namespace\":[\"crm\"],\"name\":\"%s\"},\"destination\":{\"namespace\":[\"crm\"],\"name\":\"moved\"}}"
                .formatted(name);
    }

    private String signIn() {
        return "grant_type=client_credentials&client_id=admin&client_secret=admin-secret";
    }

    private String ask() {
        return "{\"domain\":\"%s\",\"namespace\":\"crm\",\"role\":\"reader\",\"reason\":\"a report\"}"
                .formatted(domain);
    }

    private String relation() {
        return "{\"catalogName\":\"%s\",\"schemaName\":\"crm\",\"tableName\":\"customers\"}".formatted(domain);
    }

    private static String opa(String action) {
        return "{\"input\":{\"context\":{\"identity\":{\"user\":\"analyst\",\"groups\":[]}},\"action\":{%s}}}"
                .formatted(action);
    }
}
