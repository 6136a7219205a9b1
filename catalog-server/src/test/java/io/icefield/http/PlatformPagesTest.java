package io.icefield.http;

import static io.icefield.http.Caller.ok;
import static io.icefield.http.Caller.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every list of the platform API is paged, and its pages together are the list.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlatformPagesTest {
    private Caller caller;

    @BeforeAll
    void start() {
        caller = new Caller();
        for (int i = 0; i < 7; i++) {
            post(
                    "/api/v1/domains",
                    "{\"name\":\"d%d\",\"owners\":[\"%s\"]}".formatted(i, i % 3 == 0 ? "sellers" : "x"));
            post("/api/v1/principals", "{\"name\":\"p%d\",\"kind\":\"user\"}".formatted(i));
            post("/api/v1/grants", "{\"grantee\":\"group:g%d\",\"role\":\"steward\"}".formatted(i));
            post(
                    "/api/v1/domains/sales/grants",
                    "{\"grantee\":\"principal:g%d\",\"role\":\"reader\",\"namespace\":\"crm\"}".formatted(i));
        }
    }

    private void post(String path, String body) {
        ok(caller.mesh.send("POST", path, caller.mesh.admin, body));
    }

    @AfterAll
    void stop() {
        caller.close();
    }

    private JsonNode get(String path) {
        return ok(caller.mesh.send("GET", path, caller.mesh.admin, "")).json();
    }

    @ParameterizedTest
    @CsvSource({
        "/api/v1/domains,domains",
        "/api/v1/principals,principals",
        "/api/v1/grants,grants",
        "/api/v1/domains/sales/grants,grants"
    })
    void thePagesAreTheList(String list, String field) {
        List<JsonNode> all = new ArrayList<>();
        get(list).path(field).forEach(all::add);
        assertThat(all).hasSizeGreaterThanOrEqualTo(7);
        for (String size : List.of("1", "3", "100", "99999999999")) {
            List<JsonNode> paged = new ArrayList<>();
            JsonNode page = get(list + "?pageSize=" + size);
            page.path(field).forEach(paged::add);
            while (page.path("next-page-token").isTextual()) {
                String token = page.path("next-page-token").asText();
                page = get(list + "?pageSize=" + size + "&pageToken=" + token);
                page.path(field).forEach(paged::add);
                refused(
                        caller.mesh.send("GET", list + "?pageToken=" + token + "A", caller.mesh.admin, ""),
                        400,
                        "BadRequestException");
            }
            assertThat(paged).as(size).isEqualTo(all);
        }
        for (String bad : List.of("pageSize=0", "pageSize=-5", "pageSize=x", "pageToken=x", "pageToken=%00")) {
            refused(caller.mesh.send("GET", list + "?" + bad, caller.mesh.admin, ""), 400, "BadRequestException");
        }
    }

    @org.junit.jupiter.api.Test
    void aPageOfDomainsIsFullThoughMostAreHidden() {
        JsonNode page = ok(caller.get("/api/v1/domains?pageSize=2")).json();
        assertThat(page.path("domains").findValuesAsText("name")).containsExactly("d0", "d3");
        JsonNode next = ok(caller.get("/api/v1/domains?pageSize=2&pageToken="
                        + page.path("next-page-token").asText()))
                .json();
        assertThat(next.path("domains").findValuesAsText("name")).containsExactly("d6", "sales");
    }
}
