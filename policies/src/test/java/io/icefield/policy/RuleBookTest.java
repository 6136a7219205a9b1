package io.icefield.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.icefield.policy.RuleBook.Binding;
import io.icefield.policy.RuleBook.Filtering;
import io.icefield.policy.RuleBook.Masking;
import io.icefield.policy.RuleBook.Mode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RuleBookTest {
    private static final TableName CUSTOMERS = new TableName("sales", List.of("crm"), "customers");
    private static final Set<String> ANALYSTS = Set.of("analysts");
    private static final Set<String> STEWARDS = Set.of("analysts", "stewards");

    private static Column column(int id, String path, String type, String... tags) {
        return new Column(id, path, type, true, "", Set.of(tags));
    }

    private static Masking masking(String tag, Mask mask, String... except) {
        return new Masking(tag + mask, tag, mask, Set.of(except), Scope.EVERYTHING);
    }

    private static RuleBook masks(Masking... masks) {
        return new RuleBook(List.of(), List.of(masks), List.of());
    }

    private static RuleBook filters(Filtering... filters) {
        return new RuleBook(List.of(), List.of(), List.of(filters));
    }

    private static Map<String, Mask> hidden(RuleBook book, Set<String> groups, Column... columns) {
        return book.restrict(CUSTOMERS, List.of(columns), groups).masks();
    }

    @Test
    void taggedColumnsAreMaskedForAllButTheExcepted() {
        RuleBook book = masks(masking("pii.email", Mask.MASK_ALPHANUM, "stewards"));
        Column email = column(1, "email", "string", "pii.email");
        Column id = column(2, "id", "long");
        assertThat(hidden(book, ANALYSTS, email, id)).isEqualTo(Map.of("email", Mask.MASK_ALPHANUM));
        assertThat(hidden(book, Set.of(), email, id)).isEqualTo(Map.of("email", Mask.MASK_ALPHANUM));
        assertThat(hidden(book, STEWARDS, email, id)).isEmpty();
    }

    @Test
    void aMaskBecomesOneThatTheTypeCanTake() {
        RuleBook book = masks(masking("pii.phone", Mask.SHOW_LAST_4));
        assertThat(hidden(book, ANALYSTS, column(1, "phone", "long", "pii.phone")))
                .isEqualTo(Map.of("phone", Mask.REPLACE_WITH_NULL));
    }

    @Test
    void aPersonalTagThatNoMaskNamesIsHiddenFromEverybody() {
        RuleBook book = masks(masking("pii.email", Mask.MASK_ALPHANUM, "stewards"));
        Column odd = column(1, "shoe_size", "int", "pii.shoe_size");
        assertThat(hidden(book, ANALYSTS, odd)).isEqualTo(Map.of("shoe_size", Mask.REPLACE_WITH_NULL));
        assertThat(hidden(book, STEWARDS, odd)).isEqualTo(Map.of("shoe_size", Mask.REPLACE_WITH_NULL));
        assertThat(hidden(book, ANALYSTS, column(1, "note", "string", "confidential")))
                .isEmpty();
        assertThat(hidden(book, ANALYSTS, column(1, "note", "string", "public")))
                .isEmpty();
    }

    @Test
    void aTagInCapitalsIsTheSameTag() {
        RuleBook book = masks(masking("pii.email", Mask.SHOW_FIRST_4));
        assertThat(hidden(book, ANALYSTS, column(1, "email", "string", "PII.Email")))
                .isEqualTo(Map.of("email", Mask.SHOW_FIRST_4));
    }

    @Test
    void withoutAnyMaskNothingIsHidden() {
        assertThat(hidden(masks(), ANALYSTS, column(1, "email", "string", "pii.email")))
                .isEmpty();
    }

    @Test
    void ofSeveralTagsTheStrictestMaskWins() {
        RuleBook book = masks(masking("pii.email", Mask.SHOW_FIRST_4), masking("pii.name", Mask.SHA_256_GLOBAL));
        assertThat(hidden(book, ANALYSTS, column(1, "who", "string", "pii.email", "pii.name")))
                .isEqualTo(Map.of("who", Mask.SHA_256_GLOBAL));
    }

    @Test
    void anExceptionForOneTagDoesNotLiftTheMaskOfAnother() {
        RuleBook book =
                masks(masking("pii.email", Mask.REPLACE_WITH_NULL, "stewards"), masking("pii.name", Mask.SHOW_FIRST_4));
        assertThat(hidden(book, STEWARDS, column(1, "who", "string", "pii.email", "pii.name")))
                .isEqualTo(Map.of("who", Mask.SHOW_FIRST_4));
    }

    @Test
    void theRuleForTheVeryTagCountsBeforeTheGeneralOne() {
        RuleBook book = masks(
                masking("pii.*", Mask.REPLACE_WITH_NULL),
                masking("pii.email", Mask.MASK_ALPHANUM, "stewards"),
                masking("*", Mask.SHA_256_GLOBAL));
        Column email = column(1, "email", "string", "pii.email");
        Column phone = column(2, "phone", "string", "pii.phone");
        assertThat(hidden(book, ANALYSTS, email, phone))
                .isEqualTo(Map.of("email", Mask.MASK_ALPHANUM, "phone", Mask.REPLACE_WITH_NULL));
        assertThat(hidden(book, STEWARDS, email, phone)).isEqualTo(Map.of("phone", Mask.REPLACE_WITH_NULL));
    }

    @Test
    void aSecondRuleForTheSameTagStillBindsWhomTheFirstExcepts() {
        RuleBook book =
                masks(masking("pii.email", Mask.REPLACE_WITH_NULL, "stewards"), masking("pii.email", Mask.SHOW_LAST_4));
        Column email = column(1, "email", "string", "pii.email");
        assertThat(hidden(book, ANALYSTS, email)).isEqualTo(Map.of("email", Mask.REPLACE_WITH_NULL));
        assertThat(hidden(book, STEWARDS, email)).isEqualTo(Map.of("email", Mask.SHOW_LAST_4));
    }

    @Test
    void aRuleForAnotherDomainDoesNotMakeTheTagKnownHere() {
        Masking elsewhere = new Masking(
                "elsewhere", "pii.email", Mask.SHOW_LAST_4, Set.of(), new Scope(List.of("hr"), List.of(), List.of()));
        assertThat(hidden(masks(elsewhere), ANALYSTS, column(1, "email", "string", "pii.email")))
                .isEqualTo(Map.of("email", Mask.REPLACE_WITH_NULL));
    }

    @Test
    void aTaggedFieldInsideHidesItsWholeColumn() {
        RuleBook book = masks(masking("pii.*", Mask.MASK_ALPHANUM, "stewards"));
        Column[] columns = {
            column(1, "contact", "struct"),
            column(2, "contact.email", "string", "pii.email"),
            column(3, "contact.kind", "string"),
            column(4, "phones", "list", "pii.phone"),
            column(5, "phones.element", "string", "pii.phone"),
            column(6, "visits", "map"),
            column(7, "visits.value", "struct"),
            column(8, "visits.value.ip", "string", "pii.ip_address"),
        };
        assertThat(hidden(book, ANALYSTS, columns))
                .isEqualTo(Map.of(
                        "contact", Mask.REPLACE_WITH_NULL,
                        "phones", Mask.REPLACE_WITH_NULL,
                        "visits", Mask.REPLACE_WITH_NULL));
        assertThat(hidden(book, STEWARDS, columns)).isEmpty();
    }

    @Test
    void aDotInANameIsNoNesting() {
        RuleBook book = masks(masking("pii.*", Mask.MASK_ALPHANUM));
        assertThat(hidden(book, ANALYSTS, column(1, "e.mail", "string", "pii.email"), column(2, "e", "string")))
                .isEqualTo(Map.of("e.mail", Mask.MASK_ALPHANUM));
    }

    @Test
    void rowsAreFilteredForAllButTheExcepted() {
        RuleBook book = filters(
                new Filtering("eu", "REGION", List.of("EU", "UK"), Set.of("stewards"), Scope.EVERYTHING),
                new Filtering("hr", "region", List.of("US"), Set.of(), new Scope(List.of("hr"), List.of(), List.of())));
        List<Column> columns = List.of(column(1, "region", "string"));
        assertThat(book.restrict(CUSTOMERS, columns, ANALYSTS).filters())
                .containsExactly(new Restrictions.RowFilter("region", "string", List.of("EU", "UK")));
        assertThat(book.restrict(CUSTOMERS, columns, STEWARDS)).isEqualTo(Restrictions.NONE);
    }

    @Test
    void aFilteredTableWithoutTheColumnShowsNoRows() {
        RuleBook book = filters(new Filtering("eu", "region", List.of("EU"), Set.of(), Scope.EVERYTHING));
        assertThat(book.restrict(CUSTOMERS, List.of(column(1, "area", "string")), ANALYSTS)
                        .filters())
                .containsExactly(new Restrictions.RowFilter("region", "", List.of()));
    }

    @Test
    void theModeDecidesWhatFollows() {
        Policy one = change -> List.of(new Violation("a/one", "table", "one"));
        Policy two = change -> List.of(new Violation("a/two", "table", "two"));
        Policy three = change -> List.of(new Violation("a/three", "table", "three"));
        RuleBook book = new RuleBook(
                List.of(
                        new Binding("one", one, Mode.DENY, Scope.EVERYTHING),
                        new Binding("two", two, Mode.WARN, Scope.EVERYTHING),
                        new Binding("three", three, Mode.AUDIT, Scope.EVERYTHING),
                        new Binding("four", one, Mode.DENY, new Scope(List.of("hr"), List.of(), List.of()))),
                List.of(),
                List.of());
        Governance.Verdict verdict = book.judge(change());
        assertThat(verdict.denied()).map(Violation::code).containsExactly("a/one");
        assertThat(verdict.warned()).map(Violation::code).containsExactly("a/two", "a/three");
    }

    @Test
    void aPolicyThatCannotBeEvaluatedDeniesEvenWhenItOnlyAudits() {
        Policy broken = change -> {
            throw new IllegalStateException("a secret value");
        };
        Policy endless = change -> {
            throw new StackOverflowError();
        };
        Policy fine = change -> List.of(new Violation("a/one", "table", "one"));
        RuleBook book = new RuleBook(
                List.of(
                        new Binding("broken", broken, Mode.AUDIT, Scope.EVERYTHING),
                        new Binding("endless", endless, Mode.WARN, Scope.EVERYTHING),
                        new Binding("fine", fine, Mode.DENY, Scope.EVERYTHING)),
                List.of(),
                List.of());
        List<Violation> denied = book.judge(change()).denied();
        assertThat(denied).map(Violation::code).containsExactly("policy/failed", "policy/failed", "a/one");
        assertThat(denied.getFirst().message()).contains("`broken`").doesNotContain("secret");
    }

    private static Change change() {
        return new Change(Change.Kind.CREATE_TABLE, CUSTOMERS, List.of(), List.of(), Map.of());
    }
}
