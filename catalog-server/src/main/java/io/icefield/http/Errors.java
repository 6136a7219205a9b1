package io.icefield.http;

import static io.icefield.http.Json.object;

import io.icefield.access.Refusal;
import io.icefield.access.Refusal.Thing;
import java.time.Duration;
import java.util.Map;

/// Every no, as clients expect it: status and type are Iceberg's, the body is always `{"error":{…}}`.
final class Errors {
    private static final String RETRY_AFTER_SECONDS = "2";

    private Errors() {}

    private record Code(int status, String type) {}

    /// @param path template of the route: who asks for a warehouse misses a warehouse
    static Answer of(Refusal refusal, String path) {
        Code code = code(refusal, path);
        Answer answer = of(code.status(), code.type(), String.valueOf(refusal.getMessage()));
        if (refusal instanceof Refusal.NotAuthenticated) {
            return answer.with("WWW-Authenticate", "Bearer realm=\"icefield\"");
        }
        if (refusal instanceof Refusal.TooLarge || refusal instanceof Refusal.TooSlow) {
            return answer.with("Connection", "close"); // the rest of the body is not read
        }
        if (refusal instanceof Refusal.TooManyAttempts many) {
            return answer.with("Retry-After", seconds(many.waiting()));
        }
        if (refusal instanceof Refusal.TooManyRequests many) {
            return answer.with("Retry-After", seconds(many.waiting()));
        }
        if (refusal instanceof Refusal.Unavailable) {
            return answer.with("Retry-After", RETRY_AFTER_SECONDS); // clients ask again by themselves: nothing was done
        }
        return answer;
    }

    /// Whole seconds, so many that they are enough.
    static String seconds(Duration wait) {
        return Long.toString(wait.plusMillis(999).toSeconds());
    }

    private static Code code(Refusal refusal, String path) {
        return switch (refusal) {
            case Refusal.Invalid _ -> new Code(400, "BadRequestException");
            case Refusal.NotAuthenticated _ -> new Code(401, "NotAuthorizedException");
            case Refusal.NotAllowed _, Refusal.PolicyBroken _ -> new Code(403, "ForbiddenException");
            case Refusal.NotFound missing -> new Code(404, missing(missing.thing(), path));
            case Refusal.Unsupported _ -> new Code(406, "UnsupportedOperationException");
            case Refusal.TooSlow _ -> new Code(408, "RequestTimeoutException");
            case Refusal.AlreadyExists _ -> new Code(409, "AlreadyExistsException");
            case Refusal.NotEmpty _ -> new Code(409, "NamespaceNotEmptyException");
            case Refusal.Conflict _ -> new Code(409, "CommitFailedException");
            case Refusal.TooLarge _ -> new Code(413, "ContentTooLargeException");
            case Refusal.Contradictory _ -> new Code(422, "UnprocessableEntityException");
            case Refusal.TooManyAttempts _, Refusal.TooManyRequests _ -> new Code(429, "TooManyRequestsException");
            case Refusal.OutcomeUnknown _ -> new Code(500, "CommitStateUnknownException");
            case Refusal.Unavailable _, Refusal.Repeated _ -> new Code(503, "ServiceUnavailableException");
        };
    }

    /// The same for an answer that is none of its own.
    static Map<String, Object> body(Refusal refusal) {
        Code code = code(refusal, "");
        return body(code.status(), code.type(), String.valueOf(refusal.getMessage()));
    }

    static Answer of(int status, String type, String message) {
        return Answer.json(status, body(status, type, message));
    }

    private static Map<String, Object> body(int status, String type, String message) {
        return object("error", object("message", message, "type", type, "code", status));
    }

    /// What the web server itself refuses, before or beside the routes.
    static Answer ofStatus(int status) {
        return switch (status) {
            case 404 -> of(404, "NotFoundException", "there is nothing at this address");
            case 405 -> of(405, "MethodNotAllowedException", "this address does not take this method");
            case 408 -> of(408, "RequestTimeoutException", "the request came too slowly");
            case 413 -> of(413, "ContentTooLargeException", "the body is too long");
            case 414 -> of(414, "UriTooLongException", "the address is too long");
            case 431 -> of(431, "HeadersTooLargeException", "the headers are too long");
            case 503 -> of(503, "ServiceUnavailableException", "the server is starting or stopping");
            case 505 -> of(505, "HttpVersionNotSupportedException", "use HTTP/1.1");
            default ->
                status < 500
                        ? of(status, "BadRequestException", "the request is malformed")
                        : of(status, "InternalServerError", "the server failed");
        };
    }

    /// Our bug: what happened is in the log, under this id.
    static Answer bug(String requestId) {
        return of(
                500,
                "InternalServerError",
                "the server failed; its log knows more about request `%s`".formatted(requestId));
    }

    private static String missing(Thing thing, String path) {
        return switch (thing) {
            case DOMAIN ->
                path.startsWith("/iceberg/v1/{prefix}")
                        ? "NoSuchNamespaceException"
                        : path.startsWith("/iceberg/") ? "NoSuchWarehouseException" : "NoSuchDomainException";
            case STORAGE -> "NoSuchStorageException";
            case NAMESPACE -> "NoSuchNamespaceException";
            case TABLE -> "NoSuchTableException";
            case VIEW -> "NoSuchViewException";
            case PRINCIPAL -> "NoSuchPrincipalException";
            case PLAN -> "NoSuchPlanIdException";
            case PLAN_TASK -> "NoSuchPlanTaskException";
            case SIGNING_KEY -> "NoSuchSigningKeyException";
            case SECRET -> "NoSuchSecretException";
            case ACCESS_REQUEST -> "NoSuchAccessRequestException";
            case DECISION -> "NoSuchDecisionException";
        };
    }
}
