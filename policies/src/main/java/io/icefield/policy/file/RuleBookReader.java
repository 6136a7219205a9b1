package io.icefield.policy.file;

import io.icefield.policy.Mask;
import io.icefield.policy.Policy;
import io.icefield.policy.RuleBook;
import io.icefield.policy.RuleBook.Binding;
import io.icefield.policy.RuleBook.Filtering;
import io.icefield.policy.RuleBook.Masking;
import io.icefield.policy.RuleBook.Mode;
import io.icefield.policy.Scope;
import io.icefield.policy.file.Node.Field;
import io.icefield.policy.file.Node.Position;
import io.icefield.policy.file.Node.Text;
import io.icefield.policy.rules.Classified;
import io.icefield.policy.rules.NamePattern;
import io.icefield.policy.rules.Naming;
import io.icefield.policy.rules.PiiNames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/// Turns documents into the parts of a rule book. A document with a problem adds nothing but its problems.
final class RuleBookReader {
    static final String API_VERSION = "icefield.io/v1";
    static final int PATTERN_LENGTH_MAX = 1_000;

    private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final Pattern TAG = Pattern.compile("[a-z][a-z0-9_-]*(\\.[a-z0-9_-]+)*");
    private static final Pattern TAG_GLOB = Pattern.compile("[a-z][a-z0-9_-]*(\\.[a-z0-9_-]+)*(\\.?\\*)?|\\*");
    private static final Map<String, Mode> MODES = byWord(Mode.values());
    private static final Map<String, Mask> ACTIONS = choices(Mask.values(), Mask::action);
    private static final Map<String, Naming.Subject> SUBJECTS =
            choices(Naming.Subject.values(), subject -> subject.name().toLowerCase(Locale.ROOT) + "s");

    private final List<Binding> bindings = new ArrayList<>();
    private final List<Masking> masks = new ArrayList<>();
    private final List<Filtering> filters = new ArrayList<>();
    private final Map<String, Position> names = new HashMap<>();
    private final Problems problems;

    /// Reads the rest of a document of one kind.
    private interface Kind {
        void read(String name, Form spec);
    }

    /// Reads the parameters of one rule; empty when there was a problem.
    private interface Rule {
        Optional<Policy> read(Form spec);
    }

    private final Map<String, Kind> kinds = new LinkedHashMap<>();
    private final Map<String, Rule> rules = new LinkedHashMap<>();

    RuleBookReader(Problems problems) {
        this.problems = problems;
        kinds.put("Policy", this::policy);
        kinds.put("Mask", this::mask);
        kinds.put("RowFilter", this::rowFilter);
        rules.put("naming", this::naming);
        rules.put("pii-classified", this::classified);
    }

    RuleBook ruleBook() {
        return new RuleBook(bindings, masks, filters);
    }

    void read(Node document) {
        if (!(document instanceof Node.Fields)) {
            problems.add(document.at(), "a document must be a mapping, not " + document.kind());
            return;
        }
        Form top = new Form(document, "", problems);
        top.requiredText("apiVersion")
                .filter(version -> !version.text().equals(API_VERSION))
                .ifPresent(version -> problems.add(
                        version.at(),
                        "`apiVersion` must be `%s`, not %s".formatted(API_VERSION, Problems.quote(version.text()))));
        Optional<Text> kind = top.requiredText("kind");
        boolean hasMetadata = top.field("metadata").isPresent();
        Form metadata = top.required("metadata");
        Optional<Text> name = hasMetadata ? metadata.requiredText("name") : Optional.empty();
        metadata.text("description");
        metadata.closed();
        boolean hasSpec = top.field("spec").isPresent();
        Form spec = top.required("spec");
        top.closed();
        name.filter(text -> !NAME.matcher(text.text()).matches())
                .ifPresent(text -> problems.add(
                        text.at(),
                        "%s is no name: use at most 63 lower-case letters, digits and hyphens"
                                .formatted(Problems.quote(text.text()))));
        Optional<Kind> reader = kind.flatMap(text -> top.oneOf(text, kinds, "kind"));
        if (kind.isPresent() && reader.isPresent()) {
            name.ifPresent(text -> claim(kind.get().text(), text));
            if (hasSpec) {
                reader.get().read(name.map(Text::text).orElse("?"), spec);
                spec.closed();
            }
        }
    }

    private void claim(String kind, Text name) {
        Position first = names.putIfAbsent(kind + " " + name.text(), name.at());
        if (first != null) {
            problems.add(name.at(), "%s %s is already there: %s".formatted(kind, Problems.quote(name.text()), first));
        }
    }

    private void policy(String name, Form spec) {
        Optional<Rule> rule = spec.requiredText("rule").flatMap(text -> spec.oneOf(text, rules, "rule"));
        Mode mode = spec.text("mode")
                .flatMap(text -> spec.oneOf(text, MODES, "mode"))
                .orElse(Mode.DENY);
        Scope scope = scope(spec);
        if (rule.isEmpty()) {
            spec.entries(); // of an unknown rule we cannot say which fields it has
        }
        rule.flatMap(known -> known.read(spec))
                .ifPresent(policy -> bindings.add(new Binding(name, policy, mode, scope)));
    }

    private Optional<Policy> naming(Form spec) {
        int before = problems.count();
        Optional<NamePattern> pattern = spec.requiredText("pattern").flatMap(text -> pattern(text, NamePattern::of));
        Set<String> reserved = spec.strings("reserved").stream().collect(Collectors.toUnmodifiableSet());
        int lengthMax = spec.text("maxLength").map(this::length).orElse(NamePattern.NAME_LENGTH_MAX);
        List<Naming.Subject> subjects = spec.field("appliesTo").isEmpty()
                ? List.of(Naming.Subject.values())
                : spec.texts("appliesTo").stream()
                        .flatMap(text -> spec.oneOf(text, SUBJECTS, "kind of name").stream())
                        .toList();
        if (subjects.isEmpty() && problems.count() == before) {
            spec.field("appliesTo")
                    .ifPresent(field -> problems.add(field.value().at(), "`spec.appliesTo` is empty"));
        }
        return problems.count() > before
                ? Optional.empty()
                : pattern.map(known -> new Naming(known, reserved, lengthMax, Set.copyOf(subjects)));
    }

    private int length(Text text) {
        int max = NamePattern.NAME_LENGTH_MAX;
        if (text.text().matches("[0-9]{1,3}")) {
            int length = Integer.parseInt(text.text());
            if (length >= 1 && length <= max) {
                return length;
            }
        }
        problems.add(
                text.at(),
                "`spec.maxLength` must be a number from 1 to %d, not %s".formatted(max, Problems.quote(text.text())));
        return max;
    }

    private Optional<Policy> classified(Form spec) {
        int before = problems.count();
        Map<String, List<NamePattern>> more = new LinkedHashMap<>();
        Form names = spec.form("names");
        for (Map.Entry<String, Field> entry : names.entries().entrySet()) {
            if (!TAG.matcher(entry.getKey()).matches() || !entry.getKey().startsWith("pii.")) {
                problems.add(
                        entry.getValue().at(),
                        "%s is no tag for personal data: write `pii.` and a word in lower case"
                                .formatted(Problems.quote(entry.getKey())));
            }
            more.put(entry.getKey(), patterns(names.texts(entry.getValue().value(), names.quoted(entry.getKey()))));
        }
        List<NamePattern> ignored = patterns(spec.texts("ignore"));
        return problems.count() > before ? Optional.empty() : Optional.of(new Classified(new PiiNames(more, ignored)));
    }

    private List<NamePattern> patterns(List<Text> texts) {
        return texts.stream()
                .flatMap(text -> pattern(text, NamePattern::ignoringCase).stream())
                .toList();
    }

    private Optional<NamePattern> pattern(Text text, Function<String, NamePattern> compile) {
        if (text.text().length() > PATTERN_LENGTH_MAX) {
            problems.add(text.at(), "the pattern has more than " + PATTERN_LENGTH_MAX + " characters");
            return Optional.empty();
        }
        try {
            return Optional.of(compile.apply(text.text()));
        } catch (PatternSyntaxException wrong) {
            // Where in the pattern, as long as it stands in one line of the file.
            boolean inLine = text.quoted() || text.plain();
            int index = inLine ? Math.max(0, wrong.getIndex()) + (text.quoted() ? 1 : 0) : 0;
            problems.add(text.at().right(index), "the pattern is no regular expression: " + wrong.getDescription());
            return Optional.empty();
        } catch (StackOverflowError deep) {
            problems.add(text.at(), "the pattern is nested too deep");
            return Optional.empty();
        }
    }

    private void mask(String name, Form spec) {
        Optional<Text> tag = spec.requiredText("tag");
        tag.filter(text -> !TAG_GLOB.matcher(text.text()).matches())
                .ifPresent(text -> problems.add(
                        text.at(),
                        "%s is no tag: write one like `pii.email`, or `pii.*` for all that begin so"
                                .formatted(Problems.quote(text.text()))));
        Optional<Mask> action = spec.requiredText("action").flatMap(text -> spec.oneOf(text, ACTIONS, "action"));
        Set<String> except = except(spec);
        Scope scope = scope(spec);
        if (tag.isPresent() && action.isPresent()) {
            masks.add(new Masking(name, tag.get().text(), action.get(), except, scope));
        }
    }

    private void rowFilter(String name, Form spec) {
        Optional<Text> column = spec.requiredText("column");
        List<String> values = spec.strings("values");
        if (spec.field("values").isEmpty()) {
            spec.missing("values");
        } else if (spec.field("values").get().value() instanceof Node.Items list
                && list.items().isEmpty()) {
            problems.add(list.at(), "`spec.values` is empty: no row would ever be seen");
        }
        Set<String> except = except(spec);
        Scope scope = scope(spec);
        column.ifPresent(text -> filters.add(new Filtering(name, text.text(), values, except, scope)));
    }

    private static Set<String> except(Form spec) {
        Form except = spec.form("except");
        Set<String> groups = except.strings("groups").stream().collect(Collectors.toUnmodifiableSet());
        except.closed();
        return groups;
    }

    private static Scope scope(Form spec) {
        Form scope = spec.form("scope");
        Scope read = new Scope(globs(scope, "domains"), globs(scope, "namespaces"), globs(scope, "tables"));
        scope.closed();
        return read;
    }

    /// An empty list would mean everything, which is hardly what its writer meant.
    private static List<String> globs(Form scope, String name) {
        scope.field(name).ifPresent(field -> {
            if (field.value() instanceof Node.Items list && list.items().isEmpty()) {
                scope.empty(list.at(), name);
            }
        });
        return scope.strings(name);
    }

    private static <T extends Enum<T>> Map<String, T> byWord(T[] values) {
        return choices(values, value -> value.name().toLowerCase(Locale.ROOT));
    }

    private static <T> Map<String, T> choices(T[] values, Function<T, String> word) {
        Map<String, T> choices = new LinkedHashMap<>();
        Arrays.stream(values).forEach(value -> choices.put(word.apply(value), value));
        return choices;
    }
}
