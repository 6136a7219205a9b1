package io.icefield.http;

import static java.util.stream.Collectors.joining;

import io.icefield.access.Action;
import io.icefield.access.Refusal;
import io.icefield.access.Trail;
import io.icefield.audit.Decision;
import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Outcome;
import io.icefield.audit.Decision.Ruling;
import io.icefield.audit.DecisionLog;
import io.icefield.table.NamespaceId;
import io.icefield.table.Warehouse;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Makes decisions of requests, for all routes alike: what was asked is in the address and on the trail, how it went in
/// the answer.
final class Auditing {
    private static final Pattern PARAMETER = Pattern.compile("\\{([^}]+)}");

    /// What together is the name of one thing; the other parameters are of their own.
    private static final List<String> NAMES = List.of("prefix", "domain", "namespace", "table", "view");

    private final DecisionLog log;
    private final UseCases.OnAudit use;

    Auditing(UseCases.OnAudit use) {
        this.log = use.log();
        this.use = use;
    }

    /// Waits while the log cannot keep up; throws `Unavailable` before anything is done.
    void admit(Route route) {
        if (route.effect() != Route.Effect.NOTHING) {
            log.admit();
        }
    }

    /// The answer, once what was decided is logged: what changes the mesh, or would have, is written by then; reads are
    /// written soon, and summed up. Another answer when it could not be logged.
    Answer recorded(Route route, HttpServletRequest request, Trail trail, Answer answer, String id) {
        if (route.effect() == Route.Effect.NOTHING) {
            return answer;
        }
        Outcome outcome = outcome(trail, answer.status());
        return switch (route.effect()) {
            case NOTHING -> answer;
            case READS -> {
                read(route, request, trail, answer.status(), outcome, id);
                yield answer;
            }
            case CHANGES -> changed(route, request, trail, answer, outcome, id);
        };
    }

    private static Outcome outcome(Trail trail, int status) {
        return switch (status) {
            case 401, 403, 404, 429 -> Outcome.DENIED;
            default -> status >= 400 ? Outcome.FAILED : trail.isDenied() ? Outcome.DENIED : Outcome.ALLOWED;
        };
    }

    /// Equal for reads that are one.
    private record Same(
            int status,
            String who,
            String engine,
            String template,
            String action,
            String address,
            Set<Trail.Thing> things,
            String detail,
            String query,
            int grounds,
            Set<String> rules) {}

    private void read(Route route, HttpServletRequest request, Trail trail, int status, Outcome outcome, String id) {
        // Whoever has proven nothing must not fill the log.
        boolean unproven = status == 401 || status == 429;
        if (outcome == Outcome.ALLOWED || unproven) {
            Same same = new Same(
                    status,
                    trail.who(),
                    trail.engine(),
                    route.path(),
                    trail.action(),
                    unproven ? "" : request.getRequestURI(),
                    trail.things(),
                    trail.detail(),
                    trail.query(),
                    trail.grounds(),
                    trail.rules());
            log.count(
                    same,
                    () -> decisions(route, request, trail, status, outcome, id).getFirst());
        } else if (outcome == Outcome.DENIED) {
            decisions(route, request, trail, status, outcome, id).forEach(log::add);
        }
    }

    private Answer changed(
            Route route, HttpServletRequest request, Trail trail, Answer answer, Outcome outcome, String id) {
        if (answer.status() == 401 || answer.status() == 429) {
            read(route, request, trail, answer.status(), outcome, id);
            return answer;
        }
        List<Decision> decisions = decisions(route, request, trail, answer.status(), outcome, id);
        if (outcome == Outcome.FAILED && answer.status() != 500) { // nothing was done
            decisions.forEach(log::add);
            return answer;
        }
        try {
            log.record(decisions);
            return answer;
        } catch (RuntimeException e) {
            return outcome == Outcome.DENIED
                    ? Errors.of(
                            new Refusal.Unavailable(
                                    "that it was refused could not be logged; nothing was done: try again"),
                            route.path())
                    : Errors.of(
                            new Refusal.OutcomeUnknown(
                                    "it was done, but could not be logged in time: look before you try again, and delete nothing"),
                            route.path());
        }
    }

    /// One for each thing. When things of several domains were asked for and refused, whoever is told of one domain
    /// must
    /// not learn why it was refused in another: what was decided is then one more, of no domain.
    private List<Decision> decisions(
            Route route, HttpServletRequest request, Trail trail, int status, Outcome outcome, String id) {
        Instant now = use.clock().instant();
        Optional<Refusal> refusal = trail.refusal();
        boolean missing =
                outcome == Outcome.DENIED && (status == 404 || refusal.orElse(null) instanceof Refusal.NotFound);
        Ruling ruling = new Ruling(
                outcome,
                reason(outcome, refusal),
                List.copyOf(trail.rules()),
                Trail.words(trail.grounds()),
                missing && trail.isShut(),
                missing && !trail.isShut(),
                use.policies());
        List<Trail.Thing> things = things(route, request, trail);
        String right = trail.right().map(Action::name).orElse("").toLowerCase(Locale.ROOT);
        boolean several = things.stream().map(Trail.Thing::domain).distinct().count() > 1;
        if (outcome == Outcome.ALLOWED || !several) {
            return things.stream()
                    .map(thing ->
                            new Decision(now, now, 1, asked(route, trail, thing, right, id), ruling, use.replica()))
                    .toList();
        }
        Trail.Thing all =
                new Trail.Thing("", things.stream().map(Trail.Thing::name).collect(joining(", ")));
        Ruling told = new Ruling(
                outcome,
                "the request was for several domains and was refused",
                List.of(),
                "",
                false,
                false,
                use.policies());
        return Stream.concat(
                        Stream.of(
                                new Decision(now, now, 1, asked(route, trail, all, right, id), ruling, use.replica())),
                        things.stream()
                                .map(thing -> new Decision(
                                        now, now, 1, asked(route, trail, thing, "", id), told, use.replica())))
                .toList();
    }

    private static Asked asked(Route route, Trail trail, Trail.Thing thing, String right, String id) {
        return new Asked(
                trail.who(),
                trail.engine(),
                trail.action().isEmpty() ? route.method() + " " + route.path() : trail.action(),
                right,
                thing.domain(),
                thing.name(),
                trail.detail(),
                id,
                trail.query());
    }

    /// What is malformed may quote what was sent: only what refuses a caller is told in its words.
    private static String reason(Outcome outcome, Optional<Refusal> refusal) {
        if (outcome == Outcome.ALLOWED) {
            return "";
        }
        if (refusal.isEmpty()) {
            return outcome == Outcome.DENIED ? "nobody may do this by way of the query engine" : "the server failed";
        }
        return switch (refusal.get()) {
            case Refusal.NotAllowed _,
                    Refusal.PolicyBroken _,
                    Refusal.NotFound _,
                    Refusal.NotAuthenticated _,
                    Refusal.TooManyAttempts _,
                    Refusal.TooManyRequests _,
                    Refusal.OutcomeUnknown _,
                    Refusal.Unavailable _,
                    Refusal.Repeated _ -> String.valueOf(refusal.get().getMessage());
            case Refusal.Invalid _ -> "the request is malformed, or not what can be done here";
            case Refusal.TooLarge _ -> "the request is too large";
            case Refusal.TooSlow _ -> "the request came too slowly";
            case Refusal.AlreadyExists _ -> "the name is taken";
            case Refusal.NotEmpty _ -> "it still holds something";
            case Refusal.Conflict _ -> "something else was changed at the same time";
            case Refusal.Contradictory _ -> "the request contradicts itself";
            case Refusal.Unsupported _ -> "this is not done here";
        };
    }

    // --- What it is about

    private static List<Trail.Thing> things(Route route, HttpServletRequest request, Trail trail) {
        return trail.things().isEmpty() ? List.of(addressed(route, request)) : List.copyOf(trail.things());
    }

    private static Trail.Thing addressed(Route route, HttpServletRequest request) {
        List<String> name = new ArrayList<>();
        List<String> others = new ArrayList<>();
        for (MatchResult parameter : PARAMETER.matcher(route.path()).results().toList()) {
            String value = value(request, route, parameter.group(1));
            if (NAMES.contains(parameter.group(1))) {
                name.addAll(List.of(value.split(NamespaceId.SEPARATOR, -1)));
            } else {
                others.add(value);
            }
        }
        if (name.size() > 1 && name.getFirst().equals(Warehouse.MESH)) {
            name.removeFirst();
        }
        String domain = name.isEmpty() || name.getFirst().equals(Warehouse.MESH) ? "" : name.getFirst();
        others.addFirst(String.join(".", name));
        return new Trail.Thing(
                domain,
                String.join("/", others.stream().filter(part -> !part.isEmpty()).toList()));
    }

    private static String value(HttpServletRequest request, Route route, String parameter) {
        try {
            return Call.path(request, route, parameter);
        } catch (Refusal.Invalid e) {
            return "?";
        }
    }
}
