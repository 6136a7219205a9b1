package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.access.SealingKey;
import io.icefield.access.SealingKeySource;
import io.icefield.http.RunningServer.Reply;
import io.icefield.http.RunningServer.Stores;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import java.net.http.HttpRequest;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A domain whose key this server cannot open, beside others: over HTTP, in PostgreSQL.
class ShutDomainTest {
    private static final SealingKey GOOD = SealingKey.random();
    private static final SealingKey LOST = SealingKey.random();
    private static final String SALES = "/iceberg/v1/sales/namespaces/crm/tables";
    private static final String HR = "/iceberg/v1/hr/namespaces/crm/tables";

    private volatile SealingKey seals = GOOD;
    private final Database database = database();
    private final RunningServer mesh = new RunningServer(_ -> Stores.in(database));

    private Database database() {
        Database.Settings fresh = TestDatabase.fresh();
        return Database.open(new Database.Settings(
                fresh.url(), fresh.user(), fresh.password(), fresh.poolSize(), new SealingKeySource() {
                    @Override
                    public List<SealingKey> keys() {
                        return List.of(seals);
                    }

                    @Override
                    public void make() {}
                }));
    }

    @AfterEach
    void stop() {
        mesh.close();
        database.close();
    }

    private Reply admin(String method, String path, String body) {
        return mesh.send(method, path, mesh.admin, body);
    }

    private Reply keyed(String path) {
        return mesh.send(HttpRequest.newBuilder(mesh.uri(path))
                .header("Authorization", "Bearer " + mesh.admin)
                .header("X-Iceberg-Access-Delegation", "vended-credentials"));
    }

    private static void ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isBetween(200, 204);
    }

    @Test
    void allThatNeedsNoKeyGoesOnAndAnotherKeyMendsTheRest() {
        ok(admin("POST", SALES, Caller.createBody("orders", "")));
        ok(admin("POST", SALES, Caller.createBody("old", "")));
        seals = LOST;
        ok(admin("POST", "/api/v1/domains", "{\"name\":\"hr\",\"owners\":[\"sellers\"]}"));
        ok(admin("POST", "/iceberg/v1/hr/namespaces", "{\"namespace\":[\"crm\"]}"));
        ok(admin("POST", HR, Caller.createBody("people", "")));
        ok(admin("POST", HR, Caller.createBody("old", "")));
        seals = GOOD;
        // The server learns of its keys when it seals, and reads again what has changed.
        ok(admin("POST", "/api/v1/domains", "{\"name\":\"other\",\"owners\":[\"sellers\"]}"));
        ok(admin("PUT", "/api/v1/domains/hr/quota", "{\"soft-bytes\":1000000}"));

        assertThat(admin("GET", "/api/v1/domains", "").json().path("domains").findValuesAsText("name"))
                .containsExactly("hr", "other", "sales");
        ok(admin("GET", HR, ""));
        ok(admin("GET", HR + "/people", ""));
        ok(keyed(SALES + "/orders"));
        Reply refused = keyed(HR + "/people");
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.text())
                .contains("domain hr", LOST.id(), "ICEFIELD_KEY_FILE")
                .doesNotContain("root-secret");
        Reply commit = admin("POST", HR + "/people", Caller.commitBody("", Caller.setProperty("a", "b")));
        assertThat(commit.status()).as("%s", commit).isEqualTo(503);
        assertThat(commit.text()).contains(LOST.id());
        ok(admin("POST", SALES + "/orders", Caller.commitBody("", Caller.setProperty("a", "b"))));

        Reply probed = admin("POST", "/api/v1/domains/hr/storage/main/validate", "");
        ok(probed);
        assertThat(probed.text()).contains("root-key", "failed", LOST.id(), "icefield storage rotate hr main");

        ok(admin("DELETE", HR + "/old?purgeRequested=true", ""));
        ok(admin("DELETE", SALES + "/old?purgeRequested=true", ""));
        for (String domain : List.of("hr", "sales")) {
            String dropped = "/api/v1/domains/" + domain + "/dropped";
            String id = admin("GET", dropped, "").json().at("/dropped/0/id").asText();
            ok(admin("DELETE", dropped + "/" + id, ""));
        }
        assertThat(mesh.purge.next()).isTrue();
        assertThat(mesh.purge.next()).isTrue();
        assertThat(mesh.purge.tablesPurged()).as("that of the other domain").isEqualTo(1);
        assertThat(mesh.purge.failures()).isEqualTo(1);
        assertThat(admin("GET", "/api/v1/domains/sales/dropped", "").json().path("dropped"))
                .isEmpty();
        assertThat(admin("GET", "/api/v1/domains/hr/dropped", "")
                        .json()
                        .at("/dropped/0")
                        .toString())
                .contains(LOST.id());

        ok(admin(
                "POST",
                "/api/v1/domains/hr/storage/main/credentials",
                "{\"access-key\":\"AKIAother\",\"secret-key\":\"other-secret\"}"));
        ok(keyed(HR + "/people"));
        ok(admin("POST", HR + "/people", Caller.commitBody("", Caller.setProperty("a", "b"))));
    }
}
