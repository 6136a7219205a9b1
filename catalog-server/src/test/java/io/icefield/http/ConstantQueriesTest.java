package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Role;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.http.RunningServer.Reply;
import io.icefield.postgres.CountedStatements;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import io.icefield.storage.DomainName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// However many grants there are, and however many things, a request takes the same number of statements.
class ConstantQueriesTest {
    private static final int MANY = 10_000;
    private static final int DOMAINS = 20;
    private static final DomainName SALES = new DomainName("sales");

    private static final List<String> REQUESTS = List.of(
            "GET /iceberg/v1/sales/namespaces/crm/tables/orders",
            "HEAD /iceberg/v1/sales/namespaces/crm/tables/orders",
            "GET /iceberg/v1/sales/namespaces/crm/tables",
            "GET /iceberg/v1/sales/namespaces/crm/views",
            "GET /iceberg/v1/sales/namespaces",
            "GET /iceberg/v1/sales/namespaces/crm",
            "GET /api/v1/domains",
            "GET /api/v1/domains/sales",
            "GET /api/v1/access-requests");

    private Grant grant(int number) {
        return new Grant(
                new Grantee(Grantee.Kind.PRINCIPAL, "bob"),
                Role.READER,
                Optional.of(SALES),
                List.of("crm"),
                Optional.of(number == 0 ? "orders" : "t" + number));
    }

    @Test
    void aRequestTakesAsManyStatementsWithManyGrantsAsWithOne() {
        CountedStatements counted = new CountedStatements(TestDatabase.fresh());
        try (Database database = Database.open(counted.settings());
                RunningServer mesh = new RunningServer(_ -> RunningServer.Stores.in(database))) {
            String bob = mesh.token("bob", Principal.Kind.USER);
            assertThat(mesh.send(
                                    "POST",
                                    "/iceberg/v1/sales/namespaces/crm/tables",
                                    mesh.admin,
                                    Caller.createBody("orders", ""))
                            .status())
                    .isEqualTo(200);
            mesh.grant(grant(0));
            Map<String, Long> one = statements(counted, mesh, bob);

            IntStream.range(1, MANY).forEach(number -> {
                GrantStore.Effect _ = mesh.stores
                        .grants()
                        .give(new Given(
                                grant(number), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty()));
            });
            for (int i = 0; i < DOMAINS; i++) {
                assertThat(mesh.send(
                                        "POST",
                                        "/api/v1/domains",
                                        mesh.admin,
                                        "{\"name\":\"other%d\",\"owners\":[\"bobs\"]}".formatted(i))
                                .status())
                        .isEqualTo(201);
                mesh.grant(new Grant(
                        new Grantee(Grantee.Kind.PRINCIPAL, "bob"),
                        Role.READER,
                        Optional.of(new DomainName("other" + i)),
                        List.of(),
                        Optional.empty()));
            }
            assertThat(statements(counted, mesh, bob)).isEqualTo(one);
            assertThat(one.values()).allMatch(count -> count >= 1 && count <= 4);
        }
    }

    private static Map<String, Long> statements(CountedStatements counted, RunningServer mesh, String token) {
        Map<String, Long> statements = new LinkedHashMap<>();
        for (String request : REQUESTS) {
            String[] parts = request.split(" ", 2);
            Reply _ = mesh.send(parts[0], parts[1], token, ""); // what is remembered of names is known now
            long before = counted.count();
            assertThat(mesh.send(parts[0], parts[1], token, "").status())
                    .as(request)
                    .isIn(200, 204);
            statements.put(request, counted.count() - before);
        }
        return statements;
    }
}
