package io.icefield.policy.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamePatternTest {
    @ParameterizedTest
    @ValueSource(strings = {"(.*a){20}b", ".*.*.*.*.*.*b", "(a*)(a*)(a*)(a*)\\4b"})
    void aPatternThatRunsAwayIsStopped(String regex) {
        assertThatThrownBy(() -> NamePattern.of(regex).matches("a".repeat(200)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("steps");
    }

    @Test
    void ordinaryPatternsOnLongNamesAreNotStopped() {
        assertThat(NamePattern.of("[a-z_][a-z0-9_]*").matches("a".repeat(NamePattern.NAME_LENGTH_MAX)))
                .isTrue();
        assertThat(NamePattern.ignoringCase(".*(mail|phone).*").matches("x".repeat(200) + "_PHONE"))
                .isTrue();
    }

    @Test
    void aNameOverTheLimitNeverMatches() {
        assertThat(NamePattern.of(".*").matches("a".repeat(NamePattern.NAME_LENGTH_MAX + 1)))
                .isFalse();
    }

    @Test
    void theWholeNameMustMatch() {
        assertThat(NamePattern.of("mail").matches("e_mail")).isFalse();
        assertThat(NamePattern.of("[a-z]+").matches("a\n")).isFalse();
    }
}
