package io.icefield.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Grantee;
import io.icefield.access.Principal;
import io.icefield.access.Role;
import io.icefield.domain.Given;
import io.icefield.domain.Grant;
import io.icefield.domain.GrantStore;
import io.icefield.http.RunningServer.Reply;
import io.icefield.http.RunningServer.Stores;
import io.icefield.postgres.Database;
import io.icefield.postgres.TestDatabase;
import io.icefield.storage.DomainName;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// No key and no signature outlives the grants that it was given for: over HTTP, in PostgreSQL.
class GrantEndsTest {
    private static final String NAMESPACES = "/iceberg/v1/sales/namespaces";
    private static final String TABLES = NAMESPACES + "/crm/tables";
    private static final DateTimeFormatter AMZ_DATE = DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'");

    private final Database database = Database.open(TestDatabase.fresh());
    private final RunningServer mesh = new RunningServer(_ -> Stores.in(database));
    private int callers;

    @BeforeEach
    void tables() {
        ok(mesh.send("POST", TABLES, mesh.seller, Caller.createBody("orders", "")));
        ok(mesh.send("POST", TABLES, mesh.seller, """
                {"name":"people","schema":{"type":"struct","schema-id":0,"fields":[
                {"id":1,"name":"email","required":false,"type":"string"}]}}"""));
    }

    @AfterEach
    void stop() {
        mesh.close();
        database.close();
    }

    private static Reply ok(Reply reply) {
        assertThat(reply.status()).as("%s", reply).isEqualTo(200);
        return reply;
    }

    /// Somebody new with these roles on the domain, each for so long; zero: for ever.
    private String caller(Map<Role, Duration> roles) {
        String name = "caller" + callers++;
        String token = mesh.token(name, Principal.Kind.USER, "team-" + name);
        roles.forEach((role, lasts) -> give(Grantee.parse("principal:" + name), role, lasts));
        return token;
    }

    private void give(Grantee to, Role role, Duration lasts) {
        GrantStore.Effect _ = mesh.stores
                .grants()
                .give(new Given(
                        new Grant(to, role, Optional.of(new DomainName("sales")), List.of(), Optional.empty()),
                        Optional.of(lasts).filter(Duration::isPositive).map(Instant.now()::plus),
                        Optional.of("admin"),
                        Optional.empty(),
                        Optional.empty()));
    }

    private Reply send(String method, String path, String token, String body) {
        return mesh.send(HttpRequest.newBuilder(mesh.uri(path))
                .header("Authorization", "Bearer " + token)
                .header("X-Iceberg-Access-Delegation", "vended-credentials")
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body)));
    }

    private JsonNode load(String table, String token) {
        return ok(send("GET", TABLES + "/" + table, token, "")).json();
    }

    private static Duration lifetime(JsonNode config) {
        return Duration.between(
                InMemoryMesh.NOW,
                Instant.ofEpochMilli(
                        config.path("s3.session-token-expires-at-ms").asLong()));
    }

    private static void assertSigned(JsonNode loaded) {
        assertThat(loaded.path("config").path("s3.remote-signing-enabled").asText())
                .isEqualTo("true");
        assertThat(loaded.toString()).doesNotContain("s3.secret-access-key");
        assertThat(loaded.path("storage-credentials")).isEmpty();
    }

    private static Duration minutes(int minutes) {
        return Duration.ofMinutes(minutes);
    }

    @Test
    void aKeyLivesAsLongAsTheGrantAtMost() {
        Map<Duration, Duration> lifetimes = Map.of(
                Duration.ZERO,
                minutes(60),
                minutes(62),
                minutes(60),
                minutes(60),
                minutes(30),
                minutes(31),
                minutes(30),
                minutes(30),
                minutes(15),
                minutes(16),
                minutes(15));
        lifetimes.forEach((lasts, lives) -> {
            JsonNode loaded = load("orders", caller(Map.of(Role.READER, lasts)));
            assertThat(lifetime(loaded.path("config")))
                    .as("of a grant for %s", lasts)
                    .isEqualTo(lives);
            assertThat(lifetime(loaded.at("/storage-credentials/0/config"))).isEqualTo(lives);
            assertThat(loaded.at("/config/s3.access-key-id").asText()).isEqualTo("key-READ");
        });
        JsonNode platform = load("orders", mesh.admin);
        assertThat(lifetime(platform.path("config"))).isEqualTo(minutes(60));
    }

    @Test
    void theLongestOfSeveralGrantsCounts() {
        String name = "caller" + callers;
        String token = caller(Map.of(Role.READER, minutes(5)));
        assertSigned(load("orders", token));
        give(Grantee.parse("group:team-" + name), Role.READER, minutes(40));
        assertThat(lifetime(load("orders", token).path("config"))).isEqualTo(minutes(30));
        give(Grantee.parse("group:team-" + name), Role.STEWARD, Duration.ZERO);
        assertThat(lifetime(load("orders", token).path("config"))).isEqualTo(minutes(60));
    }

    @Test
    void aKeyToWriteEndsWithTheRightToWrite() {
        JsonNode loaded = load("orders", caller(Map.of(Role.READER, Duration.ZERO, Role.WRITER, minutes(20))));
        assertThat(loaded.at("/config/s3.access-key-id").asText()).isEqualTo("key-READ_WRITE");
        assertThat(lifetime(loaded.path("config"))).isEqualTo(minutes(15));
        assertSigned(load("orders", caller(Map.of(Role.READER, Duration.ZERO, Role.WRITER, minutes(10)))));
    }

    @Test
    void aKeyEndsBeforeItsHolderWouldSeeTheTableMasked() {
        String steward = caller(Map.of(Role.READER, Duration.ZERO, Role.STEWARD, minutes(20)));
        assertThat(lifetime(load("people", steward).path("config"))).isEqualTo(minutes(15));
        assertThat(lifetime(load("orders", steward).path("config")))
                .as("there nothing is masked")
                .isEqualTo(minutes(60));
        assertSigned(load("people", caller(Map.of(Role.READER, Duration.ZERO, Role.STEWARD, minutes(10)))));
    }

    @Test
    void inItsLastSecondAGrantGivesNoKeyThatOutlivesIt() {
        String steward = caller(Map.of(Role.READER, Duration.ZERO, Role.STEWARD, Duration.ofSeconds(2)));
        Instant end = Instant.now().plus(Duration.ofSeconds(3));
        int clear = 0;
        while (Instant.now().isBefore(end)) {
            Reply reply = send("GET", TABLES + "/people", steward, "");
            assertThat(reply.text()).doesNotContain("s3.secret-access-key");
            clear += reply.text().contains("s3.remote-signing-enabled") ? 1 : 0;
        }
        assertThat(clear).as("answers while it lasted").isPositive();
    }

    @Test
    void whoseRightEndsBeforeAnyKeyWouldHasRequestsSignedThatEndWithIt() {
        String reader = caller(Map.of(Role.READER, minutes(10)));
        JsonNode loaded = load("orders", reader);
        assertSigned(loaded);
        Reply refused = send("GET", TABLES + "/orders/credentials", reader, "");
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.text()).contains("ends in PT9M", "signed");

        assertThat(signedFor(reader, loaded)).isBetween(minutes(9), minutes(10));
        assertThat(signedFor(mesh.seller, loaded))
                .isBetween(minutes(14), minutes(15).plusSeconds(1));
    }

    /// How long a store takes the signature.
    private Duration signedFor(String token, JsonNode loaded) {
        String uri = loaded.at("/metadata/location").asText().replace("s3://", "http://127.0.0.1:9000/");
        Reply signed = ok(mesh.send("POST", TABLES + "/orders/sign", token, """
                {"method":"GET","region":"us-east-1","uri":"%s/data/a.parquet","headers":{}}""".formatted(uri)));
        String date = signed.json().at("/headers/X-Amz-Date/0").asText();
        Instant dated = LocalDateTime.parse(date, AMZ_DATE).toInstant(ZoneOffset.UTC);
        return Duration.between(Instant.now(), dated.plus(15, ChronoUnit.MINUTES));
    }

    @Test
    void keysOfCreationsAndPlansEndToo() {
        String writer = caller(Map.of(Role.WRITER, minutes(20)));
        JsonNode created =
                ok(send("POST", TABLES, writer, Caller.createBody("mine", ""))).json();
        assertThat(lifetime(created.path("config"))).isEqualTo(minutes(15));
        JsonNode staged = ok(send("POST", TABLES, writer, Caller.createBody("staged", ",\"stage-create\":true")))
                .json();
        assertThat(lifetime(staged.path("config"))).isEqualTo(minutes(15));
        JsonNode plan = ok(send("POST", TABLES + "/orders/plan", writer, "{}")).json();
        assertThat(lifetime(plan.at("/storage-credentials/0/config"))).isEqualTo(minutes(15));

        String late = caller(Map.of(Role.WRITER, minutes(10)));
        assertSigned(
                ok(send("POST", TABLES, late, Caller.createBody("late", ""))).json());
        assertThat(ok(send("POST", TABLES + "/orders/plan", late, "{}")).text()).doesNotContain("s3.secret-access-key");
    }
}
