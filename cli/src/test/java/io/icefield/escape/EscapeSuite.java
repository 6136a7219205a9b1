package io.icefield.escape;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.icefield.escape.Attempt.Outcome;
import io.icefield.escape.Attempt.Sender;
import io.icefield.escape.Attempt.Way;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Invariant 4 on a real store, through a real catalog server: no credential and no signature reaches outside its
/// table's folder, verbs or lifetime, however a request is spelled.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class EscapeSuite {
    private static final int ATTEMPTS_MIN = 150;

    /// Keys are vended for an hour.
    private static final Duration LATER = Duration.ofHours(2);

    private static final Duration PURGE_MAX = Duration.ofSeconds(60);

    private static final String UPLOAD = "/alpha/core/orders/scratch/own-upload";

    private World world;

    /// Started; skips the test where there is none.
    abstract Store store() throws Exception;

    @BeforeAll
    void start() throws Exception {
        world = World.start(store());
        String upload = world.wire()
                .send(Sigv4.signed(
                        world.vended(Sender.WRITER),
                        Ask.of("POST", UPLOAD + "?uploads"),
                        world.wire().host(),
                        Sigv4.As.now()))
                .text()
                .replaceFirst("(?s).*<UploadId>([^<]*)</UploadId>.*", "$1");
        world.upload("{own-upload}", upload);
    }

    @AfterAll
    void stop() throws Exception {
        world.close();
    }

    /// An attempt and what came of it.
    ///
    /// @param problem empty: none
    private record Tried(Attempt attempt, String answer, String problem) {}

    @Test
    void nothingOutsideIsReadWrittenListedOrDeleted() throws Exception {
        List<Attempt> attempts = Attempts.all();
        assertThat(attempts).hasSizeGreaterThan(ATTEMPTS_MIN);
        Set<String> names = new HashSet<>();
        assertThat(attempts.stream().map(Attempt::name).filter(name -> !names.add(name)))
                .as("names given twice")
                .isEmpty();
        assertThat(names).containsAll(world.store().gaps().keySet());
        List<Tried> controls = Attempts.controls().stream().map(this::tried).toList();
        SortedMap<String, String> before = around();

        List<Tried> tried = new ArrayList<>();
        List<Attempt> untried = new ArrayList<>();
        for (Attempt attempt : attempts) {
            if (attempt.way() instanceof Way.Expired && world.store().aging().isEmpty()) {
                untried.add(attempt);
            } else {
                tried.add(tried(attempt));
            }
        }
        SortedMap<String, String> after = around();
        SortedMap<String, String> stolen = inside();
        stolen.values().removeIf(content -> !content.contains("secret"));
        List<Tried> again = Attempts.controls().stream().map(this::tried).toList();

        write(tried, untried);
        assertThat(controls).as("what must work").extracting(Tried::problem).containsOnly("");
        List<String> known = tried.stream()
                .filter(each -> gap(each).isPresent())
                .map(each -> each.attempt().ask().path() + ": ")
                .toList();
        assertThat(changes(before, after).stream()
                        .filter(change -> known.stream().noneMatch(change::startsWith)))
                .as("changed outside")
                .isEmpty();
        assertThat(stolen).as("secrets inside").isEmpty();
        assertThat(tried.stream()
                        .filter(each -> !each.problem().isEmpty()
                                && !world.store()
                                        .gaps()
                                        .containsKey(each.attempt().name()))
                        .map(each -> each.attempt().name() + ": " + each.problem()))
                .as("escapes")
                .isEmpty();
        assertThat(tried.stream()
                        .filter(each -> each.problem().isEmpty()
                                && world.store()
                                        .gaps()
                                        .containsKey(each.attempt().name()))
                        .map(each -> each.attempt().name()))
                .as("gaps that are none")
                .isEmpty();
        world.completeUpload();
        assertThat(again).as("what must still work").extracting(Tried::problem).containsOnly("");
    }

    /// What the server does with its own key is as dangerous as what it vends.
    @Test
    void theServerFollowsNothingOutOfAFolder() throws Exception {
        SortedMap<String, String> before = world.everything();
        List<Tricks.Trick> tricks = Tricks.all(world);
        List<String> problems = new ArrayList<>();
        Map<String, Integer> areas = new LinkedHashMap<>();
        StringBuilder page = new StringBuilder("\n| class | trick | answer |\n|---|---|---|\n");
        for (Tricks.Trick trick : tricks) {
            Reply reply = world.call(trick.who(), trick.method(), trick.path(), trick.body());
            areas.merge(trick.area(), 1, Integer::sum);
            page.append("| %s | %s | %s %s |%n"
                    .formatted(
                            trick.area(),
                            trick.name(),
                            reply,
                            World.json(reply).path("error").path("message").asText()));
            List<String> leaks =
                    World.leaks(Ask.of(trick.method(), trick.path()).with(trick.body() + trick.name()), reply);
            if (!leaks.isEmpty() || reply.status() < 400 || reply.status() >= 500) {
                problems.add(trick.area() + ": " + trick.name() + ": " + reply + " " + leaks + " "
                        + shortened(reply.text()));
            }
        }
        poison();
        List<String> touched = world.relay().touched();
        SortedMap<String, String> after = world.everything();

        Files.writeString(
                Path.of("target", "escape-server-" + world.store().name() + ".md"),
                "| class | attempts |\n|---|---|\n"
                        + areas.entrySet().stream()
                                .map(each -> "| %s | %d |%n".formatted(each.getKey(), each.getValue()))
                                .collect(Collectors.joining())
                        + page);
        System.out.println(tricks.size() + " tricks on the server");
        assertThat(problems).as("not refused").isEmpty();
        assertThat(touched).anyMatch(each -> each.endsWith("/metadata/list.avro"));
        assertThat(touched).noneMatch(each -> each.contains("secret-"));
        assertThat(after).as("what was there").containsAllEntriesOf(before);
        after.keySet().removeAll(before.keySet());
        assertThat(after.keySet())
                .as("what is new")
                .allMatch(key -> key.startsWith("/alpha/core/") || key.startsWith("/alpha/vault/gone-"));
        assertThat(after.values()).noneMatch(content -> content.contains("secret"));
    }

    /// Metadata whose own files are inside, and lead out: planned, changed, and purged.
    private void poison() throws Exception {
        String table = World.ICEBERG + "alpha/namespaces/core/tables/poison";
        JsonNode made = world.done(
                Tricks.MAKER,
                "POST",
                World.ICEBERG + "alpha/namespaces/core/tables",
                World.creation("poison", "", "{}", false),
                "X-Iceberg-Access-Delegation: vended-credentials");
        Sigv4.Key key = World.key(made.path("config"));
        String folder = made.path("metadata").path("location").asText();
        String manifest = folder + "/metadata/own.avro";
        String list = folder + "/metadata/list.avro";
        world.put(key, manifest, Poison.manifest(Tricks.VICTIMS));
        List<String> manifests = new ArrayList<>(Tricks.VICTIMS);
        manifests.add(manifest);
        world.put(key, list, Poison.list(manifests));
        ObjectNode json = made.path("metadata").deepCopy();
        for (String victim : Tricks.VICTIMS) {
            json.withArray("metadata-log").addObject().put("timestamp-ms", 1).put("metadata-file", victim);
        }
        json.withObject("properties")
                .put("write.metadata.delete-after-commit.enabled", "true")
                .put("write.metadata.previous-versions-max", "1");
        String crafted = folder + "/metadata/00009-crafted.metadata.json";
        world.put(key, crafted, json.toString());
        JsonNode _ = world.done(Tricks.MAKER, "POST", table + "/unregister", "");
        JsonNode _ = world.done(
                Tricks.MAKER,
                "POST",
                World.ICEBERG + "alpha/namespaces/core/register",
                Tricks.registration("poison", crafted, false));
        // The log is full: the oldest entries fall out of it with each commit.
        for (String value : List.of("a", "b", "c")) {
            JsonNode _ = world.done(
                    Tricks.MAKER,
                    "POST",
                    table,
                    "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"note\":\"%s\"}}]}"
                            .formatted(value));
        }
        Reply committed = world.call(Tricks.MAKER, "POST", table, """
                {"requirements":[],"updates":[{"action":"add-snapshot","snapshot":%s},
                 {"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":77}]}""".formatted(Tricks.snapshot(list)));
        assertThat(committed.status()).as(committed.text()).isEqualTo(200);
        for (String scan : List.of("{}", "{\"snapshot-id\":77}", "{\"stats-fields\":[\"id\"]}")) {
            Reply planned = world.call(Tricks.MAKER, "POST", table + "/plan", scan);
            assertThat(planned.status()).as(planned.text()).isNotEqualTo(500);
        }
        JsonNode _ = world.done(Tricks.MAKER, "DELETE", table + "?purgeRequested=true", "");
        Instant deadline = Instant.now().plus(PURGE_MAX);
        while (true) {
            JsonNode dropped = world.done("admin", "GET", "/api/v1/domains/alpha/dropped?name=poison", "")
                    .path("dropped");
            if (dropped.isEmpty()) {
                break;
            }
            assertThat(dropped.path(0).path("problem").asText("")).isEmpty();
            assertThat(Instant.now()).as("the purge comes in time").isBefore(deadline);
            Thread.sleep(100);
        }
        assertThat(world.everything())
                .doesNotContainKeys(crafted.replaceFirst("^s3:/", ""), list.replaceFirst("^s3:/", ""));
    }

    /// Everything but what the writer may write: its own object must stay what it is, too.
    private SortedMap<String, String> around() {
        SortedMap<String, String> all = world.everything();
        all.keySet()
                .removeIf(key -> key.startsWith("/alpha/core/orders/") && !key.startsWith("/alpha/core/orders/data/"));
        return all;
    }

    private SortedMap<String, String> inside() {
        SortedMap<String, String> all = new TreeMap<>(world.everything());
        all.keySet().removeIf(key -> !key.startsWith("/alpha/core/orders/"));
        return all;
    }

    private static List<String> changes(SortedMap<String, String> before, SortedMap<String, String> after) {
        Set<String> all = new TreeSet<>(before.keySet());
        all.addAll(after.keySet());
        return all.stream()
                .filter(key -> !before.getOrDefault(key, "").equals(after.getOrDefault(key, "")))
                .map(key -> key + ": " + before.getOrDefault(key, "") + " -> " + after.getOrDefault(key, ""))
                .toList();
    }

    // ---- one attempt

    private Tried tried(Attempt attempt) {
        Ask ask = world.filled(attempt.ask());
        List<Reply> replies = replies(attempt, ask);
        Reply last = replies.getLast();
        List<String> problems = new ArrayList<>();
        for (Reply reply : replies) {
            problems.addAll(World.leaks(ask, reply));
        }
        switch (attempt.outcome()) {
            case REFUSED -> {
                if (!last.isRefusal()) {
                    problems.add("it is not refused: " + last + " " + shortened(last.text()));
                }
            }
            case CONTAINED -> {
                if (last.status() >= 500 && last.status() != 501) {
                    problems.add("the store failed: " + last);
                }
            }
            case ALLOWED -> {
                problems.clear();
                if (last.status() / 100 != 2 || last.text().contains("<Error>")) {
                    problems.add(attempt.name() + " does not work: " + last + " " + last.text());
                }
            }
        }
        if (attempt.way() instanceof Way.Vended
                && last.code().equals("SignatureDoesNotMatch")
                && !world.store().unread().contains(attempt.name())) {
            problems.add("it proves nothing: the signature is wrong");
        }
        return new Tried(attempt, last.toString(), String.join("; ", problems));
    }

    /// Stores sign odd requests in several ways: what is refused for its signature is tried in the next.
    private List<Reply> replies(Attempt attempt, Ask ask) {
        Wire wire = world.wire();
        return switch (attempt.way()) {
            case Way.Vended _, Way.Expired _ -> {
                age(attempt.way() instanceof Way.Expired ? LATER : Duration.ZERO);
                Sigv4.Key key = world.vended(attempt.sender());
                Sigv4.As as = Sigv4.As.now();
                String host = host(ask);
                List<Reply> replies = new ArrayList<>();
                for (Sigv4.Reading reading : Sigv4.Reading.values()) {
                    if (replies.isEmpty() || mistrusted(replies.getLast())) {
                        replies.add(wire.send(Sigv4.signed(key, ask, host, as.reading(reading))));
                    }
                }
                age(Duration.ZERO);
                yield replies;
            }
            case Way.Odd(String region, String service, Duration ahead) ->
                List.of(wire.send(Sigv4.signed(
                        world.vended(attempt.sender()),
                        ask,
                        wire.host(),
                        new Sigv4.As(region, service, Instant.now().plus(ahead), Sigv4.Reading.AS_SENT))));
            case Way.Presigned(Duration ahead, Duration lifetime) ->
                List.of(wire.send(Sigv4.presigned(
                        world.vended(attempt.sender()),
                        ask,
                        wire.host(),
                        new Sigv4.As("us-east-1", "s3", Instant.now().plus(ahead), Sigv4.Reading.AS_SENT),
                        lifetime)));
            case Way.Signed _ -> signed(attempt.sender(), ask, ask);
            case Way.Tampered(Ask other) -> {
                List<Reply> replies = signed(attempt.sender(), world.filled(other), ask);
                assertThat(replies)
                        .as("the server signs %s: %s", other, replies)
                        .hasSize(2);
                yield replies;
            }
            case Way.Bare _ -> List.of(wire.send(ask));
            case Way.Admin _ -> {
                Sigv4.Key key = attempt.sender() == Sender.NOBODY
                        ? new Sigv4.Key(Admin.ACCESS_KEY, Admin.SECRET_KEY, "")
                        : world.vended(attempt.sender());
                byte[] body = ask.body().length == 0 ? ask.body() : Admin.encrypted(key.secret(), ask.body());
                yield List.of(wire.send(Sigv4.signed(key, ask.with(body), wire.host(), Sigv4.As.now())));
            }
            case Way.Catalog _ ->
                List.of(world.call(
                        attempt.sender() == Sender.NOBODY
                                ? ""
                                : attempt.sender().principal(),
                        ask.method(),
                        ask.target(),
                        new String(ask.body(), UTF_8),
                        ask.headers().toArray(String[]::new)));
        };
    }

    /// Its signature was not what the store computed. The answer to a HEAD does not say why.
    private static boolean mistrusted(Reply reply) {
        return reply.code().equals("SignatureDoesNotMatch") || (reply.status() == 403 && reply.body().length == 0);
    }

    private String host(Ask ask) {
        return ask.headers().stream()
                .filter(header -> header.startsWith("Host: "))
                .map(header -> header.substring("Host: ".length()))
                .findFirst()
                .orElse(world.wire().host());
    }

    private void age(Duration time) {
        world.store().aging().ifPresent(store -> store.accept(time));
    }

    /// Has one request signed by the server, and sends another with what it got.
    private List<Reply> signed(Sender sender, Ask ask, Ask sent) {
        ObjectNode request = World.JSON.createObjectNode();
        request.put("region", "us-east-1")
                .put("method", ask.method())
                .put("uri", "http://" + world.wire().host() + ask.target());
        ObjectNode headers = request.putObject("headers");
        for (String header : ask.headers()) {
            String[] parts = header.split(": ?", 2);
            headers.withArray(parts[0]).add(parts[1]);
        }
        if (ask.target().contains("?delete")) {
            request.put("body", new String(ask.body(), UTF_8));
        }
        String table = sender == Sender.NEIGHBOUR ? World.ORDERS + "2" : World.ORDERS;
        Reply answer = world.call(sender.principal(), "POST", table + "/sign", request.toString());
        if (answer.status() != 200) {
            return List.of(answer);
        }
        Map<String, String> all = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> header :
                World.json(answer).path("headers").properties()) {
            all.put(header.getKey(), header.getValue().get(0).asText());
        }
        all.keySet().removeIf(name -> name.equalsIgnoreCase("host") || sent.has(name));
        return List.of(
                answer,
                world.wire()
                        .send(sent.and(all.entrySet().stream()
                                .map(header -> header.getKey() + ": " + header.getValue())
                                .toArray(String[]::new))));
    }

    // ---- the table

    private void write(List<Tried> tried, List<Attempt> untried) throws Exception {
        StringBuilder page = new StringBuilder("# Escapes, " + world.store().name() + "\n\n");
        Map<String, List<Tried>> areas = tried.stream()
                .collect(Collectors.groupingBy(each -> each.attempt().area(), LinkedHashMap::new, Collectors.toList()));
        page.append("| class | attempts | refused | contained | gaps |\n|---|---|---|---|---|\n");
        areas.forEach((area, list) -> page.append("| %s | %d | %d | %d | %d |%n"
                .formatted(
                        area,
                        list.size(),
                        count(list, Outcome.REFUSED),
                        count(list, Outcome.CONTAINED),
                        list.stream().filter(each -> gap(each).isPresent()).count())));
        page.append("| all | %d | | | |%n".formatted(tried.size()));
        if (!untried.isEmpty()) {
            page.append("\nNot tried, because keys age in real time there: %d.%n".formatted(untried.size()));
        }
        page.append("\n| class | attempt | answer | problem |\n|---|---|---|---|\n");
        for (Tried each : tried) {
            page.append("| %s | %s | %s | %s |%n"
                    .formatted(
                            each.attempt().area(),
                            each.attempt().name().replace("|", "\\|"),
                            each.answer(),
                            gap(each).map(why -> "**known:** " + why).orElse(each.problem())));
        }
        Path file = Path.of("target", "escape-" + world.store().name() + ".md");
        Files.writeString(file, page.toString());
        System.out.println(tried.size() + " attempts to escape: " + file.toAbsolutePath());
    }

    private Optional<String> gap(Tried tried) {
        return Optional.ofNullable(world.store().gaps().get(tried.attempt().name()));
    }

    private static long count(List<Tried> list, Outcome outcome) {
        return list.stream().filter(each -> each.attempt().outcome() == outcome).count();
    }

    private static String shortened(String text) {
        return text.length() > 300 ? text.substring(0, 300) + "…" : text;
    }
}
