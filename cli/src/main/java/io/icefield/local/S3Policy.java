package io.icefield.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// An IAM policy document, as much of it as session policies for S3 need. What it does not understand it refuses:
/// a rule that is skipped is a hole.
record S3Policy(List<Statement> statements) {
    /// What a session policy may have; Amazon's limit.
    static final int CHARS_MAX = 2_048;

    /// The root key's.
    static final S3Policy EVERYTHING =
            new S3Policy(List.of(new Statement(true, List.of("*"), List.of("*"), List.of())));

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final String PREFIX = "s3:prefix";

    /// What is asked: one action on one resource.
    ///
    /// @param prefix of a listing; empty when the action has none
    record Question(String action, String resource, Optional<String> prefix) {}

    record Statement(boolean allow, List<String> actions, List<String> resources, List<Condition> conditions) {
        boolean covers(Question asked) {
            return actions.stream()
                            .anyMatch(pattern -> matches(
                                    pattern.toLowerCase(Locale.ROOT),
                                    asked.action().toLowerCase(Locale.ROOT)))
                    && resources.stream().anyMatch(pattern -> matches(pattern, asked.resource()))
                    && conditions.stream().allMatch(condition -> condition.holds(asked.prefix()));
        }
    }

    /// `s3:prefix` is like one of these.
    ///
    /// @param whenAbsent what it is for a request without a prefix
    record Condition(List<String> patterns, boolean whenAbsent) {
        boolean holds(Optional<String> prefix) {
            return prefix.map(value -> patterns.stream().anyMatch(pattern -> matches(pattern, value)))
                    .orElse(whenAbsent);
        }
    }

    boolean allows(Question asked) {
        boolean allowed = false;
        for (Statement statement : statements) {
            if (statement.covers(asked)) {
                if (!statement.allow) {
                    return false;
                }
                allowed = true;
            }
        }
        return allowed;
    }

    /// Throws `IllegalArgumentException`, whose message says what is not understood.
    static S3Policy parse(String text) {
        if (text.length() > CHARS_MAX) {
            throw new IllegalArgumentException("the policy is longer than %d characters".formatted(CHARS_MAX));
        }
        JsonNode document;
        try {
            document = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the policy is not JSON", e);
        }
        only(document, Set.of("Version", "Id", "Statement"));
        if (!document.path("Version").asText().equals("2012-10-17")) {
            throw new IllegalArgumentException("the policy's Version is not 2012-10-17");
        }
        JsonNode all = document.path("Statement");
        List<Statement> statements = new ArrayList<>();
        for (JsonNode each : all.isArray() ? all : List.of(all)) {
            statements.add(statement(each));
        }
        if (statements.isEmpty()) {
            throw new IllegalArgumentException("the policy has no Statement");
        }
        return new S3Policy(List.copyOf(statements));
    }

    private static Statement statement(JsonNode node) {
        only(node, Set.of("Sid", "Effect", "Action", "Resource", "Condition"));
        boolean allow = switch (node.path("Effect").asText()) {
            case "Allow" -> true;
            case "Deny" -> false;
            default -> throw new IllegalArgumentException("an Effect is neither Allow nor Deny");
        };
        List<String> resources = strings(node.path("Resource"), "Resource");
        if (!resources.stream().allMatch(arn -> arn.equals("*") || arn.matches("arn:aws[a-z-]*:s3:::.+"))) {
            throw new IllegalArgumentException("a Resource is not arn:aws:s3:::…");
        }
        // One partition is as good as another here: there is one store.
        List<String> plain = resources.stream()
                .map(arn -> arn.replaceFirst("^arn:aws[a-z-]*:s3:::", ""))
                .toList();
        return new Statement(
                allow, strings(node.path("Action"), "Action"), plain, conditions(node.path("Condition"), allow));
    }

    private static List<Condition> conditions(JsonNode node, boolean allow) {
        if (node.isMissingNode()) {
            return List.of();
        }
        only(node, Set.of("StringLike", "ForAllValues:StringLike"));
        List<Condition> conditions = new ArrayList<>();
        for (Map.Entry<String, JsonNode> operator : node.properties()) {
            only(operator.getValue(), Set.of(PREFIX));
            // Amazon lets `ForAllValues` hold when there is no value; only a Deny gets wider by that.
            boolean whenAbsent = operator.getKey().startsWith("ForAllValues") || !allow;
            conditions.add(new Condition(strings(operator.getValue().path(PREFIX), PREFIX), whenAbsent));
        }
        return List.copyOf(conditions);
    }

    private static void only(JsonNode node, Set<String> names) {
        if (!node.isObject()) {
            throw new IllegalArgumentException("the policy has something else where an object belongs");
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!names.contains(field.getKey())) {
                throw new IllegalArgumentException(
                        "the policy has `%s`, which is not understood here".formatted(field.getKey()));
            }
        }
    }

    private static List<String> strings(JsonNode node, String name) {
        List<JsonNode> values =
                node.isArray() ? node.valueStream().toList() : Stream.of(node).toList();
        if (values.isEmpty() || !values.stream().allMatch(JsonNode::isTextual)) {
            throw new IllegalArgumentException("`%s` is neither text nor a list of text".formatted(name));
        }
        List<String> texts = values.stream().map(JsonNode::asText).toList();
        if (texts.stream().anyMatch(text -> text.contains("${"))) {
            throw new IllegalArgumentException(
                    "`%s` has a policy variable, which is not understood here".formatted(name));
        }
        return texts;
    }

    /// `*` is any text, `?` any one character. In steps of pattern times text at most, whatever the pattern.
    static boolean matches(String pattern, String text) {
        int p = 0;
        int t = 0;
        int star = -1;
        int resume = 0;
        while (t < text.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                star = p++;
                resume = t;
            } else if (p < pattern.length() && (pattern.charAt(p) == '?' || pattern.charAt(p) == text.charAt(t))) {
                p++;
                t++;
            } else if (star >= 0) {
                p = star + 1;
                t = ++resume;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }
}
