package io.icefield.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonGenerator;
import io.icefield.storage.Credential;
import io.icefield.storage.Location;
import io.icefield.table.Loaded;
import io.icefield.table.Metadata;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// The bodies of answers about tables and views. The metadata goes in as the bytes that it is: no JSON tree on this
/// path.
final class LoadedBody {
    private static final int AROUND_BYTES = 4_096;
    private static final String TAGS = "icefield.tags";
    private static final String REFRESH = "client.refresh-credentials-endpoint";

    private LoadedBody() {}

    /// LoadTableResult.
    ///
    /// @param address the table's, relative to the catalog's URI; empty: it has none yet
    static Splices.Spliced loaded(Splices splices, Loaded loaded, Optional<String> address) {
        Map<String, String> config = storage(loaded);
        loaded.credential().ifPresent(credential -> config.putAll(key(credential)));
        switch (loaded.given()) {
            case NONE -> {}
            case VENDED_CREDENTIALS -> address.ifPresent(path -> config.put(REFRESH, path + "/credentials"));
            case REMOTE_SIGNING -> {
                config.put("s3.remote-signing-enabled", "true");
                // Clients before Iceberg 1.12 and PyIceberg do not find it by themselves.
                config.put("s3.signer", "S3V4RestSigner");
                address.ifPresent(path -> config.put("s3.signer.endpoint", path + "/sign"));
            }
        }
        byte[] tail = Json.written(AROUND_BYTES, json -> {
            json.writeStartObject();
            writeMap(json, "config", config);
            writeCredentials(json, loaded, Optional.empty());
            writeLabels(json, loaded.labels());
            json.writeEndObject();
        });
        tail[0] = ','; // instead of its opening brace
        return splices.of(head(loaded.metadataLocation()), loaded.metadata(), tail);
    }

    /// CommitTableResponse.
    static Splices.Spliced committed(Splices splices, Loaded loaded) {
        return splices.of(head(loaded.metadataLocation()), loaded.metadata(), new byte[] {'}'});
    }

    /// LoadViewResult; UnregisterTableResponse has the same form.
    static Splices.Spliced view(Splices splices, Metadata view) {
        return splices.of(head(Optional.of(view.location())), view.json(), new byte[] {'}'});
    }

    /// LoadCredentialsResponse.
    static byte[] credentials(Loaded loaded) {
        return Json.written(AROUND_BYTES, json -> {
            json.writeStartObject();
            writeCredentials(json, loaded, Optional.empty());
            json.writeEndObject();
        });
    }

    private static byte[] head(Optional<Location> metadataLocation) {
        String location = metadataLocation
                .map(at -> "\"metadata-location\":" + new String(Json.bytes(at.toString()), UTF_8) + ",")
                .orElse("");
        return ("{" + location + "\"metadata\":").getBytes(UTF_8);
    }

    /// One entry, or clients complain. Its prefix ends with a slash: `orders` is not `orders2`.
    ///
    /// @param address the table's, for clients that are told nothing else; empty: they are
    static void writeCredentials(JsonGenerator json, Loaded loaded, Optional<String> address) throws IOException {
        json.writeArrayFieldStart("storage-credentials");
        if (loaded.credential().isPresent()) {
            json.writeStartObject();
            json.writeStringField("prefix", loaded.location() + "/");
            Map<String, String> config = storage(loaded);
            config.putAll(key(loaded.credential().get()));
            address.ifPresent(path -> config.put(REFRESH, path + "/credentials"));
            writeMap(json, "config", config);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /// Tags as Iceberg's labels: those of each column, and all of them on the table.
    private static void writeLabels(JsonGenerator json, Map<Integer, Set<String>> tags) throws IOException {
        if (tags.isEmpty()) {
            return;
        }
        Set<String> all = new TreeSet<>();
        tags.values().forEach(all::addAll);
        json.writeObjectFieldStart("labels");
        writeMap(json, "object-labels", Map.of(TAGS, String.join(",", all)));
        json.writeArrayFieldStart("fields");
        for (Map.Entry<Integer, Set<String>> column : tags.entrySet()) {
            json.writeStartObject();
            json.writeNumberField("field-id", column.getKey());
            writeMap(json, "labels", Map.of(TAGS, String.join(",", column.getValue())));
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static Map<String, String> storage(Loaded loaded) {
        Map<String, String> config = new LinkedHashMap<>();
        config.put("client.region", loaded.storage().region());
        loaded.storage().endpoint().ifPresent(uri -> config.put("s3.endpoint", uri.toString()));
        config.put("s3.path-style-access", Boolean.toString(loaded.storage().pathStyle()));
        loaded.storage().kmsKey().ifPresent(key -> {
            config.put("s3.sse.type", "kms");
            config.put("s3.sse.key", key);
        });
        return config;
    }

    private static Map<String, String> key(Credential credential) {
        Map<String, String> config = new LinkedHashMap<>();
        config.put("s3.access-key-id", credential.accessKey());
        config.put("s3.secret-access-key", credential.secretKey());
        credential.sessionToken().ifPresent(token -> config.put("s3.session-token", token));
        credential
                .expiresAt()
                .ifPresent(end -> config.put("s3.session-token-expires-at-ms", Long.toString(end.toEpochMilli())));
        return config;
    }

    private static void writeMap(JsonGenerator json, String name, Map<String, String> map) throws IOException {
        json.writeObjectFieldStart(name);
        for (Map.Entry<String, String> entry : map.entrySet()) {
            json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
    }
}
