package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.SealedStore;
import io.icefield.access.SealingKeys;
import java.util.List;
import java.util.Locale;

/// The keys that seal secrets. `openapi.yaml` describes it.
final class SealingKeyRoutes {
    private static final String KEYS = "/api/v1/sealing-keys";

    private final SealingKeys keys;

    SealingKeyRoutes(SealingKeys keys) {
        this.keys = keys;
    }

    List<Route> routes() {
        return List.of(
                Route.get(KEYS, this::list, Needs.PLATFORM),
                Route.post(KEYS + "/reseal", this::reseal, Needs.PLATFORM));
    }

    private Answer list(Call call) {
        return Answer.json(
                200,
                object(
                        "sealing-keys",
                        keys.list(call.who()).stream()
                                .map(each -> object(
                                        "id",
                                        each.id(),
                                        "state",
                                        each.state().name().toLowerCase(Locale.ROOT),
                                        "secrets",
                                        each.secrets()))
                                .toList()));
    }

    private Answer reseal(Call call) {
        Fields body = call.optionalJson();
        String after = body.optionalText("after").orElse("");
        body.nothingElse();
        SealedStore.Batch done = keys.reseal(call.who(), after);
        return Answer.json(
                200,
                object(
                        "resealed",
                        done.resealed(),
                        "shut",
                        done.shut().stream()
                                .map(each -> object("secret", each.secret(), "reason", each.why()))
                                .toList(),
                        "next",
                        done.next()));
    }
}
