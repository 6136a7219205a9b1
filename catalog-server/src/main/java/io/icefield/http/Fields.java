package io.icefield.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.access.Refusal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;

/// A JSON object of a request, read field by field. Nothing is converted silently; every complaint names the field.
final class Fields {
    private final JsonNode object;
    private final String path;
    private final Set<String> known = new HashSet<>();

    Fields(JsonNode object) {
        this(object, "");
    }

    private Fields(JsonNode object, String path) {
        this.object = object;
        this.path = path;
    }

    String text(String name) {
        return optionalText(name).orElseThrow(() -> wrong(name, "is missing"));
    }

    Optional<String> optionalText(String name) {
        return field(name).map(value -> text(value, name));
    }

    boolean requiredFlag(String name) {
        if (field(name).isEmpty()) {
            throw wrong(name, "is missing");
        }
        return flag(name);
    }

    boolean flag(String name) {
        return field(name)
                .map(value -> {
                    if (!value.isBoolean()) {
                        throw wrong(name, "must be true or false");
                    }
                    return value.booleanValue();
                })
                .orElse(false);
    }

    Optional<Boolean> optionalFlag(String name) {
        return field(name).map(_ -> flag(name));
    }

    Optional<Long> optionalNumber(String name) {
        return field(name).map(value -> {
            if (!value.isIntegralNumber() || !value.canConvertToLong()) {
                throw wrong(name, "must be a whole number");
            }
            return value.longValue();
        });
    }

    List<String> texts(String name) {
        return optionalTexts(name).orElseThrow(() -> wrong(name, "is missing"));
    }

    Optional<List<String>> optionalTexts(String name) {
        return field(name).map(value -> texts(value, name));
    }

    /// An absent map is an empty one.
    Map<String, String> textMap(String name) {
        return map(name, this::text);
    }

    Map<String, Set<String>> setMap(String name) {
        if (field(name).isEmpty()) {
            throw wrong(name, "is missing");
        }
        return map(name, (value, field) -> new LinkedHashSet<>(texts(value, field)));
    }

    Map<String, List<String>> listMap(String name) {
        if (field(name).isEmpty()) {
            throw wrong(name, "is missing");
        }
        return map(name, this::texts);
    }

    private <T> Map<String, T> map(String name, BiFunction<JsonNode, String, T> read) {
        Map<String, T> map = new LinkedHashMap<>();
        field(name).ifPresent(value -> {
            if (!value.isObject()) {
                throw wrong(name, "must be an object");
            }
            value.properties()
                    .forEach(each -> map.put(each.getKey(), read.apply(each.getValue(), name + "." + each.getKey())));
        });
        return map;
    }

    Fields object(String name) {
        return optionalObject(name).orElseThrow(() -> wrong(name, "is missing"));
    }

    Optional<Fields> optionalObject(String name) {
        return field(name).map(value -> nested(value, name));
    }

    List<Fields> objects(String name) {
        JsonNode array = field(name).orElseThrow(() -> wrong(name, "is missing"));
        if (!array.isArray()) {
            throw wrong(name, "must be an array");
        }
        List<Fields> objects = new ArrayList<>();
        array.forEach(element -> objects.add(nested(element, name + "[" + objects.size() + "]")));
        return objects;
    }

    /// Refuses fields that nobody asked for.
    void nothingElse() {
        Set<String> unknown = new TreeSet<>();
        object.fieldNames().forEachRemaining(unknown::add);
        unknown.removeAll(known);
        if (!unknown.isEmpty()) {
            throw new Refusal.Invalid(
                    "unknown fields %s: known are %s".formatted(shown(unknown), shown(new TreeSet<>(known))));
        }
    }

    private static String shown(Set<String> names) {
        String all = names.toString();
        return all.length() > 200 ? all.substring(0, 200) + "…]" : all;
    }

    /// A field that is `null` is not there.
    private Optional<JsonNode> field(String name) {
        known.add(name);
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
    }

    private Fields nested(JsonNode value, String name) {
        if (!value.isObject()) {
            throw wrong(name, "must be an object");
        }
        return new Fields(value, path + name + ".");
    }

    private String text(JsonNode value, String name) {
        if (!value.isTextual()) {
            throw wrong(name, "must be a text");
        }
        return value.textValue();
    }

    private List<String> texts(JsonNode value, String name) {
        if (!value.isArray()) {
            throw wrong(name, "must be an array of texts");
        }
        List<String> texts = new ArrayList<>();
        value.forEach(element -> texts.add(text(element, name + "[" + texts.size() + "]")));
        return texts;
    }

    private Refusal wrong(String name, String what) {
        String full = path + name;
        return new Refusal.Invalid(
                "`%s` %s".formatted(full.length() > 100 ? full.substring(0, 100) + "…" : full, what));
    }
}
