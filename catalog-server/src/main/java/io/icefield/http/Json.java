package io.icefield.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import io.icefield.access.Refusal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// JSON in and out. What comes in is read strictly: nothing twice, nothing behind the end, no deep nests.
final class Json {
    /// Deeper than any schema, shallower than any stack.
    static final int DEPTH_MAX = 500;

    /// What a tree of a body is made of: keeps a few megabytes of `[],[],…` from filling the memory. A thousand columns
    /// are some ten thousand tokens.
    static final int TOKENS_MAX = 500_000;

    static final Object NULL = NullNode.getInstance();

    private static final int MESSAGE_CHARS_MAX = 300;

    /// Fields whose values are maps from text to text: properties, and their updates.
    private static final Set<String> TEXT_MAPS = Set.of("properties", "updates");

    /// Text that is UTF-8 has half a character only where one is escaped.
    private static final Pattern SURROGATE = Pattern.compile("\\\\u[dD][89a-fA-F]");

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH_MAX)
                    .maxTokenCount(TOKENS_MAX)
                    .maxStringLength(IcebergRoutes.COMMIT_BYTES_MAX)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    private static final JsonMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /// An object of these names and values in this order; an empty `Optional` is left out.
    static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            String name = (String) namesAndValues[i];
            if (namesAndValues[i + 1] instanceof Optional<?> optional) {
                optional.ifPresent(value -> object.put(name, value));
            } else {
                object.put(name, namesAndValues[i + 1]);
            }
        }
        return object;
    }

    /// Maps, collections, texts, numbers and booleans as UTF-8.
    static byte[] bytes(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes an object as it goes.
    static byte[] written(int sizeHint, Writing writing) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(sizeHint);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            writing.to(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /// Something that writes JSON.
    @FunctionalInterface
    interface Writing {
        void to(JsonGenerator json) throws IOException;
    }

    static JsonNode tree(String text) {
        if (SURROGATE.matcher(text).find()) {
            check(text);
        }
        try {
            JsonNode tree = MAPPER.readTree(text);
            if (!tree.isObject()) {
                throw new Refusal.Invalid("the body must be a JSON object");
            }
            return tree;
        } catch (JsonProcessingException e) {
            throw malformed(e);
        }
    }

    /// Refuses what is no JSON object, without building a tree; the text is for others to read.
    static void check(String text) {
        boolean surrogates = SURROGATE.matcher(text).find();
        try (JsonParser json = FACTORY.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new Refusal.Invalid("the body must be a JSON object");
            }
            int depth = 1;
            while (depth > 0) {
                JsonToken token = json.nextToken();
                if (token == null) {
                    throw new Refusal.Invalid("the body is not valid JSON: it ends early");
                }
                if (token.isStructStart()) {
                    depth++;
                } else if (token.isStructEnd()) {
                    depth--;
                } else if (surrogates && isText(token) && !isWhole(json.getText())) {
                    throw new Refusal.Invalid("the body has half a character: an escaped surrogate without its pair");
                } else if (token.isScalarValue() && token != JsonToken.VALUE_STRING && isInTextMap(json)) {
                    throw new Refusal.Invalid("`%s` must be a text, as every value of `%s`"
                            .formatted(
                                    json.currentName(),
                                    json.getParsingContext().getParent().getCurrentName()));
                }
            }
            if (json.nextToken() != null) {
                throw new Refusal.Invalid("the body is not valid JSON: there is something behind its end");
            }
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isText(JsonToken token) {
        return token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING;
    }

    private static boolean isWhole(String text) {
        return text.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    private static boolean isInTextMap(JsonParser json) {
        var context = json.getParsingContext();
        if (!context.inObject() || context.getParent() == null) {
            return false;
        }
        String name = context.getParent().getCurrentName();
        return context.getParent().inObject() && name != null && TEXT_MAPS.contains(name);
    }

    private static Refusal malformed(JsonProcessingException e) {
        String message = e.getOriginalMessage();
        String place = e.getLocation() == null
                ? ""
                : " (line %d, column %d)"
                        .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
        return new Refusal.Invalid("the body is not valid JSON: %s%s"
                .formatted(
                        message.length() > MESSAGE_CHARS_MAX ? message.substring(0, MESSAGE_CHARS_MAX) + "…" : message,
                        place));
    }
}
