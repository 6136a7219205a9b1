package io.icefield.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.icefield.local.S3Policy.Question;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class S3PolicyTest {
    private static final String ALLOW = """
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/t/*"}""";

    private static String document(String statements) {
        return "{\"Version\": \"2012-10-17\", \"Statement\": [" + statements + "]}";
    }

    private static boolean allows(String statements, String action, String resource) {
        return S3Policy.parse(document(statements)).allows(new Question(action, resource, Optional.empty()));
    }

    private static boolean lists(String condition, Optional<String> prefix) {
        String statement = """
                {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::b", "Condition":""";
        return S3Policy.parse(document(statement + condition + "}")).allows(new Question("s3:ListBucket", "b", prefix));
    }

    @Test
    void whatIsNotAllowedIsRefusedAndDenyWins() {
        assertThat(allows(ALLOW, "s3:GetObject", "b/t/x")).isTrue();
        assertThat(allows(ALLOW, "s3:getobject", "b/t/x")).isTrue();
        assertThat(allows(ALLOW, "s3:PutObject", "b/t/x")).isFalse();
        assertThat(allows(ALLOW, "s3:GetObject", "b/t2/x")).isFalse();
        assertThat(allows(ALLOW, "s3:GetObject", "B/t/x")).isFalse();
        String deny = """
                {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*/secret"}""";
        assertThat(allows(ALLOW + "," + deny, "s3:GetObject", "b/t/secret")).isFalse();
        assertThat(allows(deny + "," + ALLOW, "s3:GetObject", "b/t/secret")).isFalse();
        assertThat(allows(deny + "," + ALLOW, "s3:GetObject", "b/t/public")).isTrue();
    }

    @Test
    void aListingHasTheRightPrefixOrNone() {
        String like = """
                {"StringLike": {"s3:prefix": ["t/*"]}, "ForAllValues:StringLike": {"s3:prefix": "t/*"}}""";
        assertThat(lists(like, Optional.of("t/"))).isTrue();
        assertThat(lists(like, Optional.of("t/x"))).isTrue();
        assertThat(lists(like, Optional.of("t"))).isFalse();
        assertThat(lists(like, Optional.of(""))).isFalse();
        assertThat(lists(like, Optional.empty())).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"Effect\": \"Allow\", \"NotAction\": \"s3:GetObject\", \"Resource\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"NotResource\": \"arn:aws:s3:::b\"}",
                "{\"Effect\": \"Maybe\", \"Action\": \"*\", \"Resource\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Resource\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": [], \"Resource\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": [1], \"Resource\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"arn:aws:s3:::b/${aws:username}/*\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"arn:aws:iam::1:role/x\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\", \"Principal\": \"*\"}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": {\"StringNotLike\": {\"s3:prefix\": \"x\"}}}",
                "{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": {\"StringLike\": {\"aws:SourceIp\": \"x\"}}}",
                "{\"Effect\": \"Allow\", \"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\"}",
                "7",
                "[]"
            })
    void whatIsNotUnderstoodIsRefused(String statement) {
        assertThatIllegalArgumentException().isThrownBy(() -> S3Policy.parse(document(statement)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "{}",
                "{\"Version\": \"2012-10-17\"}",
                "{\"Version\": \"2012-10-17\", \"Statement\": []}",
                "{\"Version\": \"2008-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}",
                "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]} {}"
            })
    void aDocumentIsWholeOrRefused(String document) {
        assertThatIllegalArgumentException().isThrownBy(() -> S3Policy.parse(document));
    }

    @ParameterizedTest
    @CsvSource({
        "a*c, abc, true",
        "a*c, ac, true",
        "a*c, abcd, false",
        "a?c, abc, true",
        "a?c, ac, false",
        "*, '', true",
        "a, '', false",
        "b/t/*, b/t2/x, false",
        "*b*b, abab, true",
        "[a-z], a, false",
        "a.c, abc, false",
        "*/../*, t/../x, true"
    })
    void aPatternHasStarsAndQuestionMarksOnly(String pattern, String text, boolean matches) {
        assertThat(S3Policy.matches(pattern, text)).isEqualTo(matches);
    }

    @Test
    void noPatternTakesForever() {
        String pattern = "*a".repeat(500) + "b";
        assertTimeoutPreemptively(
                Duration.ofSeconds(10),
                () -> assertThat(S3Policy.matches(pattern, "a".repeat(5_000))).isFalse());
    }
}
