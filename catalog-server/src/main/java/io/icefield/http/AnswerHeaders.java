package io.icefield.http;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;

/// What every answer says, also those that no route gives: nobody keeps it, frames it, guesses what it is or runs what
/// is in it. And to browsers which pages of other origins may read it: none, but those that are named.
final class AnswerHeaders implements HttpConfiguration.Customizer {
    private static final List<HttpField> ALWAYS = Stream.of(
                    new PreEncodedHttpField("X-Content-Type-Options", "nosniff"),
                    new PreEncodedHttpField("X-Frame-Options", "DENY"),
                    new PreEncodedHttpField("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
                    new PreEncodedHttpField("Referrer-Policy", "no-referrer"),
                    new PreEncodedHttpField(HttpHeader.CACHE_CONTROL, "no-store"))
            .<HttpField>map(field -> field)
            .toList();

    private static final HttpField SECURE = new PreEncodedHttpField("Strict-Transport-Security", "max-age=31536000");

    private static final HttpField VARY = new PreEncodedHttpField(HttpHeader.VARY, "Origin");
    private static final HttpField EXPOSED = new PreEncodedHttpField(
            "Access-Control-Expose-Headers", "ETag, Retry-After, WWW-Authenticate, X-Request-Id");

    private final List<HttpField> always;
    private final Set<String> origins;

    /// @param secure clients reach us by TLS only
    /// @param origins `https://portal.example`: exactly these
    AnswerHeaders(boolean secure, Set<String> origins) {
        this.always = secure ? Stream.concat(ALWAYS.stream(), Stream.of(SECURE)).toList() : ALWAYS;
        this.origins = Set.copyOf(origins);
    }

    @Override
    public Request customize(Request request, HttpFields.Mutable answer) {
        put(request, answer);
        return request;
    }

    void put(Request request, HttpFields.Mutable answer) {
        always.forEach(answer::put);
        if (origins.isEmpty()) {
            return;
        }
        answer.put(VARY);
        String origin = request.getHeaders().get(HttpHeader.ORIGIN);
        if (origin != null && origins.contains(origin)) {
            answer.put("Access-Control-Allow-Origin", origin);
            answer.put(EXPOSED);
        }
    }

    /// What a browser asks before it sends a request of another origin's page.
    boolean isPreflight(String method, String origin, String asked) {
        return method.equals("OPTIONS") && origins.contains(origin) && !asked.isEmpty();
    }

    static Answer preflight(Set<String> methods) {
        return Answer.noContent()
                .with("Access-Control-Allow-Methods", String.join(", ", methods))
                .with(
                        "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, If-None-Match, Idempotency-Key, X-Iceberg-Access-Delegation")
                .with("Access-Control-Max-Age", "600");
    }
}
