package io.icefield.http;

import com.fasterxml.jackson.core.JsonGenerator;
import io.icefield.access.Refusal;
import io.icefield.storage.RequestSigner;
import io.icefield.table.Loaded;
import io.icefield.table.PlanScan;
import io.icefield.table.PlanScan.Planned;
import io.icefield.table.SignRequest;
import io.icefield.table.TableId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What the server does for clients that read tables without knowing their manifests, or the store without a key.
final class PlanRoutes {
    /// A deletion of a thousand objects, as XML in JSON.
    private static final int SIGNED_BYTES_MAX = 4 << 20;

    private static final String PLAN = IcebergRoutes.TABLE + "/plan";
    private static final String ONE_PLAN = PLAN + "/{plan-id}";

    private final PlanScan scans;
    private final SignRequest signatures;

    PlanRoutes(PlanScan scans, SignRequest signatures) {
        this.scans = scans;
        this.signatures = signatures;
    }

    List<Route> routes() {
        return List.of(
                Route.post(PLAN, this::plan, Needs.LOGIN).reads(),
                Route.get(ONE_PLAN, this::fetch, Needs.LOGIN),
                Route.delete(ONE_PLAN, this::cancel, Needs.LOGIN).reads(),
                Route.post(IcebergRoutes.TABLE + "/tasks", this::tasks, Needs.LOGIN)
                        .reads(),
                Route.post(IcebergRoutes.TABLE + "/sign", this::sign, Needs.LOGIN)
                        .reads()
                        .limit(SIGNED_BYTES_MAX));
    }

    private Answer plan(Call call) {
        TableId table = IcebergRoutes.table(call);
        Planned planned = scans.plan(call.who(), table, call.jsonText(), IcebergRoutes.delegation(call));
        return answer(planned, table);
    }

    private Answer fetch(Call call) {
        TableId table = IcebergRoutes.table(call);
        return answer(scans.fetch(call.who(), table, call.path("plan-id"), IcebergRoutes.delegation(call)), table);
    }

    private Answer cancel(Call call) {
        scans.cancel(call.who(), IcebergRoutes.table(call), call.path("plan-id"));
        return Answer.noContent();
    }

    private Answer tasks(Call call) {
        return Answer.json(
                200,
                scans.tasks(call.who(), IcebergRoutes.table(call), call.json().text("plan-task")));
    }

    private static Answer answer(Planned planned, TableId table) {
        return switch (planned) {
            case Planned.Whole(String plan, byte[] tasks, Loaded loaded) ->
                completed(loaded, table, tasks.length, json -> {
                    json.writeStringField("plan-id", plan);
                    embed(json, tasks);
                });
            case Planned.Ready(var plan, int pages, Loaded loaded) ->
                completed(loaded, table, 64 * pages, json -> {
                    json.writeStringField("plan-id", plan.toString());
                    json.writeArrayFieldStart("plan-tasks");
                    for (int page = 0; page < pages; page++) {
                        json.writeString(PlanScan.task(plan, page));
                    }
                    json.writeEndArray();
                });
            case Planned.Submitted(var plan) ->
                Answer.json(200, Json.object("status", "submitted", "plan-id", plan.toString()));
            case Planned.Cancelled _ -> Answer.json(200, Json.object("status", "cancelled"));
            case Planned.Failed(Refusal why) -> {
                Map<String, Object> body = Json.object("status", "failed");
                body.putAll(Errors.body(why));
                yield Answer.json(200, body);
            }
        };
    }

    private static Answer completed(Loaded loaded, TableId table, int sizeHint, Json.Writing more) {
        Answer answer = Answer.json(200, Json.written(sizeHint + 4_096, json -> {
            json.writeStartObject();
            json.writeStringField("status", "completed");
            if (loaded.credential().isPresent()) {
                LoadedBody.writeCredentials(json, loaded, Optional.of(IcebergRoutes.address(table)));
            }
            more.to(json);
            json.writeEndObject();
        }));
        return loaded.credential().isPresent() ? answer.secret() : answer;
    }

    /// The fields of a JSON object, without its braces.
    private static void embed(JsonGenerator json, byte[] object) throws IOException {
        String fields = new String(object, StandardCharsets.UTF_8).strip();
        String inner = fields.substring(1, fields.length() - 1);
        if (!inner.isBlank()) {
            json.writeRaw(',');
            json.writeRaw(inner);
        }
    }

    private Answer sign(Call call) {
        TableId table = IcebergRoutes.table(call);
        Fields body = call.json();
        body.optionalText("provider").filter(name -> !name.equals("s3")).ifPresent(name -> {
            throw new Refusal.Invalid("`provider` must be `s3`");
        });
        RequestSigner.Unsigned request = Refusal.parse(
                _ -> new RequestSigner.Unsigned(
                        body.text("method"),
                        body.text("uri"),
                        body.text("region"),
                        body.listMap("headers"),
                        body.optionalText("body")),
                "");
        RequestSigner.Signed signed = signatures.sign(call.who(), table, request);
        return Answer.json(200, Json.object("uri", signed.uri(), "headers", signed.headers()))
                .with("Cache-Control", signed.reusable() ? "private" : "no-cache");
    }
}
