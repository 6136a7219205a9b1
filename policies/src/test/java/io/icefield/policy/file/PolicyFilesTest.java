package io.icefield.policy.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.icefield.policy.Change;
import io.icefield.policy.Column;
import io.icefield.policy.Governance;
import io.icefield.policy.Mask;
import io.icefield.policy.Restrictions;
import io.icefield.policy.TableName;
import io.icefield.policy.Violation;
import io.icefield.policy.rules.PiiNames;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PolicyFilesTest {
    private static final TableName CUSTOMERS = new TableName("sales", List.of("crm"), "customers");

    @TempDir
    private Path folder;

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private String complaints() {
        PolicyFileException refusal = catchThrowableOfType(PolicyFileException.class, () -> PolicyFiles.load(folder));
        assertThat(refusal).isNotNull();
        return String.valueOf(refusal.getMessage());
    }

    private static Change create(Column... columns) {
        return new Change(Change.Kind.CREATE_TABLE, CUSTOMERS, List.of(), List.of(columns), Map.of());
    }

    private static Column column(String path, String type, String... tags) {
        return new Column(path.hashCode(), path, type, false, "", Set.of(tags));
    }

    @Test
    void anEmptyFolderRefusesAndHidesNothing() {
        Governance none = PolicyFiles.load(folder);
        Column email = column("EMail", "string", "pii.email");
        assertThat(none.judge(create(email, column("Phone", "string")))).isEqualTo(Governance.NONE.judge(create()));
        assertThat(none.restrict(CUSTOMERS, List.of(email), Set.of())).isEqualTo(Restrictions.NONE);
    }

    @Test
    void theStarterPackJudgesAndMasks() {
        Governance starter = PolicyFiles.starter();
        assertThat(starter.judge(create(column("OrderDate", "date"), column("email", "string")))
                        .denied())
                .map(Violation::message)
                .containsExactly(
                        "column `OrderDate` must match `[a-z_][a-z0-9_]*`; call it `order_date`",
                        "column `email` looks like personal data and is not classified; set the table property"
                                + " `icefield.tags.email` = `pii.email`, or = `public` if it is none");
        List<Column> columns = List.of(
                column("email", "string", "pii.email"),
                column("phone", "string", "pii.phone"),
                column("born", "date", "pii.date_of_birth"),
                column("card", "long", "pii.credit_card"),
                column("shoe_size", "int", "pii.shoe_size"),
                column("city", "string", "public"));
        assertThat(starter.restrict(CUSTOMERS, columns, Set.of("analysts")).masks())
                .isEqualTo(Map.of(
                        "email", Mask.MASK_ALPHANUM,
                        "phone", Mask.SHOW_LAST_4,
                        "born", Mask.TRUNCATE_TO_YEAR,
                        "card", Mask.REPLACE_WITH_NULL,
                        "shoe_size", Mask.REPLACE_WITH_NULL));
        assertThat(starter.restrict(CUSTOMERS, columns, Set.of("stewards"))).isEqualTo(Restrictions.NONE);
    }

    @Test
    void theStarterPackMasksEveryTagThatTheClassifierGives() {
        for (String tag : PiiNames.TAGS) {
            List<Column> columns = List.of(column("x", "string", tag));
            assertThat(PolicyFiles.starter()
                            .restrict(CUSTOMERS, columns, Set.of("analysts"))
                            .masks())
                    .containsOnlyKeys("x");
            assertThat(PolicyFiles.starter().restrict(CUSTOMERS, columns, Set.of("stewards")))
                    .isEqualTo(Restrictions.NONE);
        }
    }

    @Test
    void allFilesOfAFolderAreOneGovernance() throws IOException {
        write("global/naming.yml", """
                apiVersion: icefield.io/v1
                kind: Policy
                metadata: {name: no-x, description: "🧊 no x"}
                spec: {rule: naming, mode: warn, pattern: '[^x]*', appliesTo: columns, scope: {domains: ['s*']}}
                ---
                # nothing here
                ---
                apiVersion: icefield.io/v1
                kind: Policy
                metadata: {name: pii}
                spec:
                  rule: pii-classified
                  names: {pii.loyalty_number: [loyalty_no]}
                  ignore: [phone]
                """);
        write("rows.yaml", """
                apiVersion: icefield.io/v1
                kind: RowFilter
                metadata: {name: rows}
                spec: {column: region, values: [no, 007, "EU's"], except: {groups: stewards}}
                """);
        write(".hidden/bad.yaml", "not: [a policy");
        write("notes.txt", "not: [a policy");
        Governance governance = PolicyFiles.load(folder);
        Governance.Verdict verdict = governance.judge(
                create(column("tax", "double"), column("phone", "string"), column("LOYALTY_NO", "string")));
        assertThat(verdict.warned()).map(Violation::path).containsExactly("column.tax");
        assertThat(verdict.denied()).map(Violation::path).containsExactly("column.LOYALTY_NO");
        List<Column> columns = List.of(column("region", "string", "pii.other"));
        assertThat(governance.restrict(CUSTOMERS, columns, Set.of()))
                .isEqualTo(new Restrictions(
                        Map.of(),
                        List.of(new Restrictions.RowFilter("region", "string", List.of("no", "007", "EU's")))));
        assertThat(governance.restrict(CUSTOMERS, columns, Set.of("stewards"))).isEqualTo(Restrictions.NONE);
    }

    @Test
    void everythingThatIsWrongIsToldAtOnceWithItsPlace() throws IOException {
        write("a.yaml", """
                apiVersion: icefield.io/v2
                kind: Polizy
                metadata: {name: One, labels: {}}
                spec: {}
                ---
                apiVersion: icefield.io/v1
                kind: Policy
                metadata:
                  name: two
                spec:
                  rule: nameing
                  mode: block
                ---
                apiVersion: icefield.io/v1
                kind: Policy
                metadata:
                  name: two
                spec:
                  rule: naming
                  pattern: '[a-z'
                  maxLenght: 10
                  maxLength: ten
                  appliesTo: [tables, files]
                  scope: {domain: [sales], tables: []}
                ---
                - a list
                ---
                kind: Mask
                """);
        write("b/b.yaml", """
                apiVersion: icefield.io/v1
                kind: Mask
                metadata: {name: m}
                spec:
                  tag: PII
                  action: show-last-5
                  except: {group: [stewards]}
                ---
                apiVersion: icefield.io/v1
                kind: RowFilter
                metadata: {name: r}
                spec: {column: , values: []}
                ---
                apiVersion: icefield.io/v1
                kind: Policy
                metadata: {name: p}
                spec:
                  rule: pii-classified
                  names: {loyalty: [x], pii.y: {z: 1}}
                  ignore: ["ok", "a(b"]
                """);
        assertThat(complaints()).isEqualTo("""
                a.yaml:1:13: `apiVersion` must be `icefield.io/v1`, not `icefield.io/v2`
                a.yaml:2:7: `Polizy` is no kind (there are `Policy`, `Mask`, `RowFilter`), did you mean `Policy`?
                a.yaml:3:18: `One` is no name: use at most 63 lower-case letters, digits and hyphens
                a.yaml:3:23: unknown field `labels` in `metadata`
                a.yaml:11:9: `nameing` is no rule (there are `naming`, `pii-classified`), did you mean `naming`?
                a.yaml:12:9: `block` is no mode (there are `deny`, `warn`, `audit`)
                a.yaml:17:9: Policy `two` is already there: a.yaml:9:9
                a.yaml:20:16: the pattern is no regular expression: Unclosed character class
                a.yaml:21:3: unknown field `maxLenght` in `spec`, did you mean `maxLength`?
                a.yaml:22:14: `spec.maxLength` must be a number from 1 to 255, not `ten`
                a.yaml:23:23: `files` is no kind of name (there are `namespaces`, `tables`, `views`, `columns`)
                a.yaml:24:11: unknown field `domain` in `spec.scope`, did you mean `domains`?
                a.yaml:24:36: `spec.scope.tables` is empty; leave it out to mean all
                a.yaml:26:1: a document must be a mapping, not a list
                a.yaml:28:1: `apiVersion` is missing
                a.yaml:28:1: `metadata` is missing
                a.yaml:28:1: `spec` is missing
                b/b.yaml:5:8: `PII` is no tag: write one like `pii.email`, or `pii.*` for all that begin so
                b/b.yaml:6:11: `show-last-5` is no action (there are `mask-alphanum`, `mask-to-fixed-value`, \
                `replace-with-null`, `show-first-4`, `show-last-4`, `truncate-to-year`, `truncate-to-month`, \
                `sha-256-global`, `sha-256-query-local`), did you mean `show-last-4`?
                b/b.yaml:7:12: unknown field `group` in `spec.except`, did you mean `groups`?
                b/b.yaml:12:15: `spec.column` must be text, not nothing
                b/b.yaml:12:26: `spec.values` is empty: no row would ever be seen
                b/b.yaml:19:11: `loyalty` is no tag for personal data: write `pii.` and a word in lower case
                b/b.yaml:19:32: `spec.names.pii.y` must be a list of texts, not a mapping
                b/b.yaml:20:22: the pattern is no regular expression: Unclosed group""");
    }

    @Test
    void yamlThatCannotBeReadSaysWhere() throws IOException {
        write("tab.yaml", "apiVersion: icefield.io/v1\nkind:\n\tPolicy\n");
        write("open.yaml", "kind: [a, b\nmetadata: {}\n");
        write("twice.yaml", """
                apiVersion: icefield.io/v1
                kind: Mask
                metadata: {name: m}
                spec: {tag: pii.name, action: show-last-4, tag: pii.email}
                """);
        write("bell.yaml", "kind: 😀\nmetadata: \"\u0007\"\n");
        Files.write(folder.resolve("latin.yaml"), "kind: é".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(complaints()).isEqualTo("""
                bell.yaml:2:12: this is no YAML: the character U+0007 is not allowed
                latin.yaml: the file is not UTF-8 text
                open.yaml:2:9: this is no YAML: expected ',' or ']', but got :
                tab.yaml:3:1: this is no YAML: found character '\\t(TAB)' that cannot start any token. \
                (Do not use \\t(TAB) for indentation)
                twice.yaml:4:44: field `tag` is given twice; the first is in line 4""");
    }

    @Test
    void aliasesAreRefusedBeforeTheyCanLaugh() throws IOException {
        StringBuilder laughs = new StringBuilder("a0: &a0 [lol, lol]\n");
        for (int i = 1; i < 60; i++) {
            laughs.append("a%d: &a%d [*a%d, *a%d, *a%d]\n".formatted(i, i, i - 1, i - 1, i - 1));
        }
        write("laughs.yaml", laughs.toString());
        assertThat(complaints())
                .contains("laughs.yaml:1:5: anchors (`&name`) are not allowed")
                .contains("laughs.yaml:2:10: aliases (`*name`) are not allowed");
    }

    @Test
    void deepNestingIsRefusedWhereItBegins() throws IOException {
        write("deep.yaml", "spec: " + "[".repeat(500_000));
        write("maps.yaml", "{a: ".repeat(100_000));
        assertThat(complaints()).isEqualTo("""
                deep.yaml:1:22: lists and mappings are nested deeper than 16 levels
                maps.yaml:1:65: lists and mappings are nested deeper than 16 levels""");
    }

    @Test
    void hugeFilesAreNotRead() throws IOException {
        try (var file = Files.newOutputStream(folder.resolve("huge.yaml"))) {
            byte[] megabyte = "#".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 100; i++) {
                file.write(megabyte);
            }
        }
        assertThat(complaints()).isEqualTo("huge.yaml: the file is larger than 1048576 bytes");
    }

    @Test
    void typeTagsAndOddKeysAreRefused() throws IOException {
        write("java.yaml", "kind: !!javax.script.ScriptEngineManager [x]\n? [a]\n: b\n");
        assertThat(complaints())
                .contains("java.yaml:1:7: type tags (`!name`) are not allowed")
                .contains("java.yaml:2:3: a field's name must be text, not a list");
    }

    @Test
    void manyProblemsAreCut() throws IOException {
        write("many.yaml", "x: 1\n---\n".repeat(1_000));
        PolicyFileException refusal = catchThrowableOfType(PolicyFileException.class, () -> PolicyFiles.load(folder));
        assertThat(refusal.problems()).hasSize(Problems.PROBLEMS_MAX);
    }

    @Test
    void aFolderThatIsNotThereIsAProblem() {
        assertThatThrownBy(() -> PolicyFiles.load(folder.resolve("none")))
                .isInstanceOf(PolicyFileException.class)
                .hasMessageContaining("there is no such folder");
    }

    @Test
    void aPolicyThatCannotBeReadIsAProblemNotAnAbsence() throws IOException {
        Files.createSymbolicLink(folder.resolve("gone.yaml"), folder.resolve("nowhere"));
        write("loud.YAML", "kind: [");
        write("real.txt", "- a list");
        Files.createSymbolicLink(folder.resolve("link.yml"), folder.resolve("real.txt"));
        assertThat(complaints()).isEqualTo("""
                gone.yaml: this is no file that can be read
                link.yml:1:1: a document must be a mapping, not a list
                loud.YAML:1:8: this is no YAML: expected the node content, but found '<stream end>'""");
    }

    @Test
    void aFolderInsideItselfIsAProblem() throws IOException {
        Files.createSymbolicLink(folder.resolve("again"), folder);
        assertThat(complaints()).contains("the folder cannot be read (UncheckedIOException)");
    }

    @Test
    void aRunawayPatternRefusesTheChange() throws IOException {
        write("slow.yaml", """
                apiVersion: icefield.io/v1
                kind: Policy
                metadata: {name: slow}
                spec: {rule: naming, pattern: '(.*a){20}b'}
                """);
        assertThat(PolicyFiles.load(folder)
                        .judge(create(column("a".repeat(200), "string")))
                        .denied())
                .map(Violation::code)
                .containsExactly("policy/failed");
    }
}
