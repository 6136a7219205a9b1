package io.icefield.policy.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.TableName;
import io.icefield.policy.file.Node.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The rules as tables a steward can read: `cases/*.yaml`.
class CasesTest {
    @TestFactory
    Stream<DynamicTest> naming() throws IOException {
        return cases("naming.yaml");
    }

    @TestFactory
    Stream<DynamicTest> classification() throws IOException {
        return cases("classification.yaml");
    }

    private static Stream<DynamicTest> cases(String file) throws IOException {
        Problems problems = new Problems();
        Form form = new Form(document(file, problems), "", problems);
        assertThat(form.strings("policies")).containsExactly("starter");
        Governance governance = PolicyFiles.starter();
        List<DynamicTest> tests = new ArrayList<>();
        for (Node node : ((Node.Items) form.field("cases").orElseThrow().value()).items()) {
            Form one = new Form(node, "case", problems);
            String name = one.strings("name").getFirst();
            Change change = change(one);
            List<String> expected = one.strings("expect");
            one.closed();
            tests.add(DynamicTest.dynamicTest(
                    name,
                    () -> assertThat(governance.judge(change).denied())
                            .map(violation -> violation.code() + " " + violation.path())
                            .containsExactlyElementsOf(expected)));
        }
        problems.throwIfAny();
        assertThat(tests).hasSizeGreaterThan(10);
        return tests.stream();
    }

    private static Node document(String file, Problems problems) throws IOException {
        try (var in = Objects.requireNonNull(CasesTest.class.getResourceAsStream("/cases/" + file))) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return Yaml.documents(file, text, problems).getFirst();
        }
    }

    private static Change change(Form one) {
        Change.Kind kind = one.text("kind")
                .map(Text::text)
                .map(text -> Change.Kind.valueOf(text.toUpperCase(Locale.ROOT)))
                .orElseThrow();
        List<String> name = List.of(one.strings("table").getFirst().split("\\."));
        boolean table = kind != Change.Kind.CREATE_NAMESPACE;
        return new Change(
                kind,
                new TableName(
                        name.getFirst(), name.subList(1, name.size() - (table ? 1 : 0)), table ? name.getLast() : ""),
                columns(one.strings("before")),
                columns(one.strings("after")),
                Map.of());
    }

    private static List<Column> columns(List<String> lines) {
        return lines.stream()
                .map(line -> line.split(" "))
                .map(words -> new Column(
                        Integer.parseInt(words[0]),
                        words[2],
                        words[1],
                        false,
                        "",
                        Set.copyOf(List.of(words).subList(3, words.length))))
                .toList();
    }
}
