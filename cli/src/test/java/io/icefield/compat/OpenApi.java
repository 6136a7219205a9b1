package io.icefield.compat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialects;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// Iceberg's `rest-catalog-open-api.yaml`: what it says of an answer.
final class OpenApi {
    private static final String ROOT = "https://iceberg.apache.org/rest-catalog-open-api.yaml";
    private static final String SCHEMAS = "#/components/schemas/";
    private static final Set<String> METHODS = Set.of("get", "head", "post", "put", "delete");

    /// Answers that the document forgot: an endpoint below a domain that is not there, or that the caller may not see.
    private static final Set<String> FORGOTTEN = Set.of(
            "POST /v1/{prefix}/namespaces 404",
            "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign 404",
            "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view} 403");

    /// Choices of exactly one where some values are two: `variant` is a name of a type as any, 1 an int and a long.
    private static final List<String> OVERLAPPING = List.of("Type", "PrimitiveTypeValue");

    private final JsonNode document;
    private final SchemaRegistry registry;
    private final Map<String, Schema> schemas = new ConcurrentHashMap<>();

    OpenApi(Path file) {
        this.document = new YAMLMapper().readTree(file.toFile());
        // Views' errors name the inner object where everybody, the reference server too, sends the wrapper.
        document.path("paths")
                .values()
                .forEach(path -> path.values()
                        .forEach(operation ->
                                operation.path("responses").values().forEach(OpenApi::wrapError)));
        for (String name : OVERLAPPING) {
            ObjectNode schema = (ObjectNode) document.at("/components/schemas/" + name);
            schema.set("anyOf", schema.remove("oneOf"));
        }
        this.registry = SchemaRegistry.withDialect(
                Dialects.getOpenApi31(), builder -> builder.schemas(Map.of(ROOT, document.toString())));
    }

    private static void wrapError(JsonNode response) {
        JsonNode schema = response.path("content").path("application/json").path("schema");
        if (schema.path("$ref").asString("").equals(SCHEMAS + "ErrorModel")) {
            ((ObjectNode) schema).put("$ref", SCHEMAS + "IcebergErrorResponse");
        }
    }

    /// All endpoints, as `/v1/config` writes them.
    Set<String> endpoints() {
        Set<String> endpoints = new HashSet<>();
        document.path("paths")
                .propertyNames()
                .forEach(path -> document.path("paths")
                        .path(path)
                        .propertyNames()
                        .forEach(method -> {
                            if (METHODS.contains(method)) {
                                endpoints.add(method.toUpperCase(Locale.ROOT) + " " + path);
                            }
                        }));
        return endpoints;
    }

    /// What is wrong with an answer, empty if nothing is.
    List<String> problems(String endpoint, int status, String body) {
        String[] words = endpoint.split(" ");
        JsonNode responses = document.path("paths")
                .path(words[1])
                .path(words[0].toLowerCase(Locale.ROOT))
                .path("responses");
        if (responses.isMissingNode()) {
            return List.of("the document has no such endpoint");
        }
        String code = Integer.toString(status);
        JsonNode response = responses.has(code) ? responses.path(code) : responses.path(code.charAt(0) + "XX");
        if (response.isMissingNode()) {
            return !FORGOTTEN.contains(endpoint + " " + code)
                    ? List.of("the document has no answer " + code)
                    : words[0].equals("HEAD") ? empty(body) : errors(SCHEMAS + "IcebergErrorResponse", body);
        }
        if (response.has("$ref")) {
            response = document.at(response.path("$ref").asString().substring(1));
        }
        JsonNode schema = response.path("content").path("application/json").path("schema");
        return words[0].equals("HEAD") || schema.isMissingNode()
                ? empty(body)
                : errors(schema.path("$ref").asString(), body);
    }

    private static List<String> empty(String body) {
        return body.isEmpty() ? List.of() : List.of("there must be no body");
    }

    private List<String> errors(String reference, String body) {
        return schemas
                .computeIfAbsent(reference, each -> registry.getSchema(SchemaLocation.of(ROOT + each)))
                .validate(body.isEmpty() ? "null" : body, InputFormat.JSON)
                .stream()
                .map(error -> reference + ": " + error)
                .toList();
    }
}
