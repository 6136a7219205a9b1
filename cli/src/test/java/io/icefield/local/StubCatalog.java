package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.Predicate;

/// As much of a catalog server as Trino needs to start and to ask: token keys, tokens, and decisions that a test sets.
final class StubCatalog implements AutoCloseable {
    private static final String KEY_ID = "stub";

    private final HttpServer server;
    private final KeyPair key = newKey();
    final List<String> asked = new CopyOnWriteArrayList<>();
    volatile Predicate<String> denied = _ -> false;
    volatile Function<String, String> masks = _ -> "[]";
    volatile String filters = "[]";

    StubCatalog() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/oauth/jwks", exchange -> answer(exchange, jwks()));
        server.createContext("/iceberg/v1/oauth/tokens", exchange -> answer(exchange, """
                {"access_token":"%s","token_type":"bearer","expires_in":3600}""".formatted(token("trino"))));
        server.createContext("/iceberg/v1/config", exchange -> answer(exchange, "{\"defaults\":{},\"overrides\":{}}"));
        server.createContext("/opa/v1/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
            asked.add(body);
            String result = switch (exchange.getRequestURI().getPath()) {
                case "/opa/v1/allow" -> String.valueOf(!denied.test(body));
                case "/opa/v1/column-masks" -> masks.apply(body);
                case "/opa/v1/row-filters" -> filters;
                default -> everyIndex(body);
            };
            answer(exchange, "{\"result\":%s}".formatted(result));
        });
        server.start();
    }

    /// All of at most a thousand things that a batch may be about; `FilterColumns` counts columns.
    private static String everyIndex(String body) {
        int things = body.contains("\"FilterColumns\"")
                ? body.substring(body.indexOf("\"columns\":[")).split(",", -1).length
                : body.split("\\},\\{", -1).length;
        StringBuilder all = new StringBuilder("[0");
        for (int i = 1; i < things; i++) {
            all.append(',').append(i);
        }
        return all.append(']').toString();
    }

    /// A mask on the column of this name only.
    static Function<String, String> mask(String column, String expression) {
        return body -> {
            String[] columns = body.split("\"columnName\":", -1);
            for (int i = 1; i < columns.length; i++) {
                if (columns[i].startsWith('"' + column + '"')) {
                    return "[{\"index\":%d,\"viewExpression\":{\"expression\":\"%s\"}}]"
                            .formatted(i - 1, expression.replace("\\", "\\\\").replace("\"", "\\\""));
                }
            }
            return "[]";
        };
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    String token(String user) {
        return token(key, user, "icefield", Instant.now().plus(Duration.ofHours(1)));
    }

    String expired(String user) {
        return token(key, user, "icefield", Instant.now().minus(Duration.ofHours(1)));
    }

    String forAnotherAudience(String user) {
        return token(key, user, "elsewhere", Instant.now().plus(Duration.ofHours(1)));
    }

    String forged(String user) {
        return token(newKey(), user, "icefield", Instant.now().plus(Duration.ofHours(1)));
    }

    private static String token(KeyPair key, String user, String audience, Instant expires) {
        try {
            String text = base64("{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%s\"}"
                            .formatted(KEY_ID)
                            .getBytes(UTF_8))
                    + "."
                    + base64("{\"iss\":\"icefield\",\"aud\":\"%s\",\"sub\":\"%s\",\"exp\":%d}"
                            .formatted(audience, user, expires.getEpochSecond())
                            .getBytes(UTF_8));
            Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
            signature.initSign(key.getPrivate());
            signature.update(text.getBytes(UTF_8));
            return text + "." + base64(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private String jwks() {
        ECPublicKey shown = (ECPublicKey) key.getPublic();
        return """
                {"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"%s","x":"%s","y":"%s"}]}""".formatted(
                        KEY_ID,
                        base64(fixed(shown.getW().getAffineX())),
                        base64(fixed(shown.getW().getAffineY())));
    }

    private static byte[] fixed(BigInteger coordinate) {
        byte[] given = coordinate.toByteArray();
        byte[] fixed = new byte[32];
        int length = Math.min(32, given.length);
        System.arraycopy(given, given.length - length, fixed, 32 - length, length);
        return fixed;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static KeyPair newKey() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void answer(HttpExchange exchange, String json) throws IOException {
        byte[] bytes = json.getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
