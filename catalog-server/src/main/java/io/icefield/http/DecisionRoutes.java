package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Page;
import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import io.icefield.audit.Chain;
import io.icefield.audit.Decision;
import io.icefield.audit.Decision.Asked;
import io.icefield.audit.Decision.Outcome;
import io.icefield.audit.Decision.Ruling;
import io.icefield.audit.DecisionStore.Filter;
import io.icefield.audit.Decisions;
import io.icefield.audit.Decisions.Seen;
import io.icefield.audit.Explanation;
import io.icefield.audit.ExportDecisions;
import io.icefield.audit.ExportDecisions.Exported;
import io.icefield.audit.Verified;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The log of decisions. Nothing changes it here.
final class DecisionRoutes {
    private static final String DECISIONS = "/api/v1/decisions";
    private static final int ID_DIGITS_MAX = 18;

    private final Decisions decisions;
    private final ExportDecisions export;
    private final String policies;

    DecisionRoutes(UseCases.OnAudit use) {
        this.decisions = use.decisions();
        this.export = use.export();
        this.policies = use.policies();
    }

    List<Route> routes() {
        return List.of(
                Route.get(DECISIONS, this::list, Needs.LOGIN),
                Route.get(DECISIONS + "/{decision}", this::show, Needs.LOGIN),
                Route.post(DECISIONS + "/verify", this::verify, Needs.PLATFORM).reads(),
                Route.post(DECISIONS + "/export", this::export, Needs.PLATFORM));
    }

    private Answer list(Call call) {
        Page<Seen> page = decisions.list(call.who(), filter(call), PageToken.wanted(call, "decisions"));
        return Answer.json(
                200,
                PlatformRoutes.page(
                        "decisions", page.items().stream().map(this::shown).toList(), page.next()));
    }

    private static Filter filter(Call call) {
        return new Filter(
                call.query("who").orElse(""),
                call.query("domain").orElse(""),
                call.query("thing").orElse(""),
                call.query("outcome").map(text -> PlatformRoutes.oneOf(Outcome.values(), "outcome", text)),
                call.query("request-id").orElse(""),
                call.query("query-id").orElse(""),
                time(call, "since"),
                time(call, "until"));
    }

    private static Optional<Instant> time(Call call, String name) {
        return call.query(name).map(text -> {
            try {
                return Instant.parse(text);
            } catch (DateTimeParseException e) {
                throw new Refusal.Invalid("`%s` must be a time like 2026-12-31T23:59:59Z".formatted(name));
            }
        });
    }

    private Answer show(Call call) {
        String id = call.path("decision");
        if (!id.matches("[1-9][0-9]{0,%d}".formatted(ID_DIGITS_MAX - 1))) {
            throw new Refusal.NotFound(Thing.DECISION, id.length() > 100 ? id.substring(0, 100) : id);
        }
        return Answer.json(200, shown(decisions.get(call.who(), Long.parseLong(id))));
    }

    private Answer verify(Call call) {
        Fields body = call.optionalJson();
        Optional<Chain.Link> from = body.optionalObject("after").map(DecisionRoutes::link);
        body.nothingElse();
        Verified verified = decisions.verify(call.who(), from);
        return Answer.json(
                200,
                object(
                        "intact",
                        verified.breaks().isEmpty(),
                        "verified",
                        verified.verified(),
                        "done",
                        verified.done(),
                        "cut",
                        link(verified.ends().cut()),
                        "head",
                        link(verified.ends().head()),
                        "last",
                        link(verified.last()),
                        "breaks",
                        verified.breaks().stream()
                                .map(each -> object("id", each.id(), "what", each.what()))
                                .toList()));
    }

    private Answer export(Call call) {
        Exported done = export.export(call.who());
        return Answer.json(
                200,
                object("table", ExportDecisions.TABLE.toString(), "added", done.added(), "through", done.through()));
    }

    private static Chain.Link link(Fields body) {
        long id = body.optionalNumber("id").orElseThrow(() -> new Refusal.Invalid("`after.id` is missing"));
        String hash = body.text("hash");
        if (!hash.matches("[0-9a-f]{64}")) {
            throw new Refusal.Invalid("`after.hash` must have 64 hexadecimal digits");
        }
        return new Chain.Link(id, hash);
    }

    private static Map<String, Object> link(Chain.Link link) {
        return object("id", link.id(), "hash", link.hash());
    }

    private Map<String, Object> shown(Seen seen) {
        Decision decision = seen.entry().decision();
        Asked asked = decision.asked();
        Ruling ruling = decision.ruling();
        Explanation why = Explanation.of(seen, policies);
        return object(
                "id",
                seen.entry().link().id(),
                "at",
                decision.at().toString(),
                "until",
                decision.until().toString(),
                "count",
                decision.count(),
                "who",
                text(asked.who()),
                "engine",
                text(asked.engine()),
                "action",
                asked.action(),
                "right",
                text(asked.right()),
                "domain",
                text(asked.domain()),
                "thing",
                text(asked.thing()),
                "detail",
                text(asked.detail()),
                "outcome",
                ruling.outcome().name().toLowerCase(Locale.ROOT),
                "reason",
                text(ruling.reason()),
                "rules",
                ruling.rules(),
                "grounds",
                text(ruling.grounds()),
                "policies",
                text(ruling.policies()),
                "request-id",
                text(asked.request()),
                "query-id",
                text(asked.query()),
                "replica",
                text(decision.replica()),
                "hash",
                seen.full() ? Optional.of(seen.entry().link().hash()) : Optional.empty(),
                "because",
                why.because(),
                "remedy",
                why.remedy());
    }

    private static Optional<String> text(String text) {
        return Optional.of(text).filter(some -> !some.isEmpty());
    }
}
