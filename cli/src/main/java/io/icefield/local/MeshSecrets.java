package io.icefield.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;

/// The secrets that a mesh is born with, made once and kept in its home.
public record MeshSecrets(String admin, String database, String s3AccessKey, String s3SecretKey) {
    private static final String FILE = "secrets.json";
    private static final SecureRandom RANDOM = new SecureRandom();

    @Override
    public String toString() {
        return "MeshSecrets[***]";
    }

    public static MeshSecrets of(MeshHome home) {
        return home.read(FILE).map(MeshSecrets::parse).orElseGet(() -> {
            MeshSecrets made = new MeshSecrets(secret(), secret(), "ICEFIELD" + hex(), secret());
            ObjectNode file = JsonNodeFactory.instance
                    .objectNode()
                    .put("admin", made.admin())
                    .put("database", made.database())
                    .put("s3-access-key", made.s3AccessKey())
                    .put("s3-secret-key", made.s3SecretKey());
            home.write(FILE, file);
            return made;
        });
    }

    private static MeshSecrets parse(JsonNode file) {
        return new MeshSecrets(
                file.path("admin").asText(),
                file.path("database").asText(),
                file.path("s3-access-key").asText(),
                file.path("s3-secret-key").asText());
    }

    private static String secret() {
        byte[] bytes = new byte[30];
        RANDOM.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String hex() {
        byte[] bytes = new byte[6];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes).toUpperCase(Locale.ROOT);
    }
}
