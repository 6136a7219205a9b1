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
        assertThat(after).as("what is outside").isEqualTo(before);
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
