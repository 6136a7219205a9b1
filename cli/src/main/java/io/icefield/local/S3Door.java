package io.icefield.local;

import io.icefield.local.S3Guard.Target;
import io.icefield.local.S3Sessions.Session;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.gaul.s3proxy.AccessGrant;
import org.gaul.s3proxy.S3ProxyHandler;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/// One HTTP port for S3 and STS. S3Proxy checks signatures and speaks the protocol; this decides with which secret and
/// which policy, and turns what goes wrong into S3's error documents. Nobody is anonymous.
final class S3Door extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(S3Door.class);

    /// What S3 takes in one PUT.
    private static final long OBJECT_BYTES_MAX = 5L << 30;

    /// A body whose hash is signed is held in memory until it is checked.
    private static final long HASHED_BODY_BYTES_MAX = 64L << 20;

    private static final int CHUNK_BYTES_MAX = 16 << 20;
    private static final int DRAINED_BYTES_MAX = 1 << 20;
    private static final int SKEW_SECONDS_MAX = 900;

    /// The session token of the request at hand; empty for the root key.
    private static final ScopedValue<Optional<String>> TOKEN = ScopedValue.newInstance();

    private final transient Protocol protocol;
    private final transient S3Sts sts;

    /// @param roots secrets of the root keys, by their names; they may change
    S3Door(BlobStore store, Map<String, String> roots, S3Sessions sessions, S3Sts sts) {
        this.protocol = new Protocol(store, roots, sessions);
        this.sts = sts;
    }

    /// An answer of S3: what it is called and what it means.
    static AwsServiceException refusal(int status, String code, String message) {
        return S3Exception.builder()
                .statusCode(status)
                .message(message)
                .awsErrorDetails(AwsErrorDetails.builder()
                        .errorCode(code)
                        .errorMessage(message)
                        .build())
                .build();
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getMethod().equals("POST") && request.getRequestURI().equals("/")) {
            sts.answer(request, response);
            return;
        }
        try {
            if (request.getHeader("Authorization") == null && request.getParameter("X-Amz-Signature") == null) {
                throw refusal(403, "AccessDenied", "the request is not signed");
            }
            requireSignedHeaders(request);
            Optional<String> token = Optional.ofNullable(request.getHeader("x-amz-security-token"))
                    .or(() -> Optional.ofNullable(request.getParameter("X-Amz-Security-Token")));
            ScopedValue.where(TOKEN, token).call(() -> {
                protocol.doHandle(request, request, response, request.getInputStream(), null);
                return token;
            });
        } catch (IOException | RuntimeException problem) {
            drain(request);
            protocol.fail(request, response, problem);
        }
    }

    /// As Amazon's store: else whoever has a signature for a PUT could make a copy of it.
    private static void requireSignedHeaders(HttpServletRequest request) {
        String signed = Optional.ofNullable(request.getHeader("Authorization"))
                .map(header -> header.replaceAll("(?s).*SignedHeaders=([^,\\s]*).*", "$1"))
                .orElseGet(() -> String.valueOf(request.getParameter("X-Amz-SignedHeaders")));
        List<String> names = List.of(signed.toLowerCase(Locale.ROOT).split(";"));
        for (String name : Collections.list(request.getHeaderNames())) {
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.startsWith("x-amz-") && !names.contains(lower)) {
                throw refusal(403, "AccessDenied", "the header %s is not signed".formatted(lower));
            }
        }
    }

    /// A client that is still sending its body when the connection closes never reads why it was refused.
    private static void drain(HttpServletRequest request) {
        if (request.getHeader("Expect") != null) {
            return; // it waits to be asked for its body
        }
        try {
            request.getInputStream().readNBytes(DRAINED_BYTES_MAX);
        } catch (IOException | RuntimeException gone) {
            LOG.debug("the rest of a refused request did not come", gone);
        }
    }

    /// S3Proxy's protocol handler with our callers.
    private static final class Protocol extends S3ProxyHandler {
        Protocol(BlobStore store, Map<String, String> roots, S3Sessions sessions) {
            super(
                    store,
                    AuthenticationType.AWS_V4,
                    "",
                    "",
                    null,
                    OBJECT_BYTES_MAX,
                    HASHED_BODY_BYTES_MAX,
                    CHUNK_BYTES_MAX,
                    // Trino and newer SDKs send headers that no S3 but Amazon's knows.
                    true,
                    null,
                    null,
                    SKEW_SECONDS_MAX);
            setBlobStoreLocator((accessKey, bucket, key) -> {
                Target target = new Target(bucket == null ? "" : bucket, key == null ? "" : key);
                Optional<String> token = TOKEN.get();
                if (token.isEmpty()) {
                    String secret = accessKey == null ? null : roots.get(accessKey);
                    return secret == null
                            ? null
                            : new AccessGrant(secret, new S3Guard(store, S3Policy.EVERYTHING, target));
                }
                Session session = session(sessions, token.get(), accessKey);
                return new AccessGrant(session.secretKey(), new S3Guard(store, session.policy(), target));
            });
        }

        private static Session session(S3Sessions sessions, String token, @Nullable String accessKey) {
            Session session;
            try {
                session = sessions.open(token);
            } catch (S3Sessions.Forged e) {
                throw refusal(400, "InvalidToken", "the session token is not valid");
            }
            if (!session.accessKey().equals(accessKey)) {
                throw refusal(400, "InvalidToken", "the session token belongs to another access key");
            }
            if (sessions.isExpired(session)) {
                throw refusal(400, "ExpiredToken", "the session has expired");
            }
            return session;
        }

        void fail(HttpServletRequest request, HttpServletResponse response, Exception problem) throws IOException {
            Optional<AwsServiceException> said = causes(problem)
                    .filter(AwsServiceException.class::isInstance)
                    .map(AwsServiceException.class::cast)
                    .findFirst();
            if (said.isPresent()) {
                fail(request, response, said.get());
            } else if (causes(problem).anyMatch(IllegalArgumentException.class::isInstance)) {
                answer(request, response, 400, "InvalidArgument", "the request has an argument that is not valid");
            } else if (causes(problem).anyMatch(UnsupportedOperationException.class::isInstance)) {
                answer(request, response, 501, "NotImplemented", "this store cannot do that");
            } else if (causes(problem).anyMatch(TimeoutException.class::isInstance)) {
                answer(request, response, 400, "RequestTimeout", "the body came too slowly");
            } else if (String.valueOf(problem.getMessage()).startsWith("PreconditionFailed")) {
                answer(request, response, 412, "PreconditionFailed", "a condition of the request does not hold");
            } else if (response.isCommitted()) {
                throw new IOException("the answer broke off", problem);
            } else {
                LOG.warn("{} {} failed", request.getMethod(), request.getRequestURI(), problem);
                answer(request, response, 500, "InternalError", "the store failed; its log says why");
            }
        }

        private void fail(HttpServletRequest request, HttpServletResponse response, AwsServiceException said)
                throws IOException {
            AwsErrorDetails details = said.awsErrorDetails();
            if (details != null && details.sdkHttpResponse() != null) {
                for (String header : new String[] {"ETag", "Allow", "x-amz-delete-marker", "x-amz-version-id"}) {
                    details.sdkHttpResponse()
                            .firstMatchingHeader(header)
                            .ifPresent(value -> response.setHeader(header, value));
                }
            }
            String code = details == null ? null : details.errorCode();
            if (code != null && !code.isEmpty()) {
                answer(request, response, said.statusCode(), code, String.valueOf(details.errorMessage()));
                return;
            }
            switch (said.statusCode()) {
                case 412 -> {
                    boolean reading = request.getMethod().equals("GET")
                            || request.getMethod().equals("HEAD");
                    boolean unchanged = reading
                            && request.getHeader("If-Match") == null
                            && request.getHeader("If-Unmodified-Since") == null;
                    if (unchanged) {
                        response.setStatus(304);
                    } else {
                        answer(request, response, 412, "PreconditionFailed", "a condition does not hold");
                    }
                }
                case 400, 422 -> answer(request, response, 400, "InvalidRequest", "the request is not valid");
                case 403 -> answer(request, response, 403, "AccessDenied", "refused");
                case 405 -> answer(request, response, 405, "MethodNotAllowed", "not on this resource");
                case 416 -> answer(request, response, 416, "InvalidRange", "the range cannot be satisfied");
                default -> response.setStatus(said.statusCode());
            }
        }

        private void answer(
                HttpServletRequest request, HttpServletResponse response, int status, String code, String message)
                throws IOException {
            if (request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null) {
                // What is left of the body is not the next request.
                response.setHeader("Connection", "close");
            }
            sendSimpleErrorResponse(request, response, code, status, message, Map.of());
        }

        private static Stream<Throwable> causes(Throwable problem) {
            return Stream.<Throwable>iterate(problem, e -> e != null, Throwable::getCause);
        }
    }

    /// For answers that have no id of their own.
    static String requestId() {
        return UUID.randomUUID().toString();
    }
}
